#!/bin/sh
# Post-processors do what the real packer's do, but for the files that Packer loses (docs/decisions/0014).
. "$(dirname "$0")/lib.sh"
here=$ROOT/tests/t
if ! packer version > /dev/null 2>&1; then
	skip 'every case is left as packer leaves it' 'packer is not installed'
	done_testing
fi
new_repository
python3 "$here/post.py" make "$here/post_cases.json" "$T/images"
commit cases
python3 "$here/post.py" packer "$here/post_cases.json" "$T/images" "$T/packer"
kiln apply --allow shell-local > "$T/said" 2>&1
python3 "$here/post.py" compare "$here/post_cases.json" "$T/packer" "$KILN_STATE/catalog" > "$T/compared"
while IFS='	' read -r name verdict; do
	is "$name" "$verdict" same
	[ "$verdict" = same ] || sed -n "s/^$name: /#   /p" "$T/said"
done < "$T/compared"
is 'all were compared' "$(wc -l < "$T/compared")" "$(jq length "$here/post_cases.json")"
expect_whole
done_testing
