#!/bin/sh
# No switching on Fridays: builds go on, the switch waits, and a newer commit still takes the place of what waits.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar; template base.json busybox.tar s.sh
what() { echo "echo $1 > /etc/v" | script s.sh; commit "$1"; }
on() { KILN_CLOCK=$(($(date -ud "$1" +%s) - $(date +%s))); export KILN_CLOCK; }
phases() { kiln show base --json | jq -r '[.builds[].phase] | join(" ")'; }
conf() { printf '{"repositories": [{"url": "%s", "poll": "1h"}], %s}' "$PWD" "$1" > "$T/service.json"; }
is_in() { file_of base/current etc/v; }

what one; kiln apply > /dev/null 2>&1
conf '"freezes": [{"calendar": "Fri", "for": "24h"}]'
on 2030-01-04T12:00 # a Friday
what two; run kiln apply --config "$T/service.json"
is 'a version that is ready waits' "$code $(phases)" '0 live validating'
like 'which is said' "$out" '*freeze*2030-01-05T00:00:00Z*'
is 'with no number' "$(kiln list --json | jq -c '.images[0].versions')" 1
what three; kiln apply --config "$T/service.json" > /dev/null 2>&1
is 'a newer commit takes its place' "$(phases)" 'live cancelled validating'
on 2030-01-05T00:01; succeeds 'on Saturday it goes live' kiln apply --config "$T/service.json"
is 'which is what was built' "$(is_in) $(phases)" 'three superseded cancelled live'
on 2030-01-11T12:00
succeeds 'a person goes back at any time' kiln rollback base --config "$T/service.json"
is 'to what was before' "$(is_in)" one
kiln release base > /dev/null; run kiln apply --config "$T/service.json"
like 'a switch to a version that is there waits too' "$out" '*freeze*'
is 'and nothing moved' "$(is_in)" one

# a daemon waits itself
on 2030-01-11T13:00; daemon_start "$T/service.json"
what four; becomes 'a daemon builds' validating sh -c "kiln show base --json | jq -r '.builds[-1].phase'"
what five; wait_until 5 sh -c "kiln show base --json | jq '.builds | length'"
becomes 'also what is newer' validating sh -c "kiln show base --json | jq -r '.builds[-1].phase'"
is 'live is what was' "$(is_in)" one
daemon_end; on 2030-01-11T23:59:55; daemon_start "$T/service.json"
becomes 'and switches when the freeze is over' five is_in
conf '"windows": [{"calendar": "*-*-* 08:00", "for": "8h", "repositories": ["images"]}]'; kiln reload
what six; wait_until 6 sh -c "kiln show base --json | jq '.builds | length'"
becomes 'outside of its windows a repository waits too' validating sh -c "kiln show base --json | jq -r '.builds[-1].phase'"
conf '"windows": [{"calendar": "*-*-* 08:00", "for": "8h", "repositories": ["others"]}]'; kiln reload
becomes 'a window of others is no matter' six is_in
daemon_end; expect_whole
for wrong in '"freezes": [{"calendar": "Fri"}]' '"windows": [{"calendar": "Froday", "for": "1h"}]'; do
	conf "$wrong"; fails "$wrong is refused" kiln status --config "$T/service.json"
	like 'with its place' "$err" '*service.json:1:*'
done
done_testing
