#!/bin/sh
# Repositories that are elsewhere: fetched before they are applied, polled by the daemon, and missed without harm.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
mkdir "$T/served"
git init -q --bare -b main "$T/served/images.git"
new_repository; git remote add origin "$T/served/images.git"
text() { printf '{"builders": [{"type": "file", "content": "%s", "target": "out.txt"}]}\n' "$2" > "$1.json"; }
push() { commit "$1"; git push -q --force origin "HEAD:${2:-main}"; }
content() { cat "$KILN_STATE/catalog/$1/current/files/out.txt"; }
port=$(free_port)
serve() { git daemon --base-path="$T/served" --export-all --reuseaddr --listen=127.0.0.1 --port="$port" "$T/served" > /dev/null 2>&1 & server=$!; background="$background $server"; wait_port "$port"; }
url=git://127.0.0.1:$port/images.git

text a one; push one; serve
fails 'what was never fetched cannot be planned' kiln plan "$url"
like 'which is said' "$err" '*not fetched yet*'
succeeds 'apply fetches it' kiln apply "$url"
is 'and builds' "$(content a)" one
is 'then it can be planned' "$(kiln plan "$url" --json | jq -r '.images[0].action')" unchanged
first=$(git rev-parse HEAD)
text a two; push two; succeeds 'each apply fetches' kiln apply "$url"
is 'what is new' "$(content a)" two
fails 'a repository that is not there fails' kiln apply "git://127.0.0.1:$port/nosuch.git"
like 'and says so' "$err" '*nosuch.git*'

echo '{"repositories": [{"name": "images", "url": "'"$url"'", "poll": "1s"}, {"name": "next", "url": "'"$url"'", "ref": "refs/heads/next", "poll": "1s"}]}' > "$T/service.json"
text a ahead; push ahead next; git reset -q --hard HEAD~1
daemon_start "$T/service.json"
becomes 'two refs of one repository are two repositories' ahead content next/a
is 'each with its own' "$(content a)" two
text a three; push three
becomes 'a push is found by polling' three content a
git reset -q --hard "$first"; text a other; push 'another history'
becomes 'a forced push too' other content a
mirror=$KILN_STATE/mirrors/images.git
is 'the commits that versions came from stay' "$(for c in $(kiln show images/a --json | jq -r '.versions[].commit'); do git -C "$mirror" cat-file -t "$c" 2> /dev/null; done | sort -u)" commit
is 'pinned by name' "$(git -C "$mirror" for-each-ref --format='%(refname)' refs/kiln/pins | grep -c .)" "$(kiln show images/a --json | jq -r '[.versions[] | select(.phase != "retired") | .commit] | unique | length')"
kill $server; wait $server 2>/dev/null
wait_until 1 sh -c "grep -c 'images: .*127.0.0.1.*' '$T/daemon'"
like 'a server that is away is said' "$(grep 'kilnd: images: ' "$T/daemon" | tail -n 1)" '*127.0.0.1*'
is 'and harms nothing' "$(content a) $(kiln plan images/a --json | jq -r '.images[0].action')" 'other unchanged'
text a away; push away; serve
becomes 'until it is back' away content a
rm -rf "$mirror"; text a remade; push remade
becomes 'a mirror that is lost is made again' remade content a
: > "$(ls "$mirror"/objects/pack/*.pack | head -n 1)"; text a mended; push mended
becomes 'so is one that is broken' mended content a
daemon_end; expect_whole


