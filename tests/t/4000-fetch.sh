#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A mirror follows its remote: what is watched and nothing else, pins, force-pushes; broken ones are made again.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
remote=$T/images mirror=$T/mirrors/images.git
mkdir "$T/mirrors"
new_repository "$remote"
id() { git -C "$remote" rev-parse "$1"; }
mirrored() { git -C "$mirror" rev-parse --verify -q "$1"; }
whole() { is "$1" "$(git -C "$mirror" fsck --full --no-dangling 2>&1)" ''; }

# ---- following ----

fetches 'an empty repository has nothing' "$remote" "$mirror"
json 'which is said' '[.head, .refs]' '[null,{}]'
echo 1 > a; mkdir -p d/e; echo 1 > d/e/f; commit one; one=$(id HEAD)
git branch other; git tag -a v1 -m v1; git branch unwatched
fetches 'without refs it is what HEAD names' "$remote" "$mirror"
json 'its name and its commit' '[.head, .refs, .remade]' "[\"refs/heads/main\",{\"refs/heads/main\":\"$one\"},false]"
is 'the mirror has that ref and no other' "$(git -C "$mirror" for-each-ref --format='%(refname)')" refs/heads/main
is 'HEAD names it there too' "$(git -C "$mirror" symbolic-ref HEAD)" refs/heads/main
is 'it is bare' "$(git -C "$mirror" rev-parse --is-bare-repository)" true
whole 'and whole'
before=$(find "$T/mirrors" -printf '%p %T@ %C@ %i\n' | sort)
fetches 'where nothing changed' "$remote" "$mirror"
is 'nothing is written' "$(find "$T/mirrors" -printf '%p %T@ %C@ %i\n' | sort)" "$before"

watched='{refs: ["refs/heads/main", "refs/heads/other", "refs/tags/v1", "refs/heads/nosuch"]}'
fetches 'several refs' "$remote" "$mirror" "$watched"
json 'a tag is answered with its commit, what is not there with null' '[.refs["refs/tags/v1"], .refs["refs/heads/nosuch"]]' "[\"$one\",null]"
is 'all are there, and no other' "$(git -C "$mirror" for-each-ref --format='%(refname)' | tr '\n' ' ')" 'refs/heads/main refs/heads/other refs/tags/v1 '
echo 2 > a; commit two; two=$(id HEAD)
fetches 'a push' "$remote" "$mirror" "$watched"
is 'moves its ref' "$(mirrored refs/heads/main)" "$two"
echo lost > a; commit lost; lost=$(id HEAD); fetch "$remote" "$mirror" "$watched"
git reset -q --hard "$one"; echo 3 > a; commit three; three=$(id HEAD)
fetches 'a force-push' "$remote" "$mirror" "$watched"
is 'moves it too' "$(mirrored refs/heads/main)" "$three"
git branch -D -q other; git branch other/below
fetches 'a branch that is gone, and one below its name' "$remote" "$mirror" '{refs: ["refs/heads/main", "refs/heads/other", "refs/heads/other/below"]}'
json 'null is answered for the one' '[.refs["refs/heads/other"], .refs["refs/heads/other/below"]]' "[null,\"$three\"]"
is 'and the other is there' "$(mirrored refs/heads/other/below) $(mirrored refs/heads/other)" "$three "
git checkout -q -b trunk; git branch -D -q main; echo 4 > a; commit four
fetches 'another branch at HEAD' "$remote" "$mirror"
json 'is followed' '[.head, .refs]' "[\"refs/heads/trunk\",{\"refs/heads/trunk\":\"$(id HEAD)\"}]"
is 'by the mirror too' "$(git -C "$mirror" symbolic-ref HEAD)" refs/heads/trunk
git tag tree HEAD^{tree}
refuses 'a ref that names no commit' catalog '*refs/tags/tree names a tree*' "$remote" "$mirror" '{refs: ["refs/tags/tree"]}'
git tag -d tree > /dev/null; git checkout -q --detach; git branch -D -q trunk; echo 5 > a; commit five
refuses 'a HEAD that names no branch' catalog '*say which ref*' "$remote" "$T/mirrors/detached"
is 'and leaves no mirror' "$(ls "$T/mirrors")" images.git
git checkout -q -b main
git update-ref refs/kiln/pins/x HEAD; git symbolic-ref HEAD refs/kiln/pins/x
refuses 'a HEAD that names a ref of ours' catalog '*its HEAD names refs/kiln/pins/x*' "$remote" "$mirror"
refuses 'whatever is followed' catalog '*its HEAD names refs/kiln/pins/x*' "$remote" "$mirror" '{refs: ["refs/heads/main"]}'
is 'and takes nothing of it' "$(git -C "$mirror" symbolic-ref HEAD) $(git -C "$mirror" for-each-ref refs/kiln)" 'refs/heads/trunk '
git symbolic-ref HEAD refs/heads/main; git update-ref -d refs/kiln/pins/x

