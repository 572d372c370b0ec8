#!/bin/sh
# The service: what is pushed is built; newer commits take the place of older ones; forced, deleted and made anew are ordinary.
. "$(dirname "$0")/lib.sh"
mkdir "$T/bin"; cp "$BIN"/kiln* "$T/bin"; BIN=$T/bin PATH=$T/bin:$PATH # programs of its own, to be found by their path
git init -q --bare -b main "$T/images.git"
new_repository; git remote add origin "$T/images.git"
push() { commit "$1" && git push -q "${2:---no-force}" origin HEAD:main; }
text() { printf '{"builders": [{"type": "file", "content": "%s", "target": "out.txt"}]}\n' "$2" > "$1.json"; }
content() { cat "$KILN_STATE/catalog/$1/current/files/out.txt"; }
phases() { kiln show "$1" --json | jq -r '[.builds[].phase] | join(" ")'; }
said() { grep -c "$1" "$T/daemon"; }
running() { pgrep -f "$BIN/kiln-build" > /dev/null && echo yes || echo no; }
echo '{"repositories": [{"url": "'"$T"'/images.git", "name": "images", "ref": "refs/heads/main", "poll": "1h"}]}' > "$T/service.json"

# ---- watching ----
text a one; text b one
daemon_start "$T/service.json"
becomes 'a branch that is not there yet is waited for' 1 said 'images: .*\(no revision\|no commit yet\)'
push first
becomes 'the first push is built' one content a
becomes 'all of it' one content b
text a two; push second
becomes 'a push is built without being told' two content a
is 'and nothing else' "$(live b)" 1
for i in 1 2 3 4 5; do text a "burst $i"; push "burst $i"; done
becomes 'of a burst of pushes the last counts' 'burst 5' content a
text a two; push 'as before'
becomes 'what was there before is switched to' two content a
is 'not built' "$(kiln plan --json | jq -r '[.images[].action] | unique[]')" unchanged
git -C "$T/images.git" pack-refs --all
git -C "$T/images.git" config receive.denyDeleteCurrent ignore
text a three; push third
becomes 'packed refs change nothing' three content a

# ---- history that is not added to ----
git reset -q --hard HEAD~1; text a forced; push forced --force
becomes 'a forced push is a push' forced content a
git push -q origin :main
becomes 'a deleted branch is said' 2 said 'images: .*\(no revision\|no commit yet\)'
is 'and everything stays' "$(content a)" forced
text a back; push back
becomes 'until it is back' back content a
mv "$T/images.git" "$T/moved.git"; git init -q --bare -b main "$T/images.git"
text a anew; push anew
becomes 'a repository made anew is the repository' anew content a
rm -rf "$T/images.git"; mv "$T/moved.git" "$T/images.git"
becomes 'and so is one that was moved back' back content a
git push -q --force origin HEAD:main; becomes 'with what is pushed to it' anew content a

# ---- newer commits ----
busybox_tar busybox.tar; template slow.json busybox.tar slow.sh
printf 'echo one > /etc/slow\nsleep 30\n' | script slow.sh; push slow
becomes 'a build that takes its time' building phases slow
text a meanwhile; push meanwhile
becomes 'does not keep others waiting' meanwhile content a
is 'and goes on' "$(phases slow)" building
printf 'echo two > /etc/slow\n' | script slow.sh; push newer
becomes 'what a newer commit made pointless is cancelled' 'cancelled live' phases slow
printf 'echo three > /etc/slow\nsleep 30\n' | script slow.sh; push 'slow again'
becomes 'another takes its time' 'cancelled live building' phases slow
git rm -q slow.json; push 'no longer'
becomes 'one that nothing defines any more is cancelled' 'cancelled live cancelled' phases slow
is 'its worker ends' "$(running)" no
is 'what was live of it stays' "$(live slow)" 1

template parent.json busybox.tar parent.sh; template child.json catalog:parent child.sh
echo 'sleep 2; echo one > /etc/parent' | script parent.sh; echo 'cat /etc/parent > /etc/child' | script child.sh; push family
wait_until building phases parent
text a beside; push beside
becomes 'what waits for a parent is built too, whatever is pushed meanwhile' 1 live child

