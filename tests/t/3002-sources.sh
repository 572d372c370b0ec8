#!/bin/sh
# Repositories of every kind: bare, foreign, worktree, shallow, SHA-256, with submodules, git-lfs, and symbolic links.
. "$(dirname "$0")/lib.sh"
three_images
at=$(git rev-parse HEAD)
plan_of() { kiln plan "$1" --json 2>/dev/null | jq -c '[.images[] | [.name, .action, .closure]]'; }
wanted=$(plan_of .)
is 'a work tree and its .git are the same' "$(plan_of "$T/images/.git")" "$wanted"
git clone -q --bare . "$T/bare.git"; is 'so is a bare clone' "$(plan_of "$T/bare.git")" "$wanted"
is 'and a file:// URL' "$(plan_of "file://$T/bare.git")" "$wanted"
git worktree add -q "$T/tree" -b other; is 'and a linked work tree' "$(plan_of "$T/tree")" "$wanted"
git clone -q . "$T/packed" && git -C "$T/packed" gc -q; is 'and a packed one' "$(plan_of "$T/packed")" "$wanted"
mkdir "$T/alt" && git clone -q --shared . "$T/alt/x"; is 'and one with alternates' "$(plan_of "$T/alt/x")" "$wanted"
echo 'dirty' >> scripts/web.sh; is 'uncommitted changes are not seen' "$(plan_of .)" "$wanted"
git checkout -q scripts/web.sh
echo '*.sh text eol=crlf' > .gitattributes; commit attributes
is 'no attribute is applied' "$(plan_of . | jq -c 'map(.[2])')" "$(echo "$wanted" | jq -c 'map(.[2])')"
git config core.autocrlf true; git config filter.x.smudge 'sed s/a/b/'
is 'no filter either' "$(plan_of . | jq -c 'map(.[2])')" "$(echo "$wanted" | jq -c 'map(.[2])')"
git config --unset core.autocrlf
if [ "$(id -u)" = 0 ]; then
	cp -r "$T/bare.git" "$T/foreign.git"; chown -R 12345:12345 "$T/foreign.git"
	is 'a repository of somebody else is read: the operator named it' "$(plan_of "$T/foreign.git" | jq -c 'map(.[2])')" "$(plan_of "$T/bare.git" | jq -c 'map(.[2])')"
else
	skip 'a repository of somebody else' 'chown needs root'
fi
git clone -q --depth 1 "file://$T/images" "$T/shallow"
succeeds 'a shallow clone can be planned where it is' kiln plan "$T/shallow"
run kiln plan "$T/shallow" "HEAD~1..HEAD"; is 'a commit that it lacks fails' "$code" 1
like 'and says why' "$err" '*shallow*'
if git init -q --object-format=sha256 "$T/sha256" 2>/dev/null; then
	run kiln plan "$T/sha256"; is 'SHA-256 object names are refused' "$code" 1
	like 'clearly' "$err" '*SHA-256*'
fi
run kiln plan --json "$at..HEAD"; json 'a range over nothing that counts' '.unchanged' 3
run kiln plan --at "$at" --json; json '--at plans a commit' .commit "$at"

# ---- symbolic links ----
mkdir real && mv scripts/web.sh real/web.sh && ln -s ../real/web.sh scripts/web.sh && commit link
succeeds 'a link inside is followed' kiln inputs web
like 'the file behind it counts' "$out" '*file real/web.sh *'
like 'and so does the link' "$out" '*file scripts/web.sh *'
one=$(kiln inputs web 2>/dev/null); echo 'echo more' >> real/web.sh; commit behind
unlike 'a change behind it is another closure' "$(kiln inputs web 2>/dev/null)" "$one"
ln -sf /etc/passwd scripts/web.sh; commit absolute
like 'one that leads out is refused' "$(kiln plan web --json 2>/dev/null | jq -r '.images[] | select(.name == "web") | "\(.action) \(.reasons[0].kind)"')" 'blocked outside'
ln -sf ../../outside scripts/web.sh; commit up
is 'in whatever way' "$(action_of web)" blocked
ln -sf web.sh scripts/web.sh; commit loop; is 'a loop too' "$(action_of web)" blocked
rm scripts/web.sh; mv real/web.sh scripts/web.sh; commit back
mkdir dir; cp scripts/web.sh dir/; ln -s dir linked; sed -i 's|scripts/web.sh|linked/web.sh|' web.json; commit 'linked folder'
succeeds 'a linked folder is followed' kiln inputs web
like 'to its file' "$out" '*file dir/web.sh *'

