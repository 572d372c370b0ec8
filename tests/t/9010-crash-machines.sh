#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kiln is killed while it builds machines: at the fault points that its head, its worker and what that starts pass, and QEMU itself at any
# moment. The next apply goes on, and the end is that of the undisturbed run; the image that was live stays so until the new one is.
# Without KILN_CRASH_ALL (make crash) only at the points that are about machines, each the first time.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
if ! guest=$(guest 2> "$T/guest.err"); then
	skip 'machines are crashed' "$(tail -n 1 "$T/guest.err")"
	done_testing
fi
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
mkdir "$T/served"; halting_disk "$T/served/disk.img"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$T/served" > "$T/serving" 2> /dev/null & background="$background $!"
wait_until 1 grep -c '^Serving' "$T/serving"
port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$T/serving")
# What the story begins with: vm, a guest with checkpoints of its memory, is live as version 1.
vm() {
	jq -n --arg image "$guest/disk.qcow2" --arg step "$1" '{builders: [{type: "qemu", iso_url: $image, iso_checksum: "none", disk_image: true,
		accelerator: "tcg", boot_wait: "-1s", skip_resize_disk: true, skip_compaction: true, ssh_username: "root",
		ssh_private_key_file: "key", ssh_timeout: "9m", memory: 128, shutdown_command: "sync; poweroff -f", shutdown_timeout: "90s"}],
		provisioners: [{type: "shell", inline: ["echo one > /etc/one"]}, {type: "shell", inline: ["echo " + $step + " > /etc/two"]}]}' > vm.json
	commit "$1"
}
# And empty: a disk that is downloaded and only halts, so nothing of it takes time.
empty() {
	qemu_template empty.json "http://127.0.0.1:$port/disk.img" "\"disk_size\": \"$1\", \"iso_checksum\": \"sha256:$(sha256sum < "$T/served/disk.img" | cut -d' ' -f1)\""
	commit "$1"
}
printf '{"repositories": [{"url": "%s", "allow": ["outside-path:%s"]}]}' "$repository" "$guest" > "$T/service.json"
echo '{"images": {"vm": {"template": "vm.json"}, "empty": {"template": "empty.json"}}}' > kiln.json
apply() { kiln apply --config "$T/service.json" "$1" > "$T/said" 2>&1 < /dev/null; }
empty 2M; vm two
apply vm && apply empty || fail 'the story begins' "$(cat "$T/said")"
vm three; empty 3M
mv "$KILN_STATE" "$T/pristine"
# What is sealed or published is never written to: it needs no copy.
begin() {
	remove_state "$KILN_STATE"
	cp -al "$T/pristine" "$KILN_STATE.new" && (cd "$KILN_STATE.new" && rm -rf kiln.db* builds cache/downloads &&
		cp -a "$T/pristine"/kiln.db* "$T/pristine/builds" .) && mv "$KILN_STATE.new" "$KILN_STATE" || exit 1
	rm -f "$T/log"
}
# What was killed is said again, by name: an image that a person names is always tried.
story() { apply "$1" || apply "$1" || apply "$1"; }
line_of() { { tr '\0' ' ' < "/proc/$1/cmdline"; } 2> /dev/null; }
ours() { for pid in $(pgrep -f 'qemu-(system|img)|kiln-build'); do
	case $(readlink "/proc/$pid/cwd")$(line_of "$pid") in *"$KILN_STATE"*) echo "$pid" ;; esac; done; }
ending() { # IMAGE
	kiln show "$1" --json 2> /dev/null | jq -c '{name, live, channels, versions: [.versions[] | {version, phase}] | sort_by(.version)}'
	case $1 in
	vm) guest_file "$(kiln path vm)" /etc/one /etc/two ;;
	*) (cd "$KILN_STATE/catalog/$1/2/files" && sha256sum *) ;;
	esac
	find "$KILN_STATE/builds" -mindepth 2 ! -name log ! -name journal ! -name 'screen.*'
	find "$KILN_STATE" -name '*.partial' -o -name '.staged*' -o -name '*.tmp'
	ours
	grep -c "$KILN_STATE" /proc/self/mountinfo
	kiln verify --deep 2>&1 | sed 's/.*: //'
	sqlite3 "$KILN_STATE/kiln.db" 'SELECT count(*) || " in the ledger" FROM ledger'
}
# Before the new version is live the old one is, as it was.
untouched() { [ "$(live "$1")" = 2 ] || [ "$(live "$1") $(sha256sum < "$(kiln path "$1" 2> /dev/null)")" = "1 $(cat "$T"/pristine/catalog/"$1"/1/files/* | sha256sum)" ]; }

