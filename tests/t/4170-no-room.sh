#!/bin/sh
# The state's file system is full: the daemon says so, goes on answering, and goes on with the work once there is room.
if [ -z "$KILN_OWN_MOUNTS" ] && KILN_OWN_MOUNTS=1 unshare --mount --propagation private true 2> /dev/null; then
	KILN_OWN_MOUNTS=1 exec unshare --mount --propagation private sh "$0"
fi
. "$(dirname "$0")/lib.sh"
mkdir -p "$KILN_STATE"
if [ -z "$KILN_OWN_MOUNTS" ] || ! mount -t tmpfs -o size=8m tmpfs "$KILN_STATE" 2> /dev/null; then
	skip 'a state folder without room' 'only root can mount one'
	done_testing
fi
trap 'umount -l "$KILN_STATE"; cleanup' EXIT
new_repository; text() { printf '{"builders": [{"type": "file", "content": "%s", "target": "out.txt"}]}\n' "$2" > "$1.json"; }
content() { cat "$KILN_STATE/catalog/$1/current/files/out.txt"; }
fill() { dd if=/dev/zero of="$KILN_STATE/full" bs=4k 2> /dev/null; }
text a one; commit one
printf '{"repositories": [{"url": "%s", "poll": "1s"}]}' "$PWD" > "$T/service.json"
daemon_start "$T/service.json"
becomes 'an image is built' one content a
fill
text a two; commit two
becomes 'what cannot be written is said' yes eval 'grep -qi "full\|no space\|no room" "$T/daemon" && echo yes'
is 'and the daemon goes on' "$(kill -0 "$daemon" && echo yes)" yes
succeeds 'it answers' kiln status
is 'what is live stays' "$(content a)" one
rm "$KILN_STATE/full"
becomes 'with room the work goes on' two content a
succeeds 'and everything is whole' kiln verify --deep
daemon_end
done_testing