template victim.json busybox.tar victim.sh; echo 'sleep 30' | script victim.sh; push victim
wait_until building phases victim; kiln cancel victim > /dev/null
text b 'after the cancel'; push 'after the cancel'; wait_until 'after the cancel' content b
is 'what a person cancelled is not begun again' "$(phases victim) $(kiln plan victim --json | jq -r '.images[0].action')" 'cancelled blocked'
git rm -q victim.json; push 'no victim'

# ---- the next daemon ----
template slow.json busybox.tar slow.sh; printf 'echo four > /etc/slow\nsleep 3\n' | script slow.sh; push 'for the next'
becomes 'a build is under way' 'cancelled live cancelled building' phases slow
daemon_end; is 'a daemon that is told to ends well' "$daemon_code" 0
is 'and leaves its worker' "$(running)" yes
daemon_start "$T/service.json"
becomes 'which the next one takes over' 'cancelled superseded cancelled live' phases slow
printf 'echo five > /etc/slow\nsleep 3\n' | script slow.sh; push 'killed'
printf 'echo five > /etc/slow\nsleep 3\n' | script slow.sh; push 'killed'
becomes 'again' 'cancelled superseded cancelled live building' phases slow
daemon_end -KILL 2> /dev/null
text a unseen; push 'while nobody looks'
daemon_start "$T/service.json"
becomes 'also after one that was killed' 'cancelled superseded cancelled superseded live' phases slow
becomes 'and what was pushed meanwhile is built' unseen content a
is 'the log of the build is whole' "$(kiln log slow | grep -c 'running the script')" 1

# ---- control ----
succeeds 'a hold' kiln hold a; text a held; push held
becomes 'is kept' held sh -c "kiln plan a --json | jq -r '.images[0].action'"
is 'it stays' "$(content a)" unseen
kiln release a; becomes 'and its end is noticed' held content a
kiln rollback a > /dev/null; is 'a rollback is not undone' "$(content a) $(kiln plan a --json | jq -r '.images[0].action')" 'unseen quarantined'
succeeds 'a person can force a build' kiln apply b --force
echo '{"repositories": [{"url": "x", "uRl": 1}]}' > "$T/service.json.new"
cp "$T/service.json" "$T/good.json"; cp "$T/service.json.new" "$T/service.json"
fails 'a configuration that is wrong is refused' kiln reload
like 'and said' "$err" '*service.json:1:*uRl*'
text b 'still there'; push 'old configuration'
becomes 'while the old one stays' 'still there' content b
git init -q -b main "$T/second"; (cd "$T/second" && text c one && commit second)
jq --arg url "$T/second" '.repositories += [{"url": $url}]' "$T/good.json" > "$T/service.json"
kill -HUP "$daemon"
becomes 'SIGHUP reads it again' one content second/c
printf 'echo six > /etc/slow\nsleep 2\n' | script slow.sh; push drain
becomes 'before a drain' building sh -c "kiln show slow --json | jq -r '.builds[-1].phase'"
succeeds 'drain waits for what is under way' kiln drain
is 'to its end' "$(kiln show slow --json | jq -r '.builds[-1].phase')" live
text b drained; push drained; sleep 0.5
is 'and begins nothing more' "$(content b)" 'still there'
fails 'not even by hand' kiln apply b
succeeds 'reload ends it' kiln reload
becomes 'and what waited is built' drained content b
expect_whole
daemon_end
cat > "$T/ready.py" <<'EOF'
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(60)
d = subprocess.Popen(sys.argv[2:], env=dict(os.environ, NOTIFY_SOCKET=sys.argv[1]), stderr=subprocess.PIPE)
print(s.recv(1000).decode()); d.terminate(); sys.stderr.write(d.stderr.read().decode()); d.wait()
EOF
printf '{"repositories": [{"url": "%s"}, {"url": "%s"}]}' "$T/images.git" "$T/nowhere.git" > "$T/service.json"
run python3 "$T/ready.py" "$T/notify" kiln daemon --config "$T/service.json"
is 'a service manager hears when it is ready' "$out" READY=1
like 'which is after the first look at all there is' "$err" '*nowhere*'
is 'nothing is left' "$(running) $(find "$KILN_STATE" -name work -o -name control.sock)" 'no '
done_testing
