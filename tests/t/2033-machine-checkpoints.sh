#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checkpoints of machines: a build goes on behind the last step that did not change, with the guest's memory or from its disk.
. "$(dirname "$0")/lib.sh"

GUEST=$("$ROOT/tests/guest/make" 2> "$T/guest") || { skip 'checkpoints of machines' "$(tail -n 1 "$T/guest")"; done_testing; }
new_repository
cp "$GUEST/disk.qcow2" disk.qcow2; cp "$GUEST/id_ed25519" key
# machine [JQ]: the template, changed
machine() {
	jq -n '{builders: [{type: "qemu", disk_image: true, iso_url: "disk.qcow2", iso_checksum: "none", ssh_username: "root",
		ssh_private_key_file: "key", boot_wait: "-1s", skip_resize_disk: true, shutdown_command: "poweroff", memory: 192}],
	 provisioners: [
		{type: "shell", inline: ["echo one > /etc/one; cat /proc/sys/kernel/random/boot_id > /etc/boot"]},
		{type: "shell", inline: ["echo two > /etc/two; sleep 1000 > /dev/null 2>&1 < /dev/null & echo $! > /run/sleeper"]},
		{type: "file", source: "third", destination: "/etc/third"},
		{type: "shell", inline: ["echo four: $(cat /etc/one /etc/two /etc/third | tr \"\\n\" \" \")"]}]}' |
		jq "${1:-.}" > vm.json
}
definition() { printf '%s' "$1" > kiln.json; }
# built WHAT STEPS [ARGUMENTS]: the next build runs, and that many steps are reused
built() {
	run kiln apply ${3:-}
	is "$1" "$code $(printf '%s\n' "$out" | sed -n 's/.*built (\([0-9]*\) of.*/\1/p')" "0 $2"
}
# begins WHAT STEPS [ARGUMENTS]: it would begin behind that many steps (none: anew); it is given up then
begins() {
	kiln apply ${3:-} > "$T/begun" 2>&1 & apply=$!
	for i in $(seq 600); do grep -q 'waiting for ssh\|: live\|failed' "$T/begun" && break; sleep 0.05; done
	kiln cancel vm > /dev/null 2>&1; wait $apply
	is "$1" "$(sed -n 's/.*going on from the checkpoint .*) behind \(.*\)/\1/p' "$T/begun")" "$2"
}
said() { printf '%s\n' "$out" | sed -n "s/^vm: $1//p" | tail -n 1; }
notes() { ls "$KILN_STATE"/checkpoints/*.vm.json 2> /dev/null | wc -l; }
running() { pgrep -f "name packer-qemu.*$KILN_STATE" | wc -l; }
echo three > third; machine; commit one

# ---- memory ----
built 'the first build runs every step' 0
is 'and keeps one behind the boot and each' "$(notes)" 5
boot=$(kiln log vm | sed -n 's/.*: \(provisioner.*\)//p')
echo THREE > third; commit three
built 'after a change of the third step two are reused' 2
like 'it goes on where the second ended' "$out" '*going on from the checkpoint (memory) behind provisioner 2 (shell)*'
is 'what came before is there, what changed is new' "$(said 'four: ')" 'one two THREE'
machine '.provisioners[3].inline = ["cat /proc/$(cat /run/sleeper)/comm; cmp /etc/boot /proc/sys/kernel/random/boot_id && echo same boot; echo clock $(date +%s); ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub | cut -d\" \" -f2"]'
commit four; before=$(date +%s)
built 'after a change of the last step three are reused' 3
like 'a process that ran then runs on' "$out" '*vm: sleep*'
like 'in the same boot' "$out" '*vm: same boot*'
clock=$(said 'clock ')
if [ "$clock" -ge "$before" ] && [ "$clock" -le "$(date +%s)" ]; then pass 'its clock is right'; else fail 'its clock is right' "$clock" "$before"; fi
like 'the host key is the one of the checkpoint' "$out" "*host key of * $(said 'SHA256:' | sed 's/^/*SHA256:/')*"
kiln apply > /dev/null 2>&1; expect_action vm unchanged 'where nothing changed nothing is built'
disk=$(kiln path vm)
is 'the result stands alone' "$(qemu-img info --output=json "$disk" | jq -r '."backing-filename"')" null
is 'and is whole' "$(qemu-img check -q "$disk" && echo whole)" whole

# ---- what is no checkpoint ----
change() { machine ".provisioners[3].inline = [\"echo $1\"]"; commit "$1"; }
newest() { ls -t "$KILN_STATE"/checkpoints/*.vm.json | head -n 1; }
flip() { chmod u+w "$1"; printf x | dd of="$1" bs=1 seek="${2:-100000}" conv=notrunc 2> /dev/null; chmod u-w "$1"; }
third=$(for note in "$KILN_STATE"/checkpoints/*.vm.json; do jq -r --arg n "$note" 'select(.behind == "provisioner 3 (file)") | [.created_usec, $n] | @tsv' "$note"; done | sort -n | tail -n 1 | cut -f 2)
flip "${third%.vm.json}.memory"; change flipped
built 'a flipped byte of a memory is noticed: the one before is taken' 2
like 'and told' "$out" '*a checkpoint is damaged and is not used*'
# what was damaged is put back: no build of these is run to its end
kept=$KILN_STATE/checkpoints
cp -a "$kept" "$T/good"
mend() { rm -rf "$kept"; cp -a "$T/good" "$kept"; }
for file in "$kept"/*.memory; do chmod u+w "$file"; truncate -s 1000 "$file"; done; change truncated
begins 'truncated ones are none' ''
mend; for file in "$kept"/*.disk0; do flip "$file" 50; done; change layers
begins 'nor are those whose layers are damaged' ''
# whole by their digests, but of no use to this QEMU
mend; for file in "$kept"/*.memory; do chmod u+w "$file"; echo "garbage for ${file##*/}" | zstd -q > "$file"; chmod u-w "$file"; done
(cd "$kept" && sha256sum ./*.memory) | jq -R '[sub("^(?<d>[0-9a-f]+)  ./(?<f>.*)$"; "\(.f) sha256:\(.d)") | split(" ")]' | jq -s 'map({(.[0][0]): .[0][1]}) | add' > "$T/sums"
for note in "$kept"/*.vm.json; do
	jq --slurpfile sums "$T/sums" '.memory |= map(.digest = $sums[0][.file])' "$note" > "$T/note" && cat "$T/note" > "$note"
done; change garbage
built 'what QEMU does not take is forgotten, and the build begins anew' 0
like 'and told' "$out" '*the checkpoint is of no use*'
mkdir "$T/bin"; printf '#!/bin/sh\nexec /usr/bin/qemu-system-x86_64 "$@"\n' > "$T/bin/qemu-system-x86_64"; chmod +x "$T/bin/qemu-system-x86_64"; change other
saved=$PATH; PATH=$T/bin:$PATH; begins 'another QEMU has checkpoints of its own' ''; PATH=$saved

# ---- the parts of the key ----
change base; begins 'the same again goes on' 'provisioner 3 (file)'
for part in '.builders[0].memory = 200' '.builders[0].cpus = 2' '.builders[0].net_device = "virtio-net-pci"'; do
	machine "$part"; commit "$part"; begins "another machine is another checkpoint: $part" ''
done
for part in '.inline += ["true"]' '.environment_vars = ["A=b"]' '.execute_command = "sh {{.Path}}"' '.timeout = "9m"' '.inline_shebang = "/bin/sh -x"'; do
	machine ".provisioners[0] |= ($part)"; commit "$part"; begins "another step is another checkpoint: $part" 'the boot'
done
echo more >> third; machine '.provisioners = .provisioners[2:3]'; commit file
begins 'so is another file' 'the boot'
machine '.provisioners = .provisioners[2:3]'; git mv third fourth; machine '.provisioners = .provisioners[2:3] | .provisioners[0].source = "fourth"'; commit name
begins 'or one of another name' 'the boot'

# ---- disk, and none ----
machine; git mv fourth third; commit back
definition '{"images": {"vm": {"template": "vm.json", "checkpoints": "disk"}}}'; commit disk
built 'checkpoints of disks begin anew' 0
machine '.provisioners[3].inline = ["echo four: $(cat /etc/one /etc/two)", "cmp /etc/boot /proc/sys/kernel/random/boot_id || echo another boot"]'; commit 'disk four'
built 'and serve the next build' 3
like 'which boots from them' "$out" '*vm: another boot*'
definition '{"images": {"vm": {"template": "vm.json", "checkpoints": "off"}}}'; commit off
count=$(notes); built 'without checkpoints every step is run' 0 'vm --force'
is 'and none is kept' "$(notes)" "$count"
definition '{"images": {"vm": {"template": "vm.json"}}}'; commit memory
begins '--no-checkpoints: none is used' '' 'vm --force --no-checkpoints'

# ---- secrets and failures ----
machine '.provisioners[2] = {type: "shell", inline: ["exit 3"]}'; commit failing
count=$(notes); run kiln apply
is 'a step that fails is not kept' "$code $(($(notes) - count))" '1 0'

# ---- making room ----
echo '{"limits": {"cache_bytes": 1}}' > "$T/service.json"
run kiln gc --config "$T/service.json"
is 'gc takes what exceeds the budget' "$code $(notes) $(ls "$KILN_STATE/checkpoints" | grep -c 'disk\|memory')" '0 0 0'
change after-gc; begins 'and the next build begins anew' ''
is 'no machine is left' "$(running)" 0
done_testing
