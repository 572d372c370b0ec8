#!/bin/sh
# What kiln has no driver for is built by an installed packer: the real one here, and programs that behave as badly as one
# can where it is about failures.
. "$(dirname "$0")/lib.sh"
if ! command -v packer > /dev/null; then
	skip 'the engine packer' 'packer is not installed'
	done_testing
fi
new_repository
engine="--allow packer-engine"
hang=1$$ nap=2$$ # seconds that nobody else sleeps
reason() { kiln plan "$1" --json 2>/dev/null | jq -r --arg n "$1" '.images[] | select(.name == $n) | "\(.action) \(.reasons[0].kind) \(.reasons[0].text)"'; }
sums() { (cd "$KILN_STATE/catalog/$1/$2/files" && find . -type f | sort | xargs -r sha256sum); }
manifest() { jq -c "$2" "$KILN_STATE/catalog/$1/manifest.json"; }

# ---- the same templates through both engines ----

printf '#!/bin/sh\necho "a script in $PWD: $PACKER_BUILD_NAME"\n' | script one/say.sh
cat > one/made.json <<'EOF'
{"variables": {"who": "nobody"}, "builders": [{"type": "file", "name": "made-{{user `who`}}", "content": "for {{user `who`}}, in {{template_dir}}\n", "target": "out/made.txt"}],
 "provisioners": [{"type": "shell-local", "inline": ["echo inline, with a comma", "echo also said >&2"]}, {"type": "shell-local", "scripts": ["say.sh", "say.sh"]}],
 "post-processors": [[{"type": "checksum", "checksum_types": ["md5", "sha256"], "output": "out/{{.ChecksumType}}.sum"}, {"type": "manifest", "output": "out/list.json"}],
  {"type": "shell-local", "inline": ["cp out/list.json out/copy.json"]}, [{"type": "compress", "output": "out/made.tar.gz", "keep_input_artifact": true}]]}
EOF
cat > nothing.json <<'EOF'
{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "inline": ["echo said; exit {{user `code`}}"]}],
 "variables": {"code": "0"}, "post-processors": [{"type": "manifest", "output": "list.json"}]}
EOF
both() { # NAME TEMPLATE MORE: NAME-native and NAME-packer
	for with in native packer; do printf '"%s-%s": {"template": "%s", "engine": "%s"%s},' "$1" $with "$2" $with "$3"; done
}
images() { printf '{"images": {%s}}\n' "$(printf '%s' "$1" | sed 's/,$//')" > kiln.json; commit images; }
always="$(both made one/made.json ', "variables": {"who": "ann"}')$(both nothing nothing.json '')"
images "$always"
like 'packer needs the power, by its name' "$(kiln apply nothing-packer --allow shell-local 2>&1)" '*needs the power packer-engine*'
succeeds 'file, shell-local, manifest, checksum, compress and null by both engines' kiln apply --allow shell-local $engine
sums made-native 1 | grep -v '\.gz$' > "$T/native"; sums made-packer 1 | grep -v '\.gz$' > "$T/packer"
is 'the files are the same' "$(cat "$T/packer")" "$(cat "$T/native")"
is 'four of them, and one that is packed' "$(wc -l < "$T/packer") $(ls "$KILN_STATE/catalog/made-packer/1/files" | grep -c gz)" '3 1'
for with in native packer; do tar -xOzf "$KILN_STATE/catalog/made-$with/1/files/made.tar.gz" > "$T/unpacked-$with"; done
is 'with the same in it' "$(cat "$T/unpacked-packer")" "$(cat "$T/unpacked-native")"
is 'nothing is nothing in both' "$(ls "$KILN_STATE/catalog/nothing-packer/1/files")$(manifest nothing-packer/1 .digest)" "$(manifest nothing-native/1 .digest)"
like 'who built it is in the closure' "$(kiln inputs made-packer 2>/dev/null)" '*backend engine/packer 1*'
unlike 'which has no driver of ours then' "$(kiln inputs made-packer 2>/dev/null)" '*backend builder/*'
unlike 'and nothing of packer where they build' "$(kiln inputs made-native 2>/dev/null)" '*packer*1*'
is 'the version is beside it' "$(manifest made-packer/1 .packer) $(manifest made-native/1 .packer)" "\"$(packer version | sed -n 's/^Packer v//p')\" null"
is 'with what packer says that it made' "$(manifest made-packer/1 '.outputs[0]')" '{"builder_id":"packer.file","id":"File","text":"Stored file: out/made.txt","files":1}'
log=$(kiln log made-packer --json 2>/dev/null)
is 'the log has its lines without its prefixes' "$(printf '%s\n' "$log" | jq -r 'select(.text == "inline, with a comma") | .stream + " " + .step')" 'stdout provisioner 1 (shell-local)'
is 'errors as such' "$(printf '%s\n' "$log" | jq -r 'select(.text == "also said") | .stream')" stderr
is 'each under its step' "$(printf '%s\n' "$log" | jq -r 'select(.text | startswith("a script in")) | .step' | uniq)" 'provisioner 2 (shell-local)'
like 'post-processors too' "$(printf '%s\n' "$log" | jq -r .step | uniq | tr '\n' ' ')" '*post-processor (checksum)*post-processor (manifest)*post-processor (compress)*'
is 'applied again nothing is to be done' "$(kiln apply --allow shell-local $engine 2>/dev/null | tail -n 1)" '4 unchanged'
images "$(both made one/made.json ', "variables": {"who": "bob"}')$(both nothing nothing.json ', "variables": {"code": "3"}')"
for with in native packer; do
	fails "a script that fails fails with $with" kiln apply nothing-$with --allow shell-local $engine
	like 'with its exit code' "$out" '*3*'
	expect_live nothing-$with 1 'and the previous image stays'
