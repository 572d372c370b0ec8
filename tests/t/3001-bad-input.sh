#!/bin/sh
# Bad input: what, where, why, and what to do; one broken image never stops the others.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
printf 'true\n' | script ok.sh
template good.json busybox.tar ok.sh; commit good
reason() { run kiln plan --json; printf '%s' "$out" | jq -r --arg n "$1" '.images[] | select(.name == $n) | "\(.action) \(.reasons[0].kind) \(.reasons[0].text)"'; }
blocked() { # WHAT IMAGE KIND PATTERN
	like "$1" "$(reason "$2")" "blocked $3 $4"
}
echo '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "shell", }]}' > broken.json
commit broken
blocked 'broken JSON is told with its place' broken invalid '*broken.json:1:*'
fails 'apply fails for it' kiln apply
expect_live good 1 'and builds the others'
git rm -q broken.json; commit fixed
bad() { printf '{"builders": [%s], "provisioners": [%s]}\n' "$1" "${2:-}" > bad.json; commit bad; }
bad '{"type": "rootfs", "base": "busybox.tar", "formt": "oci"}'
blocked 'an unknown option with the nearest one' bad invalid '*formt*format*'
bad '{"type": "rotfs", "base": "busybox.tar"}'
blocked 'an unknown builder with the nearest one' bad unsupported '*rotfs*rootfs*'
bad '{"type": "rootfs", "base": "busybox.tar"}' '{"type": "shell", "script": "nosuch.sh"}'
blocked 'a missing file with the option and step that named it' bad missing '*nosuch.sh*'
like 'by name' "$(reason bad)" '*provisioner*script*'
bad '{"type": "rootfs", "base": "busybox.tar"}' '{"type": "shell", "script": "../../etc/passwd"}'
blocked 'a path that leaves the repository' bad outside '*../../etc/passwd*'
bad '{"type": "rootfs", "base": "/etc/hostname"}'
blocked 'an absolute one' bad outside '*/etc/hostname*'
printf '{"variables": {"wanted": null}, "builders": [{"type": "rootfs", "base": "busybox.tar"}]}\n' > bad.json; commit bad
blocked 'a variable that must be given' bad variable '*wanted*'
bad '{"type": "rootfs", "base": "busybox.tar"}' '{"type": "shell", "inline": ["{{nofunction}}"]}'
like 'an unknown function' "$(reason bad)" 'blocked *nofunction*'
bad '{"type": "rootfs", "base": "https://example.org/x.tar"}'
like 'a URL without its checksum' "$(reason bad)" 'blocked *base_checksum*'
bad '{"type": "rootfs", "base": "catalog:nosuch"}'
like 'a base that nobody has' "$(reason bad)" 'blocked missing *nosuch*'
bad '{"type": "amazon-ebs", "ami_name": "web", "instance_type": "t2.micro", "source_ami": "ami-1", "region": "eu-west-1", "ssh_username": "x"}'
blocked 'a builder without a driver is planned, and blocked' bad not-allowed '*amazon-ebs*packer-engine*'
run kiln plan --json; json 'with its closure' '.images[] | select(.name == "bad") | .closure | length' 71
bad '{"type": "rootfs", "base": "busybox.tar"}' '{"type": "shell-local", "inline": ["true"]}'
blocked 'shell-local needs the power' bad 'not-allowed' '*shell-local*'
git rm -q bad.json; commit none

kilnjson() { printf '%s\n' "$1" > kiln.json; commit kilnjson; }
kilnjson '{"images": {"good": {"template": "good.json", "validat": []}}}'
blocked 'an unknown key of an image, with line, column and the nearest' good invalid '*kiln.json:1:*validat*validate*'
kilnjson '{"imges": {}}'
run kiln plan; is 'an unknown key of the file fails as a whole' "$code" 1
like 'with line, column and the nearest' "$err" '*kiln.json:1:*imges*images*'
kilnjson '{"images": {"good": {"template": "good.json"}, "good": {"template": "good.json"}}}'
run kiln plan; is 'a key twice fails' "$code" 1; like 'with its place' "$err" '*kiln.json:1:*good*'
kilnjson '{"images": {"good": {"template": "good.json", "keep": {"last": -1}}}}'
run kiln plan --json; like 'a number out of range is told' "$out$err" '*last*'
kilnjson '{"images": {"b@d name": {"template": "good.json"}}}'
run kiln plan --json; like 'a name that cannot be one is told' "$out$err" '*b@d name*'
kilnjson '{"images": {"one": {"template": "nosuch.json"}, "good": {"template": "good.json"}}}'
blocked 'a template that is not there' one missing '*nosuch.json*'
is 'blocks its image alone' "$(action_of good)" unchanged
kilnjson '{"images": {"good": {"template": "good.json"}, "boot": {"template": "good.json", "validate": [{"type": "boot"}]}}}'
like 'a check that its builder has nothing for is blocked as unsupported' "$(reason boot)" 'blocked unsupported *boot*'
git rm -q kiln.json; commit none

mkdir a-b a; template a/b-c.json busybox.tar ../ok.sh; cp ok.sh a/; cp ok.sh a-b/
template a/b-c.json busybox.tar ok.sh; template a-b/c.json busybox.tar ok.sh; cp busybox.tar a/; cp busybox.tar a-b/; commit conflict
like 'two that give one name are both blocked' "$(reason a-b-c)" 'blocked conflict *a-b/c.json*a/b-c.json*'
git rm -rq a a-b; commit none
template x.json catalog:y ok.sh; template y.json catalog:x ok.sh; commit circle
like 'a circle is told' "$(reason x)" 'blocked cycle *y*'
like 'for both' "$(reason y)" 'blocked cycle *x*'
git rm -q x.json y.json; commit none

