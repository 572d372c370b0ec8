#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kiln verify --cold: a version is built once more without checkpoints, and what is published and should not be so is found.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar

# Something outside that no closure can name: what it gives is what is in $T/outside.
mkdir "$T/outside"; echo old > "$T/outside/it"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$T/outside" > "$T/serving" 2> /dev/null & background="$background $!"
wait_until 1 grep -c '^Serving' "$T/serving"
outside=http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$T/serving")/it
# image NAME FORMAT STEP...: each step a line of shell; the first of web and oci is open to the outside, and is kept for a month
image() {
	name=$1 format=$2; shift 2
	jq -n --arg format "$format" '{builders: [{type: "rootfs", base: "busybox.tar", network: "host", format: $format}],
		provisioners: [$ARGS.positional[] | {type: "shell", inline: [.]}]}' --args "$@" > "$name.json"
}
printf '{"images": {"web": {"template": "web.json", %s}, "oci": {"template": "oci.json", %s}, "child": {"template": "child.json"}}}' \
	'"steps": [{"index": 0, "open": true, "max_age": "30d"}]' '"steps": [{"index": 0, "open": true, "max_age": "30d"}]' > kiln.json
fetch="/bin/busybox wget -q -O /etc/it $outside"
image web tar.zst "$fetch" 'mkdir -p /srv; echo one > /srv/page; ln -s page /srv/index'
image oci oci "$fetch" 'echo one > /etc/one; rm /etc/one; echo two > /etc/two'
printf '{"builders": [{"type": "rootfs", "base": "catalog:web"}], "provisioners": [{"type": "shell", "inline": ["cp /etc/it /etc/mine"]}]}' > child.json
commit first
printf '{"repositories": [{"url": "%s", "allow": ["host-network"]}], "limits": {"builds": 1}}' "$repository" > "$T/service.json"
apply() { kiln apply --config "$T/service.json" "$@" > "$T/applied" 2>&1 < /dev/null || fail 'it is applied' "$(cat "$T/applied")"; }
cold() { run kiln verify --cold "$1" --config "$T/service.json" --json; }
action() { kiln plan --config "$T/service.json" --json 2> /dev/null | jq -r --arg n "$1" '.images[] | select(.name == $n) | .action'; }
phase() { kiln show "$1" --json | jq -r '.builds[-1].phase'; }
# what must not change: all that is published, the channels, the numbers
published() { find "$KILN_STATE/catalog" \( -type f -o -type l \) -printf '%p %l %T@\n' | sort | sha256sum; }
builds() { sqlite3 "$KILN_STATE/kiln.db" 'SELECT count(*) FROM builds'; }
left() { find "$KILN_STATE/builds" -mindepth 2 ! -name log ! -name journal; sqlite3 "$KILN_STATE/kiln.db" 'SELECT * FROM ledger'; }
checkpoints() { ls "$KILN_STATE/checkpoints" | sha256sum; }

# ---- what is as its commit says ----

apply
before=$(published) kept=$(checkpoints)
run kiln verify --cold web
is 'without the power that its build had it cannot be built' "$code" 1
like 'which is said' "$err" '*web@1 (build *host-network*'
cold web
is 'one that is as its closure says has no fault' "$code" 0
json 'one build has shown it' '[.cold.image, .cold.version, (.cold.builds | length), .cold.varies, .faults]' '["web",1,1,[],[]]'
cold oci
json 'the same of an OCI image' '[.cold.image, .cold.files, .faults]' '["oci",0,[]]'
is 'nothing was published' "$(published)" "$before"
is 'nothing was kept, nothing reused' "$(checkpoints)" "$kept"
is 'nothing is left over' "$(left)" ''
is 'it changes nothing of the plan' "$(action web)" unchanged
is 'status is that of the version' "$(kiln status --json | jq -r '.images[] | select(.name == "web") | .phase')" live
like 'its build is in the history' "$(kiln show web --json | jq -c '[.builds[].phase]')" '\["live","failed","unneeded"\]'

# ---- a stale checkpoint ----

echo new > "$T/outside/it"
image web tar.zst "$fetch" 'mkdir -p /srv; echo two > /srv/page; ln -s page /srv/index; chmod 700 /srv'
image oci oci "$fetch" 'echo one > /etc/one; rm /etc/one; echo three > /etc/two'
commit second; apply
like 'the open step was not run again' "$(cat "$T/applied")" '*built (1 of 2 steps reused)*'
is 'so what it fetched is old' "$(file_of web/2 etc/it)" old
before=$(published)
cold web
is 'a stale checkpoint is found' "$code" 1
json 'the path that differs is named, and nothing else' '[.faults[] | [.kind, .where, .path]]' \
	'[["cold","web@2 rootfs.tar.zst:/etc/it","rootfs.tar.zst:/etc/it"]]'
