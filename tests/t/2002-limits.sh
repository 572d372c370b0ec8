#!/bin/sh
# Provisioners that fork for ever, fill the disk, print 1 GB or never end: a clear error, and nothing half-published.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
bad() { # NAME COMMAND
	printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "shell", "inline": ["%s"]%s}]}' "$2" "${3:-}" > "$1.json"
}
bad good 'echo fine > /fine'
bad forks 'f() { f | f & }; f; sleep 20; exit 0'
bad talks 'yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 1100000000'
bad sleeps 'sleep 1000' ', "timeout": "2s"'
bad leaves '(sleep 1000 &); (trap true TERM; sleep 1001) & exit 0'
commit bad
printf '{"limits": {"log_bytes": 1000000}}' > "$T/limits.json"

fails 'a step that says more than limits.log_bytes is ended' kiln apply talks --config "$T/limits.json"
like 'which is said' "$out" '*limits.log_bytes*'
log=$(find "$KILN_STATE/builds" -name log | head -n 1)
is 'the log stays small' "$([ "$(stat -c %s "$log")" -lt 4000000 ] && echo small)" small
fails 'a step that never ends is ended at its timeout' kiln apply sleeps
like 'which is said' "$out" '*2s*'
is 'and nothing of it is left running' "$(pgrep -f '^sleep 1000$' | wc -l)" 0
succeeds 'what a step leaves running does not hold the build' kiln apply leaves
is 'and is gone with it' "$(pgrep -f '^sleep 100[01]$' | wc -l)" 0
run kiln apply forks
becomes 'a fork bomb ends with its build' 0 sh -c "pgrep -f '[s]cript_1000' | wc -l"
succeeds 'and the next build works' kiln apply good
is 'no build folder is left' "$(find "$KILN_STATE/builds" -name work)" ''

# the whole build has a time
bad endless 'while true; do :; done'; commit endless
printf '{"limits": {"build_timeout": "3s"}}' > "$T/timeout.json"
fails 'limits.build_timeout ends a build' kiln apply endless --config "$T/timeout.json"
like 'which is said' "$out" '*build_timeout*'

bad sparse 'dd if=/dev/zero of=/big bs=1 count=0 seek=8000000000000'; commit sparse
fails 'and a packing that would never end' timeout 60 kiln apply sparse --config "$T/timeout.json"
like 'likewise' "$out" '*build_timeout*'

# a full disk: the state folder on a small file system of its own
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/state.small"
	if mount -t tmpfs -o size=24m none "$T/state.small" 2>/dev/null; then
		bad fills 'dd if=/dev/zero of=/big bs=1M count=1000'; commit fills
		printf '{"limits": {"disk_reserve_bytes": 4000000}}' > "$T/small.json"
		KILN_STATE=$T/state.small; export KILN_STATE
		succeeds 'a build fits on the small disk' kiln apply good --config "$T/small.json"
		fails 'one that fills it fails' kiln apply fills --config "$T/small.json"
		like 'saying that the disk is full' "$out$err" '*disk is full*'
		room() { [ "$(df --output=avail -B1 "$T/state.small" | tail -n 1)" -gt 4000000 ] && echo room; }
		becomes 'with room left for the rest' room room # a file is gone when the last that has it open is
		printf 'echo better > /fine\n' > /dev/null
		bad good 'echo better > /fine'; commit better
		succeeds 'the next build works' kiln apply good --config "$T/small.json"
		is 'and is live' "$(live good)" 2
		head -c 100M /dev/zero > "$T/state.small/filler" 2>/dev/null
		bad good 'echo best > /fine'; commit best
		fails 'with no byte left nothing is built' kiln apply good --config "$T/small.json"
		is 'the channel stays' "$(live good)" 2
		rm "$T/state.small/filler"
		succeeds 'and with room again it is' kiln apply good --config "$T/small.json"
		is 'as the next version' "$(live good)" 3
		run kiln verify --deep; like 'and all agrees' "$out" '*0 faults*'
		umount "$T/state.small"
	fi
	# too small at every place in turn: an error, never a hang, and all is well once there is room
	mkdir -p up/deep; head -c 3000000 /dev/urandom > up/deep/file
	printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "file", "source": "up", "destination": "/"}]}' > upload.json
	commit upload
	for size in 2m 4m 6m 9m 14m; do
		mount -t tmpfs -o size=$size none "$T/state.small" || break
		run timeout 120 kiln apply good upload
		is "on a disk of $size it ends by itself" "$code" 1
		mount -o remount,size=100m "$T/state.small"
		# what the full disk left under way may still fail of it; named, it is tried again
		kiln apply good upload > /dev/null 2>&1
		succeeds 'with room it goes on' kiln apply good upload
		is 'and all is whole' "$(kiln verify --deep | sed 's/.*: //')" '0 faults'
		umount "$T/state.small"
	done
	KILN_STATE=$T/state
else
	skip 'a full disk' 'a file system of a known size needs root'
fi
done_testing
