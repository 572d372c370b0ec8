#!/bin/sh
# QEMU gets from kiln what it gets from Packer, but for what docs/decisions/0007 says: asked of the real packer with a QEMU that
# only writes down its arguments.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
if ! command -v packer > /dev/null; then skip 'arguments as Packer gives them' 'packer is not installed'; done_testing; fi
mkdir "$T/fake" "$T/got" "$T/packer"
cat > "$T/fake/qemu-system-x86_64" <<END
#!/bin/sh
case \$1 in *-version) echo 'QEMU emulator version 7.2.0'; exit ;; esac
for argument; do printf '%s\n' "\$argument"; done > "$T/got/arguments"
END
chmod +x "$T/fake/qemu-system-x86_64"
PATH=$T/fake:$PATH
export CHECKPOINT_DISABLE=1 PACKER_CONFIG_DIR=$T/packer
halting_disk "$T/disk.raw"

# A switch and its value on one line, sorted; without what is each one's own
pairs() { awk '/^-/ { if (line != "") print line; line = $0; next } { line = line " " $0 } END { print line }'; }
of_packer() { pairs | sed -E '/^-vnc |^-display gtk/d; s/hostfwd=tcp::[0-9]+-/hostfwd=tcp:PORT-/' | LC_ALL=C sort; }
of_kiln() {
	pairs | sed -E '/kiln-(qmp|serial)/d; /^-device vmgenid/d; /kiln-memory/d; /^-sandbox /d; /^-display none/d; s/,restrict=on//; s/hostfwd=tcp:127.0.0.1:[0-9]+-/hostfwd=tcp:PORT-/; s/(media=cdrom),format=raw/\1/
		s|/[^ ,]*/work/tree/||' | LC_ALL=C sort
}

# same WHAT OPTIONS: the arguments for a template with these options
same() {
	rm -rf "$T/one" "$T/got/arguments"
	new_repository "$T/one"
	cp "$T/disk.raw" disk.raw
	jq -n '{builders: [{type: "qemu", iso_url: "disk.raw", iso_checksum: "none", communicator: "none", accelerator: "tcg", headless: true,
		boot_wait: "-1s", disk_size: "2M", shutdown_timeout: "1s"} + {'"$2"'}]}' > vm.json
	commit one
	timeout 60 packer build vm.json > "$T/said" 2>&1
	of_packer < "$T/got/arguments" | sed -E "s|$T/one/||" > "$T/left"
	rm -rf "$T/got/arguments" output-* packer_cache
	kiln apply --allow qemu-args --allow host-network > "$T/said.kiln" 2>&1
	of_kiln < "$T/got/arguments" > "$T/right"
	[ -s "$T/left" ] || fail "packer starts a machine: $1" "$(cat "$T/said")"
	is "$1" "$(diff "$T/left" "$T/right")" ''
}
same 'an ISO' ''
same 'a disk image' '"disk_image": true'
same 'its size left alone' '"disk_image": true, "skip_resize_disk": true'
same 'raw' '"disk_image": true, "format": "raw"'
same 'names' '"vm_name": "a name.img", "output_directory": "out/put"'
same 'a machine' '"cpus": 3, "memory": 768, "machine_type": "q35", "net_device": "e1000"'
same 'little memory' '"memory": 9'
same 'no accelerator' '"accelerator": "none"'
for interface in ide scsi virtio virtio-scsi; do
	same "disks on $interface" '"disk_interface": "'$interface'", "disk_additional_size": ["1M", "3M"]'
done
same 'how disks are written' '"disk_cache": "unsafe", "disk_discard": "unmap", "disk_detect_zeroes": "unmap"'
same 'zeroes noticed' '"disk_detect_zeroes": "on"'
for interface in ide scsi virtio virtio-scsi; do same "a CD on $interface" '"cdrom_interface": "'$interface'"'; done
ssh='"communicator": "ssh", "ssh_username": "root", "ssh_password": "kiln", "ssh_timeout": "1s"'
same 'a port that leads to the machine' "$ssh"
same 'to another of its ports' "$ssh, \"ssh_port\": 2022, \"host_port_min\": 30000, \"host_port_max\": 40000"
same 'the same port here as there' "$ssh, \"skip_nat_mapping\": true, \"ssh_host\": \"127.0.0.1\", \"ssh_port\": 20022"
same 'one switch in place of another' '"qemuargs": [["-m", "1G"], ["-boot", "c"]]'
same 'a drive takes the place of all' '"qemuargs": [["-drive", "file=disk.raw,format=raw"], ["-drive", "file=b"]]'
same 'the network card stays' '"qemuargs": [["-device", "virtio-rng-pci"]]'
same 'unless there is one' '"qemuargs": [["-device", "virtio-net-pci,netdev=user.0"], ["-netdev", "user,id=user.0,ipv6=off"]]'
same 'bare switches and strings in parts' '"qemuargs": [["-nodefaults"], ["-no-reboot", ""], ["-name", "a", ",", "debug-threads=on"]]'
same 'one switch twice, apart' '"qemuargs": [["-global", "a.b=c"], ["-smp", "2"], ["-global", "d.e=f"]]'
same 'a switch of two dashes is another' '"qemuargs": [["--machine", "q35"]]'
same 'fields' '"qemuargs": [["-fw_cfg", "name=opt/a,string={{ .Name }}-{{ .OutputDir }}-{{ .HTTPPort }}"]]'
same 'fields through functions' '"qemuargs": [["-name", "{{ .Name | upper }}{{ if eq .HTTPPort 0 }}x{{ end }}"]]'
done_testing
