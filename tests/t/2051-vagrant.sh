#!/bin/sh
# Boxes for Vagrant, and a catalog that the real vagrant adds and updates from.
. "$(dirname "$0")/lib.sh"
new_repository
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
cat > "$T/service.json" <<EOF
{"catalogs": {"local": {"path": "$KILN_STATE/catalog", "url": "http://127.0.0.1:$port/"}}}
EOF
apply() { kiln apply --config "$T/service.json" "$@"; }
catalog=$KILN_STATE/catalog
# The start of a qcow2 of that many bytes; PLACE of a backing file's name
qcow2() { python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack(">4sIQIIQ", b"QFI\xfb", 3, int(sys.argv[2]), 8, 16, int(sys.argv[1])).ljust(4096, b"\0"))' "$1" "${2:-0}"; }
# box NAME TARGET OPTIONS: an image of the file NAME.img, and a box of it
box() {
	printf '{"builders": [{"type": "file", "source": "%s.img", "target": "out/%s"}], "post-processors": [{"type": "vagrant", %s}]}\n' \
		"$1" "$2" "$3" > "$1.json"
}
box_of() { kiln path "$1"; }
in_box() { tar -xOf "$(box_of "$1")" "$2"; }

# ---- what is in a box ----

qcow2 1073741825 > web.img
echo 'Vagrant.configure("2") { |c| c.vm.hostname = "{{.BuildName}}-{{.Provider}}-{{.ArtifactId}}" }' > web.rb
echo more > more.txt
box web disk.qcow2 '"provider_override": "libvirt", "output": "{{.BuildName}}/{{.Provider}}.box", "vagrantfile_template": "web.rb", "include": ["more.txt"]'
dd if=/dev/zero of=raw.img bs=1M count=1 status=none
box raw disk '"provider_override": "libvirt", "compression_level": 0, "keep_input_artifact": true, "override": {"libvirt": {"output": "own.box", "vagrantfile_template": "own.rb"}, "vmware": {"output": "x"}}'
echo '# own' > own.rb
mkdir ova; printf '<Envelope>\n<Adapter slot="1" MACAddress="080027000001"/>\n<Adapter slot="0" enabled="true" MACAddress="080027ABCDEF"/>\n</Envelope>' > ova/vm.ovf
echo disk > ova/vm-disk001.vmdk; tar -C ova -cf vbox.img vm.ovf vm-disk001.vmdk; rm -r ova
box vbox vm.ova '"provider_override": "virtualbox"'
echo vmx > vmware.img; box vmware vm.vmx '"provider_override": "vmware"'
commit boxes
succeeds 'boxes are built' apply
is 'of a disk: its format and its size in gigabytes, rounded up' "$(in_box web metadata.json)" '{"format":"qcow2","provider":"libvirt","virtual_size":2}'
is 'its files' "$(tar -tf "$(box_of web)" | tr '\n' ' ')" 'metadata.json Vagrantfile box.img more.txt '
is 'the disk is as it was' "$(in_box web box.img | sha256sum)" "$(sha256sum < web.img)"
like 'the Vagrantfile has the driver, then what the template says' "$(in_box web Vagrantfile)" '*libvirt.driver = "kvm"*c.vm.hostname = "file-libvirt-File" }*'
is 'by one name' "$(kiln show web --json | jq -r '.versions[0] | .version'; basename "$(box_of web)")" "1
libvirt.box"
is 'a raw disk too, as a plain tar, with the options of its own provider' \
	"$(tar -xOf "$catalog/raw/1/files/own.box" metadata.json; head -c 512 "$catalog/raw/1/files/own.box" | tail -c +258 | head -c 5)" \
	'{"format":"raw","provider":"libvirt","virtual_size":1}
ustar'
is 'the disk stays where it is to be kept' "$(ls "$catalog/raw/1/files" "$catalog/raw/1/files/out" | tr '\n' ' ' | sed 's/.*own.box/own.box/; s/ [^ ]*: / /')" 'own.box  disk '
is 'and files that options of a provider name are inputs' "$(kiln inputs raw | grep -c '^file own.rb ')" 1
is 'of an appliance: its OVF by the name that Vagrant wants' "$(tar -tf "$(box_of vbox)" | tr '\n' ' ')" 'metadata.json Vagrantfile box.ovf vm-disk001.vmdk '
like 'and the address of its first card' "$(in_box vbox Vagrantfile)" '*config.vm.base_mac = "080027ABCDEF"*'
is 'of VMware: all files' "$(in_box vmware metadata.json; tar -tf "$(box_of vmware)" | tail -1)" '{"provider":"vmware_desktop"}
vm.vmx'
cp "$(box_of web)" "$T/web.box"
succeeds 'a box that is built again' apply web --force
is 'is the same' "$(kiln show web --json | jq '.versions | length')" 1

