#!/bin/sh
# A state folder that is damaged, foreign, too new or in use: a clear error, and nothing is lost.
. "$(dirname "$0")/lib.sh"
three_images
kiln apply > /dev/null 2>&1
cp -a "$KILN_STATE/kiln.db" "$T/good.db"
is 'the state folder is its owner'"'"'s alone' "$(stat -c %a "$KILN_STATE")" 700
is 'and so is the key' "$(stat -c %a "$KILN_STATE/key")" 600
is 'the catalog can be read by all' "$(stat -c %a "$KILN_STATE/catalog")" 755

head -c 3000 "$T/good.db" > "$KILN_STATE/kiln.db"
fails 'a truncated store is refused' kiln status
like 'by name' "$err" "*kiln.db*"
is 'and not touched' "$(stat -c %s "$KILN_STATE/kiln.db")" 3000
echo 'hello, I am a text' > "$KILN_STATE/kiln.db"
fails 'so is a file that is no database' kiln apply
is 'which stays as it is' "$(cat "$KILN_STATE/kiln.db")" 'hello, I am a text'
rm "$KILN_STATE/kiln.db"; sqlite3 "$KILN_STATE/kiln.db" 'CREATE TABLE t (a)'
fails "and another program's database" kiln apply
like 'which is said' "$err" '*kiln.db*'
cp "$T/good.db" "$KILN_STATE/kiln.db"; sqlite3 "$KILN_STATE/kiln.db" 'PRAGMA user_version = 99'
fails 'and what a newer kiln wrote' kiln status
like 'which is said, with what to do' "$err" '*newer*'
cp "$T/good.db" "$KILN_STATE/kiln.db"
succeeds 'the good one works again' kiln status
expect_whole

(exec 9> "$KILN_STATE/lock"; flock -x 9; exec sleep 30) & holder=$!; background="$background $holder"
sleep 0.3
fails 'a state folder that somebody holds and does not serve is refused after a while' kiln status
like 'saying it is in use' "$err" '*in use*'
kill $holder 2>/dev/null; wait $holder 2>/dev/null

# two at the same time: one does the work, the other asks it
printf 'sleep 2; echo two > /etc/web\n' | script scripts/web.sh; commit slow
kiln apply > "$T/first" 2>&1 & first=$!
for i in $(seq 50); do [ -S "$KILN_STATE/control.sock" ] && break; sleep 0.1; done
succeeds 'while one applies another can look' kiln status --json
succeeds 'and apply too' kiln apply
wait $first; is 'both end well' "$?" 0
expect_live web 2
is 'and it was built once' "$(kiln show web --json | jq '.builds | length')" 2

# tampering is found, and named
damage() { sqlite3 "$KILN_STATE/kiln.db" "$1"; }
cp "$KILN_STATE/kiln.db" "$T/good.db"
restore() { rm -f "$KILN_STATE"/kiln.db-*; cp "$T/good.db" "$KILN_STATE/kiln.db"; }
first_fault() { run kiln verify --deep --json; printf '%s' "$out" | jq -r '.faults[0] | .kind + " " + .where'; }
expect_whole
damage "UPDATE events SET data = '{}' WHERE id = 4"; is 'a changed event is named' "$(first_fault)" 'event event 4'; restore
damage 'DELETE FROM events WHERE id = 7'; like 'a removed event is' "$(first_fault)" 'event event 7'; restore
damage "UPDATE events SET usec = usec + 1 WHERE id = 2"; is 'a changed time is' "$(first_fault)" 'event event 2'; restore
damage "UPDATE builds SET commit_id = 'beef' WHERE version = 2"; like 'a changed commit is' "$(first_fault)" 'row build *: commit'; restore
damage "UPDATE builds SET phase = 'superseded' WHERE version = 2"; like 'a changed phase is' "$(first_fault)" 'row build *: phase'; restore
damage "UPDATE channels SET version = 1"; like 'a changed channel is' "$(first_fault)" 'channel */web current'; restore
damage "UPDATE closures SET text = text || ' '"; like 'a changed closure is' "$(first_fault)" 'closure closure of build *'; restore
damage "DELETE FROM events WHERE id > 20"; like 'a cut-off history is' "$(first_fault)" 'row *'; restore
ln -sfn 1 "$KILN_STATE/catalog/web/current"; like 'a moved channel is' "$(first_fault)" 'channel */web/current'; ln -sfn 2 "$KILN_STATE/catalog/web/current"
file=$KILN_STATE/catalog/web/2/files/rootfs.tar.zst; cp "$file" "$T/keep"; printf x >> "$file"
like 'a changed artifact is' "$(first_fault)" 'artifact */web/2/files/rootfs.tar.zst'; cp "$T/keep" "$file"
sed -i 's/"author": "/"author": "x/' "$KILN_STATE/catalog/web/1/manifest.json"
like 'a changed manifest is' "$(first_fault)" 'manifest */web/1/manifest.json: author'
run kiln verify; is 'and verify fails then' "$code" 1
done_testing