for image in vm empty; do
	begin
	KILN_FAULT_LOG=$T/log story "$image"
	ending "$image" > "$T/wanted.$image"
	sort "$T/log" | uniq -c | awk -v i="$image" '{ for (n = 1; n <= $1; n++) print i ":" $2 ":" n }' >> "$T/points"
done
is 'the undisturbed run ends with what the last step wrote' "$(sed -n 2,3p "$T/wanted.vm" | tr '\n' ' ')" 'one three '
is 'and nothing left over' "$(tail -n 3 "$T/wanted.vm" | tr '\n' ' ')" '0 0 faults 0 in the ledger '
like 'it went on from a checkpoint' "$(cat "$T/points")" '*vm:machine-restored:1*'
pass "they pass $(wc -l < "$T/points") times by $(cut -d: -f 2 "$T/points" | sort -u | wc -l) points"
if [ -n "${KILN_CRASH_ALL:-}" ]; then
	points=$(cat "$T/points")
else
	points='vm:machine-restored:1 vm:checkpoint-taken:1 vm:checkpoint-sealed:2 vm:machine-ended:1 empty:download-received:1
		empty:download-renamed:1 empty:child-noted:2 empty:machine-started:1 empty:worker-before-end:1'
fi
check() { # WHAT IMAGE
	story "$2"
	ending "$2" > "$T/got"
	if cmp -s "$T/wanted.$2" "$T/got"; then pass "$1"; else fail "$1" "$(diff "$T/wanted.$2" "$T/got")" "$(tail -n 3 "$T/said")"; fi
}
for point in ${KILN_CRASH_POINTS:-$points}; do
	image=${point%%:*}
	begin
	export KILN_FAULT=${point#*:} KILN_FAULT_LOG=$T/log
	apply "$image"
	untouched "$image" || fail "what was live is untouched after $point" "$(live "$image")"
	check "killed at $point" "$image"
	unset KILN_FAULT KILN_FAULT_LOG
done

# ---- from outside, at any moment ----

# shoot WHO MSEC: the first process of the build that matches WHO, so long after it is there; sets $shot
shoot() {
	shot=
	for i in $(seq 600); do
		for pid in $(ours); do
			case $(line_of "$pid") in $1) sleep "$2"; kill -9 "$pid" 2> /dev/null && shot=$pid; return ;; esac
		done
		kill -0 "$applying" 2> /dev/null || return
		sleep 0.02
	done
}
while read -r who after; do
	[ -n "$who" ] || continue
	begin
	apply vm & applying=$!
	shoot "$who" "$after"
	wait $applying; code=$?
	untouched vm || fail 'what was live is untouched' "$(live vm)"
	[ -z "$shot" ] || [ $code = 0 ] || like "what happened is said ($who killed after $after s)" "$(cat "$T/said")" '*vm: failed: *killed by signal 9*'
	check "${who%%\**} is killed after $after s" vm
done <<END
$([ -n "${KILN_CRASH_ALL:-}" ] && for i in $(seq 20); do echo "qemu-system* $((i / 10)).$((i % 10))"; echo "*kiln-build* 0.$((i % 10))"; echo "qemu-img?convert* 0.0$i"; done)
qemu-system* 0.3
END
# The head, while its worker goes on: the next one takes over what that made.
begin
KILN_FAULT=worker-started apply vm
is 'a worker goes on without its head' "$(kiln show vm --json 2> /dev/null | jq -r .live)" 1
check 'and the next head takes over' vm
done_testing
