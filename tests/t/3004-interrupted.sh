#!/bin/sh
# Ctrl-C cleans up, a second one stops at once; what a killed kiln leaves is taken over or cleaned up by the next.
. "$(dirname "$0")/lib.sh"
# programs of its own, to be found by their path among those of other tests
mkdir "$T/bin"; cp "$BIN/kiln" "$BIN/kilnd" "$BIN/kiln-build" "$T/bin"; BIN=$T/bin PATH=$T/bin:$PATH
new_repository
busybox_tar busybox.tar
template base.json busybox.tar s.sh
printf 'echo begun > /etc/begun\nsleep 31\n' | script s.sh; commit slow
wait_for_line() { # FILE PATTERN
	for i in $(seq 600); do grep -q "$2" "$1" 2>/dev/null && return; sleep 0.05; done
	echo "# no '$2' in $1" >&2
}
begin_apply() { # in the background, until its script runs; what an earlier one said is not mistaken for it
	: > "$T/said"
	kiln apply >> "$T/said" 2>&1 & pid=$!
	wait_for_line "$T/said" 'running the script'
}
worker() { pgrep -f "$BIN/kiln-build" | head -n 1; }
workers_left() { pgrep -f "$BIN/kiln-build" | wc -l; }
builds() { kiln show base --json 2>/dev/null | jq -r '[.builds[].phase] | join(" ")'; }

begin_apply
kill -INT $pid; wait $pid; code=$?
is 'Ctrl-C ends apply with a failure' "$code" 1
like 'it says cancelled' "$(cat "$T/said")" '*cancelled*'
is 'the build is cancelled' "$(builds)" cancelled
is 'its work folder is gone' "$(find "$KILN_STATE/builds" -name work)" ''
is 'nothing of it runs' "$(pgrep -fc '^sleep 31$')" 0

begin_apply
kill -INT $pid; kill -INT $pid; sleep 0.2; kill -INT $pid 2>/dev/null; wait $pid
is 'a second Ctrl-C stops at once' "$(builds)" 'cancelled cancelled'
is 'and nothing runs' "$(pgrep -fc '^sleep 31$')" 0

# the head is killed: the build goes on, and the next apply takes it over
printf 'echo begun > /etc/begun\nsleep 3\n' | script s.sh; commit 'less slow'
begin_apply
head=$(pgrep -f "$BIN/kilnd --once" | head -n 1)
kill -KILL "$head"; wait $pid; code=$?
is 'kiln says so when kilnd is killed' "$code" 1
unlike 'the worker lives on' "$(worker)" ''
succeeds 'the next apply takes the build over' kiln apply
like 'and says so' "$out" '*taken over*'
is 'it was built once' "$(builds)" 'cancelled cancelled live'
expect_live base 1

# both are killed: the build is done again from where it was
printf 'echo again > /etc/begun\nsleep 2\n' | script s.sh; commit 'again'
begin_apply
kill -KILL "$(pgrep -f "$BIN/kilnd --once" | head -n 1)" "$(worker)"; wait $pid
succeeds 'with the worker killed too the next apply goes on' kiln apply
is 'with the same build' "$(builds)" 'cancelled cancelled superseded live'
is 'nothing is left' "$(find "$KILN_STATE/builds" -name work; pgrep -fc '^sleep 2$')" 0

# a newer commit makes a build that a killed kiln left pointless
printf 'sleep 20\n' | script s.sh; commit 'to be given up'
begin_apply
kill -KILL "$(pgrep -f "$BIN/kilnd --once" | head -n 1)"; wait $pid
printf 'echo new > /etc/begun\n' | script s.sh; commit 'newer'
succeeds 'apply of a newer commit' kiln apply
is 'cancels the older build' "$(builds)" 'cancelled cancelled superseded superseded cancelled live'
is 'whose worker is gone' "$(workers_left)" 0

# cancel by another terminal
printf 'sleep 20\n' | script s.sh; commit 'to be cancelled'
begin_apply
succeeds 'cancel ends a build that runs' kiln cancel base
wait $pid; is 'and its apply fails' "$?" 1
expect_live base 3
: > "$T/said"
(kiln apply base >> "$T/said" 2>&1; echo over >> "$T/said") & background="$background $!"
wait_for_line "$T/said" 'running the script'
kiln log base -f > "$T/log" 2>&1 & log=$!
wait_for_line "$T/log" 'running the script'
kiln cancel base > /dev/null 2>&1; wait_for_line "$T/said" over
wait $log; is 'log -f ends with the build' "$?" 0
is 'no fault is left behind' "$(kiln verify 2>&1 | sed 's/.*: //')" '0 faults'

# the last step before it is lasting: kilnd is terminated, not killed
printf 'sleep 20\n' | script s.sh; commit 'terminated'
begin_apply
kill -TERM "$(pgrep -f "$BIN/kilnd --once" | head -n 1)"; wait $pid
is 'a terminated kilnd cleans up' "$(workers_left) $(find "$KILN_STATE/builds" -name work)" '0 '
done_testing
