#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which steps of a machine are kept: none that failed, none that got a secret unless the definition allows it, and open ones for as
# long as it says. And what goes first where room is made.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"

# ---- room: no machine is needed for that ----

# kept NAME BYTES SAVED-SECONDS HOURS: a checkpoint of its own, last used so long ago
kept() {
	head -c "$2" /dev/zero > "$KILN_STATE/checkpoints/$1.memory"
	printf '{"kind":"memory","saved_usec":%s000000,"disks":[],"memory":[{"file":"%s.memory","digest":"sha256:0","size":%s}]}' "$3" "$1" "$2" \
		> "$KILN_STATE/checkpoints/$1.vm.json"
	touch -d "$4 hours ago" "$KILN_STATE/checkpoints/$1.vm.json" "$KILN_STATE/checkpoints/$1.memory"
}
left() { ls "$KILN_STATE/checkpoints" | sed -n 's/\.vm\.json//p' | tr '\n' ' '; }
gc() { printf '{"limits": {"cache_bytes": %s}}' "$1" > "$T/gc.json"; kiln gc --config "$T/gc.json" > "$T/gc" 2>&1 || fail 'gc runs' "$(cat "$T/gc")"; }
new_repository; busybox_tar busybox.tar; template root.json busybox.tar root.sh; echo true | script root.sh; commit root
kiln apply > /dev/null 2>&1; gc 0
mkdir -p "$KILN_STATE/checkpoints"
kept dear 400000 600 1; kept cheap 400000 6 1; kept old 400000 600 100; kept small 100000 100 1
gc 2000000; is 'what has room stays' "$(left)" 'cheap dear old small '
gc 1000000; is 'what saves least for its bytes goes first' "$(left)" 'dear old small '
gc 600000; is 'then what was not used for long' "$(left)" 'dear small '
gc 450000; is 'in the end what takes most for what it saves' "$(left)" 'dear '
gc 0
cd "$T" && remove_state "$KILN_STATE"

if ! guest=$(guest 2> "$T/guest.err"); then
	skip 'steps of machines are kept' "$(tail -n 1 "$T/guest.err")"
	done_testing
fi
new_repository "$T/machines"
cp "$guest/id_ed25519" key; chmod 600 key
echo hush-hush > "$T/token"
printf '{"repositories": [{"url": "%s", "allow": ["outside-path:%s"], "secrets": {"token": {"file": "%s"}}}]}' "$repository" "$guest" "$T/token" > "$T/service.json"
# machine JQ: the template, changed; its second step gets a secret, its third is the one that is changed
machine() {
	jq -n --arg image "$guest/disk.qcow2" '{variables: {token: ""}, "sensitive-variables": ["token"], builders: [{type: "qemu", iso_url: $image,
		iso_checksum: "none", disk_image: true, accelerator: "tcg", boot_wait: "-1s", skip_resize_disk: true, skip_compaction: true,
		ssh_username: "root", ssh_private_key_file: "key", ssh_timeout: "9m", memory: 128, shutdown_command: "sync; poweroff -f"}],
		provisioners: [{type: "shell", inline: ["echo one > /etc/one"]},
			{type: "shell", environment_vars: ["TOKEN={{user `token`}}"], inline: ["echo ${#TOKEN} > /etc/token"]},
			{type: "shell", inline: ["cat /etc/one /etc/token"]}]}' | jq "${1:-.}" > vm.json
	commit "${1:-machine}"
}
definition() { jq -n "{images: {vm: ({template: \"vm.json\", variables: {token: {secret: \"token\"}}} + $1)}}" > kiln.json; commit "$1"; }
apply() { run kiln apply vm --config "$T/service.json" "$@"; }
behind() { jq -r .behind "$KILN_STATE"/checkpoints/*.vm.json | sort | tr '\n' ','; }
reused() { printf '%s\n' "$out" | sed -n 's/.*built (\([0-9]*\) of.*/\1/p'; }

definition '{}'; machine
apply
is 'a build whose second step gets a secret' "$code" 0
is 'keeps nothing from there on' "$(behind)" 'provisioner 1 (shell),the boot,'
like 'and says why' "$out" '*no checkpoints from here on: provisioner 2 (shell) got a secret, and the definition does not let it be kept*'
is 'the secret is in no file that is kept' "$(grep -l hush-hush -r "$KILN_STATE/checkpoints" "$KILN_STATE/builds" 2> /dev/null)" ''
machine '.provisioners[2].inline = ["exit 3"]'
apply
is 'a step that fails' "$code $(behind)" '1 provisioner 1 (shell),the boot,'
definition '{steps: [{index: 1, checkpoint_secrets: true}]}'
apply
is 'where the definition allows it the step is kept, the failed one behind it is not' "$code $(behind)" '1 provisioner 1 (shell),provisioner 2 (shell),the boot,'
like 'what ran before was not run again' "$out" '*going on from the checkpoint (memory) behind provisioner 1 (shell)*'
machine '.provisioners[2].inline = ["cat /etc/one /etc/token", "true"]'
apply
is 'the next build goes on behind the secret' "$code $(reused)" '0 2'
like 'with what it left' "$out" '*vm: one*vm: 9*'

# ---- open ones ----

definition '{steps: [{index: 0, open: true, max_age: "2h"}, {index: 1, checkpoint_secrets: true}]}'
machine '.provisioners[2].inline = ["echo open"]'
apply
is 'of a step that is open now nobody knows how old it is: it is run' "$(reused)" 0
machine '.provisioners[2].inline = ["echo young"]'
apply
is 'as long as it is young it is used' "$(reused)" 2
# two hours and a second are over
for note in "$KILN_STATE"/checkpoints/*.vm.json; do
	jq -c '.opened[].usec -= 7201000000' "$note" > "$T/note" && cat "$T/note" > "$note"
done
machine '.provisioners[2].inline = ["echo old"]'
apply
is 'then it is run again, and all behind it' "$(reused)" 0
like 'from the boot, which is no older than it was' "$out" '*going on from the checkpoint (memory) behind the boot*'
machine '.provisioners[2].inline = ["echo anew"]'
apply
is 'and is young again' "$(reused)" 2
is 'no machine is left' "$(pgrep -f "qemu-system.*$KILN_STATE" | wc -l)" 0
done_testing