json 'and what was expected and found' '.faults[0] | [.expected, .found]' \
	"[\"file 0644 0:0 4 bytes sha256:$(echo old | sha256sum | cut -d' ' -f1)\",\"file 0644 0:0 4 bytes sha256:$(echo new | sha256sum | cut -d' ' -f1)\"]"
json 'a second build has confirmed it' '[(.cold.builds | length), .cold.varies]' '[2,[]]'
run kiln verify --cold web --allow host-network
like 'a person reads the same' "$code $out" '1 *cold: web@2 rootfs.tar.zst:/etc/it: expected file 0644 0:0 4 bytes sha256:*, found file*web@2 of *, built anew: *1 faults*'
cold oci
json 'in an OCI image the path is that of its file' '[.faults[].where]' '["oci@2:/etc/it"]'
cold web@1
json 'an older version is compared as it was at its commit' '[.cold.version, [.faults[].path]]' '[1,["rootfs.tar.zst:/etc/it"]]'
cold child
json 'what stands on it was built on that version, and is right' '[.cold.image, .cold.version, .faults]' '["child",2,[]]'
is 'nothing of it was published' "$(published)" "$before"
expect_live web 2; expect_live oci 2
is 'nothing is left over from all these' "$(left)" ''

# ---- what no build has twice ----

image web tar.zst "$fetch" 'head -c 16 /dev/urandom > /etc/seed; mkfifo /etc/pipe; echo three > /srv-page'
commit third; apply
echo newer > "$T/outside/it"
cold web
is 'what differs from build to build is no fault, what is stale is' "$code" 1
json 'the one is told from the other' '[[.faults[].path], [.cold.varies[].path]]' '[["rootfs.tar.zst:/etc/it"],["rootfs.tar.zst:/etc/seed"]]'
apply --force --no-checkpoints web
cold web
is 'once it is built anew' "$code" 0
json 'only the other is left' '[[.faults[].path], [.cold.varies[].path]]' '[[],["rootfs.tar.zst:/etc/seed"]]'
# somebody moves the channel meanwhile: the child's base is the one that it was built on
kiln hold child > /dev/null; image web tar.zst "$fetch" 'echo four > /srv-page'; commit fourth; apply web
cold child
json 'a base that moved on since is still known' '[.cold.version, .faults]' '[3,[]]'

# ---- what cannot be built ----

cold nothing
is 'an image that there is not' "$code" 1
like 'is said' "$err" '*no image called nothing*'
mv "$T/outside/it" "$T/outside/that"
cold web
is 'a build that fails' "$code" 1
like 'is told with its build' "$err" '*web@* (build *): provisioner 1 (shell)*'
is 'and is no reason not to build it' "$(action web)" unchanged
mv "$T/outside/that" "$T/outside/it"

# ---- by the daemon, which has other things to do ----

kiln release child > /dev/null 2>&1
daemon_start "$T/service.json"
image slow tar.zst 'sleep 2'; jq '.images.slow = {template: "slow.json"}' kiln.json > "$T/kiln.json"; cp "$T/kiln.json" kiln.json; commit slow
becomes 'the daemon builds' 1 live slow
kiln verify --cold slow > "$T/cold" 2>&1 & verifying=$!
becomes 'a cold build is one of its builds' building phase slow
succeeds 'the head answers meanwhile' kiln status
wait $verifying; is 'and it comes to its end' "$?" 0
like 'as without it' "$(cat "$T/cold")" '*slow@1 of *0 faults*'
kiln verify --cold slow > "$T/cold" 2>&1 & verifying=$!
becomes 'one that is cancelled' building phase slow
run kiln cancel "$(kiln show slow --json | jq -r '.builds[-1].build')"
wait $verifying; is 'ends with 1' "$?" 1
like 'and says so' "$(cat "$T/cold")" '*slow@1 (build *): it was cancelled*'
kiln verify --cold slow > "$T/cold" 2>&1 & verifying=$!
becomes 'of one that is under way' building phase slow
given_up=$(kiln show slow --json | jq -r '.builds[-1].build')
kill "$verifying"; kill -9 "$verifying"; daemon_end -KILL; wait $verifying
daemon_start "$T/service.json"
of_given_up() { kiln show slow --json | jq -r --arg b "$given_up" '.builds[] | select(.build == $b) | .phase'; }
becomes 'whose daemon was killed is given up by the next one' cancelled of_given_up
becomes 'and cleans up behind it' '' left
daemon_end
expect_whole
done_testing