# what packer puts into its boxes, but for the words around its Vagrantfile
members() { tar -xf "$1" -C "$2" && (cd "$2" && rm -f Vagrantfile && sha256sum ./*); }
for name in vbox vmware; do
	if ! packer version > /dev/null 2>&1; then skip "packer's box of $name has the same in it" 'packer is not installed'; continue; fi
	mkdir -p "$T/packer/$name" "$T/ours/$name" "$T/theirs/$name"; cp $name.json $name.img "$T/packer/$name/"
	(cd "$T/packer/$name" && CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=$T/packer/cache packer build $name.json > "$T/packer/$name.log" 2>&1)
	is "packer's box of $name has the same in it" "$(members "$(box_of $name)" "$T/ours/$name")" "$(members "$T/packer/$name"/*.box "$T/theirs/$name")"
done
echo '# {{.BuildName}}' > only.rb
box named disk.qcow2 '"provider_override": "libvirt", "output": "x.box", "vagrantfile_template": "only.rb"'; cp web.img named.img; commit named
apply named > /dev/null 2>&1
like 'a name that only the Vagrantfile asks for is there' "$(in_box named Vagrantfile)" '*# file'
is 'and an input' "$(kiln inputs named | grep -c '^option build_name ')" 1

# ---- what is no box ----

refused() { # NAME WORDS
	like "$1" "$(apply "$3" 2>&1)" "$2"
}
box none disk.qcow2 '"output": "x.box"'; cp web.img none.img
box backing disk.qcow2 '"provider_override": "libvirt"'; qcow2 1000 104 > backing.img
box vdisk disk.vdi '"provider_override": "libvirt"'; head -c 64 /dev/zero > vdisk.img; printf '\177\020\332\276' >> vdisk.img
box noovf vm.vmdk '"provider_override": "virtualbox"'; echo x > noovf.img
box badova vm.ova '"provider_override": "virtualbox"'; echo x > badova.img
box twice disk.qcow2 '"provider_override": "libvirt", "output": "../../x.box"'; cp web.img twice.img
box onto disk.qcow2 '"provider_override": "libvirt", "output": "out/disk.qcow2"'; cp web.img onto.img
box folder disk.qcow2 '"provider_override": "libvirt", "output": "out"'; cp web.img folder.img
box unknown disk.qcow2 '"provider_override": "libvrt"'; cp web.img unknown.img
box cloud disk.qcow2 '"provider_override": "aws"'; cp web.img cloud.img
box level disk.qcow2 '"provider_override": "libvirt", "compression_level": 10'; cp web.img level.img
box lost disk.qcow2 '"provider_override": "libvirt", "vagrantfile_template": "made.rb", "vagrantfile_template_generated": true'; cp web.img lost.img
commit bad
refused 'an artifact that does not say its provider' '*set provider_override*' none
refused 'a disk that lacks what is in another' '*backing file*' backing
refused 'a disk in another format' '*not vdi*' vdisk
refused 'no appliance' '*.ovf or .ova*' noovf
refused 'a broken one' '*vm.ova*no tar*' badova
refused 'an output elsewhere' '*leads out*' twice
refused 'an output onto the disk' '*is the file that is to be packed*' onto
refused 'an output that is a folder' '*out*directory*' folder
refused 'a provider that nobody knows' '*provider_override*"libvrt"*' unknown
refused 'one that kiln has no boxes for' '*libvirt, virtualbox, vmware, lxc and docker*' cloud
refused 'a level that is none' '*levels 0 to 9*' level
refused 'a Vagrantfile that the build was to make' '*made.rb*' lost
is 'none of them is in the catalog' "$(cd "$catalog" && echo */metadata.json)" 'named/metadata.json raw/metadata.json vbox/metadata.json vmware/metadata.json web/metadata.json'

# ---- the catalog ----

metadata() { jq -rc "$1" "$catalog/web/metadata.json"; }
is 'it names the image, its version, provider, address and digest' "$(metadata '.name, .versions')" "web
[{\"version\":\"1.0.0\",\"providers\":[{\"name\":\"libvirt\",\"url\":\"http://127.0.0.1:$port/web/1/files/libvirt.box\",\"checksum_type\":\"sha256\",\"checksum\":\"$(sha256sum < "$catalog/web/1/files/libvirt.box" | cut -c 1-64)\"}]}]"
echo two > more.txt; commit two; apply web > /dev/null 2>&1
is 'a new version joins it' "$(metadata '[.versions[].version]')" '["1.0.0","2.0.0"]'
kiln rollback web --config "$T/service.json" > /dev/null 2>&1
is 'a version that was rolled back leaves it' "$(metadata '[.versions[].version]')" '["1.0.0"]'
echo three > more.txt; commit three; apply web > /dev/null 2>&1
is 'and is one of the older ones after the next' "$(metadata '[.versions[].version]')" '["1.0.0","2.0.0","3.0.0"]'
kiln retire web@2 --config "$T/service.json" > /dev/null 2>&1
is 'a retired one is gone' "$(metadata '[.versions[].version]')" '["1.0.0","3.0.0"]'
sed '1d' "$catalog/web/metadata.json" > "$T/broken"; cp "$T/broken" "$catalog/web/metadata.json"
echo four > more.txt; commit four; apply web > /dev/null 2>&1
is 'a broken file is made anew' "$(metadata '[.versions[].version]')" '["1.0.0","3.0.0","4.0.0"]'
printf '{"builders": [{"type": "file", "content": "no box", "target": "x.box"}]}' > text.json; commit text
succeeds 'a file that is only called so is no box' apply text
is 'and not in a catalog of boxes' "$(ls "$catalog/text")" '1
current'
like 'which is said' "$(kiln log text)" '*x.box is no box of Vagrant*'
expect_whole
mv "$KILN_STATE" "$T/state-lost"; mkdir "$KILN_STATE"; mv "$T/state-lost/catalog" "$KILN_STATE/"; rm -rf "$T/state-lost"
apply web > /dev/null 2>&1
is 'it is no hindrance when the store is made from the catalog' "$(kiln show web --json | jq -r '[.versions[].version] | sort | @csv') $(live web)" '1,3,4 4'

# killed where the list changes: whoever comes next makes it what it is to be
listed() { jq -rc "$1" "$catalog/killed/metadata.json"; }
box killed disk.qcow2 '"provider_override": "libvirt", "include": ["killed.txt"]'; cp web.img killed.img
for point in publish-renamed channel-renamed boxes-written; do
	echo "$point" > killed.txt; commit "$point"
	KILN_FAULT=$point apply killed > /dev/null 2>&1
	kiln apply --config "$T/service.json" killed > /dev/null 2>&1
	is "killed at $point: the newest is what is live" "$(listed '.versions[-1].version')" "$(live killed).0.0"
done
for point in retire-renamed boxes-written; do
	oldest=$(listed '.versions[0].version' | sed 's/\..*//')
	KILN_FAULT=$point kiln retire "killed@$oldest" --config "$T/service.json" > /dev/null 2>&1
	apply killed > /dev/null 2>&1
	is "retiring, killed at $point: the list has what is there" "$(listed '[.versions[].version]')" \
		"$(cd "$catalog/killed" && echo [0-9]* | tr ' ' '\n' | sort -n | sed 's/.*/"&.0.0"/' | paste -sd,  - | sed 's/.*/[&]/')"
done
rm "$catalog/killed/$(live killed)/SHA256SUMS"
last=$(live killed); echo damaged > killed.txt; commit damaged
apply killed > /dev/null 2>&1
is 'a damaged version stops no other' "$(listed '.versions[-1].version')" "$((last + 1)).0.0"
is 'and is not offered' "$(listed '[.versions[].version]' | grep -c "\"$last.0.0\"")" 0

# ---- the real vagrant ----

if ! vagrant --version > /dev/null 2>&1; then
	skip 'vagrant adds, updates and checks boxes' 'vagrant is not installed'
	done_testing
fi
python3 - "$port" "$catalog" > "$T/www.log" 2>&1 <<'EOF' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), handler).serve_forever()
EOF
background="$background $!"
for i in $(seq 200); do curl --noproxy '*' -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.05; done
export VAGRANT_HOME=$T/vagrant VAGRANT_CHECKPOINT_DISABLE=1 VAGRANT_DISABLE_VBOXSYMLINKCREATE=1 VAGRANT_DEFAULT_PROVIDER=libvirt
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
boxes() { vagrant box list 2>&1 | sed 's/  */ /g'; }
succeeds 'vagrant adds an older version by the address of metadata.json' \
	vagrant box add --provider libvirt --box-version 3 "http://127.0.0.1:$port/web/metadata.json"
