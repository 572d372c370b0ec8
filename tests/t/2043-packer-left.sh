#!/bin/sh
# What a packer that was killed may have left in a cloud is written down before it is started, with what it said that it made,
# until a person says that it is dealt with.
. "$(dirname "$0")/lib.sh"
new_repository
nap=4$$ # seconds that nobody else sleeps
engine="--allow packer-engine"
cat > web.json <<'END'
{"variables": {"zone": "eu-west-1", "key": "hush-hush-hush"}, "sensitive-variables": ["key"],
 "builders": [{"type": "amazon-ebs", "name": "web", "ami_name": "web-{{user `key`}}", "instance_type": "t2.micro", "source_ami": "ami-1", "region": "{{user `zone`}}", "ssh_username": "x"}],
 "post-processors": [{"type": "vagrant-cloud", "access_token": "t", "box_tag": "me/web", "version": "1"}]}
END
echo '{"images": {"web": {"template": "web.json"}}}' > kiln.json; commit web

fake() { # NAME [LIMITS]: from standard input what it does to build
	mkdir -p "$T/$1"
	{ echo '#!/bin/sh'; echo '[ "$1" = version ] && { echo "Packer v1.8.7"; exit 0; }'; echo 'say() { printf "1,,ui,%s,%b\n" "$1" "$2"; }'; cat; } > "$T/$1/packer"
	chmod 755 "$T" "$T/$1" "$T/$1/packer"
	printf '{"packer": {"program": "%s/%s/packer"}, "limits": {%s}}' "$T" "$1" "${2:-}" > "$T/service.json"
}
begins() {
	cat <<'END'
say say '==> web: Creating temporary keypair: packer_6569f3c1-1111-2222-3333-444444444444'
say message '    web: Instance ID: i-0123456789abcdef0'
say say '==> web: Provisioning with shell script: /tmp/x.sh'
say message '    web: Creating a file in the machine'
say message '    web: the key is hush-hush-hush'
END
}
with_fake() { run kiln apply web --force --config "$T/service.json" $engine; }
left() { kiln doctor --json --config "$T/service.json" 2>/dev/null | jq -c "$1"; }
forget_all() { for build in $(left '.elsewhere[].build' | tr -d '"'); do kiln gc --forget "$build" --config "$T/service.json" > /dev/null 2>&1; done; }
ledger() { sqlite3 "$KILN_STATE/kiln.db" "SELECT count(*) FROM ledger WHERE kind = 'elsewhere'"; }
made() { printf "printf '1,web,artifact-count,1\\\\n1,web,artifact,0,builder-id,mitchellh.amazonebs\\\\n1,web,artifact,0,id,eu-west-1:ami-%s\\\\n1,web,artifact,0,end\\\\n'\n" "$1"; }

# ---- those that end by themselves ----

{ begins; made 1; } | fake well
with_fake
is 'a build that ends well is live' "$code $(live web)" '0 1'
is 'and left nothing behind' "$(left .elsewhere) $(ledger)" '[] 0'
{ begins; echo 'exit 1'; } | fake fails
with_fake
is 'one that fails and cleaned up neither' "$code $(left .elsewhere) $(ledger)" '1 [] 0'
{ begins; echo "say error '==> web: Error terminating instance%!(PACKER_COMMA) may still be around: no route'; exit 1"; } | fake around
with_fake
like 'one that could not clean up says so' "$out$err" '*may have left something elsewhere: kiln doctor*'
is 'and what it could not remove' "$(left '.elsewhere[0] | [.image, .why]')" '["web","Error terminating instance, may still be around: no route"]'
forget_all
is 'until a person has dealt with it' "$(left .elsewhere) $(ledger)" '[] 0'
{ begins; echo 'exit 2'; } | fake panics; with_fake
is 'one that fell over' "$(left '.elsewhere[0].why')" '"it fell over"'; forget_all
{ begins; echo 'exit 1'; } | fake aborts
run kiln apply web --force --on-error=abort --config "$T/service.json" $engine
like 'one that was to leave all as it is' "$(left '.elsewhere[0].why')" '*--on-error=abort*'; forget_all
{ begins; echo 'kill -9 $$'; } | fake killed; with_fake
is 'one that was killed alone' "$(left '.elsewhere[0].why')" '"packer was ended before it could remove what it had made"'; forget_all

# ---- its result is nobody's ----

{ begins; made 2; } | fake result
echo '{"images": {"web": {"template": "web.json", "validate": [{"type": "checksum", "file": "outputs.json", "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}]}}}' > kiln.json; commit rule
with_fake
like 'a result that does not pass' "$code $(left '.elsewhere[0] | [.made[0], .why]')" '1 *"eu-west-1:ami-2","the build came to nothing after packer had made its result"*'; forget_all
echo '{"images": {"web": {"template": "web.json"}}}' > kiln.json; commit no-rule

# ---- a worker that is killed with its packer ----