# ---- pins ----

nosuch=1111111111111111111111111111111111111111
pin_of() { git -C "$mirror" for-each-ref --format='%(refname)' refs/kiln/pins | grep "/$1\$"; } # COMMIT: the name of its pin
pinned() { git -C "$mirror" for-each-ref --format='%(objectname)' refs/kiln/pins | sort | tr '\n' ' '; }
fetches 'a commit is pinned that the mirror has' "$remote" "$mirror" "{pins: [\"$two\", \"$nosuch\"]}"
json 'what it lacks is said' .missing_pins "[\"$nosuch\"]"
git -C "$mirror" gc -q --prune=now; git -C "$remote" reflog expire --expire=all --all; git -C "$remote" gc -q --prune=now
is 'gc leaves it' "$(git -C "$mirror" show "$two:a")" 2
is 'and not the one that nobody pinned' "$(git -C "$mirror" cat-file -t "$lost" 2>&1 | grep -c fatal)" 1
is 'the remote has it no more' "$(git -C "$remote" cat-file -t "$two" 2>&1 | grep -c fatal)" 1
fetches 'after gc the mirror is as good as before' "$remote" "$mirror" "{pins: [\"$two\"]}"
json 'and is not made again' .remade false
whole 'it is whole'
pin=$(pin_of "$two")
git -C "$mirror" update-ref "$pin" "$one"; git -C "$mirror" update-ref "${pin%/*}/$nosuch" "$one"
fetches 'pins that name other commits than they say' "$remote" "$mirror" "{pins: [\"$two\", \"$nosuch\"]}"
is 'are put right, or go' "$(pinned)" "$two "
git -C "$mirror" update-ref "refs/kiln/pins/$one" "$one"
fetches 'pins of nobody, as they once were' "$remote" "$mirror" "{pins: [\"$two\"]}"
is 'go too' "$(pinned)" "$two "

# the mirror is of another repository for a while
new_repository "$T/wrong"; echo wrong > a; commit wrong; wrong=$(git rev-parse HEAD)
fetches 'another url, with no pins' "$T/wrong" "$mirror"
echo wrong > b; commit wrong; fetches 'more than once' "$T/wrong" "$mirror" "{pins: [\"$wrong\"]}"
fetches 'and with some that come and go' "$T/wrong" "$mirror"
is 'leaves what the first one pinned' "$(pinned)" "$two "
echo garbage > "$mirror/refs/heads/main"; fetches 'so does a broken one whose pins can be read' "$T/wrong" "$mirror"
json 'which is made again' .remade true
is 'with what the first one pinned' "$(pinned) $(git -C "$mirror" show "$two:a")" "$two  2"
cd "$remote" || exit
fetches 'the first one finds its pins again' "$remote" "$mirror" "{pins: [\"$two\"]}"
json 'all of them' .missing_pins '[]'
fetches 'whose they are may be said, and then it is not the url' "$T/wrong" "$mirror" "{pins_of: \"$remote\"}"
is 'so that those go which are not asked for' "$(pinned)" ''

# ---- broken ----