# a url that is wrong for a while
pinned() { git -C "$mirror" for-each-ref --format='%(objectname)' refs/kiln/pins | sort | tr '\n' ' '; }
before=$(pinned); unlike 'a mirror has pins' "$before" ''
git init -q --bare -b main "$T/served/wrong.git"; text a wrong; commit wrong; git push -q "$T/served/wrong.git" HEAD:main
sed "s|$url|git://127.0.0.1:$port/wrong.git|" "$T/service.json" > "$T/wrong.json"; daemon_start "$T/wrong.json"
followed() { git -C "$mirror" rev-parse refs/heads/main; }
becomes 'with a wrong url it follows that one' "$(git rev-parse HEAD)" followed
text a worse; commit worse; git push -q "$T/served/wrong.git" HEAD:main
becomes 'for a while' "$(git rev-parse HEAD)" followed
is 'and loses none of them' "$(for pin in $before; do case $(pinned) in *$pin*) ;; *) echo "$pin" ;; esac; done)" ''
daemon_end; daemon_start "$T/service.json"
becomes 'until the url is right again' "$(git -C "$T/served/images.git" rev-parse main)" followed
is 'the commits that versions came from are still there' "$(for c in $(kiln show images/a --json | jq -r '.versions[].commit'); do git -C "$mirror" cat-file -t "$c" 2> /dev/null; done | sort -u)" commit
daemon_end; expect_whole
git reset -q --hard HEAD~2
# a byte of an object turns, and nothing else tells
blob=$(git rev-parse HEAD:a.json) pack=$(ls "$mirror"/objects/pack/*.idx | head -n 1)
for pack in "$mirror"/objects/pack/*.idx; do
	at=$(git verify-pack -v "$pack" | awk -v blob="$blob" '$1 == blob { print $5 }')
	[ -n "$at" ] && { chmod u+w "${pack%.idx}.pack"; printf 'xxxx' | dd of="${pack%.idx}.pack" bs=1 seek=$((at + 12)) conv=notrunc 2> /dev/null; }
done
apply() { kiln apply --config "$T/service.json" "$@"; }
fails 'an object that is damaged is not built from' apply --force images/a
like 'which is said' "$out" "*the object $blob cannot be read*the next fetch mends the mirror*"
succeeds 'the next time it is whole' apply --force images/a

# the mirror goes with its repository, and what is pinned in it
pins() { git -C "$1" for-each-ref --format='%(objectname)' refs/kiln/pins | sort -u; }
kept=$(pins "$mirror")
jq '.repositories[0].name = "pictures"' "$T/service.json" > "$T/renamed.json"
succeeds 'a repository gets another name' kiln apply --config "$T/renamed.json"
is 'its mirror too, with its pins' "$(pins "$KILN_STATE/mirrors/pictures.git")" "$kept"
is 'and no other is left' "$(ls "$KILN_STATE/mirrors" | tr '\n' ' ')" 'next.git pictures.git '
echo '{}' > "$T/none.json"
succeeds 'nobody configures it' kiln apply --config "$T/none.json" "$url"
is 'its mirror is called by its address' "$(ls "$KILN_STATE/mirrors" | sed 's/-[0-9a-f]*//' | tr '\n' ' ')" 'images.git next.git '
is 'and has the pins' "$(pins "$(echo "$KILN_STATE"/mirrors/images-*.git)")" "$kept"
succeeds 'and it has a name again' kiln apply --config "$T/service.json"
is 'with all' "$(pins "$mirror")" "$kept"
git reset -q --hard HEAD~1; text a forced; push forced; apply > /dev/null 2>&1; rm -rf "$mirror"
succeeds 'a mirror is lost, and a commit is there no more' apply
like 'that is said' "$err" "*commits that images came from are neither in its mirror nor there any more: *"

# a daemon that begins while the server is away goes on with what was fetched
echo '{"images": {"a": {"template": "a.json", "rebuild": {"every": "2s"}}}}' > kiln.json; push rebuild
succeeds 'an image is built again every two seconds' apply
kill $server; wait $server 2> /dev/null
more() { [ "$(kiln show images/a --json | jq '.builds | length')" -gt "$before" ] && echo more; }
before=$(($(kiln show images/a --json | jq '.builds | length') + 1))
daemon_start "$T/service.json"
becomes 'it is, though nobody can be asked for newer commits' more more
like 'which is said' "$(grep -c 'kilnd: images: .*127.0.0.1' "$T/daemon")" '[1-9]*'
daemon_end
done_testing
