#!/bin/sh
# A store that was lost is made again from the manifests of the catalogs: nothing is rebuilt, no number is used again.
. "$(dirname "$0")/lib.sh"
three_images
kiln apply > /dev/null 2>&1
printf 'set -e\necho web two > /etc/web\n' | script scripts/web.sh; commit two; kiln apply > /dev/null 2>&1
kiln promote web@1 old > /dev/null
before=$(kiln list --json | jq -c .); audit=$(kiln audit web@2 --json | jq -c '.[0] | [.digest, .commit, .author, .authored, .closure, .inputs, .base]')
rm -f "$KILN_STATE"/kiln.db*
run kiln list; like 'without the store nothing is known' "$out" 'nothing is published*'
succeeds 'the next apply takes over what the catalogs have' kiln apply
like 'and says so' "$err" '*4 versions*taken over*'
like 'nothing is built' "$out" '*3 unchanged*'
is 'the list is the same' "$(kiln list --json | jq -c .)" "$before"
is 'and so is what can be audited' "$(kiln audit web@2 --json | jq -c '.[0] | [.digest, .commit, .author, .authored, .closure, .inputs, .base]')" "$audit"
expect_whole
succeeds 'a rollback still works' kiln rollback web
expect_live web 1
printf 'set -e\necho web three > /etc/web\n' | script scripts/web.sh; commit three
succeeds 'the next build' kiln apply
expect_live web 3 'gets a number that was never given'
expect_whole

# a catalog that somebody else filled is not touched
rm -f "$KILN_STATE"/kiln.db*
rm -rf "$KILN_STATE/catalog"; mkdir -p "$KILN_STATE/catalog/web/1"; echo mine > "$KILN_STATE/catalog/web/1/file"
succeeds 'a number that is taken is passed over' kiln apply
like 'which is said, by its path' "$out" '*catalog/web/1 is there already*'
expect_live web 2
is 'and what is there stays' "$(cat "$KILN_STATE/catalog/web/1/file")" mine
done_testing
