#!/bin/sh
# Each file of a playbook's tree is changed in turn: the image is to be built again for those that Ansible reads, and for no other.
. "$(dirname "$0")/lib.sh"
new_repository
sh "$ROOT/tests/conformance/playbook.sh"
cat > play.json <<EOF
{"builders": [{"type": "null", "ssh_host": "127.0.0.1", "ssh_username": "root", "ssh_password": "x"}],
 "provisioners": [{"type": "ansible", "playbook_file": "ansible/site.yml", "groups": ["web"],
  "extra_arguments": ["-e", "@extra.yml", "--vault-password-file=vault-password", "-e", "outdir=/tmp"]}]}
EOF
echo '{"images": {"play": {"template": "play.json"}}}' > kiln.json
commit tree

closure() { kiln inputs play --json 2> /dev/null | jq -r .closure; }
# A commit on the first one, in which what follows is changed.
another() { git checkout -q -f -B try main && git clean -qfd; }
first=$(closure)
like 'the playbook gives a closure' "$first" 'sha256:*'
wrong=
for path in $(git ls-files); do
	case $path in
	ansible/roles/included/tasks/other.yml) wanted=other ;;
	*unused* | *README* | *other.yml | *elsewhere* | other/* | */tests/* | kiln.json | */included/tasks/main.yml | */b.txt) wanted=same ;;
	play.json) wanted=same ;; # white space says nothing
	*) wanted=other ;;
	esac
	another
	case $path in *.json) echo ' ' >> "$path" ;; *) echo '# changed' >> "$path" ;; esac
	commit "$path"
	[ "$(closure)" = "$first" ] && got=same || got=other
	[ $got = $wanted ] || wrong="$wrong $path($got)"
done
is 'each file counts that is read, and no other' "$wrong" ''

# appears PATH TEXT WANTED: a new file
appears() {
	another
	mkdir -p "$(dirname "$1")"; echo "$2" > "$1"; commit "$1"
	[ "$(closure)" = "$first" ] && got='the same' || got=another
	is "with a new $1 there is $3 closure" "$got" "$3"
}
appears ansible/nothere.yml 'a: 1' another
appears ansible/vars/missing.yml 'a: 1' another
appears ansible/roles/shared/tasks/main.yml '- debug:' another
appears ansible/group_vars/web/b.yml 'a: 1' another
appears ansible/group_vars/fourth.yml 'a: 1' 'the same'
appears ansible/files/loop2.txt 'nearer' another
appears ansible/files/globbed/c.conf 'c' another
appears ansible/files/globbed/c.txt 'c' 'the same'
appears ansible/library/x.py 'x' another
appears ansible/roles/common/tasks/elsewhere.yml '- debug:' another
appears ansible/roles/common/defaults/main.yaml 'a: 1' 'the same'
appears ansible/templates/unused.j2 x 'the same'
appears ansible/roles/dependency/tasks/main.yml '- debug:' another
appears ansible/roles/included/tasks/third.yml '- debug:' 'the same'
appears roles/common/tasks/main.yml '- debug:' 'the same'
appears ansible/roles/web/files/tree/more 'x' another
appears ansible/roles/web/defaults/main.yml 'a: 1' another
appears ansible/roles/web/doc.txt 'x' 'the same'

# the planning cache sees what reading all again would see
another; kiln plan > /dev/null 2>&1
echo '# changed' >> ansible/roles/dependency/tasks/main.yaml; commit dependency
run kiln plan --json main..try; json 'a role that another depends on is seen between two commits' '[.images[0].reasons[] | select(.kind == "file") | .path] | join(" ")' ansible/roles/dependency/tasks/main.yaml
another; mkdir -p ansible/roles/shared/tasks; echo '- debug:' > ansible/roles/shared/tasks/main.yml; commit shadow
run kiln plan --json main..try; json 'so is a role that now stands before another' '.images | length' 1
another; mkdir -p ansible/group_vars/web/more; echo 'a: 1' > ansible/group_vars/web/more/x.yml; commit more
run kiln plan --json main..try; json 'and a file of a new folder' '.images | length' 1
another; echo x >> ansible/files/unused.txt; commit unused
run kiln plan --json main..try; json 'what nothing reads is not' '.images | length' 0

# names that are known later: the smallest folder is taken whole
git checkout -q -f main; git clean -qfd
cat >> ansible/site.yml <<'EOF'
- hosts: all
  tasks:
    - template: {src: "conf/{{ ansible_os_family }}.j2", dest: /x}
    - include_role: {name: "{{ which }}"}
      when: false
EOF
mkdir -p ansible/templates/conf; echo 1 > ansible/templates/conf/Debian.j2; commit dynamic
first=$(closure)
for path in ansible/templates/conf/Debian.j2 ansible/roles/included/tasks/main.yml; do
	another; echo '# changed' >> $path; commit x
	unlike "a name that is known later may be $path" "$(closure)" "$first"
done
another; echo '# changed' >> ansible/templates/unused.j2; commit x
is 'and not what lies elsewhere' "$(closure)" "$first"

