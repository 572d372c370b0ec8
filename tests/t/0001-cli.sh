#!/bin/sh
# The command line: help, wrong use, exit codes, and that nothing is made by looking.
. "$(dirname "$0")/lib.sh"

succeeds '--help is fine' kiln --help
like 'and lists the verbs' "$out" '*plan*apply*audit*rollback*'
succeeds '--version prints it' kiln --version
like 'with a number' "$out" 'kiln [0-9]*'
for verb in $(kiln --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	succeeds "$verb -h is fine" kiln "$verb" -h
	help=$out
	run kiln help "$verb"
	is "kiln help $verb says the same" "$out" "$help"
done
run kiln; is 'no verb is wrong use' "$code" 2
run kiln plam; is 'an unknown verb is wrong use' "$code" 2
like 'with the nearest one' "$err" '*plan*'
run kiln plan --jsno; is 'an unknown flag is wrong use' "$code" 2
like 'with the nearest one' "$err" '*--json*'
run kiln inputs; is 'a missing word is wrong use' "$code" 2
run kiln list too many; is 'a word too many is wrong use' "$code" 2
run kiln plan a..b --at c; is 'a range with --at is wrong use' "$code" 2

new_repository
echo '{"builders": [{"type": "null", "communicator": "none"}]}' > one.json
commit one
succeeds 'plan looks from the folder it is in' kiln plan
like 'and says once which commit' "$err" '*uncommitted changes are not seen*'
like 'on standard error alone' "$out" 'images at *'
mkdir sub && cd sub || exit 1
succeeds 'also from a folder below' kiln plan
cd .. || exit 1
succeeds 'a path names a repository' kiln plan "$T/images"
succeeds 'a file:// URL too' kiln plan "file://$T/images"
run kiln plan nosuch; is 'an image that is not there fails' "$code" 1
like 'with its name' "$err" '*nosuch*'
run kiln plan onf; like 'and the nearest' "$err" '*one*'
for verb in list status verify doctor; do
	run kiln $verb
done
is 'reading verbs make no state folder' "$(ls -d "$KILN_STATE" 2>/dev/null)" ''
fails 'gc without a state folder says so' kiln gc
like 'and where it would be' "$err" "*$KILN_STATE*"
run kiln phases; like 'phases prints a graph' "$out" 'digraph*planned*retired*'
cd / && run kiln plan
is 'no repository around is a failure' "$code" 1
like 'with a way out' "$err" '*repositor*'
done_testing
