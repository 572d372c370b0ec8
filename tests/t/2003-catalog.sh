#!/bin/sh
# Validation, publication and switching: what fails is never published, and the channel stays.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
template base.json busybox.tar s.sh
printf 'echo one > /etc/v\n' | script s.sh
config() { # VALIDATE MORE
	printf '{"images": {"base": {"template": "base.json", "validate": [%s]%s}}}' "$1" "${2:-}" > kiln.json
}
config '{"type": "run", "inline": ["grep -q one /etc/v", "touch /etc/written 2>/dev/null && exit 9 || true"]}'
commit one
succeeds 'a version that passes is published' kiln apply
is 'the validator could not write to it' "$(tar --zstd -tf "$(kiln path base)" | grep -c written)" 0
is 'the sums are right' "$(cd "$KILN_STATE/catalog/base/1" && sha256sum -c SHA256SUMS 2>&1)" 'files/rootfs.tar.zst: OK'
is "the manifest's digest is the file's" "$(jq -r .digest "$KILN_STATE/catalog/base/1/manifest.json")" "sha256:$(sha256sum < "$(kiln path base)" | cut -c 1-64)"
is 'its closure text has the digest that it says' "$(jq -j .closure_text "$KILN_STATE/catalog/base/1/manifest.json" | sha256sum | cut -c 1-64)" \
	"$(jq -r .closure "$KILN_STATE/catalog/base/1/manifest.json" | cut -c 8-)"
for key in name version build commit author closure closure_text base backend times reasons event; do
	is "the manifest has $key" "$(jq "has(\"$key\")" "$KILN_STATE/catalog/base/1/manifest.json")" true
done

printf 'echo two > /etc/v\n' | script s.sh; commit two
fails 'one that does not pass is not' kiln apply
like 'which is said, with the command' "$out" '*grep -q one*'
is 'no number is used up' "$(ls "$KILN_STATE/catalog/base")" '1
current'
expect_live base 1 'the channel stays'
config '{"type": "run", "inline": ["grep -q two /etc/v"]}'; commit 'other rules'
succeeds 'other rules: it is tried again' kiln apply
expect_live base 2

config '{"type": "run", "inline": ["grep -q two /etc/v", "true"]}'; commit 'more rules'
expect_action base switch 'changed rules check it again'
succeeds 'without a build' kiln apply
like 'which is said' "$out" '*checked again*'
expect_live base 2
expect_action base unchanged
config '{"type": "run", "inline": ["grep -q three /etc/v"]}'; commit 'rules that it fails'
fails 'a live version that does not pass new rules' kiln apply
expect_live base 2 'stays live'
expect_action base blocked 'and the plan says what is wrong, once'
sum=$(sha256sum < "$(kiln path base)" | cut -c 1-64)
config "{\"type\": \"checksum\", \"sha256\": \"$sum\"}"; commit checksum
succeeds 'a checksum that is right passes' kiln apply
config '{"type": "checksum", "sha256": "0000000000000000000000000000000000000000000000000000000000000000"}'; commit checksum
fails 'one that is wrong does not' kiln apply
config '{"type": "shell-local", "inline": ["test -s rootfs.tar.zst || test -s output-base/rootfs.tar.zst || ls -R . >&2; false"]}'; commit local
run kiln plan --json; json 'shell-local needs the power' '.images[0].action + " " + .images[0].reasons[0].kind' 'blocked not-allowed'
config '{"type": "shell-local", "inline": ["test -n \"$(find . -name rootfs.tar.zst)\""]}'; commit local
succeeds 'with it the files are there' kiln apply --allow shell-local

# channels that follow, catalogs that are added
config '' ', "channels": ["stable", "lab"]'; commit channels
succeeds 'further channels follow' kiln apply
is 'all three name the same' "$(live base) $(live base stable) $(live base lab)" '2 2 2'
expect_action base unchanged
fails 'which cannot be promoted by hand' kiln promote base@1 stable
succeeds 'another one can' kiln promote base@1 old
is 'and names what it was told' "$(live base old)" 1
printf 'echo three > /etc/v\n' | script s.sh; commit three
kiln apply > /dev/null 2>&1
is 'a switch moves those that follow alone' "$(live base) $(live base stable) $(live base old)" '3 3 1'
kiln rollback base > /dev/null 2>&1
is 'a rollback too' "$(live base) $(live base stable) $(live base old)" '2 2 1'
kiln release base > /dev/null 2>&1; kiln apply > /dev/null 2>&1
is 'and forth again' "$(live base) $(live base lab)" '3 3'

printf '{"catalogs": {"second": {"type": "directory", "path": "%s"}}}' "$T/second" > "$T/service.json"
config '' ', "publish": ["local", "second"]'; commit 'second catalog'
succeeds 'a catalog more publishes again, without a build' kiln apply --config "$T/service.json"
is 'the version is there too' "$(sha256sum < "$T/second/base/3/files/rootfs.tar.zst")" "$(sha256sum < "$(kiln path base)")"
is 'with its channel' "$(readlink "$T/second/base/current")" 3
run kiln plan --json; json 'a catalog that nobody configured blocks' '.images[0].action' blocked