done

# ---- which engine ----

cat > cloud.json <<'EOF'
{"builders": [{"type": "docker", "image": "debian", "discard": true}]}
EOF
images "$always\"auto\": {\"template\": \"cloud.json\"}, \"native\": {\"template\": \"cloud.json\", \"engine\": \"native\"}"
like 'a builder without a driver is for packer' "$(reason auto)" 'blocked not-allowed *docker*packer-engine*'
like 'unless the definition says otherwise' "$(reason native)" 'blocked unsupported *no driver*docker*'
fails 'what it needs and has not fails' kiln apply auto $engine
like 'clearly' "$out" '*docker*'
busybox_tar busybox.tar
printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}]}' > ours.json
images "$always\"ours\": {\"template\": \"ours.json\", \"engine\": \"packer\"}"
like 'what only kiln builds packer cannot' "$(reason ours)" 'blocked unsupported *Packer has no builder*rootfs*'

# ---- a builder of Packer's, for real: a machine that turns itself off at once ----

if command -v qemu-system-x86_64 > /dev/null && command -v qemu-img > /dev/null; then
	printf '\270\000\040\272\004\006\357\364\353\375' > boot.img
	truncate -s 510 boot.img; printf '\125\252' >> boot.img; truncate -s 1M boot.img
	echo '{"builders": [{"type": "file", "source": "boot.img", "target": "disk.img"}]}' > disk.json
	cat > vm.json <<'EOF'
{"builders": [{"type": "qemu", "disk_image": true, "iso_url": "catalog:disk", "iso_checksum": "none", "communicator": "none", "accelerator": "tcg", "headless": true,
 "format": "raw", "output_directory": "out", "vm_name": "vm.img", "disable_vnc": true, "boot_wait": "-1s", "skip_resize_disk": true, "skip_compaction": true}]}
EOF
	images "$always\"disk\": {\"template\": \"disk.json\"}, \"vm\": {\"template\": \"vm.json\", \"engine\": \"packer\"}"
	succeeds 'qemu boots an image of the catalog' kiln apply disk vm $engine
	is 'whose disk is what is published' "$(sha256sum < "$(kiln path vm)")" "$(sha256sum < boot.img)"
	is 'and which is its base' "$(manifest vm/1 '[.base[] | .text, .version]')" '["catalog:disk",1]'
else
	skip 'a machine of QEMU' 'qemu-system-x86 is not installed'
fi

# ---- plugins that nobody asked for ----

