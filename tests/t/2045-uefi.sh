#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A machine that starts by UEFI: the guest of all stories, its kernel and initrd being one program of the firmware's. Its variables are part of what is
# built and of what is kept.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
not_here() { skip 'a machine by UEFI' "$1"; done_testing; }
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
[ -e "$stub" ] && [ -e /usr/share/OVMF/OVMF_CODE.fd ] || not_here 'no systemd-boot-efi or no ovmf'
guest=$(guest 2> "$T/guest.err") || not_here "$(tail -n 1 "$T/guest.err")"
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
printf 'quiet console=tty0 console=ttyS0 mitigations=off no_timer_check' > "$T/cmdline"
objcopy --add-section .cmdline="$T/cmdline" --change-section-vma .cmdline=0x30000 --add-section .linux="$guest/kernel" --change-section-vma .linux=0x2000000 \
	--add-section .initrd="$guest/initrd" --change-section-vma .initrd=0x3000000 "$stub" "$T/bootx64.efi"
export MTOOLS_SKIP_CHECK=1
qemu-img convert -O raw "$guest/disk.qcow2" "$T/disk.raw"
esp=$T/disk.raw@@$((2048 * 512))
mdel -i "$esp" ::/kernel ::/initrd && mmd -i "$esp" ::/EFI ::/EFI/BOOT && mcopy -i "$esp" "$T/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
qemu-img convert -O qcow2 "$T/disk.raw" efi.qcow2; rm "$T/disk.raw" "$T/bootx64.efi"
qemu_template efi.json efi.qcow2 '"efi_boot": true, "cpu_model": "max", "cores": 2, "threads": 1, "sockets": 1, "communicator": "ssh", "ssh_username": "root", "ssh_private_key_file": "key", "ssh_timeout": "10m",
	"skip_resize_disk": true, "skip_compaction": true'
jq '.provisioners = [{type: "shell", inline: ["ls -d /sys/firmware/efi; grep -c ^processor /proc/cpuinfo"]}, {type: "shell", inline: ["echo one"]}]' efi.json > e && mv e efi.json
echo '{"images": {"efi": {"template": "efi.json", "validate": [{"type": "boot", "serial": "BdsDxe: starting Boot", "timeout": "10m"}]}}}' > kiln.json
commit efi
succeeds 'a machine that starts by UEFI is built, and validated by starting it once more' kiln apply efi
log=$(kiln log efi)
like 'its firmware is there' "$log" '*/sys/firmware/efi
2
*'
like 'with the processors that were asked for' "$log" '*-cpu max*-smp cpus=2,sockets=1,cores=2,threads=1*'
like 'and both times on two chips of flash' "$log" '*OVMF_CODE.fd,if=pflash,unit=0,format=raw,readonly=on*efivars.fd,if=pflash,unit=1,format=raw*boot/efivars.fd,if=pflash,unit=1*'
files=$KILN_STATE/catalog/efi/1/files
is 'its variables lie beside its disk' "$(ls "$files" | tr '\n' ' ')" 'efivars.fd packer-qemu '
is 'and were written' "$(stat -c %s "$files/efivars.fd") $(cmp -s "$files/efivars.fd" /usr/share/OVMF/OVMF_VARS.fd || echo other)" '131072 other'
jq '.provisioners[1].inline = ["echo two"]' efi.json > e && mv e efi.json; rm kiln.json; commit step
succeeds 'after a change of its last step' kiln apply efi
like 'it goes on from a checkpoint' "$(kiln log efi)" '*going on from the checkpoint (memory) behind provisioner 1*two*'
is 'with the variables that it had' "$(cmp "$files/efivars.fd" "$KILN_STATE/catalog/efi/2/files/efivars.fd" && echo equal)" equal
is 'they are kept beside the memory, and their own' "$(cd "$KILN_STATE/checkpoints" && jq -r '.efivars[0].file' ./*.vm.json | sort | tr '\n' ' ')" \
	"$(cd "$KILN_STATE/checkpoints" && ls | grep 'efivars$' | sort | tr '\n' ' ')"
succeeds 'and go with it' sh -c "echo '{\"limits\": {\"cache_bytes\": 0}}' > '$T/gc.json' && kiln gc --config '$T/gc.json' && ! ls '$KILN_STATE'/checkpoints/*.efivars"

qemu_template bad.json efi.qcow2 '"efi_firmware_code": "key"'; commit bad
like 'code and variables belong together' "$(kiln plan bad 2>&1)" '*efi_firmware_vars*'
halting_disk halt.raw; cp /usr/share/OVMF/OVMF_CODE.fd code.fd; cp /usr/share/OVMF/OVMF_VARS.fd vars.fd
qemu_template own.json hang.raw '"efi_firmware_code": "code.fd", "efi_firmware_vars": "vars.fd", "efi_drop_efivars": true'
hanging_disk hang.raw; jq '.builders[0].shutdown_timeout = "1s"' own.json > o && mv o own.json; commit own
kiln apply own > "$T/own" 2>&1
like 'a firmware of the repository' "$(kiln log own)" '*work/tree/code.fd,if=pflash,unit=0,*output-qemu/efivars.fd,if=pflash,unit=1,*'
like 'is an input' "$(kiln inputs own)" '*file code.fd *file vars.fd *'
done_testing