if [ "$(id -u)" != 0 ] || chattr +i "$T/second/base" 2>/dev/null; then
	chmod 555 "$T/second/base" 2>/dev/null
	printf 'echo four > /etc/v\n' | script s.sh; commit four
	fails 'a catalog that cannot be written to' kiln apply --config "$T/service.json"
	like 'is named' "$out" '*second*'
	expect_live base 3 'and the channel stays'
	is 'in the other one too' "$(readlink "$T/second/base/current")" 3
	chattr -i "$T/second/base" 2>/dev/null; chmod 755 "$T/second/base"
	succeeds 'once it can the publication goes on' kiln apply --config "$T/service.json"
	is 'with the number that it had' "$(live base) $(readlink "$T/second/base/current")" '4 4'
	is 'and without another build' "$(kiln show base --json | jq '[.builds[] | select(.version == 4)] | length')" 1
else
	skip 'a catalog that cannot be written to' 'chattr does not work here'
fi

# retention
config '' ', "publish": ["local"], "keep": {"last": 2}'; commit keep
kiln apply > /dev/null 2>&1
is 'what is kept no longer goes; what a channel names stays' "$(cd "$KILN_STATE/catalog/base" && echo [0-9]*)" '1 3 4'
kiln promote base@4 stable > /dev/null; kiln promote base@4 lab > /dev/null
# version 4 is in the second catalog too: whoever retires it must know that one
succeeds 'a held version stays' kiln hold base@3
printf 'echo five > /etc/v\n' | script s.sh; commit five; kiln apply --config "$T/service.json" > /dev/null 2>&1
printf 'echo six > /etc/v\n' | script s.sh; commit six; kiln apply --config "$T/service.json" > /dev/null 2>&1
kiln promote base@6 stable > /dev/null; kiln promote base@6 lab > /dev/null; kiln apply --config "$T/service.json" > /dev/null 2>&1
is 'while others go' "$(cd "$KILN_STATE/catalog/base" && echo [0-9]*)" '1 3 5 6'
is 'in every catalog' "$(cd "$T/second/base" && echo [0-9]*)" '3'
fails 'the live one cannot be retired' kiln retire base@6
fails 'nor a held one' kiln retire base@3
kiln release base@3 > /dev/null; succeeds 'released it can' kiln retire base@3 --config "$T/service.json"
is 'numbers are never used again' "$(kiln show base --json | jq -c '[.versions[].version]')" '[1,2,3,4,5,6]'
fails 'a defined image cannot be retired' kiln retire base

# hold
succeeds 'an image can be held' kiln hold base
printf 'echo seven > /etc/v\n' | script s.sh; commit seven
expect_action base held
kiln apply > /dev/null 2>&1; expect_live base 6 'then nothing is built'
kiln release base; kiln apply > /dev/null 2>&1; expect_live base 7 'and released it is'

# orphans
git rm -q base.json kiln.json; commit gone
expect_action base orphaned 'a definition that disappears orphans its image'
succeeds 'apply leaves it' kiln apply
expect_live base 7
succeeds 'until a person retires it' kiln retire base
is 'then it is gone' "$(ls "$KILN_STATE/catalog")" ''
printf '{"repositories": [{"url": "%s", "prune": true}]}' "$T/images" > "$T/prune.json"
template more.json busybox.tar s.sh; template stays.json busybox.tar s.sh; commit more; kiln apply --config "$T/prune.json" > /dev/null 2>&1
git rm -q more.json; commit 'one gone'
succeeds 'where the operator has set prune' kiln apply --config "$T/prune.json"
is 'what nothing defines goes of itself' "$(ls "$KILN_STATE/catalog")" stays
expect_whole

# what is large is not read again to be published, unless something came near it
jq -n '{builders: [{type: "file", target: "big", content: ("x" * 2000000)}]}' > big.json; commit big
KILN_FAULT=worker-before:2 kiln apply big > /dev/null 2>&1
made=$(echo "$KILN_STATE"/builds/*/work/tree/big) stamp=$(stat -c %y "$made")
printf y | dd of="$made" bs=1 seek=1000 conv=notrunc 2> /dev/null; touch -d "$stamp" "$made"
succeeds 'what was changed between its build and its publication' kiln apply big
like 'is not published, which is said' "$out" '*big: failed (version 1): *big changed since it was built: sha256:*, was sha256:*'
is 'it is built again' "$(ls -A "$KILN_STATE/catalog/big" | tr '\n' ' ')" '2 current '
is 'and is as it is to be' "$(sha256sum < "$(kiln path big)")" "$(printf '%02000000d' 0 | tr 0 x | sha256sum)"
done_testing