printf '#!/bin/sh\ntouch "%s/executed" /run/kiln/repository/executed\nsleep 1\n' "$T" > packer-builder-null
chmod 755 packer-builder-null
cp packer-builder-null Packer-Provisioner-shell-local; mkdir -p deep/er; cp packer-builder-null deep/er/packer-plugin-null_v1.0.0
echo '{"builders": [{"type": "null", "communicator": "none"}]}' > plain.json
(HOME=$T timeout 60 packer validate plain.json > /dev/null 2>&1)
is 'packer itself runs a plugin of the folder that it is started in' "$(ls "$T/executed")" "$T/executed"; rm -f "$T/executed"
for name in packer-builder-null Packer-Provisioner-shell-local deep/er/packer-plugin-null_v1.0.0; do
	images "$always\"plain\": {\"template\": \"plain.json\", \"engine\": \"packer\", \"inputs\": [\"$name\"]}"
	like "a build that has the file $name is refused" "$(kiln apply plain $engine 2>&1)" "*blocked*$name*plugin*"
done
mkdir real; cp packer-builder-null real/; ln -s real link
images "$always\"plain\": {\"template\": \"plain.json\", \"engine\": \"packer\", \"directory\": \"link\", \"inputs\": [\"link\", \"real/packer-builder-null\"]}"
fails 'also behind a link' kiln apply plain $engine
like 'for that reason' "$out" '*packer-builder-null*plugin*'
images "$always\"plain\": {\"template\": \"plain.json\", \"engine\": \"packer\"}"
succeeds 'a build that has it not is fine' kiln apply plain $engine
is 'and nothing of it ran' "$(ls "$T/executed" 2>&1 | grep -c '^/')$(find "$KILN_STATE" -name executed)" 0

# ---- the sandbox ----

n=0
for target in '/{{timestamp}}' '../../../{{timestamp}}' '/etc/{{timestamp}}' '/run/kiln/bin/{{timestamp}}'; do
	n=$((n + 1))
	printf '{"builders": [{"type": "file", "content": "x", "target": "%s"}]}' "$target" > write.json
	images "$always\"write\": {\"template\": \"write.json\", \"engine\": \"packer\"}"
	fails "a file outside of the build's folder cannot be written ($n)" kiln apply write $engine
	like 'because all else is read-only' "$out" '*read-only file system*'
done
for target in '/tmp/{{timestamp}}' '/run/kiln/engine/{{timestamp}}'; do
	printf '{"builders": [{"type": "file", "content": "x", "target": "%s"}]}' "$target" > write.json
	images "$always\"write\": {\"template\": \"write.json\", \"engine\": \"packer\"}"
	fails 'where it can be it is no result' kiln apply write $engine
	like 'which is said' "$out" "*lies outside of the build's own folder*"
done
printf '{"builders": [{"type": "file", "content": "x", "target": "/etc/planted"}]}' > write.json; commit write
like 'what is known before is not tried' "$(kiln apply write $engine 2>&1)" '*blocked*/etc/planted*'

# ---- secrets and the environment ----

printf 'hush-hush-hush\n' > "$T/secret"
cat > secret.json <<'EOF'
{"variables": {"password": "", "granted": "{{env `GRANTED`}}"}, "sensitive-variables": ["password"], "builders": [{"type": "null", "communicator": "none"}],
 "provisioners": [{"type": "shell-local", "environment_vars": ["PASSWORD={{user `password`}}"], "inline": [
  "echo password: $PASSWORD, $(printf %s \"$PASSWORD\" | base64)", "echo granted: {{user `granted`}}",
  "echo environment: GRANTED=$GRANTED OTHER=$OTHER KEY=$SOME_KEY",
  "echo argv: $(for p in /proc/[0-9]*; do grep -q packer $p/comm && cat $p/cmdline; done | tr '\\0' ' ' | grep -c hush-hush)",
  "for i in $(seq 300); do [ -e /run/kiln/engine/variables.json ] || break; sleep 0.1; done", "echo left: $(ls /run/kiln/engine)", "echo home: $HOME $(ls -A $HOME)"]}]}
EOF
images "$always\"secret\": {\"template\": \"secret.json\", \"engine\": \"packer\", \"variables\": {\"password\": {\"secret\": \"pw\"}}}"
printf '{"repositories": [{"url": "%s", "allow": ["shell-local", "packer-engine", "env:GRANTED", "env:SOME_KEY", "env:HOME"], "secrets": {"pw": {"file": "%s"}}}]}' \
	"$repository" "$T/secret" > "$T/service.json"
