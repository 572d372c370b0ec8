#!/bin/sh
# A machine that is provisioned over SSH, and how it is halted: the guest of tests/guest, booted for real.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
if ! guest=$(guest 2> "$T/guest.err"); then
	skip 'a machine is provisioned over SSH' "$(tail -n 1 "$T/guest.err")"
	done_testing
fi
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
said() { kiln log "$1" 2>/dev/null; }
# ssh_template FILE STEP [MORE]: STEP is a line of a shell provisioner, MORE further members of the builder
ssh_template() {
	jq -n --arg image "$guest/disk.qcow2" --arg step "$2" '{builders: [{type: "qemu", iso_url: $image, iso_checksum: "none", disk_image: true,
		accelerator: "tcg", boot_wait: "-1s", skip_resize_disk: true, skip_compaction: true, ssh_username: "root", ssh_private_key_file: "key",
		ssh_timeout: "5m", shutdown_timeout: "90s"} + {'"${3:-}"'}], provisioners: [{type: "shell", inline: [$step]}]}' > "$1"
}
apply() { kiln apply --allow "outside-path:$guest" "$@"; }

ssh_template button.json 'echo step > /root/step; echo at $(hostname)'
commit button
succeeds 'a machine is provisioned over SSH' apply button
like 'the step says what it does there' "$(said button)" '*at kiln-guest*'
unlike 'it is held for its checkpoints without a fault' "$(said button)" '*no checkpoints from here on*'
like 'without shutdown_command its power button is pressed' "$(said button)" '*its power button*'
unlike 'which is enough' "$(said button)" '*does not halt*'
is 'the disk has what the step wrote' "$(guest_file "$(kiln path button)" /root/step)" step

ssh_template command.json 'echo more > /root/more' '"iso_url": "catalog:button", "shutdown_command": "/sbin/poweroff"'
commit command
succeeds 'a machine stands on what another left' apply command
like 'and is halted as it says' "$(said command)" '*halting the machine: /sbin/poweroff*'
unlike 'and by nothing else' "$(said command)" '*its power button*'
is 'it has both' "$(guest_file "$(kiln path command)" /root/step) $(guest_file "$(kiln path command)" /root/more)" 'step more'

ssh_template lazy.json 'echo lazy > /root/lazy' '"shutdown_command": "true", "shutdown_timeout": "4s"'
ssh_template deaf.json 'killall acpid; sync' '"shutdown_timeout": "4s"'
ssh_template bad.json 'echo on the serial port > /dev/ttyS0; exit 7'
ssh_template off.json 'echo off; poweroff -f; sleep 100'
commit ends
fails 'a command that does not halt it, and a button' apply lazy deaf bad off
like 'the button helps' "$(said lazy)" '*did not halt by shutdown_command*its power button*'
like 'a machine that hears nothing is ended by force, and it is said' "$(said deaf)" '*QEMU is told to quit*'
is 'both are live' "$(live lazy) $(live deaf)" '1 1'
like 'of a failed step the serial port is shown' "$(said bad)" '*at its serial port*on the serial port*'
[ -s "$(said bad | grep -o '/[^ ]*/screen.png')" ] && pass 'and the screen kept' || fail 'and the screen kept' "$(said bad)"
like 'a machine that a step switches off ended by itself' "$(said off)" '*the machine ended by itself: its guest halted*'
done_testing
