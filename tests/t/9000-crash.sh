#!/bin/sh
# kiln is killed at every named fault point in the story of the demo, every time it passes one. Whatever was killed, kilnd
# or a worker, the next apply goes on, and the end is the end of the undisturbed run: the same versions with the same
# artifacts, the same channels and marks, nothing left over. Without KILN_CRASH_ALL (make crash) twice at every point: the last time that
# it is passed, and one of those before.
. "$(dirname "$0")/lib.sh"
three_images "$T/origin" > /dev/null

# The story, in a state folder of its own. A verb that was killed is said again, as a person would.
story() {
	export KILN_STATE=$1
	git clone -q "$T/origin" "$T/work" && cd "$T/work" || exit 1
	again apply .
	printf 'set -e\necho web two > /etc/web\n' | script scripts/web.sh
	commit 'web: two'
	again apply .
	again promote web@1 stable
	roll_back web 1
	printf 'set -e\necho web three > /etc/web\n' | script scripts/web.sh
	echo '{"images": {"base": {"template": "base.json"}, "web": {"template": "web.json", "keep": {"last": 1}}}}' > kiln.json
	commit 'web: three, db gone'
	again apply .
	again retire db
	again apply .
	cd "$T" && rm -rf "$T/work"
}
# A verb that was killed on its way: the next apply finishes what it had begun, or it is said again.
again() {
	kiln "$@" > "$T/said" 2>&1 < /dev/null && return
	kiln apply . >> "$T/said" 2>&1 < /dev/null && [ "$1" = apply ] && return
	kiln "$@" >> "$T/said" 2>&1 < /dev/null
}
# A rollback that was finished by an apply must not be said twice: it would go back one further.
roll_back() {
	kiln rollback "$1" > "$T/said" 2>&1 < /dev/null && return
	kiln apply . >> "$T/said" 2>&1 < /dev/null
	[ "$(live "$1")" = "$2" ] || kiln rollback "$1" >> "$T/said" 2>&1 < /dev/null
}

# What there is at the end, without what differs from run to run: times, ids.
ending() {
	export KILN_STATE=$1
	for image in base web db; do
		kiln show "$image" --json 2>/dev/null | jq -c '{name, live, channels,
			versions: [.versions[] | {version, phase, commit, closure, digest, quarantined}] | sort_by(.version)}'
	done
	(cd "$1/catalog" && find . ! -name manifest.json \( -type l -printf '%p -> %l\n' -o -type f -printf '%p %s\n' -o -printf '%p\n' \) | sort)
	find "$1/builds" -mindepth 2 ! -name log ! -name journal
	kiln verify --deep 2>&1 | sed 's/.*: //'
	sqlite3 "$1/kiln.db" 'SELECT count(*) || " in the ledger" FROM ledger'
}
KILN_FAULT_LOG=$T/passes story "$T/state.quiet"
ending "$T/state.quiet" > "$T/wanted"
is 'the undisturbed run ends with web live as version 3' "$(KILN_STATE=$T/state.quiet; live web)" 3
is 'and with version 2 quarantined' "$(grep -c '"version":2.*"quarantined":true' "$T/wanted")" 1
is 'and with db gone' "$(ls -d "$T/state.quiet/catalog/db" 2>/dev/null)" ''
is 'and with nothing in the ledger' "$(tail -n 1 "$T/wanted")" '0 in the ledger'

# "NAME:N" for each time round; the same points in every run, whatever their order
points=$(sort "$T/passes" | uniq -c | awk '{ for (i = 1; i <= $1; i++) print $2 ":" i }')
pass "the story passes $(echo "$points" | wc -l) times by $(sort -u "$T/passes" | wc -l) points"
[ -n "${KILN_CRASH_ALL:-}" ] ||
	points=$(sort "$T/passes" | uniq -c | awk '{ print $2 ":" $1; if ($1 > 1) print $2 ":" NR % ($1 - 1) + 1 }')
for point in ${KILN_CRASH_POINTS:-$points}; do
	rm -f "$T/log"
	KILN_FAULT=$point KILN_FAULT_LOG=$T/log story "$T/state.crash"
	ending "$T/state.crash" > "$T/got"
	if cmp -s "$T/wanted" "$T/got"; then
		pass "killed at $point"
	else
		fail "killed at $point" "$(diff "$T/wanted" "$T/got")"
	fi
	remove_state "$T/state.crash"
done
done_testing