export GRANTED=yes OTHER=no SOME_KEY=0123456789abcdef
succeeds 'a secret gets there' kiln apply secret --config "$T/service.json"
log=$(kiln log secret --config "$T/service.json" 2>/dev/null)
like 'and the log shows none of its forms' "$log" '*password: <sensitive>, <sensitive>*'
unlike 'anywhere' "$(find "$KILN_STATE" -path '*builds*' -type f -exec cat {} +)" '*hush-hush*'
like 'no argument has it' "$log" '*argv: 0*'
like 'the file that had it is gone' "$log" '*left: cache home plugins tmp*'
unlike 'whatever it is called' "$log" '*left:*.json*home:*'
like 'the environment is what was granted' "$log" '*granted: yes*GRANTED=yes OTHER= KEY=<sensitive>*'
like 'home is an empty folder of the build' "$log" '*home: /run/kiln/engine/home*'
unset GRANTED OTHER SOME_KEY

# ---- packers that fail: a program each ----

fake() { # NAME [LIMITS]: from standard input what it does to build
	mkdir -p "$T/$1"
	{ echo '#!/bin/sh'; echo '[ "$1" = version ] && { echo "Packer v${VERSION:-1.8.7}"; exit 0; }'; cat; } > "$T/$1/packer"
	chmod 755 "$T" "$T/$1" "$T/$1/packer"
	printf '{"packer": {"program": "%s/%s/packer"}, "limits": {%s}}' "$T" "$1" "${2:-}" > "$T/service.json"
}
with_fake() { run timeout 300 kiln apply made-packer --config "$T/service.json" --allow shell-local $engine; }
images "$(both made one/made.json ', "variables": {"who": "eve"}')"
made() { # an artifact of one file that is there
	printf 'echo made > out.txt\n%s\n' "printf '1,made-eve,artifact-count,1\n1,made-eve,artifact,0,builder-id,x\n1,made-eve,artifact,0,file,0,out.txt\n1,made-eve,artifact,0,end\n'"
}
failing() { # WHAT PATTERN
	with_fake
	is "$1 fails" "$code" 1
	like 'saying why' "$out$err" "$2"
	expect_live made-packer 1 'and the previous image stays'
}

echo 'exit 0' | fake empty; failing 'a packer that makes nothing' '*made nothing*'
echo 'kill -9 $$' | fake killed; failing 'one that is killed' '*killed by signal 9*'
echo 'echo oh no; echo; head -c 300000 /dev/urandom; echo; exit 1' | fake garbage; failing 'one that says garbage' '*exit code 1*'
like 'which is told' "$(kiln log made-packer)" '*not of its -machine-readable form*'
fake config <<'EOF'
printf '%s\n' '1,,ui,error,Error: Failed to prepare build: "x"\n\n1 error(s) occurred:\n\n* target required\n\n'; exit 1
EOF
failing 'one that does not like the template' '*Error: Failed to prepare build: "x"*1 error(s) occurred:*\* target required*'
printf "printf '1,made-eve,error,the cloud is down%%%%!(PACKER_COMMA) sorry\\\\n'; exit 1\n" | fake error; failing 'one that tells of an error' '*packer: the cloud is down, sorry*'
printf "printf '1,a,artifact-count,2\\\\n1,a,artifact,0,id,x\\\\n'\n" | fake half; failing 'one whose output is not whole' '*counts 2 artifacts and tells of 1*'
printf "printf '1,a,artifact,7,id,x\\\\n'\n" | fake strange; failing 'one that cannot be understood' '*cannot be understood*'
printf "printf '1,a,artifact,0,file,0,nosuch\\\\n'\n" | fake missing; failing 'one whose files are not there' '*none of the files of its artifact is there*'
printf "ln -s /etc/passwd got; printf '1,a,artifact,0,file,0,got\\\\n'\n" | fake leak; failing 'one whose file is a link that leads out' '*the artifact*'
VERSION=1.5.6; made | fake old; sed -i "s/\${VERSION:-1.8.7}/1.5.6/" "$T/old/packer"; failing 'one that is too old' '*1.5.6*1.6.0 or later*'
made | fake silent; sed -i 's/echo "Packer.*exit 0/echo huh; exit 0/' "$T/silent/packer"; failing 'one that has no version' '*no version of Packer*huh*'
like 'which kiln doctor shows' "$(kiln doctor --config "$T/service.json")" '*missing engine packer*no version of Packer*'
printf '{"packer": {"program": "%s/nosuch"}}' "$T" > "$T/service.json"; failing 'none at all' "*packer cannot be run: $T/nosuch*"
mkdir -p "$T/path"; for program in sh git; do ln -sf "$(command -v $program)" "$T/path/"; done
run env PATH="$BIN:$T/path" kiln apply made-packer --allow shell-local $engine
like 'nor any in PATH' "$out" '*packer is not installed here*'

