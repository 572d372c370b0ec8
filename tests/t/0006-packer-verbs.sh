#!/bin/sh
# validate, inspect and console: Packer's rules without a repository, beside the real packer where it is installed.
. "$(dirname "$0")/lib.sh"

mkdir "$T/work" && cd "$T/work" || exit 1
mkdir sub scripts
printf 'echo hi\n' > scripts/a.sh
cat > good.json << 'EOF'
{"description": "two", "min_packer_version": "1.5.0", "variables": {"name": "x,y", "token": "se\ncret", "need": null},
 "sensitive-variables": ["token"],
 "builders": [{"type": "file", "name": "b-{{user `name`}}", "target": "out", "content": "c"},
              {"type": "null", "communicator": "none"}],
 "provisioners": [{"type": "shell", "script": "scripts/a.sh"}, {"type": "shell-local", "inline": ["x"], "only": ["null"]}],
 "post-processors": ["manifest", [{"type": "artifice", "files": ["out"]}]]}
EOF

# ---- validate ----

run kiln validate good.json
is 'a required variable must be given' "$code" 1
like 'and is named with its place' "$err" '*good.json:1:*need*'
succeeds 'with it the template is valid' kiln validate -var need=1 good.json
is 'and nothing is said' "$out$err" ''
printf '{"need": "1"}' > vars.json
succeeds 'a file may give it' kiln validate -var-file=vars.json good.json
succeeds 'the syntax is good without it' kiln validate -syntax-only good.json
cd sub || exit 1
run kiln validate -var need=1 ../good.json
is 'relative paths count from the current folder' "$code" 1
like 'the file that is missing is named' "$err" '*provisioner 1 (shell): script: scripts/a.sh is not there*'
succeeds 'or from the folder of the template' kiln validate --own-folder -var need=1 ../good.json
cd .. || exit 1
succeeds 'a template may come from standard input' sh -c 'kiln validate -var need=1 - < good.json'

cat > bad.json << 'EOF'
{"builders": [
  {"type": "file", "taget": "x", "content": "{{nofunc}}"},
  {"type": "nul", "name": "b"},
  {"type": "file", "name": "c", "target": "t", "content": "a", "source": "b"}
 ],
 "provisioners": [{"type": "file", "source": "a", "destination": "/x", "direction": "sideways"},
                  {"type": "shell"}]}
EOF
run kiln validate bad.json
is 'a bad one is refused' "$code" 1
for mistake in 'bad.json:2:*taget*did you mean*target*' 'bad.json:2:*content: there is no function "nofunc"*' \
	'builder 2 (nul): there is no such builder (did you mean null?)' 'source and content are given: only one may be' \
	'direction is one of upload, download, not "sideways"' 'bad.json:7:*provisioner 2 (shell): one of inline, script, scripts is needed'; do
	like "every mistake is told: $mistake" "$err" "*$mistake*"
done
run kiln validate -only=c bad.json
unlike 'builds that are not chosen are not looked at' "$err" '*nofunc*'
run kiln validate --json bad.json good.json
json 'several templates in one go' '[.templates[].path] | join(" ")' 'bad.json good.json'
json 'each with its verdict' '[.templates[] | (.problems | length == 0) == .valid] | all' true
run kiln validate nosuch.json
like 'one that is not there' "$err" '*nosuch.json*No such file*'
run kiln validate -var novalue good.json
like 'a variable without a value' "$err" '*-var novalue: it must be NAME=VALUE*'

ssh_key() { printf -- '-----BEGIN %s PRIVATE KEY-----\n%s\n-----END %s PRIVATE KEY-----\n' "$1" "$2" "$1" > key; }
cat > key.json << 'EOF'
{"builders": [{"type": "null", "ssh_host": "h", "ssh_username": "u", "ssh_private_key_file": "key"}]}
EOF

# ---- inspect ----

run kiln inspect good.json
like 'inspect shows what is required' "$out" '*Required variables:*  need*'
unlike 'and hides what is sensitive' "$out" '*secret*'
run kiln inspect --json good.json
json 'all parts as JSON' '[(.variables | length), (.builders | length), .provisioners[], .post_processors[]] | join(" ")' \
	'3 2 shell shell-local manifest artifice'

# ---- console ----

rendered() { printf '%s\n' "$2" | kiln console $1 2>&1; }
is 'console renders' "$(rendered '' '{{upper `a`}}-{{.X}}')" 'A-<no value>'
is 'with the variables of a template' "$(rendered '-var need=1 good.json' '{{user `name`}}{{user `need`}}')" 'x,y1'
is 'and hides what is sensitive' "$(rendered '-var need=1 -var token=42 good.json' 'a{{user `token`}}b')" 'a<sensitive>b'
like 'mistakes are told' "$(rendered '' '{{nofunc}}')" '*there is no function "nofunc"*'
like 'variables are listed' "$(rendered '-var need=1 good.json' variables)" '*need: 1,*'
is 'only the last answer is printed' "$(printf 'one\ntwo\n' | kiln console)" two
printf 'one\ntwo\nexit\nthree\n' > "$T/typed"
is 'of a file each one, as with packer' "$(kiln console < "$T/typed" | tr '\n' ' ')" 'one two '

# ---- the same as the real one ----

if command -v packer > /dev/null; then
	records() { cut -d, -f3- | grep '^template-'; }
	is 'inspect -machine-readable is as packer'\''s' "$(kiln inspect -machine-readable good.json | records)" \
		"$(packer inspect -machine-readable good.json | records)"
	verdict() { "$1" validate $2 "$3" > "$T/said" 2>&1; echo $?; }
	for flags in '' '-var need=1' -syntax-only '-var need=1 -only=null' '-var need=1 -except=null'; do
		is "validate $flags: the same verdict on a good one" "$(verdict kiln "$flags" good.json)" "$(verdict packer "$flags" good.json)"
		is "validate $flags: and on a bad one" "$(verdict kiln "$flags" bad.json)" "$(verdict packer "$flags" bad.json)"
	done
	for text in '{{upper `ä`}}' '{{if eq 1 1}}y{{end}}' '{{printf "%05d" 42}}' '{{env `HOME`}}' '{{packer_version}}' '{{split `a-b` `-` 1}}'; do
		is "console: $text" "$(printf '%s\n' "$text" | kiln console 2> /dev/null)" "$(printf '%s\n' "$text" | packer console 2> /dev/null | sed '/Interpolation error/,$d')"
	done
	keys() {
		ssh-keygen -q -t "$1" -N "$2" -f "$T/made" -m "$3" && mv "$T/made" key
		is "a key: $1 '$2' $3" "$(verdict kiln '' key.json)" "$(verdict packer '' key.json)"
	}
	for type in rsa ed25519 ecdsa; do keys $type '' RFC4716; keys $type secret RFC4716; done
	keys rsa '' PEM; keys rsa secret PEM; keys ecdsa '' PEM
	: > key; is 'a key: empty' "$(verdict kiln '' key.json)" "$(verdict packer '' key.json)"
	ssh_key RSA '!!'; is 'a key: damaged' "$(verdict kiln '' key.json)" "$(verdict packer '' key.json)"
else
	skip 'the same as the real one' 'packer is not installed'
fi
done_testing