template emptied.json busybox.tar ok.sh; commit emptied; kiln apply emptied > /dev/null 2>&1
: > emptied.json; commit 'no template any more'
like 'a live image whose template is none any more is blocked' "$(reason emptied)" 'blocked invalid *no template any more*'
sqlite3 "$KILN_STATE/kiln.db" 'DELETE FROM plan_trees; DELETE FROM plan_definitions'
like 'whatever was planned before' "$(reason emptied)" 'blocked invalid *no template any more*'
is 'and stays live' "$(live emptied)" 1
git rm -q emptied.json; commit none
is 'until the file goes' "$(kiln plan --json 2>/dev/null | jq -r '.images[] | select(.name == "emptied") | .action')" orphaned

mkdir loop && ln -s ../loop loop/a && ln -s ../loop loop/b && ln -s ../ok.sh loop/c
printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "file", "source": "loop/", "destination": "/x"}]}' > loop.json; commit loop
like 'a folder with many links to itself is blocked, at once' "$(reason loop)" 'blocked invalid *loop/a leads into itself*'
git rm -rq loop loop.json; commit none

# ---- repositories ----
mkdir "$T/empty" && git init -q -b main "$T/empty"
run kiln plan "$T/empty"; is 'a repository without a commit fails' "$code" 1
like 'saying that' "$err" '*no commit*'
run kiln plan --at nosuch; is 'a revision that is not there fails' "$code" 1
like 'naming it' "$err" '*nosuch*'
run kiln plan "$T/nowhere"; is 'a folder that is not there fails' "$code" 1
mkdir "$T/plain"; run kiln plan "$T/plain"; is 'one that is no repository fails' "$code" 1
run kiln plan "nosuch..HEAD"; is 'a range with a bad end fails' "$code" 1
git commit -q --allow-empty -m empty
git checkout -q --orphan blank && git rm -rfq . && git commit -q --allow-empty -m blank
run kiln plan --at blank --json; is 'a commit without templates has no images' "$(printf '%s' "$out" | jq -c '[.images[] | select(.action != "orphaned")]')" '[]'

# ---- relative paths that count from one folder or the other ----

git checkout -q --orphan folders; mkdir -p sub/own own
for file in own/a own/b sub/own/c; do echo x > $file; done
names() { printf '{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "scripts": ["own/%s", "own/%s"]}]}' "$@" > sub/t.json; commit names; }
missing() { kiln plan --at folders --json 2>/dev/null | jq -r '[.images[] | select(.name == "sub-t").reasons[] | select(.kind == "missing") | .text | sub(".*: "; "")] | join("|")'; }
names a b; is 'all below the root will do' "$(missing)" ''
names a d; is 'of those that are nowhere it is said, and no word of the rest' "$(missing)" 'there is no sub/own/d and own/d'
like 'what is there is among the inputs' "$(kiln inputs sub-t --at folders 2>/dev/null)" '*absent sub/own/d*file own/a *'
names a c; is 'some here and some there are both lists' "$(missing)" \
	'relative paths count from one folder (set `directory`)|there is only one of sub/own/a and own/a|there is only one of sub/own/c and own/c'

# ---- the service's file ----
conf() { printf '%s' "$1" > "$T/service.json"; run kiln status --config "$T/service.json"; }
conf '{"repositories": [{"ulr": "x"}]}'; is 'an unknown key of service.json fails' "$code" 1
like 'with its place and the nearest' "$err" '*service.json:1:*ulr*url*'
conf '{"limits": {"builds": "many"}}'; like 'a wrong type too' "$err" '*service.json:1:*builds*'
conf '{"repositories": [{"url": "/x", "allow": ["shel-local"]}]}'; like 'and a power that there is not' "$err" '*shel-local*'
remote() { conf "{\"repositories\": [{\"url\": \"$1\"
,\"credentials\": $2}]}"; }
remote ftp://h/a '{}'; like 'a url of no scheme of ours' "$err" '*service.json:1:*url: *ftp*https*'
remote https://ann:hush@h/a '{}'; like 'a password in a url' "$err" '*service.json:1:*url: *password_file*'
unlike 'which is not shown' "$err" '*hush*'
remote ssh://h/a '{"ssh_agent": true}'; like 'ssh without known_hosts_file' "$err" '*service.json:1:*url: *known_hosts_file*'
remote h:a '{"known_hosts_file": "/k"}'; like 'ssh without a key' "$err" '*service.json:1:*ssh_key_file*'
remote http://h/a '{"token_file": "/t"}'; like 'a token over http' "$err" '*service.json:2:*token_file: *anybody can read*'
remote git://h/a '{"username": "u"}'; like 'a user over git' "$err" '*service.json:2:*username: *'
remote https://h/a '{"token_file": "t/u"}'; like 'a file that is neither a path nor a credential' "$err" '*service.json:2:*token_file: *absolute*LoadCredential*'
remote https://h/a '{"tokenfile": "/t"}'; like 'an unknown key of credentials' "$err" '*service.json:2:*tokenfile*token_file*'
remote /srv/a '{"token_file": "/t"}'; like 'credentials for a path' "$err" '*service.json:2:*this machine*'
remote https://h/a '[]'; like 'credentials that are none' "$err" '*service.json:2:*credentials: must be*'
conf '{'; like 'and what is no JSON' "$err" '*service.json:1:*'
run kiln status --config "$T/nosuch.json"; like 'and a file that is not there' "$err" '*nosuch.json*'
done_testing