# those that do not end
fake hangs '"build_timeout": "2s"' <<EOF
trap 'echo cleaning up >&2; exit 1' TERM
sleep $hang & sleep $hang & wait
EOF
failing 'one that hangs' '*took longer than limits.build_timeout*'
like 'may clean up' "$(kiln log made-packer)" '*cleaning up*'
is 'and leaves nothing behind' "$(pgrep -fc "^sleep $hang")" 0
printf '#!/bin/sh\nsleep %s\n' $hang > "$T/hangs/packer"; failing 'one that hangs when asked for its version' '*version: *build_timeout*'

# and those that are strange but right
{ printf "printf '1,,ui,say,'; head -c 100000000 /dev/zero | tr '\\\\0' x; echo\n"; made; } | fake long
with_fake
is 'a line of 100 MB does no harm' "$code $(live made-packer)" '0 2'
like 'and is told' "$(kiln log made-packer)" '*lines of more than 262144 bytes*'
{ echo 'cat > /tmp/x < /bin/true; chmod 755 /tmp/x; cp /tmp/x .; /tmp/x; echo "code $?" >&2; ./x; echo "code $?" >&2'; echo 'echo "$@" >&2; env >&2'; made; } | fake tells
sed -i 's/"shell-local", "inline": \["echo inline.*$/"file", "source": "say.sh", "destination": "x"}],/; s/{"type": "shell-local", "inline": \["cp [^}]*},//' one/made.json
images "$(both made one/made.json ', "variables": {"who": "eve"}')"
with_fake
is 'where nothing may run on this machine nothing of the build can' "$code $(kiln log made-packer | grep -c '^code 126')" '0 2'
like 'it gets the build, and no variable' "$(kiln log made-packer)" "*-machine-readable build -color=false -on-error=cleanup -only=made-eve -var-file=/run/kiln/engine/variables.json /run/kiln/repository/one/made.json*"
like 'and no update check' "$(kiln log made-packer)" '*CHECKPOINT_DISABLE=1*'

# ---- ids of what is elsewhere ----

cat > "$T/made-ami" <<'EOF'
printf '1,cloud,artifact-count,1\n1,cloud,artifact,0,builder-id,mitchellh.amazonebs\n1,cloud,artifact,0,id,eu-west-1:ami-%s\n' "$ID"
printf '1,cloud,artifact,0,string,AMIs were created:\\neu-west-1: ami-x\n1,cloud,artifact,0,files-count,0\n1,cloud,artifact,0,end\n'
EOF
sed 's/"$ID"/0a1b2c3d/' "$T/made-ami" | fake ami
cat > cloud.json <<'EOF'
{"builders": [{"type": "amazon-ebs", "ami_name": "cloud", "instance_type": "t2.micro", "source_ami": "ami-1", "region": "eu-west-1", "ssh_username": "x"}]}
EOF
sed 's/"ami-1"/"catalog:cloud"/; s/"cloud"/"child"/' cloud.json > child.json
images '"cloud": {"template": "cloud.json"}, "child": {"template": "child.json", "build": "amazon-ebs"}'
succeeds 'an image of a cloud has an id' kiln apply cloud --config "$T/service.json" $engine
is 'which its manifest has' "$(manifest cloud/1 '.outputs[0] | [.builder_id, .id, .files]')" '["mitchellh.amazonebs","eu-west-1:ami-0a1b2c3d",0]'
is 'and a file, for scripts' "$(jq -r '.[0].id' "$(kiln path cloud)")" eu-west-1:ami-0a1b2c3d
for id in eu-west-1:ami-0a1b2c3d ami-0a1b2c3d; do
	is "audit finds it by $id" "$(kiln audit $id --json 2>/dev/null | jq -r '.[0] | "\(.image) \(.version)"')" 'cloud 1'