# broken WHAT COMMAND...: the mirror is made again, and keeps its pin
broken() {
	what=$1; shift
	fetch "$remote" "$mirror" "{pins: [\"$two\"]}"
	chmod -R u+w "$mirror"; "$@"
	fetches "$what" "$remote" "$mirror" "{pins: [\"$two\"], check: ${check:-false}}"
	json 'it is made again' .remade true
	whole 'and whole'
	is 'with its ref' "$(mirrored refs/heads/main)" "$(id main)"
}
kept() { is 'and its pin' "$(git -C "$mirror" show "$two:a" 2>&1)" 2; }
biggest() { ls -S "$mirror"/objects/pack/*.pack | head -n 1; }
broken 'a garbage HEAD' sh -c "echo garbage > '$mirror/HEAD'"; kept
broken 'a HEAD that is no ref' sh -c "echo 'ref: ../../etc/passwd' > '$mirror/HEAD'"
broken 'no HEAD' rm "$mirror/HEAD"
broken 'a garbage config' sh -c "echo '[core' > '$mirror/config'"
broken 'one that is not bare' git -C "$mirror" config core.bare false; kept
broken 'a ref that is garbage' sh -c "echo garbage > '$mirror/refs/heads/main'"; kept
broken 'a ref whose commit is not there' sh -c "echo 2222222222222222222222222222222222222222 > '$mirror/refs/heads/main'"; kept

# killed where the file system cannot exchange two folders in one step (mirror.c)
between() { rm "$mirror/HEAD"; mkdir "$mirror.new"; mv "$mirror" "$mirror.old"; }
broken 'a mirror that was set aside, with nothing in its place' between; kept
between_and_empty() { between; mkdir "$mirror"; }
broken 'or with an empty folder there' between_and_empty; kept
nothing_left 'nothing is left' "$T/mirrors"
cp -r "$mirror" "$mirror.old"; rm "$mirror.old/HEAD"
fetches 'one that was set aside, with a whole one in its place' "$remote" "$mirror" "{pins: [\"$two\"]}"
json 'that one counts' .remade false
nothing_left 'and the other is removed' "$T/mirrors"
mv "$mirror" "$mirror.old"
( exec 9< "$mirror.old"; flock 9; sleep 30 ) & holder=$!; background="$background $holder"
sleep 0.2
refuses 'while another one is about to put it back' transient '*no answer in 1 s: another kiln-fetch*' "$remote" "$mirror" '{deadline_sec: 1}'
kill "$holder"; for child in $(pgrep -P "$holder"); do kill "$child"; done; wait "$holder" 2> /dev/null
fetches 'it is waited for' "$remote" "$mirror" "{pins: [\"$two\"]}"
json 'and found' '[.remade, .missing_pins]' '[false,[]]'

# what only its packs had is lost from here on
broken 'a truncated pack' sh -c "truncate -s -30 \"$(biggest)\""
broken 'a pack that is not there' sh -c "rm \"$(biggest)\""
broken 'no index of a pack' sh -c "rm '$mirror'/objects/pack/*.idx"
broken 'no objects' rm -rf "$mirror/objects"
fetch "$remote" "$mirror"
check=true
broken 'a flipped byte, where reading all is asked for' python3 - "$mirror" <<'END'
import glob, sys
pack = max(glob.glob(sys.argv[1] + '/objects/pack/*.pack'), key=lambda path: len(open(path, 'rb').read()))
data = bytearray(open(pack, 'rb').read())
for at in range(12, len(data) - 20, 7):
    data[at] ^= 0x55
open(pack, 'wb').write(data)
END
check=false

# a blob that is missing
echo large > only; commit only; fetch "$remote" "$mirror"; blob=$(id HEAD:only)
broken 'a file that is missing' lose "$mirror" "$blob"
rm -rf "$mirror"; echo file > "$mirror"
refuses 'a file in its place' broken '*Not a directory*' "$remote" "$mirror"
is 'is left alone' "$(cat "$mirror")" file
rm "$mirror"; mkdir "$mirror"; touch "$mirror/something"
fetches 'a folder with something else in its place' "$remote" "$mirror"
json 'is one that is broken' .remade true
mkdir "$mirror.new"; touch "$mirror.new/x" "$mirror/HEAD.lock" "$mirror/refs/heads/main.lock" "$mirror/objects/pack/pack_git2_0123"
rm "$mirror/kiln-mirror.json"; echo 6 > a; commit six
fetches 'what a killed run left is no obstacle' "$remote" "$mirror"
json 'and no reason to make it again' .remade false
nothing_left 'it is swept' "$T/mirrors"

# a reader has it open
mkfifo "$T/ask" "$T/said"
(cd "$T" && exec git --git-dir="$mirror" cat-file --batch-check) < "$T/ask" > "$T/said" & reader=$!; background="$background $reader"
exec 7> "$T/ask" 8< "$T/said"
echo HEAD >&7; read -r first <&8
mv "$mirror/config" "$T/config"; echo 7 > a; commit seven
fetches 'a mirror is made again that somebody reads' "$remote" "$mirror"
json 'beside' .remade true
echo 'HEAD~1' >&7; read -r second <&8
like 'who goes on' "$second" '*commit*'
exec 7>&- 8<&-
wait "$reader"

# ---- many packs ----

echo held > a; commit held; held=$(id HEAD); fetch "$remote" "$mirror"; git reset -q --hard HEAD~1
git tag -a v2 -m v2; git -c advice.nestedTag=false tag -a v3 -m 'a tag of a tag' v2
many="{refs: [\"refs/heads/main\", \"refs/tags/v3\"], pins: [\"$held\"]}"
export KILN_FAULT=fetch-repacked
for i in $(seq 60); do
	echo "push $i" > a; commit "$i"; fetch "$remote" "$mirror" "$many"
	[ "$code" = 0 ] || break
done
unset KILN_FAULT
is 'killed when many small packs have become one' "$code" 137
whole 'nothing is lost'
packs() { ls "$mirror"/objects/pack/*.pack | wc -l; }
few() { is "$1" "$([ "$(packs)" -lt 5 ] && echo few || packs)" few; }
echo most > a; commit most
fetch "$remote" "$mirror" "$many"
is 'the next one brings what is new' "$(mirrored refs/heads/main)" "$(id HEAD)"
is 'and leaves the packs alone, where it may have been killed for its time' "$([ "$(packs)" -gt 50 ] && echo many)" many
echo 'most of all' > a; commit 'most of all'
fetch "$remote" "$mirror" "$many"
few 'the one after that makes few of them'
whole 'nothing is lost'
is 'no tag either' "$(git -C "$mirror" rev-parse 'refs/tags/v3^{commit}')" "$(id 'v3^{commit}')"
is 'nor what is pinned' "$(git -C "$mirror" show "$held:a")" held
fetches 'and the mirror says that it is whole' "$remote" "$mirror" "$many"
json 'as it does' .remade false
while [ "$(packs)" -lt 50 ] && [ "$code" = 0 ]; do
	echo "push $(packs) again" > a; commit 'once more'; fetch "$remote" "$mirror" "$many"
done
forced=$(id HEAD); git reset -q --hard HEAD~1; echo instead > a; commit instead
fetches 'a push is forced when there are as many packs as may be' "$remote" "$mirror" "$many"
json 'and then somebody needs what it took away' '[.remade, .missing_pins]' '[false,[]]'
git -C "$remote" reflog expire --expire=all --all; git -C "$remote" gc -q --prune=now
echo more > a; commit more
fetches 'it is there to be pinned' "$remote" "$mirror" "{refs: [\"refs/heads/main\", \"refs/tags/v3\"], pins: [\"$held\", \"$forced\"]}"
json 'nothing of it is missing' .missing_pins '[]'
few 'when the packs become one'
is 'and stays' "$(git -C "$mirror" rev-parse -q --verify "$(pin_of "$forced")")" "$forced"
whole 'nothing is lost'

# ---- the order, and what ends it ----

refused() { # WHAT PATTERN ORDER
	out=$(printf '%s' "$3" | kiln-fetch); code=$?
	like "$1" "$code $out" "1 *\"error\":*$2*\"kind\":\"catalog\"*"
}
refused 'no order' 'the order' ''
refused 'an order that is none' 'must be an object' '[]'
refused 'an unknown key' 'order:1:*did you mean url' '{"urls": ""}'
refused 'no mirror' 'no mirror' '{"url": "/x"}'
refused 'a mirror that is not absolute' 'absolute path' '{"mirror": "x"}'
refused 'a ref that is none' 'no full name' '{"refs": ["main"]}'
refused 'a ref of ours' 'no full name' '{"refs": ["refs/kiln/pins/x"]}'
refused 'a pin that is none' 'no commit' '{"pins": ["HEAD"]}'
refused 'no time' 'at least 1' '{"deadline_sec": 0}'
refused 'a password in the url' 'password in it' '{"url": "https://ann:hush@localhost/x", "mirror": "/x"}'
unlike 'which is not shown' "$out" '*hush*'
refused 'a repository that is not there' "$T/nosuch" "{\"url\": \"$T/nosuch\", \"mirror\": \"$T/mirrors/x\"}"
git clone -q --depth 1 "file://$remote" "$T/shallow"
refuses 'a shallow clone' catalog '*shallow*unshallow*' "$T/shallow" "$T/mirrors/shallow"
refuses 'a shallow clone, by its url' catalog '*shallow*' "file://$T/shallow" "$T/mirrors/shallow"
mkfifo "$T/order"
kiln-fetch < "$T/order" > "$T/answer" & pid=$!
exec 7> "$T/order"; while ! grep -q '^SigCgt:.*4' "/proc/$pid/status"; do sleep 0.01; done
kill "$pid"; wait "$pid"; code=$?; exec 7>&-
is 'a signal ends it with an answer' "$code $(jq -c . "$T/answer")" '1 {"error":"ended by SIGTERM","kind":"transient"}'

# two at once
for i in 1 2 3 4; do rm -rf "$T/mirrors/both.git"; for j in 1 2 3; do
	echo "{\"url\": \"$remote\", \"mirror\": \"$T/mirrors/both.git\"}" | kiln-fetch > "$T/both.$i.$j" & eval "p$j=$!"
done; wait "$p1" "$p2" "$p3"; done
is 'several at once take their turns' "$(jq -c '[.error, .remade]' "$T"/both.* | sort -u)" '[null,false]'
nothing_left 'nothing is left' "$T/mirrors"
( exec 9< "$mirror"; flock 9; sleep 30 ) & holder=$!; background="$background $holder"
sleep 0.2
refuses 'a mirror that another one does not let go' transient '*no answer in 1 s: another kiln-fetch*' "$remote" "$mirror" '{deadline_sec: 1}'
kill "$holder"; for child in $(pgrep -P "$holder"); do kill "$child"; done; wait "$holder" 2> /dev/null
done_testing
