# SPDX-License-Identifier: Apache-2.0
# For stories about virtual machines: disks of a few bytes that boot at once, and Debian's kernel for what needs a system.

# boot_disk FILE BYTES: a disk of 1 MiB whose boot sector has the code BYTES (as printf has them)
boot_disk() {
	printf "$2" > "$1"
	truncate -s 510 "$1"
	printf '\125\252' >> "$1"
	truncate -s 1M "$1"
}
# It switches the machine off.
halting_disk() { boot_disk "$1" '\272\004\006\270\000\040\357\364\353\375'; }
# It waits for ever.
hanging_disk() { boot_disk "$1" '\373\364\353\375'; }
# It goes a kernel's way into long mode, which a KVM that only emulates does not manage (backends/qemu/accelerator.c).
kernel_disk() {
	boot_disk "$1" '\372\061\300\216\330\216\320\274\000\174\146\017\001\026\300\174\017\040\300\014\001\017\042\300\146\352\040\174\000\000\010\000\146\270\020\000\216\330\216\300\216\320\277\000\000\001\000\061\300\271\000\014\000\000\363\253\307\005\000\000\001\000\003\020\001\000\307\005\000\020\001\000\003\040\001\000\307\005\000\040\001\000\203\000\000\000\234\152\010\150\137\174\000\000\317\017\040\340\203\310\040\017\042\340\270\000\000\001\000\017\042\330\271\200\000\000\300\017\062\015\000\001\000\000\017\060\017\040\300\015\000\000\000\200\017\042\300\352\220\174\000\000\030\000\061\300\017\242\146\272\001\005\260\052\356\364\353\375\146\220\000\000\000\000\000\000\000\000\377\377\000\000\000\232\317\000\377\377\000\000\000\222\317\000\377\377\000\000\000\232\257\000\037\000\240\174\000\000'
}
# It reads the keyboard by the BIOS until Enter, writes what was typed to the second sector and switches the machine off.
typing_disk() {
	boot_disk "$1" '\061\300\216\330\216\300\216\320\274\000\174\210\026\375\175\277\000\200\061\300\315\026\074\015\164\007\252\264\016\315\020\353\361\270\001\003\271\002\000\266\000\212\026\375\175\273\000\200\315\023\272\004\006\270\000\040\357\364\353\375'
}
# typed DISK: what is in that sector
typed() { dd if="$1" bs=512 skip=1 count=1 2> /dev/null | tr -d '\000'; }

# qemu_template FILE IMAGE [MORE]: a qemu build of the disk IMAGE with communicator none; MORE are further members of the builder
qemu_template() {
	jq -n --arg image "$2" '{builders: [{type: "qemu", iso_url: $image, iso_checksum: "none", disk_image: true, communicator: "none",
		accelerator: "tcg", boot_wait: "-1s", boot_key_interval: "20ms", shutdown_timeout: "60s", disk_size: "2M"} + {'"${3:-}"'}]}' > "$1"
}

# guest: the folder of the machine that tests/guest makes; its root's partition begins at the byte $guest_root_at
guest() { HOME=$(getent passwd "$(id -u)" | cut -d: -f6) "$ROOT/tests/guest/make"; }
guest_root_at=$((67584 * 512))
# guest_file DISK FILE...: files of the guest's root, of its disk in format qcow2
guest_file() {
	qemu-img convert -f qcow2 -O raw "$1" "$T/guest.raw" && shift &&
		for file in "$@"; do debugfs -R "cat $file" "$T/guest.raw?offset=$guest_root_at" 2> /dev/null; done
	rm -f "$T/guest.raw"
}
# guest_boot_sec FOLDER: how long it takes on this machine as busy as it is until it is ready, in whole seconds
guest_boot_sec() {
	start=$(date +%s)
	qemu-img create -q -f qcow2 -b "$1/disk.qcow2" -F qcow2 "$T/timed.qcow2"
	qemu-system-x86_64 -machine pc,accel=tcg -m 512M -drive "file=$T/timed.qcow2,if=virtio,format=qcow2" -display none -monitor none \
		-serial "file:$T/timed.serial" > /dev/null 2>&1 < /dev/null & timed=$!
	for i in $(seq 3000); do grep -q ready "$T/timed.serial" 2> /dev/null && break; kill -0 $timed 2> /dev/null || break; sleep 0.1; done
	kill $timed; wait $timed 2> /dev/null
	rm -f "$T"/timed.*
	echo $(($(date +%s) - start + 1))
}