done
fails 'and by no other' kiln audit ami-0a1b2c3
{ echo 'grep -A9 source_ami /run/kiln/repository/child.json >&2'; sed 's/"$ID"/child/' "$T/made-ami"; } | fake child
succeeds 'one that is built on it' kiln apply child --config "$T/service.json" $engine
like 'is told its id' "$(kiln log child)" '*"source_ami": "ami-0a1b2c3d"*'
sed 's/"$ID"/ffff/' "$T/made-ami" | fake ami2
succeeds 'built anew' kiln apply cloud --force --config "$T/service.json" $engine
expect_live cloud 2 'another id is another version'

# ---- a builder that only the installed packer knows ----

mkdir -p tree/inner; echo x > tree/inner/file
cat > foreign.json <<'EOF'
{"builders": [{"type": "foreign", "setup": "one/say.sh", "upload": {"from": ["tree"]}, "words": "one two", "elsewhere": "/etc/passwd"}]}
EOF
images '"foreign": {"template": "foreign.json"}'
like 'what nobody here knows is refused' "$(reason foreign)" 'blocked unsupported *nobody knows builder 1 (foreign)*"engine": "packer"*'
images '"foreign": {"template": "foreign.json", "engine": "packer"}'
is 'unless the definition says that packer has it' "$(reason foreign | cut -d' ' -f1,2)" 'blocked not-allowed'
is 'what its options name is an input' "$(kiln inputs foreign 2>/dev/null | sed -n 's/^file \([^ ]*\) .*/\1/p' | tr '\n' ' ')" 'one/say.sh tree/inner/file '
{ echo 'cat tree/inner/file one/say.sh >&2'; sed 's/"$ID"/f0/; s/cloud/foreign/g' "$T/made-ami"; } | fake foreign
succeeds 'and packer builds it' kiln apply foreign --config "$T/service.json" $engine
expect_live foreign 1
echo 'kill -9 $$' | fake foreign; kiln apply foreign --force --config "$T/service.json" $engine > /dev/null 2>&1
is 'which may leave things anywhere' "$(kiln doctor --json | jq -r '.elsewhere[].makes[].plugin')" 'builder foreign'

# ---- ending it ----

cat > slow.json <<EOF
{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "inline": ["echo started", "sleep $nap & sleep $nap"]}]}
EOF
images '"slow": {"template": "slow.json", "engine": "packer"}'
slowly() { kiln apply slow --allow shell-local $engine > "$T/slow" 2>&1 & slow=$!; background="$background $slow"; wait_until 2 pgrep -fc "^sleep $nap"; }
slowly
succeeds 'a build under way' kiln cancel "$(kiln show slow --json | jq -r '.builds[0].build')"
wait $slow
is 'can be cancelled' "$(kiln show slow --json | jq -r '.builds[0].phase')" cancelled
like 'packer having been asked to clean up' "$(kiln log slow)" '*Cancelling build after receiving terminated*'
is 'with all that it ran' "$(pgrep -fc "^sleep $nap")" 0
slowly
build=$(kiln show slow --json | jq -r '.builds[] | select(.phase == "building").build')
left=$(pgrep -f "^sleep $nap" | paste -sd,)
kill -9 "$(jq -r 'select(.event == "begin") | .pid' "$KILN_STATE/builds/$build/journal" | tail -n 1)"
wait_until '' ps -o pid= -p "$left"
is 'a worker that is killed leaves nothing running' "$last" ''
wait_until 2 pgrep -fc "^sleep $nap"
succeeds 'what is begun anew after it' kiln cancel "$build"
wait $slow
wait_until 0 pgrep -fc "^sleep $nap"
is 'can be cancelled as well' "$last" 0
expect_whole
done_testing