# ---- submodules ----
git init -q -b main "$T/module"; (cd "$T/module" && printf 'echo module > /etc/web\n' > web.sh && git add . && git commit -qm m)
git -c protocol.file.allow=always submodule add -q "$T/module" sub 2>/dev/null
sed -i 's|linked/web.sh|sub/web.sh|' web.json; commit submodule
run kiln inputs web
like "a submodule's commit is an input" "$out" "*$(git -C "$T/module" rev-parse HEAD)*"
succeeds 'it is built from its object store' kiln apply base web
is 'with its content' "$(file_of web/1 etc/web)" module
git clone -q . "$T/nomodule"
like 'without that it is blocked' "$(kiln plan "$T/nomodule" --json 2>/dev/null | jq -r '.images[] | select(.name == "web") | "\(.action) \(.reasons[0].kind)"')" 'blocked submodule'

# ---- git-lfs ----
printf 'echo from lfs > /etc/web\n' > "$T/big"; oid=$(sha256sum < "$T/big" | cut -c 1-64)
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' "$oid" "$(stat -c %s "$T/big")" > big.sh
sed -i 's|sub/web.sh|big.sh|' web.json; commit lfs
run kiln inputs web; like "a pointer's oid is the input" "$out" "*$oid*"
like 'without its content it is blocked' "$(kiln plan --json 2>/dev/null | jq -r '.images[] | select(.name == "web") | "\(.action) \(.reasons[0].kind)"')" 'blocked lfs'
mkdir -p ".git/lfs/objects/$(echo "$oid" | cut -c 1-2)/$(echo "$oid" | cut -c 3-4)"
cp "$T/big" ".git/lfs/objects/$(echo "$oid" | cut -c 1-2)/$(echo "$oid" | cut -c 3-4)/$oid"
succeeds 'with it it is built' kiln apply web
is 'from it' "$(file_of web/2 etc/web)" 'from lfs'
echo spoilt > ".git/lfs/objects/$(echo "$oid" | cut -c 1-2)/$(echo "$oid" | cut -c 3-4)/$oid"
fails 'content that is not what the oid says is not built' kiln apply web --force

# ---- several repositories ----
git init -q -b main "$T/two" && cd "$T/two" && busybox_tar busybox.tar && template web.json busybox.tar w.sh && printf 'echo two > /etc/web\n' | script w.sh && commit two
printf '{"repositories": [{"url": "%s", "name": "first"}, {"url": "%s", "name": "second"}]}' "$T/packed" "$T/two" > "$T/service.json"
KILN_STATE=$T/state.two; export KILN_STATE
succeeds 'several repositories share a catalog' kiln apply --config "$T/service.json"
is 'each under its name' "$(cd "$KILN_STATE/catalog" && ls -d */*/current | tr '\n' ' ')" 'first/base/current first/db/current first/web/current second/web/current '
run kiln inputs web --config "$T/service.json"; is 'a name that both have must be said whole' "$code" 1
like 'which the error says' "$err" '*REPOSITORY/web*'
succeeds 'then it is found' kiln inputs second/web --config "$T/service.json"
run kiln verify --deep --config "$T/service.json"; like 'all agrees' "$out" '*0 faults*'
mv "$T/two" "$T/gone"
run kiln plan --config "$T/service.json"; is 'one that cannot be read fails' "$code" 1
like 'and the others are planned' "$out" '*first at*'
done_testing