is 'as the version of that number' "$(boxes)" 'web (libvirt, 3.0.0)'
is 'the disk is there' "$(sha256sum < "$VAGRANT_HOME"/boxes/web/3.0.0/libvirt/box.img)" "$(sha256sum < web.img)"
like 'it knows that there is a newer one' "$(vagrant box outdated --global 2>&1)" "*'web'*is outdated*Latest: 4.0.0*"
succeeds 'and takes it' vagrant box update --box web --provider libvirt
is 'both are there' "$(boxes)" 'web (libvirt, 3.0.0)
web (libvirt, 4.0.0)'
vagrant box remove web --all --force > /dev/null 2>&1
succeeds 'a box of VirtualBox is one too' vagrant box add --provider virtualbox "http://127.0.0.1:$port/vbox/metadata.json"
vagrant box remove vbox --all --force > /dev/null 2>&1
chmod u+w "$catalog/web/4/files/libvirt.box"; echo more >> "$catalog/web/4/files/libvirt.box"
fails 'a box that is not what it was is refused' vagrant box add --provider libvirt "http://127.0.0.1:$port/web/metadata.json"
like 'by its checksum' "$out$err" '*hecksum*'
echo five > more.txt; commit five; kiln apply web > /dev/null 2>&1
is 'where nobody said an address the boxes are files of this machine' "$(metadata '.versions[-1].providers[0].url')" "file://$catalog/web/5/files/libvirt.box"
succeeds 'which vagrant adds by the path' vagrant box add --provider libvirt "$catalog/web/metadata.json"
is 'as the newest' "$(boxes)" 'web (libvirt, 5.0.0)'
done_testing
