#!/bin/sh
# The main job: a commit changes, and only the images it touches are rebuilt, checked, published and switched over.
. "$(dirname "$0")/lib.sh"
three_images

succeeds 'the first plan creates all three' kiln plan --json
json 'and nothing else' '[.images[] | .name + " " + .action] | join(", ")' 'base create, db create, web create'
is 'a plan makes no state folder' "$(ls -d "$KILN_STATE" 2>/dev/null)" ''
succeeds 'the first apply builds them' kiln apply
like 'and sums up' "$out" '*3 new'
expect_live base 1
expect_live web 1
expect_live db 1
is 'the script ran in the image' "$(file_of web/1 etc/web)" web
is 'on top of its base' "$(file_of web/1 etc/base)" base

succeeds 'a second apply has nothing to do' kiln apply
like 'and says so' "$out" '*3 unchanged'
succeeds 'plan --detailed-exitcode is 0 then' kiln plan --detailed-exitcode

printf 'set -e\necho web two > /etc/web\n' | script scripts/web.sh
commit 'web: two'
run kiln plan --json --detailed-exitcode
is 'with something to do it is 2' "$code" 2
json 'one image is rebuilt' '[.images[] | select(.action != "unchanged") | .name + " " + .action] | join(", ")' 'web rebuild'
json 'and the plan names the file' '.images[] | select(.name == "web") | .reasons[0].kind + " " + .reasons[0].path' 'file scripts/web.sh'
succeeds 'apply rebuilds it' kiln apply
expect_live web 2
expect_live base 1 'base stays'
expect_live db 1 'db stays'

printf 'set -e\necho base two > /etc/base\n' | script scripts/base.sh
commit 'base: two'
run kiln plan --json
json 'a change of the base plans its children, by reason of it' \
	'[.images[] | .name + " " + .action + " " + .reasons[0].kind] | join(", ")' \
	'base rebuild file, db rebuild base, web rebuild base'
json 'whose closures are not known yet' '[.images[] | select(.name != "base") | .closure] | map(. == null) | all' true
succeeds 'apply rebuilds the base first, then both' kiln apply
expect_live base 2
expect_live web 3
expect_live db 2
is 'the child has the new base' "$(file_of web/3 etc/base)" 'base two'

printf 'set -e\n# a comment more\necho base two > /etc/base\n' | script scripts/base.sh
commit 'base: a comment'
succeeds 'a base that comes out equal' kiln apply
like 'is not published' "$out" '*1 equal to what was live*'
expect_live base 2 'and stays as it was'
expect_live web 3 'so its children are not built'

succeeds 'rollback goes back to the version before' kiln rollback web
expect_live web 2
expect_action web quarantined 'and the same commit does not bring it back'
succeeds 'apply leaves it alone' kiln apply
expect_live web 2
printf 'set -e\necho web three > /etc/web\n' | script scripts/web.sh
commit 'web: three'
succeeds 'another commit does' kiln apply
expect_live web 4

run kiln audit "$KILN_STATE/catalog/web/2/files/rootfs.tar.zst" --json
json 'a bare file leads to its version and commit' '.[0] | "\(.image)@\(.version)"' web@2
is 'which is right' "$(printf '%s' "$out" | jq -r '.[0].commit')" "$(git rev-parse HEAD~3)"
run kiln audit "$(git rev-parse HEAD~3)" --json
json 'and the commit leads to the version' '[.[] | "\(.image)@\(.version)"] | join(" ")' web@2
run kiln audit scripts/web.sh --json
json 'a path to all that had it' '[.[] | "\(.image)@\(.version)"] | sort | join(" ")' 'web@1 web@2 web@3 web@4'
expect_whole
done_testing