{ begins; echo "trap 'exit 1' TERM; sleep $nap & wait"; } | fake hangs
kiln apply web --force --config "$T/service.json" $engine > "$T/out" 2>&1 & apply=$!; background="$background $apply"
wait_until 1 pgrep -fc "^sleep $nap"
build=$(kiln show web --json | jq -r '.builds[] | select(.phase == "building").build')
is 'what is under way has left nothing yet' "$(left .elsewhere)" '[]'
first=$(pgrep -f "^sleep $nap")
kill -9 "$(jq -r 'select(.event == "begin") | .pid' "$KILN_STATE/builds/$build/journal" | tail -n 1)"
wait_until '' ps -o pid= -p "$first"
wait_until 1 pgrep -fc "^sleep $nap"
is 'what it left is told while it begins anew' "$(left '.elsewhere | length')" 1
succeeds 'the second is asked to end' kiln cancel "$build"
wait $apply
is 'and cleans up' "$(left '.elsewhere | length') $(ledger)" '1 1'
is 'the first one is named' "$(left '.elsewhere[0] | [.build, .image, .why]')" "[\"$build\",\"web\",\"packer was ended before it could remove what it had made\"]"
is 'with where it was at work' "$(left '.elsewhere[0].makes[0]')" '{"plugin":"builder amazon-ebs","where":{"region":"eu-west-1","ami_name":"web-<sensitive>"}}'
is 'post-processors too' "$(left '.elsewhere[0].makes[1]')" '{"plugin":"post-processor vagrant-cloud","where":{"box_tag":"me/web","version":"1"}}'
is 'and what it said that it made' "$(left '.elsewhere[0].said')" '["Creating temporary keypair: packer_6569f3c1-1111-2222-3333-444444444444","Instance ID: i-0123456789abcdef0"]'
like 'and how to find what has no name' "$(left '.elsewhere[0].names')" '*packer- or packer_, then ???????? to ????????*'
is 'the manual has all of it' "$(sed -n '/^\.Sh ELSEWHERE/,/^\.Sh REASONS/s/^\.It Ic \(.*\) : .*/\1/p' "$ROOT/docs/man/kiln-json.5" | sed 's/ , /\n/g' | sort)" \
	"$(left .elsewhere | jq -r 'paths | map(if type == "number" then "[]" else "." + . end) | join("") | select(test("^.+\\[\\]$|where\\.") | not) | select(. != "[]") | "elsewhere" + .' | sort -u)"
unlike 'no secret is shown' "$(left .elsewhere; cat "$KILN_STATE/builds/$build/journal")" '*hush-hush*'
like 'doctor shows it to people' "$(kiln doctor --config "$T/service.json")" "*build $build of web, begun *amazon-ebs: region=eu-west-1*said: Instance ID: i-0123456789abcdef0*"
printf '{"limits": {"log_days": 0}}' > "$T/none.json"
kiln gc --config "$T/none.json" > /dev/null 2>&1
is 'gc keeps what says so' "$(ls "$KILN_STATE/builds") $(left '.elsewhere | length')" "$build 1"
fails 'of no other build there is anything to forget' kiln gc --forget nosuch
like 'which is said' "$err" '*nosuch left nothing elsewhere*'
succeeds 'until somebody says that it is dealt with' kiln gc --forget "$build" --config "$T/none.json"
is 'then all of it goes' "$(ls "$KILN_STATE/builds") $(left .elsewhere) $(ledger)" ' [] 0'
is 'and the history has it' "$(sqlite3 "$KILN_STATE/kiln.db" "SELECT build FROM events WHERE kind = 'forgotten'" | tail -n 1)" "$build"

# ---- the real one ----

if command -v packer > /dev/null; then
	cat > stack.json <<'END'
{"builders": [{"type": "openstack", "identity_endpoint": "http://127.0.0.1:{{user `port`}}/v3", "username": "u", "password": "p", "tenant_name": "t", "domain_name": "d", "region": "one",
  "image_name": "i", "flavor": "f", "source_image": "6b1c0f3e-0000-0000-0000-000000000000", "ssh_username": "x"}], "variables": {"port": "1"}}
END
	python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(600)' > "$T/port" & background="$background $!"
	wait_until 1 grep -c . "$T/port"
	printf '{"images": {"refused": {"template": "stack.json"}, "silent": {"template": "stack.json", "variables": {"port": "%s"}}}}' "$(cat "$T/port")" > kiln.json; commit stack
	run kiln apply refused $engine
	is 'packer that reaches nothing leaves nothing' "$code $(kiln doctor --json | jq -c .elsewhere) $(ledger)" '1 [] 0'
	kiln apply silent $engine > "$T/out" 2>&1 & apply=$!; background="$background $apply"
	wait_until building sh -c 'kiln show silent --json | jq -r ".builds[0].phase"'
	build=$(kiln show silent --json | jq -r '.builds[0].build')
	wait_until 1 sh -c "jq -r 'select(.event == \"packer\").state' '$KILN_STATE/builds/$build/journal' | grep -c begins"
	kill -9 "$(jq -r 'select(.event == "begin") | .pid' "$KILN_STATE/builds/$build/journal" | tail -n 1)"
	wait_until 2 sh -c "jq -r 'select(.event == \"packer\").state' '$KILN_STATE/builds/$build/journal' | grep -c begins"
	is 'one that is killed may have' "$(kiln doctor --json | jq -c '.elsewhere[0].makes')" '[{"plugin":"builder openstack","where":{"identity_endpoint":"http://127.0.0.1:'"$(cat "$T/port")"'/v3","region":"one","tenant_name":"t","image_name":"i"}}]'
	kiln cancel "$build" > /dev/null 2>&1; wait $apply
	kiln gc --forget "$build" > /dev/null 2>&1
else
	skip 'the real packer' 'it is not installed'
fi
expect_whole
done_testing
