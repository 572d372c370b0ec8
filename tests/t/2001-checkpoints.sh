#!/bin/sh
# A rebuild starts at the first step that changed; and the same closure gives the same bytes, cold or from checkpoints.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
steps() { # FORMAT LAST
	cat <<-EOF
	{"builders": [{"type": "rootfs", "base": "busybox.tar", "format": "$1"}], "provisioners": [
	 {"type": "shell", "inline": ["mkdir -p /d; echo one > /d/one; ln -s one /d/link; ln /d/one /d/hard; chmod 4711 /d/one"]},
	 {"type": "shell", "inline": ["echo two > /d/two; rm /d/one; mkfifo /d/pipe; touch -d '2001-01-01 00:00:00' /d/old"]},
	 {"type": "shell", "inline": ["rm -r /d/link; mkdir /d/link; echo $2 > /d/link/three"]}]}
	EOF
}
steps tar.zst three > tar.json; steps oci three > oci.json; commit one
succeeds 'both formats build' kiln apply
like 'nothing can be reused the first time' "$out" '*(0 of 3 steps reused)*'
digest() { kiln show "$1" --json | jq -r --argjson n "${2:-0}" '[.versions[] | select($n == 0 or .version == $n)] | last | .digest'; }
tar1=$(digest tar) oci1=$(digest oci)

steps tar.zst other > tar.json; steps oci other > oci.json; commit two
succeeds 'a change of the last step' kiln apply
is 'reuses the two before it (and what the other one made meanwhile)' "$(printf '%s\n' "$out" | grep -c '[23] of 3 steps reused')" 2
unlike 'and gives another artifact' "$(digest tar)" "$tar1"

steps tar.zst three > tar.json; steps oci three > oci.json; commit three
succeeds 'a commit that returns to the closure' kiln apply
is 'switches to the version that has it' "$(live tar) $(live oci)" '1 1'
succeeds 'built again all the same' kiln apply tar oci --force
is 'every step is reused' "$(printf '%s\n' "$out" | grep -c '3 of 3 steps reused')" 2
is 'and the result is equal' "$(printf '%s\n' "$out" | grep -c 'equal to what was live')" 1
succeeds 'and without checkpoints' kiln apply tar oci --force --no-checkpoints
is 'no step is' "$(printf '%s\n' "$out" | grep -c '0 of 3 steps reused')" 2
like 'and the result is equal too' "$out" '*2 equal to what was live*'

# the same closure in another place, from another commit, in another folder, gives the same bytes
cold() {
	KILN_STATE=$T/state.cold
	export KILN_STATE
	kiln apply "$1" > /dev/null 2>&1
	is "$2: the same tar" "$(digest tar)" "$tar1"
	is "$2: the same oci" "$(digest oci)" "$oci1"
	remove_state "$KILN_STATE"
	KILN_STATE=$T/state
}
echo 'not an input' > README; commit four
cold "$T/images" 'cold, from another commit'
git clone -q "$T/images" "$T/elsewhere/deep"; cold "$T/elsewhere/deep" 'from a clone'
git clone -q --bare "$T/images" "$T/bare.git"; cold "$T/bare.git" 'from a bare one'

is 'entries are sorted' "$(tar --zstd -tf "$(kiln path tar)" 2>/dev/null > "$T/l"; sed 's|/$||' "$T/l" | LC_ALL=C sort -c 2>&1)" ''
is 'times are clamped' "$(tar --zstd --full-time --utc -tvf "$(kiln path tar)" | grep -v 1970-01-01 | wc -l)" 0
is 'a hard link stays one' "$(file_of tar/1 d/hard)" one
is 'a removed file is gone' "$(tar --zstd -tf "$(kiln path tar)" | grep -c 'd/one$')" 0
is 'mode bits stay' "$(tar --zstd -tvf "$(kiln path tar)" | grep 'd/hard' | cut -c 1-10)" '-rws--x--x'

# a damaged checkpoint is noticed and made again
layers=$(ls "$KILN_STATE"/checkpoints/*.layer)
for layer in $layers; do printf 'damage' | dd of="$layer" bs=1 seek=100 conv=notrunc 2>/dev/null; done
find "$KILN_STATE/cache/trees" -mindepth 2 -maxdepth 2 -exec rm -rf {} + 2>/dev/null
if [ "$(id -u)" = 0 ]; then
	succeeds 'with every checkpoint damaged it builds' kiln apply tar oci --force
	like 'from the start' "$out" '*0 of 3 steps reused*'
	like 'the same' "$out" '*2 equal to what was live*'
else
	skip 'with every checkpoint damaged' 'removing unpacked layers by hand needs root'
fi

# an open step has an age
cat > open.json <<'EOF'
{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [
 {"type": "shell", "inline": ["echo a > /a"]}, {"type": "shell", "inline": ["cat /proc/sys/kernel/random/uuid > /b"]}]}
EOF
echo '{"images": {"open": {"template": "open.json", "steps": [{"index": 1, "open": true, "max_age": "1s"}]}}}' > kiln.json
commit open; kiln apply open > /dev/null 2>&1
first=$(file_of open/1 b); sleep 1.5
succeeds 'an open step that is too old' kiln apply open --force
like 'is run again, and nothing before it' "$out" '*1 of 2 steps reused*'
unlike 'with a new result' "$(file_of open/2 b)" "$first"
is 'the closure says that it is open' "$(kiln inputs open 2>/dev/null | grep '^open')" 'open 001'
# eviction
printf '{"limits": {"cache_bytes": 0}}' > "$T/tight.json"
succeeds 'gc keeps to limits.cache_bytes' kiln gc --config "$T/tight.json"
is 'so nothing is left' "$(ls "$KILN_STATE/checkpoints" | wc -l)" 0
succeeds 'and builds go on without' kiln apply open --force
expect_whole
done_testing
