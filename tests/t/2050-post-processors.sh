#!/bin/sh
# Post-processors do what the real packer's do, but for the files that Packer loses (docs/decisions/0014).
. "$(dirname "$0")/lib.sh"
here=$ROOT/tests/t

# ---- bad input, and what only kiln does ----

new_repository "$T/bad"
# image NAME SEQUENCES [BUILDER]
image() { printf '{"builders": [%s], "post-processors": [%s]}\n' "${3:-"{\"type\": \"file\", \"content\": \"made\\n\", \"target\": \"out/a.txt\"}"}" "$2" > "$1.json"; }
image zst '{"type": "compress", "output": "x.zst", "compression_level": 19}'
image tar-zst '{"type": "compress", "output": "x.tar.zstd"}'
image up '{"type": "compress", "output": "../x.gz"}'
image rooted '{"type": "checksum", "output": "/etc/{{.ChecksumType}}"}'
image late '{"type": "compress", "output": "{{.BuildName}}/../../x.gz"}'
image folder '{"type": "compress", "output": "out"}'
image link '[{"type": "shell-local", "inline": ["ln -s /etc there"]}, {"type": "compress", "output": "there/x.gz"}]'
image onto-link '[{"type": "shell-local", "inline": ["ln -s out/a.txt x.tar"]}, {"type": "compress", "output": "x.tar", "keep_input_artifact": true}]'
image fifo '[{"type": "shell-local", "inline": ["mkfifo pipe"]}, {"type": "artifice", "files": ["pipe"]}]'
image outside '{"type": "artifice", "files": ["/etc/passwd"]}'
image one-name '[{"type": "shell-local", "inline": ["mkdir a b; echo 1 > a/x; echo 2 > b/x"]}, {"type": "artifice", "files": ["*/x"]}, {"type": "compress", "output": "x.tar"}]'
image two '{"type": "compress", "output": "x.tar"}, {"type": "compress", "output": "./x.tar"}'
image sums '{"type": "checksum", "checksum_types": ["crc32"]}'
image level '{"type": "compress", "compression_level": -9}'
image none '{"type": "artifice", "files": []}'
image first '[{"type": "shell-local", "inline": ["exit 3"]}], [{"type": "shell-local", "inline": ["exit 4"]}]'
image deep "[{\"type\": \"shell-local\", \"inline\": [\"yes [ | head -c 100000 | tr -d '\\\\n' > packer-manifest.json\"]}, \"manifest\"]"
commit bad
kiln apply --allow shell-local > "$T/said" 2>&1
says() { like "$1" "$(sed -n "s/^$2: //p" "$T/said" | tr '\n' ' ')" "$3"; }
is 'zst is zstd' "$(zstd -dcq "$KILN_STATE/catalog/zst/1/files/x.zst")" made
is 'and a tar in it is one' "$(zstd -dcq "$KILN_STATE/catalog/tar-zst/1/files/x.tar.zstd" | tar -xO)" made
says 'an output that leads out' up '*leads out*'
says 'one that is absolute' rooted '*/etc/md5 lies outside*'
says 'one that turns out to lead out' late '*leads out of the build*'
says 'one that is a folder' folder '*out: Is a directory*'
says 'one through a link that leads out' link '*there/x.gz*link leads out*'
says 'a fifo is no file' fifo '*pipe*'
says 'a file elsewhere is no artifact' outside '*/etc/passwd lies outside*'
says 'two files of one name do not go into one tar' one-name '*a/x and b/x*'
says 'two post-processors do not write one file' two '*two post-processors*'
says 'a type of sums that is none' sums '*sha512*"crc32"*'
says 'a level that is none' level '*levels 1 to 9*'
says 'no files at all' none '*files*'
says 'all failures are told' first '*2 post-processors failed*code 3*code 4*'
says 'garbage in place of a manifest, with its place' deep '*packer-manifest.json:1:*'
is 'a link in place of the output goes, and not the file behind it' "$(cat "$KILN_STATE/catalog/onto-link/1/files/out/a.txt")" made
is 'of the others nothing is published' "$(ls "$KILN_STATE/catalog" | tr '\n' ' ')" 'onto-link tar-zst zst '
is 'nor written elsewhere' "$(ls -d /etc/x.gz /etc/md5 "$T/x.gz" 2>/dev/null)" ''
if [ "$(id -u)" = 0 ] && mkdir "$T/state.small" && mount -t tmpfs -o size=16m none "$T/state.small" 2>/dev/null; then
	head -c 6000000 /dev/urandom > big
	image packed '[{"type": "compress", "output": "x.tar", "keep_input_artifact": true}, {"type": "compress", "output": "x.tar.gz"}]' '{"type": "file", "source": "big", "target": "big.copy"}'
	commit big
	KILN_STATE=$T/state.small
	fails 'a disk that is too small for what is packed' kiln apply packed
	like 'is called full' "$out$err" '*disk is full*'
	is 'and nothing half is left' "$(find "$T/state.small" -name 'x.tar*')" ''
	mount -o remount,size=64m "$T/state.small"
	succeeds 'with room it is packed' kiln apply packed
	umount "$T/state.small"
	KILN_STATE=$T/state
else
	skip 'a full disk' 'a file system of a known size needs root'
fi
remove_state "$KILN_STATE"

# ---- beside packer ----

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
