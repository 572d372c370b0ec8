#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kiln verify --cold of a machine: its own shell lists its files, of what is published and of what is built anew.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
# serve FOLDER: by HTTP, at $port
serve() {
	python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$1" > "$T/serving" 2> /dev/null & background="$background $!"
	wait_until 1 grep -c '^Serving' "$T/serving"
	port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$T/serving")
}
mkdir "$T/outside"; serve "$T/outside"

# ---- disks that nobody can look into ----

new_repository "$T/disks"
halting_disk "$T/outside/disk.img"
qemu_template disk.json "http://127.0.0.1:$port/disk.img"; commit disk
succeeds 'a disk that is fetched from where no checksum says what it is' kiln apply
run kiln verify --cold disk --json
json 'is the same when it is built anew' '[.cold.files, .cold.varies, .faults]' '[0,[],[]]'
printf changed | dd of="$T/outside/disk.img" bs=1 seek=300 conv=notrunc 2> /dev/null
touch -d '2 days' "$T/outside/disk.img"
run kiln verify --cold disk
is 'where another one is fetched by now, and nobody can look into it,' "$code" 1
like 'that is said' "$err" '*disk@1 (build *): the disks differ, and the new machine cannot be looked into: its builder has no communicator*'
is 'nothing is left of that' "$(find "$KILN_STATE/builds" -mindepth 2 ! -name log ! -name journal ! -name 'screen.*')" ''
cd "$T" && remove_state "$KILN_STATE"

# ---- machines that list their files ----

if ! guest=$(guest 2> "$T/guest.err"); then
	skip 'machines are compared file by file' "$(tail -n 1 "$T/guest.err")"
	done_testing
fi
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
echo old > "$T/outside/it"
printf '{"repositories": [{"url": "%s", "allow": ["host-network", "outside-path:%s"]}]}' "$repository" "$guest" > "$T/service.json"
echo '{"images": {"vm": {"template": "vm.json", "steps": [{"index": 0, "open": true, "max_age": "30d"}]}}}' > kiln.json
# machine STEP: what the first step fetches is outside of every closure, STEP is the second
machine() {
	jq -n --arg image "$guest/disk.qcow2" --arg fetch "wget -q -O /etc/it http://10.0.2.2:$port/it" --arg step "$1" '{builders: [{type: "qemu",
		iso_url: $image, iso_checksum: "none", disk_image: true, accelerator: "tcg", boot_wait: "-1s", skip_resize_disk: true,
		skip_compaction: true, ssh_username: "root", ssh_private_key_file: "key", ssh_timeout: "9m", memory: 192,
		shutdown_command: "/sbin/poweroff", shutdown_timeout: "90s"}],
		provisioners: [{type: "shell", inline: [$fetch]}, {type: "shell", inline: [$step]}]}' > vm.json
	commit "$1"
}
apply() { kiln apply --config "$T/service.json" "$@" > "$T/applied" 2>&1 < /dev/null || fail 'it is applied' "$(cat "$T/applied")"; }
machines() { pgrep -f 'qemu-system-x86_64 .*kiln-qmp' | while read -r pid; do
	case $(readlink "/proc/$pid/cwd") in "$KILN_STATE"/*) echo "$pid" ;; esac; done; }

machine 'echo two > /etc/two'; apply
echo new > "$T/outside/it"
machine 'echo three > /etc/three; chmod 600 /etc/three; ln -s three /etc/number; head -c 8 /dev/urandom > /etc/chance'; apply
like 'the rebuild goes on from the checkpoint of the first step' "$(cat "$T/applied")" '*built (1 of 2 steps reused)*'
is 'so what it fetched is old' "$(guest_file "$(kiln path vm)" /etc/it)" old
sum=$(sha256sum < "$(kiln path vm)") notes=$(ls "$KILN_STATE/checkpoints" | sha256sum)

run kiln verify --cold vm --config "$T/service.json" --json
is 'the stale checkpoint is found' "$code" 1
json 'by the path that differs' '[.faults[].path]' '["/etc/it"]'
json 'with what was expected and found' '.faults[0] | [.where, .expected, .found]' \
	"[\"vm@2:/etc/it\",\"file 0644 0:0 4 bytes sha256:$(echo old | sha256sum | cut -d' ' -f1)\",\"file 0644 0:0 4 bytes sha256:$(echo new | sha256sum | cut -d' ' -f1)\"]"
json 'what no machine has twice is told apart' '[.cold.varies[].path] | [any(. == "/etc/chance"), any(. == "/etc/ssh/ssh_host_ed25519_key"), any(. == "/etc/three")]' '[true,true,false]'
json 'all its files were looked at' '.cold.files > 300' true
json 'by two builds' '.cold.builds | length' 2
is 'the published one is as it was' "$(sha256sum < "$(kiln path vm)")" "$sum"
expect_live vm 2
is 'nothing was kept' "$(ls "$KILN_STATE/checkpoints" | sha256sum)" "$notes"
is 'no machine is left' "$(machines)" ''
is 'nor anything else' "$(find "$KILN_STATE/builds" -mindepth 2 ! -name log ! -name journal ! -name 'screen.*')" ''
done_testing