# what strangers write
reason() { kiln plan --json 2> /dev/null | jq -r '[.images[0].reasons[] | select(.kind == "invalid") | .text] | join(" ")'; }
playbook() { another; cat > ansible/site.yml; commit playbook; }
printf -- '- hosts: all\n  tasks: [\n' | playbook
like 'a playbook that is no YAML blocks, with the place' "$(reason)" '*ansible/site.yml:3:1:*'
{
	echo '- a: &a0 [x,x,x,x,x,x,x,x,x,x]'
	for i in 1 2 3 4 5 6 7 8 9; do
		b="*a$((i - 1))"; echo "  a$i: &a$i [$b, $b, $b, $b, $b, $b, $b, $b, $b, $b]"
	done
} | playbook
like 'so do aliases of aliases' "$(reason)" '*ansible/site.yml:*without end*'
python3 -c 'print("- a: " + "[" * 5000)' | playbook
like 'and levels without end' "$(reason)" '*too many levels*'
printf -- '- hosts: all\n  tasks: [{include_tasks: loop.yml}]\n' | playbook
echo '- include_tasks: loop.yml' > ansible/loop.yml; commit loop
like 'files that include each other are read once' "$(closure)" 'sha256:*'
printf -- '- hosts: all\n  roles: [r0]\n' | playbook
for i in $(seq 0 40); do
	mkdir -p "ansible/roles/r$i/meta"
	echo "dependencies: [r$((i + 1)), r$((i + 2)), r$((i + 3))]" > "ansible/roles/r$i/meta/main.yml"
done
commit web
run timeout 100 kiln plan
unlike 'roles that depend on each other in every way come to an end' "$code" 124
like 'which is said' "$(reason)" '*leads to more than*'

# ---- shell-local: what it opens is known only when it fails ----
new_repository "$T/local"
mkdir -p data scripts; echo a > data/a.txt; echo b > data/b.txt; echo 'cat data/a.txt' > scripts/x.sh; echo s > seen.txt
cat > t.json <<'EOF'
{"builders": [{"type": "null", "communicator": "none"}],
 "provisioners": [{"type": "shell-local", "inline": ["cat nothere.txt seen.txt || true", "echo made > made.txt; cat made.txt", "sh scripts/x.sh"]}]}
EOF
echo '{"images": {"t": {"template": "t.json"}}}' > kiln.json; commit local
fails 'a script that is no input is not in the build' kiln apply --allow shell-local
case $out in
*'not among its inputs'*) ;;
*) grep -qw user_notif /proc/sys/kernel/seccomp/actions_avail ||
	{ skip 'the failure names what was looked for' 'this kernel has no user notification of seccomp'; done_testing; } ;;
esac
like 'the failure names what was looked for and the line that adds it' "$out" \
	'*not among its inputs: add "inputs": \["scripts/x.sh","seen.txt"\] to its definition in kiln.json*'
echo '{"images": {"t": {"template": "t.json", "inputs": ["scripts/x.sh","seen.txt"]}}}' > kiln.json; commit more
fails 'with these the next is missing' kiln apply --allow shell-local
like 'and named' "$out" '*\["data/a.txt"\]*'
like 'kept with the build too' "$(kiln show t --json | jq -r '.builds[].error')" '*data/a.txt*'
echo '{"images": {"t": {"template": "t.json", "inputs": ["scripts/x.sh","seen.txt", "data/*"]}}}' > kiln.json; commit all
succeeds 'with all of them it is built' kiln apply --allow shell-local
cat > t.json <<'EOF'
{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "inline": ["cd lib"]}]}
EOF
mkdir lib; echo x > lib/x; commit folder
fails 'a folder' kiln apply --allow shell-local
like 'is named as such' "$out" '*\["lib"\]*'
# ---- other tools ----

new_repository "$T/tools"
mkdir -p profile/controls keys; echo 'name: p' > profile/inspec.yml; echo 'x' > profile/controls/a.rb
for file in values.yml waived.yml keys/validation.pem keys/bag chef.rb other.yml; do echo x > $file; done
ssh='"type": "null", "ssh_host": "127.0.0.1", "ssh_username": "root", "ssh_password": "x"'
cat > inspec.json <<EOF
{"builders": [{$ssh}], "provisioners": [{"type": "inspec", "profile": "profile", "attributes": ["values.yml"],
 "extra_arguments": ["--waiver-file", "waived.yml", "--reporter=json:out.json", "--no-color", "--controls=/a.*/"]}]}
EOF
cat > chef.json <<EOF
{"builders": [{$ssh}], "provisioners": [{"type": "chef-client", "server_url": "http://127.0.0.1/", "client_key": "/etc/chef/client.pem", "trusted_certs_dir": "/etc/chef/certs",
 "validation_key_path": "keys/validation.pem", "encrypted_data_bag_secret_path": "keys/bag", "config_template": "chef.rb"}]}
EOF
commit tools
files() { kiln inputs "$1" --json 2> /dev/null | jq -r '[.lines[] | select(.kind == "file") | .key] | join(" ")'; }
is 'what arguments of inspec name is read by it' "$(files inspec)" 'profile/controls/a.rb profile/inspec.yml values.yml waived.yml'
is 'of chef-client what is uploaded, and not what lies over there' "$(files chef)" 'chef.rb keys/bag keys/validation.pem'
unlike 'which stands in nobody'\''s way' "$(kiln plan chef --json 2> /dev/null | jq -r '.images[].reasons[].kind' | sort -u | tr '\n' ' ')" '*outside*'
done_testing
