#!/bin/sh
# kiln fix prints what packer fix prints, and has its verdict.
. "$(dirname "$0")/lib.sh"
mkdir "$T/templates" && cd "$T/templates" || exit 1
export CHECKPOINT_DISABLE=1 PACKER_CONFIG_DIR="$T/packer"
mkdir -p "$PACKER_CONFIG_DIR"

cat > old.json <<'EOF'
{"description": "<old> & \"quoted\"" , "variables": {"user": null, "size": "10"},
 "builders": [
  {"type": "virtualbox", "name": "vb", "guest_additions_attach": true, "iso_md5": "0123", "ssh_key_path": "k",
   "ssh_host_port_min": 2222, "ssh_skip_nat_mapping": true, "ssh_wait_timeout": "10m", "disk_size": 4e4, "n": [-0, 1e21, 0.1]},
  {"type": "vmware", "name": "vmw", "remote_type": "esx5", "iso_checksum_type": "sha256", "iso_checksum": "{{user `sum`}}"},
  {"type": "parallels-iso", "headless": true, "guest_os_distribution": "ubuntu", "parallels_tools_host_path": "x"},
  {"type": "amazon-ebs", "ami_name": "a {{ .CreateTime }} {{clean_ami_name `é`}}", "shutdown_behaviour": "stop",
   "enhanced_networking": true, "ssh_private_ip": "true", "temporary_security_group_source_cidr": "0.0.0.0/0",
   "spot_price_auto_product": "x", "login_email": "a@example.org"},
  {"type": "scaleway", "access_key": "a"},
  {"type": "hyperv-iso", "cpu": 2, "ram_size": 512, "vhd_temp_path": "x"},
  {"type": "hyperv-vmcx", "clone_from_vmxc_path": "x"},
  {"type": "qemu", "disk_size": 1024, "ssh_host_port_max": 3, "ssh_disable_agent": false, "iso_checksum_url": "file"},
  {"type": "vsphere-iso", "network": "n", "network_card": "e1000", "disk_size": 5, "disk_thin_provisioned": true, "storage": [{}]},
  {"type": "azure-chroot", "shared_image_destination": {"exlude_from_latest": true}},
  {"type": "proxmox"}],
 "provisioners": [
  {"type": "shell", "inline": ["a && b"], "override": {"vb": {"inline": []}}},
  {"type": "powershell", "elevated_user": "`$x", "elevated_password": "``", "environment_vars": ["A=`\"b`'"]},
  {"type": "ansible-local", "playbook_file": "p", "galaxycommand": "g"}],
 "post-processors": ["vagrant", [{"type": "vagrant", "virtualbox": {"a": []}, "aws": {}}, {"type": "manifest", "filename": "m"}],
  {"type": "docker-tag", "tag": " a,b , a", "tags": ["c"]}, {"type": "docker-import", "login_email": "x"}]}
EOF
printf '{"builders": [{"type": "null"}], "twice": 1, "_twice": "a", "_twice": "b"} behind' > twice.json
printf '{"builders": [{"type": "null"}], "_twice": "a", "_twice": "b"} behind' > behind.json
printf '{"builders": [{"type": "null"}, {"type": "null"}]}' > names.json
printf '{"provisioners": {"type": "shell"}}' > none.json
printf '{"builders": [{"type": "null"}], "provisioners": {"type": "shell", "only": ["no"]}}' > only.json
printf '{"builders": [{"type": "null"}], "min_packer_version": "99.0.0"}' > version.json
printf '{"builders": [{"type": "virtualbox"}], "provisioners": [{"type": "shell", "override": {"virtualbox": {}}}]}' > override.json
printf '{"builders": [{"type": "null", "x": "\377\300"}]}' > bytes.json
printf '{"builders": [{"type": "null",}]}' > comma.json
printf '{"builders": {"type": "null"}}' > object.json
printf '{"builders": ["null"]}' > text.json
printf '{"builders": [{"name": "x"}]}' > untyped.json
printf '{"builders": [{"type": "amazon-ebs", "ssh_private_ip": "maybe"}]}' > choice.json
printf '{"builders": [{"type": "null"}], "_x": "\\ud800 \\u2028 \\u0008"}' > escapes.json
printf '[]' > list.json; printf 'null' > null.json; : > empty.json

# same_as_packer FILE FLAG: what is wrong Packer says in its own words, behind the text and on the same stream
same_as_packer() {
	packer fix "$2" "$1" > "$T/theirs" 2> /dev/null; theirs=$?
	kiln fix "$2" "$1" > "$T/ours" 2> /dev/null; ours=$?
	is "$1 $2: the same verdict" "$((ours != 0))" "$((theirs != 0))"
	cp "$T/theirs" "$T/wanted"
	[ $theirs = 0 ] || head -c "$(wc -c < "$T/ours")" "$T/theirs" > "$T/wanted"
	is "$1 $2: the same text" "$(diff "$T/wanted" "$T/ours")" ''
}
if command -v packer > /dev/null; then
	for file in *.json; do
		same_as_packer "$file" --validate
	done
	for file in old.json names.json version.json comma.json; do
		same_as_packer "$file" -validate=false
	done
else
	skip 'kiln fix against packer fix' 'packer is not installed'
fi

succeeds 'an old template is fixed' kiln fix old.json
json 'its builders have their new names' '[.builders[].type] | join(" ")' \
	'virtualbox-iso vmware-iso parallels-iso amazon-ebs scaleway hyperv-iso hyperv-vmcx qemu vsphere-iso azure-chroot proxmox-iso'
printf '%s\n' "$out" > again.json
is 'fixing it again changes nothing' "$(kiln fix again.json)" "$out"
is 'with --json it is the same' "$(kiln fix --json old.json)" "$out"
before=$(sha256sum < names.json)
fails 'a name twice is said' kiln fix names.json
like 'with its place in what is printed' "$err" 'kiln: *names.json (fixed):*builder 2*name of builder 1*'
like 'and is printed all the same' "$out" '{*"builders": \[*}*'
is 'the file stays as it is' "$(sha256sum < names.json)" "$before"
fails 'no JSON is said' kiln fix comma.json
is 'with its place in the file' "$err" "kiln: comma.json:1:30: a comma before the closing '}'"
fails 'a file that is not there fails' kiln fix nosuch.json
like 'by its name' "$err" '*nosuch.json*'
run kiln fix; is 'no file is wrong use' "$code" 2
run kiln fix --validate=perhaps old.json; is 'so is a choice that is none' "$code" 2
like 'which says what it takes' "$err" '*true or false*perhaps*'
run kiln fix -validate false old.json; is 'a choice stands behind an equals sign' "$code" 2
is 'no state folder is made' "$(ls -d "$KILN_STATE" 2> /dev/null)" ''

# within bounds
python3 -c 'print("[" * 10000)' > deep.json
fails 'ten thousand levels are refused' kiln fix deep.json
like 'with the place' "$err" '*deep.json:1:501: nested more than 500 levels deep'
head -c 50000000 /dev/zero | tr '\0' ' ' > large.json
fails '50 MB are refused' kiln fix large.json
like 'by their size' "$err" '*large.json*'
printf '{"builders": [{"type": "\0"}]}' > nul.json
fails 'a NUL byte is refused' kiln fix nul.json
like 'with its place' "$err" '*nul.json:1:25: a raw control character (0x00)*'
done_testing
