#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A machine to which nobody gave a way in: the build makes it a key pair, of which boot_command types the public half.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
new_repository
# key_template MORE: MORE are further members of the builder
key_template() {
	jq -n --arg image "${guest:-/nowhere}/disk.qcow2" --arg wait "${wait:-1}s" '{builders: [{type: "qemu", iso_url: $image, iso_checksum: "none",
		disk_image: true, accelerator: "tcg", boot_wait: $wait, boot_key_interval: "10ms", skip_resize_disk: true, skip_compaction: true,
		ssh_username: "root", ssh_timeout: "9m", memory: 192, shutdown_command: "poweroff",
		boot_command: ["root<enter><wait2>kiln<enter><wait2>", "echo {{ .SSHPublicKey }} > .ssh/authorized_keys<enter>"]} + {'"$1"'}],
		provisioners: [{type: "shell", inline: ["cat /root/.ssh/authorized_keys"]}, {type: "shell", inline: ["echo '"${step:-one}"' > /etc/step"]}]}' > vm.json
	commit "${step:-one} $(echo "$1" | tr -d '"')"
}
blocked() { key_template "$2"; like "$1" "$(kiln plan vm 2>&1)" "*blocked*vm*$3"; }
echo '{"images": {"vm": {"template": "vm.json", "validate": [{"type": "boot", "inline": ["cat /etc/step"], "expect": "^(one|two)$", "timeout": "9m"}]}}}' > kiln.json
blocked 'who has a password gets no key' '"ssh_password": "kiln"' '*boot_command: the build makes a key pair*SSHPublicKey*no ssh_password*'
blocked 'a key of RSA is not made' '"temporary_key_pair_type": "rsa"' '*temporary_key_pair_type is ed25519, or ecdsa*'
blocked 'nor a larger one' '"temporary_key_pair_type": "ecdsa", "temporary_key_pair_bits": 521' '*temporary_key_pair_type is ed25519, or ecdsa of 256*'
blocked 'its name goes into a command' '"temporary_key_pair_name": "a'"'"'b"' '*temporary_key_pair_name is letters*'
if ! guest=$(guest 2> "$T/guest.err"); then
	skip 'a machine gets a key' "$(tail -n 1 "$T/guest.err")"
	done_testing
fi
printf '{"repositories": [{"url": "%s", "allow": ["outside-path:%s"]}]}' "$repository" "$guest" > "$T/service.json"
apply() { kiln apply --config "$T/service.json" "$@"; }
# half again as long as it takes now: what is typed before there is somebody who reads is lost
wait=$((3 * $(guest_boot_sec "$guest") / 2 + 5))

key_template '"temporary_key_pair_type": "ecdsa", "temporary_key_pair_name": "us@kiln"'
succeeds 'the machine lets in who has the other half, also where it is checked' apply vm
like 'the key has the type and the name that the template says' "$out" '*vm: ecdsa-sha2-nistp256 AAAA* us@kiln*'
unlike 'the other half is nowhere in the log' "$(kiln log vm)" '*PRIVATE*'
is 'nor in the state folder' "$(grep -rl 'BEGIN OPENSSH PRIVATE' "$KILN_STATE" --exclude-dir=catalog --exclude='*.memory' --exclude='*.disk0' | head -n 3)" ''
like 'it is in the image' "$(guest_file "$(kiln path vm)" /root/.ssh/authorized_keys)" 'ecdsa-sha2-nistp256 AAAA* us@kiln'
step=two; key_template '"temporary_key_pair_type": "ecdsa", "temporary_key_pair_name": "us@kiln"'
succeeds 'another last step' apply vm
like 'goes on from a checkpoint, into which the same key leads' "$out" '*going on from the checkpoint (memory) behind provisioner 1*built (1 of 2*'
done_testing
