#!/bin/sh
# Rebuilds by the clock: which images are due when, what was missed while nobody ran, and a daemon that wakes for it.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
template base.json busybox.tar s.sh
printf 'echo one > /etc/v\n' | script s.sh
on() { KILN_CLOCK=$(($(date -ud "$1" +%s) - $(date +%s))); export KILN_CLOCK; }
rebuild() { printf '{"images": {"base": {"template": "base.json", "rebuild": %s}}}' "$1" > kiln.json; commit config; }
next() { kiln status --json | jq -r '.images[0].next'; }
reason() { kiln plan --json 2>/dev/null | jq -r '.images[0] | .action + " " + .reasons[0].kind + " " + .reasons[0].text'; }

rebuild '{"at": "03:30"}'
on 2030-01-10T02:00; kiln apply > /dev/null 2>&1
is 'a nightly build has its time' "$(next)" 2030-01-10T03:30:00Z
on 2030-01-10T03:29; expect_action base unchanged 'before it nothing is due'
on 2030-01-10T03:31; expect_action base rebuild 'after it it is'
kiln apply > /dev/null 2>&1
on 2030-01-11T03:29; expect_action base unchanged 'till the next night'
on 2030-01-15T12:00; expect_action base rebuild 'what was missed while nobody ran is caught up'
kiln apply > /dev/null 2>&1; expect_action base unchanged 'once'
is 'then it goes on as ever' "$(next)" 2030-01-16T03:30:00Z
is 'what came out equal is not published' "$(kiln show base --json | jq -c '[(.versions | length), ([.builds[].phase] | unique)]')" '[1,["live","unneeded"]]'

rebuild '{"every": "7d", "at": "03:30"}'; on 2030-02-01T03:34; kiln apply base --force > /dev/null 2>&1
on 2030-02-08T03:29; expect_action base unchanged 'every seven days at a time'
on 2030-02-08T03:31; expect_action base rebuild 'is the time nearest to that age, not the day after'
rebuild '{"calendar": "Mon 05:00 America/New_York"}'; kiln apply base --force > /dev/null 2>&1
on 2030-02-11T09:59; expect_action base unchanged 'a calendar expression, in the time zone that it names'
on 2030-02-11T10:01; expect_action base rebuild 'as the clocks of that place have it'
kiln apply > /dev/null 2>&1
rebuild '{"at": "03:30"}'; printf '{"repositories": [{"url": "%s", "poll": "1h"}], "timezone": "Asia/Tokyo"}' "$PWD" > "$T/service.json"
is "the service's time zone counts" "$(kiln plan --config "$T/service.json" --json > /dev/null 2>&1; kiln apply --config "$T/service.json" > /dev/null 2>&1; kiln apply base --force --config "$T/service.json" > /dev/null 2>&1; kiln status --config "$T/service.json" --json | jq -r '.images[0].next')" 2030-02-11T18:30:00Z
rebuild '{"at": "03:30", "spread": "2h"}'; kiln apply > /dev/null 2>&1; kiln apply base --force > /dev/null 2>&1
spread=$(next); is 'a spread puts it off by up to so much' "$(($(date -ud "$spread" +%s) - $(date -ud 2030-02-12T03:30 +%s) < 7200))" 1
kiln apply base --force > /dev/null 2>&1; is 'always the same' "$(next)" "$spread"

echo one > "$T/outside"; printf '{"repositories": [{"url": "%s", "allow": ["outside-path:%s"], "poll": "1h"}]}' "$PWD" "$T" > "$T/service.json"
printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "file", "source": "%s/outside", "destination": "/etc/"}]}' "$T" > base.json
rebuild '{"at": "03:30", "when": "inputs"}'; on 2030-03-01T02:00; kiln apply --config "$T/service.json" > /dev/null 2>&1
on 2030-03-09T12:00
is 'for inputs alone, age is nothing' "$(kiln plan --config "$T/service.json" --json 2>/dev/null | jq -r '.images[0].action')" unchanged

# a daemon sleeps until then
versions() { kiln show base --json | jq '.versions | length'; }
on 2030-03-11T03:29:45
daemon_start "$T/service.json"
wait_until 1 sh -c "grep -c watches '$T/daemon'"; sleep 0.5; stamp=$(stat -c %y "$T/outside"); echo two > "$T/outside"; touch -d "$stamp" "$T/outside"
is 'what lies outside moves unseen' "$(versions)" 2
# a clock that is set, or went on while the machine slept, is what counts: the kernel wakes us by the one on the wall (timerfd, TFD_TIMER_ABSTIME)
is 'by the clock on the wall' "$(grep -l '^clockid: 0' /proc/"$(pgrep -f "kilnd --daemon.*$T/service.json")"/fdinfo/* | xargs grep -h '^settime flags\|^it_value' | sed 's/([1-9].*/(set/' | tr '\n' ' ')" 'settime flags: 01 it_value: (set '
becomes 'until the time has come' 3 versions
daemon_end
template base.json busybox.tar s.sh
for wrong in '"25:00"' '"3"'; do
	rebuild "{\"at\": $wrong}"; like "at $wrong is refused" "$(reason)" 'blocked invalid *time of day*'
done
rebuild '{"calendar": "Mon..Fro 03:30"}'; like 'a calendar expression that is none too' "$(reason)" 'blocked invalid *kiln.json:1:*Fro*'
rebuild '{"calendar": "Mon 03:30", "every": "7d"}'; like 'and two that exclude each other' "$(reason)" 'blocked invalid *exclude*'
printf '{"timezone": "Mars/Olympus"}' > "$T/wrong.json"; fails 'a time zone that there is not' kiln status --config "$T/wrong.json"
like 'is said' "$err" '*wrong.json:1:*Mars/Olympus*'
done_testing
