#!/bin/sh
# Virtual machines: started from a disk, typed at, halted, their disks published; and everything that can go wrong with them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
mkdir "$T/bin"; cp "$BIN/kiln" "$BIN/kilnd" "$BIN/kiln-build" "$T/bin"; BIN=$T/bin PATH=$T/bin:$PATH
new_repository
halting_disk halt.raw; hanging_disk hang.raw; typing_disk type.raw; kernel_disk kernel.raw
info() { qemu-img info --output=json "$1" | jq -rc "$2"; }
# a machine of this story's: they run in its state folder
machines() { pgrep -f 'qemu-system-x86_64 .*kiln-qmp' | while read -r pid; do
	case $(readlink "/proc/$pid/cwd") in "$KILN_STATE"/*) echo "$pid" ;; esac; done; }
said() { kiln log "$1" 2>/dev/null; }

# ---- what is built ----

qemu_template typed.json type.raw '"boot_wait": "2s", "boot_command": ["Hello, {{ .Name }}<wait500ms>: ", "<leftShiftOn>ok<leftShiftOff>!<bs><enter>"],
 "format": "raw", "vm_name": "disk"'
qemu_template small.json halt.raw '"skip_resize_disk": true'
qemu_template more.json halt.raw '"disk_additional_size": ["3M", "1G"], "disk_interface": "ide", "disk_compression": true'
commit machines
succeeds 'three machines are built' kiln apply
like 'what was typed was read by the machine' "$(typed "$(kiln path typed)")" "Hello, disk: OK!$(printf '\b')"
is 'raw stays raw, in the size that is asked for' "$(stat -c %s "$(kiln path typed)")" 2097152
is 'a disk without resize is as large as it was, in the format that is the default' \
	"$(info "$(kiln path small)" '[.format, ."virtual-size"]')" '["qcow2",1048576]'
is 'its name is that of the build' "$(basename "$(kiln path small)")" packer-qemu
more=$KILN_STATE/catalog/more/1/files
is 'additional disks are beside it' "$(cd "$more" && ls | tr '\n' ' ')" 'packer-qemu packer-qemu-1 packer-qemu-2 '
is 'in their sizes' "$(for f in "$more"/*; do info "$f" '."virtual-size"'; done | tr '\n' ' ')" '2097152 3145728 1073741824 '
like 'what is compressed says so' "$(said more)" '*convert -c*'
is 'nothing runs any more' "$(machines)" ''

# a base of the catalog, and what differs from it
qemu_template child.json catalog:small '"use_backing_file": true'
qemu_template whole.json catalog:small '"disk_size": "4M"'
qemu_template flat.json halt.raw '"use_backing_file": true'
commit children
succeeds 'a version of the catalog is a base' kiln apply
is 'a backing file is named, with its format' "$(info "$(kiln path child)" '[."backing-filename-format", ."backing-filename"]')" \
	"[\"qcow2\",\"$(realpath "$KILN_STATE/catalog/small/1/files/packer-qemu")\"]"
is 'or its content is taken over' "$(info "$(kiln path whole)" '[."backing-filename", ."virtual-size"]')" '[null,4194304]'
is 'one that would go away with the build is not needed' "$(info "$(kiln path flat)" '."backing-filename"')" null
expect_whole

# ---- what a repository may not ----

blocked() { # WHAT OPTIONS PATTERN
	qemu_template bad.json "${4:-halt.raw}" "$2"; commit bad
	like "$1" "$(kiln plan bad 2>&1)" "$3"
	git rm -qf bad.json
}
blocked 'an argument that names a file of the host needs the power' '"qemuargs": [["-drive", "file=/etc/passwd"]]' '*blocked*qemuargs needs the power qemu-args*'
blocked 'options of the machine type too' '"machine_type": "pc,kernel=/etc/passwd"' '*blocked*machine_type needs the power qemu-args*'
blocked 'and another program' '"qemu_binary": "/bin/sh"' '*blocked*qemu_binary needs the power qemu-args*'
blocked 'a bridge is the host network' '"net_bridge": "br0"' '*blocked*net_bridge needs the power host-network*'
blocked 'a name is no path' '"vm_name": "../x"' "*vm_name: '../x' cannot be a file's name*"
blocked 'a wait takes longer than nothing' '"boot_command": ["ab<wait-1s>"]' '*boot_command: at character 3*'
blocked 'a key that no keyboard has' '"boot_command": ["ü"]' '*boot_command: at character 1: U+00FC*'
blocked 'a field that there is not' '"boot_command": ["{{.Nope}}"]' '*boot_command*Nope*'
blocked 'a size that is none' '"disk_size": "12q"' "*disk_size must match*12q*"
blocked 'a choice that is none' '"disk_cache": "fast"' "*disk_cache is one of*fast*"
qemu_template harmless.json halt.raw '"qemuargs": [["-smp", "2"], ["-device", "virtio-rng-pci"], ["-rtc", "base=utc"]]'; commit harmless
succeeds 'harmless arguments need none' kiln apply harmless
like 'and take the place of the default' "$(said harmless)" '*-device virtio-rng-pci -device virtio-net,netdev=user.0*-smp 2*'
like 'the machine reaches no network without the power' "$(said harmless)" '*restrict=on*'
succeeds 'with it it does' kiln apply harmless --force --allow host-network
unlike 'which is to be seen' "$(said harmless | tail -n 8)" '*restrict=on*'

qemu-img create -q -f qcow2 -b /etc/passwd -F raw leak.qcow2
refused() { # WHAT IMAGE OPTIONS PATTERN
	qemu_template "no-$2.json" "$2" "$3"; commit "$1"
	fails "$1" kiln apply "no-$2"
	like 'and is told why' "$out" "$4"
	git rm -qf "no-$2.json"
}
refused 'an image that stands on a file of the host is refused' leak.qcow2 '' '*leak.qcow2 has a backing file*'
printf '# Disk DescriptorFile\nRW 8 FLAT "/etc/passwd" 0\n' > leak.vmdk
refused 'one that is a list of them too' leak.vmdk '' '*leak.vmdk is a list of other files*'
refused 'one with another checksum' halt.raw "\"iso_checksum\": \"sha256:$(printf x | sha256sum | cut -c 1-64)\"" '*iso_checksum says sha256*'
sed -i 's/"iso_checksum": "none"/"iso_checksum": "'"$(md5sum < halt.raw | cut -c 1-32)"'"/' small.json; commit sum
succeeds 'its own, by its length alone' kiln apply small

# ---- what fails ----

broken() { # WHAT IMAGE OPTIONS PATTERN [ARGUMENTS]
	qemu_template broken.json "$2" "$3"; commit "$1"
	shift 2; pattern=$2; shift 2
	fails "$what_for" kiln apply broken "$@"
	like 'and it is said' "$out" "$pattern"
	is 'nothing runs' "$(machines)" ''
}
what_for='a QEMU that dies at its start'
broken dies halt.raw '"qemuargs": [["-device", "nosuch"]]' "*QEMU ended at its start (exit code 1): *'nosuch' is not a valid device*" --allow qemu-args
what_for='no QEMU at all'
broken none halt.raw '"qemu_binary": "qemu-system-nosuch"' '*there is no qemu-system-nosuch on this machine*'
what_for='a machine that does not halt'
broken hangs hang.raw '"shutdown_timeout": "2s"' '*did not halt by itself within 2s (shutdown_timeout)*'
screen=$(said broken | grep -o '/[^ ]*/screen.png')
is 'its last screen is kept' "$(head -c 4 "$screen" | tail -c 3)" PNG
what_for='a disk that cannot be made smaller'
broken shrink halt.raw '"disk_size": "1k"' '*qemu-img*--shrink*'
what_for='an accelerator that is not Linux’s'
broken hvf halt.raw '"accelerator": "hvf"' '*accelerator: hvf does not run on Linux*'
if kiln doctor --json | jq -e '.checks[] | select(.name == "kvm") | .ok' > /dev/null; then
	skip 'kvm where it does not run is an error' 'it runs here'
else
	what_for='kvm where it does not run'
	broken kvm halt.raw '"accelerator": "kvm"' '*kvm is asked for, and does not run on this machine*'
fi
if [ -w /dev/kvm ] && grep -q 'Suberror' "$KILN_STATE/cache/kvm"; then
	what_for='a machine that QEMU stops'
	broken stands kernel.raw '"qemuargs": [["-machine", "pc,accel=kvm"]]' '*the machine stands still (internal-error)*'
else
	skip 'a machine that QEMU stops' 'KVM either runs machines here, or is not there'
fi
git rm -qf broken.json; commit 'nothing broken'

# ---- what is killed ----

qemu_template long.json hang.raw '"shutdown_timeout": "300s", "skip_compaction": true'; commit long
begin_apply() {
	: > "$T/said"
	kiln apply long >> "$T/said" 2>&1 & pid=$!
	for i in $(seq 1200); do grep -q 'waiting for the machine' "$T/said" && [ -n "$(machines)" ] && return; sleep 0.05; done
	fail 'the machine runs' "$(cat "$T/said")"
}
worker() { pgrep -f "$BIN/kiln-build" | head -n 1; }
begin_apply
kill -INT $pid; wait $pid
becomes 'a build that is cancelled leaves no machine' '' machines
touch "$T/mark"
begin_apply
screens() { find "$KILN_STATE/builds" -name 'screen*' -newer "$T/mark" -printf '%f ' -exec head -c 4 {} \; | tr -d '\211'; }
becomes 'its screen is kept while it runs' 'screen.png PNG' screens
kill -KILL "$(machines)"; wait $pid; code=$?
is 'a QEMU that is killed is a failed build' "$code" 1
like 'and it is said' "$(cat "$T/said")" '*the machine ended by itself: killed by signal 9*'
begin_apply
kill -KILL "$(pgrep -f "$BIN/kilnd --once" | head -n 1)"; kill -KILL "$(worker)"; wait $pid
becomes 'with the worker its machine dies' '' machines
qemu_template long.json halt.raw; commit 'long no more'
for point in child-forked child-noted child-runs machine-started machine-ended; do
	KILN_FAULT=$point timeout 120 kiln apply long --force > "$T/said" 2>&1
	becomes "killed at $point: nothing runs" '' machines
done
succeeds 'and the next apply goes on' kiln apply long
is 'nothing is left' "$(find "$KILN_STATE/builds" -name work)" ''
expect_whole

# ---- a whole system ----

if guest=$(guest 2> "$T/guest.err"); then
	wait=$(($(guest_boot_sec "$guest") * 3))
	qemu_template guest.json "$guest/disk.qcow2" '"skip_resize_disk": true, "boot_wait": "1s", "headless": true,
 "boot_command": ["<wait'$wait'>root<enter><wait3>kiln<enter><wait3>echo \"Typed: {{.Name}}; $HOME\" > /root/Typed_it<enter>poweroff<enter>"]'
	commit guest
	succeeds 'Debian boots, and is typed at' kiln apply guest --allow "outside-path:$guest"
	is 'what was typed was done' "$(guest_file "$(kiln path guest)" /root/Typed_it)" 'Typed: packer-qemu; /root'
else
	skip 'Debian boots, and is typed at' "$(tail -n 1 "$T/guest.err")"
fi
done_testing
