#!/bin/sh
# kiln validate: what Packer demands of options, and what it looks at in the files that they name.
. "$(dirname "$0")/lib.sh"
mkdir "$T/work" && cd "$T/work" || exit 1

# template FILE BUILDER-OPTIONS [MORE]: one builder, and what stands beside it
template() { printf '{"builders":[{%s}]%s}\n' "$2" "${3:+,$3}" > "$1"; }
# refused WHAT PATTERN: the template t.json is, with a line like that
refused() {
	run kiln validate t.json
	is "$1: refused" "$code" 1
	like "$1: it says why" "$err" "$2"
}
# taken WHAT: it is valid
taken() { succeeds "$1" kiln validate t.json; }
null='"type":"null","communicator":"none"'
qemu='"type":"qemu","communicator":"none","iso_url":"images/a.iso"'

# ---- options ----
template t.json '"type":"qemu","communicator":"none","iso_checksum":"none"'
refused 'an option that is needed' '*iso_url*'
template t.json "$qemu,\"iso_checksum\":\"none\",\"disk_interface\":\"sata\""
refused 'a choice' '*disk_interface*virtio*sata*'
template t.json "$qemu,\"iso_checksum\":\"none\",\"qemu_img_args\":{\"creat\":[]}"
refused 'an option of a block' "*qemu_img_args*creat*did you mean 'create'*"
template t.json '"type":"hcloud","location":"l","server_type":"s","image":"i","ssh_username":"u"'
refused 'a token' '*HCLOUD_TOKEN*'
HCLOUD_TOKEN=t succeeds 'which the environment may give' kiln validate t.json

# ---- files ----
template t.json "$null" '"provisioners":[{"type":"ansible-local","playbook_file":"site.yml"}]'
refused 'a file that is not there' '*site.yml*is not there*'
mkdir site.yml; refused 'a folder in its place' '*site.yml*is a folder*'
rmdir site.yml; : > site.yml; taken 'the file itself'
template t.json "$null" '"provisioners":[{"type":"salt-masterless","local_state_tree":"site.yml"}]'
refused 'a file in the place of a folder' '*site.yml*is no folder*'
template t.json "$qemu,\"iso_checksum\":\"none\",\"output_directory\":\"out\""
taken 'an output that is not there yet'
mkdir out; refused 'one that is' '*out*there already*'
template t.json "$qemu,\"iso_checksum\":\"none\",\"name\":\"box\""
mkdir output-box; refused 'also by its default name' '*output-box*'

# ---- what is in them ----
template t.json "$qemu,\"iso_checksum\":\"file:SUMS\""
refused 'a checksum file' '*SUMS*is not there*'
echo 'd41d8cd98f00b204e9800998ecf8427e  other.iso' > SUMS; refused 'without the ISO' '*SUMS*no checksum of*a.iso*'
echo 'MD5 (a.iso) = d41d8cd98f00b204e9800998ecf8427e' >> SUMS; taken 'with it'
google='"type":"googlecompute","project_id":"p","source_image":"i","zone":"z","ssh_username":"u"'
template t.json "$google,\"account_file\":\"key.json\""
refused 'an account' '*key.json*is not there*'
echo '{"type":"user"}' > key.json; refused 'of another kind' '*key.json*service account*'
echo '{"type":"service_account"}' > key.json; taken 'of the right one'
template t.json "$google,\"account_file\":\"{\\\"type\\\":\\\"service_account\\\"}\""
taken 'or written into the template'
template t.json '"type":"null","ssh_host":"h","ssh_username":"u","ssh_private_key_file":"~/key"'
refused 'a key' '*key*is not there*'
echo nothing > "$HOME/key"; refused 'that is none' '*key*is no private key*'

# ---- builds and post-processors that are left out ----
template t.json "$null" '"post-processors":[["manifest",{"type":"artifice","name":"late"},{"type":"compress","bad":1}]]'
refused 'a post-processor' '*bad*'
succeeds '-except leaves it out with those before it' kiln validate -except=late t.json
succeeds '-only a build that is not there leaves nothing' kiln validate -only=nobody t.json

# ---- what a block names is an input ----
git init -q "$T/images" && cd "$T/images" || exit 1
mkdir -p modules isos && echo one > modules/one.hcl && echo iso > isos/b.iso
echo 'd41d8cd98f00b204e9800998ecf8427e  b.iso' > isos/SUMS
cat > t.json <<'END'
{"builders": [{"type": "proxmox", "proxmox_url": "https://x", "username": "u", "password": "p", "node": "n", "ssh_username": "u",
  "iso_file": "local:a.iso",
  "additional_iso_files": [{"iso_url": "isos/b.iso", "iso_checksum": "file:isos/SUMS"}]}],
 "provisioners": [{"type": "converge", "module": "m", "module_dirs": [{"source": "modules", "destination": "d"}]}]}
END
git add . && git commit -q -m images
inputs=$(kiln inputs t 2> /dev/null)
like 'a file of a block is in the closure' "$inputs" '*file isos/b.iso *'
like 'a checksum file too' "$inputs" '*file isos/SUMS *'
like 'and a folder' "$inputs" '*file modules/one.hcl *'
done_testing
