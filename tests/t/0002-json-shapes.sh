#!/bin/sh
# Every verb's JSON has the fields that other programs read, with null where something is not known.
. "$(dirname "$0")/lib.sh"
three_images
keys() { json "$1" "$2 | keys_unsorted | sort | join(\" \")" "$3"; }
has() { # WHAT OBJECT FIELD...
	what=$1 object=$2; shift 2
	for field in "$@"; do json "$what has $field" "$object | has(\"$field\")" true; done
}
run kiln plan --json
has plan . repository commit elapsed_ms images
has "plan's image" '.images[0]' name action closure reasons
has "plan's reason" '.images[0].reasons[0]' kind path old new text
run kiln apply --json
is 'apply is one object a line' "$(printf '%s\n' "$out" | jq -c 'has("time") and has("image") and has("build") and has("phase") and has("version") and has("text")' | sort -u)" true
printf 'set -e\necho x > /etc/web\n' | script scripts/web.sh; commit two; kiln apply > /dev/null 2>&1
run kiln plan --json HEAD~1..HEAD
has 'plan A..B' . repository from to elapsed_ms unchanged images
json 'which counts what is equal' .unchanged 2
json 'and lists what differs' '[.images[].name] | join(" ")' web
run kiln status --json
has status '.images[0]' name repository phase live commit closure since next reason
run kiln list --json
has list '.images[0]' name repository live channels versions
run kiln show web --json
has show . name repository live channels versions builds
has "show's version" '.versions[0]' version build phase commit closure digest created reasons
has "show's build" '.builds[0]' build phase commit closure started ended error
json 'numbers are numbers' '.live' 2
run kiln inputs web --json
has inputs . image commit closure lines
has "inputs' line" '.lines[0]' kind key value
is 'whose digest is that of what inputs prints' "$(kiln inputs web 2>/dev/null | sha256sum | cut -c 1-64)" \
	"$(printf '%s' "$out" | jq -r '.closure | ltrimstr("sha256:")')"
run kiln why web --json
has why . image version commit action reasons previous
has "why's previous" .previous version commit closure
run kiln why web@1 --json
json 'the first version has none' .previous null
run kiln audit web@2 --json
has audit '.[0]' image version digest commit author authored closure inputs base builder phases channels events
has "audit's base" '.[0].base[0]' image version digest commit
has "audit's phase" '.[0].phases[0]' phase at
run kiln verify --json
has verify . events manifests artifacts faults cold
run kiln log web --json
is 'a log line has its fields' "$(printf '%s\n' "$out" | jq -c 'has("time") and has("build") and has("step") and has("stream") and has("text")' | sort -u)" true
run kiln diff web@1 web@2 --json
json 'diff has what changed' '.lines | length' 1
json 'times are UTC' '.from.commit | length' 40
run kiln show web --json
like 'times end in Z' "$(printf '%s' "$out" | jq -r '.versions[0].created')" '20??-??-??T??:??:??Z'
done_testing
