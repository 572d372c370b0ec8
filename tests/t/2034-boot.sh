#!/bin/sh
# The validator `boot`: what was built starts by itself, and says and does what is expected; and what is found in an image that should
# not be in it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
if ! guest=$(guest 2> "$T/guest.err"); then
	skip 'what was built is booted' "$(tail -n 1 "$T/guest.err")"
	done_testing
fi
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
said() { kiln log "$1" 2>/dev/null; }
machines() { pgrep -f 'qemu-system-x86_64 .*kiln-qmp' | while read -r pid; do
	case $(readlink "/proc/$pid/cwd") in "$KILN_STATE"/*) echo "$pid" ;; esac; done; }
# machine FILE STEP [MORE]: STEP is a line of a shell provisioner, MORE further members of the builder
machine() {
	jq -n --arg image "$guest/disk.qcow2" --arg step "$2" '{builders: [{type: "qemu", iso_url: $image, iso_checksum: "none", disk_image: true,
		accelerator: "tcg", boot_wait: "-1s", skip_resize_disk: true, skip_compaction: true, ssh_username: "root", ssh_private_key_file: "key",
		ssh_timeout: "9m", shutdown_command: "/sbin/poweroff", shutdown_timeout: "90s"} + {'"${3:-}"'}],
		provisioners: [{type: "shell", inline: [$step]}]}' > "$1"
}
# checks NAME ENTRY...: those of the image NAME, built of NAME.json
checks() {
	name=$1; shift
	rules=$(printf '%s\n' "$@" | jq -sc .)
	[ -e kiln.json ] || echo '{"images": {}}' > kiln.json
	jq --arg name "$name" --argjson rules "$rules" '.images[$name] = (.images[$name] // {}) + {template: ($name + ".json"), validate: $rules}' \
		kiln.json > "$T/kiln.json"
	mv "$T/kiln.json" kiln.json
	commit "checks of $name"
}
apply() { kiln apply --allow "outside-path:$guest" "$@"; }

# ---- what starts ----

machine disk.json 'echo made > /root/made' '"vm_name": "disk", "memory": 384'
checks disk '{"type": "boot", "serial": "kiln-guest: re[a]dy", "port": 22, "inline": ["cat /root/made", "free -m", "echo spoilt > /root/made; sync"],
	"expect": "^made$", "memory": 256, "timeout": "9m"}'
succeeds 'what was built starts' apply disk
like 'the serial port, a port and ssh are waited for' "$(said disk)" "*waiting for 'kiln-guest: re[[]a[]]dy' at the serial port*waiting for port 22*waiting for ssh*cat /root/made*"
like 'its machine has the memory that the entry says' "$(said disk)" '*qemu-system*-m 384M*qemu-system*-m 256M*'
is 'nothing runs any more' "$(machines)" ''
sum=$(sha256sum < "$(kiln path disk)")

checks disk '{"type": "boot", "inline": ["cat /root/made; hostname"], "expect": "^somebody$", "timeout": "9m"}'
fails 'another expectation is checked without a build, and fails' apply disk
like 'what was expected and what came is said' "$out" "*validate 1 (boot): what the commands say does not match '^somebody\$'; they say 'made*kiln-guest'*"
unlike 'what the check before wrote is not there: it was thrown away' "$out" '*spoilt*'
is 'the artifact is as it was' "$(sha256sum < "$(kiln path disk)")" "$sum"
[ -s "$(said disk | grep -o '/[^ ]*/screen.png' | tail -n 1)" ] && pass 'the screen is kept' || fail 'the screen is kept' "$(said disk)"

checks disk '{"type": "boot", "port": 81, "timeout": "15s"}'
fails 'a port that nobody listens at' apply disk
like 'it is said' "$out" '*waited 15 s for its port, which did not come*'
checks disk '{"type": "boot", "inline": ["exit 3"], "timeout": "9m"}'
fails 'a command that fails' apply disk
like 'it is said' "$out" "*'exit 3' ended with exit code 3*"

# ---- what does not ----

machine broken.json 'dd if=/dev/zero of=/dev/vda bs=446 count=1 2> /dev/null; sync'
checks broken '{"type": "boot", "serial": "ready", "timeout": "8s"}'
fails 'a disk that does not start is not published' apply broken
like 'what was waited for is said' "$out" '*waited 8 s for a line at the serial port, which did not come*'
[ -s "$(said broken | grep -o '/[^ ]*/screen.png' | tail -n 1)" ] && pass 'its last screen is kept' || fail 'its last screen is kept' "$(said broken)"
is 'nothing runs' "$(machines)" ''
is 'nothing is left of the layers' "$(find "$KILN_STATE/builds" -path '*work/boot*')" ''

# ---- what should not be in an image ----

gate() { jq --arg name "$1" --arg gate "$2" '.images[$name].gate = $gate' kiln.json > "$T/kiln.json" && mv "$T/kiln.json" kiln.json; commit "gate $2"; }
manifest=$KILN_STATE/catalog/disk/1/manifest.json
is 'what was found is in the manifest' "$(jq -r '.findings[].path' "$manifest" | LC_ALL=C sort | tr '\n' ' ')" \
	'/etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key /root/.ssh/authorized_keys '
checks disk; gate disk refuse
fails 'where it is to be refused, the live version is checked again' apply disk
like 'what was found is said, and what helps' "$out" '*gate: refused*ssh-host-key (/etc/ssh/ssh_host_e*): rm -f /etc/ssh/ssh_host_[*]; authorized-keys (/root/.ssh/authorized_keys): rm*'
unlike 'without a build' "$out" '*provisioner 1*'
machine clean.json 'rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys'
checks clean; gate clean refuse
succeeds 'one that is clean is published' apply clean
is 'nothing was found in it' "$(jq -c .findings "$KILN_STATE/catalog/clean/1/manifest.json")" '[]'
gate disk maybe
like 'a gate that there is not' "$(kiln plan disk 2>&1)" '*blocked*gate: must be report, refuse or off*'
gate disk report

# ---- what can be seen without an image ----

blocked() { # WHAT ENTRY PATTERN
	checks disk "$2"
	like "$1" "$(kiln plan disk 2>&1)" "*blocked*$3"
}
blocked 'a pattern that is none' '{"type": "boot", "serial": "("}' "*serial: '(' is no regular expression*"
blocked 'a port that is none' '{"type": "boot", "port": 70000}' '*port must be a number from 1 to 65535*'
blocked 'an expectation of nothing' '{"type": "boot", "expect": "x"}' '*expect is about what*'
blocked 'a key that there is not' '{"type": "boot", "seriel": "x"}' '*unknown key seriel (did you mean serial?)*'
blocked 'a time that is none' '{"type": "boot", "timeout": "soon"}' '*timeout must be a duration*'
echo '{"builders": [{"type": "rootfs", "base": "scratch"}]}' > tree.json
checks tree '{"type": "boot"}'
like 'what is no machine does not start' "$(kiln plan tree 2>&1)" '*blocked*boot starts machines, and the builder rootfs makes none*'
done_testing
