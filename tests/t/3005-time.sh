#!/bin/sh
# What time does: rebuilds for age, failures that are tried again, versions that grow old. KILN_CLOCK moves kiln's clock.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
template base.json busybox.tar s.sh
printf 'echo one > /etc/v\n' | script s.sh
config() { printf '{"images": {"base": {"template": "base.json"%s}}}' "$1" > kiln.json; commit config; }
at() { KILN_CLOCK=$((86400 * $1)); export KILN_CLOCK; }

config ', "rebuild": {"every": "7d"}'
at 0; kiln apply > /dev/null 2>&1
at 6; expect_action base unchanged 'before its time nothing is due'
is 'status says when it is' "$(kiln status --json | jq -r '.images[0].next | length')" 20
at 8; expect_action base rebuild 'after it it is'
run kiln plan --json; json 'by reason of age' '.images[0].reasons[0].kind' age
succeeds 'the rebuild' kiln apply
like 'comes out equal, and publishes nothing' "$out" '*1 equal to what was live*'
expect_live base 1
expect_action base unchanged 'it counts as confirmed'
at 14; expect_action base unchanged 'so the next is due'
at 16; expect_action base rebuild 'a week after that'

# a failure that a commit must mend is not tried again; one that may pass is
at 20; config ''
printf 'exit 1\n' | script s.sh; commit broken
kiln apply > /dev/null 2>&1
at 200; expect_action base blocked 'what only a commit can mend waits for it'
config ', "steps": [{"index": 0, "open": true}]'
kiln apply > "$T/said" 2>&1
expect_action base blocked 'an open step that failed waits, too'
like 'but says till when' "$(kiln plan base --json 2>/dev/null | jq -r '.images[0].reasons[0].text')" '*next try*'
KILN_CLOCK=$((86400 * 200 + 70)); expect_action base rebuild 'a minute later it is tried again'
kiln apply > /dev/null 2>&1
KILN_CLOCK=$((86400 * 200 + 140)); expect_action base blocked 'the second time it waits longer'
KILN_CLOCK=$((86400 * 200 + 400)); kiln apply > /dev/null 2>&1
KILN_CLOCK=$((86400 * 200 + 4000)); expect_action base blocked 'after the third till the next day'
at 202; expect_action base rebuild 'then it is tried once more'

# versions grow old
at 210; config ', "keep": {"younger_than": "10d"}'
for n in 1 2 3; do at $((210 + n)); printf 'echo %s > /etc/v\n' "$n" | script s.sh; commit "$n"; kiln apply > /dev/null 2>&1; done
is 'young versions are kept' "$(cd "$KILN_STATE/catalog/base" && echo [0-9]*)" '2 3 4'
at 221; kiln apply > /dev/null 2>&1
is 'old ones go, the live one never' "$(cd "$KILN_STATE/catalog/base" && echo [0-9]*)" '3 4'
at 300; kiln apply > /dev/null 2>&1
is 'however old it is' "$(cd "$KILN_STATE/catalog/base" && echo [0-9]*)" '4'

# so do logs
printf '{"limits": {"log_days": 30}}' > "$T/service.json"
kiln gc --config "$T/service.json" > /dev/null
is 'logs go after limits.log_days' "$(ls "$KILN_STATE/builds" | wc -l)" 0
is 'the history stays' "$(kiln show base --json | jq '.builds | length > 5')" true
expect_whole
done_testing
