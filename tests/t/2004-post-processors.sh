#!/bin/sh
# The file and null builders, and post-processors: what they make is what is published.
. "$(dirname "$0")/lib.sh"
new_repository
cat > made.json <<'EOF'
{"builders": [{"type": "file", "content": "made of text\n", "target": "out/made.txt"}]}
EOF
cat > packed.json <<'EOF'
{"builders": [{"type": "file", "source": "given.txt", "target": "given.copy"}],
 "post-processors": [[{"type": "compress", "output": "packed.tar.gz"}, {"type": "checksum", "checksum_types": ["md5", "sha256"], "output": "{{.ChecksumType}}.sum"}]]}
EOF
cat > zst.json <<'EOF'
{"builders": [{"type": "file", "source": "given.txt", "target": "given.copy"}],
 "post-processors": [{"type": "compress", "output": "packed.zst"}, {"type": "manifest", "output": "manifest.json", "strip_time": true}]}
EOF
cat > nothing.json <<'EOF'
{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "inline": ["echo said by a shell of the host", "pwd", "ls / > /tmp/x"]}]}
EOF
echo given > given.txt
commit four
succeeds 'they build' kiln apply made packed zst
is 'the file builder writes what it is told' "$(cat "$(kiln path made)")" 'made of text'
is 'compress packs the file' "$(tar -xOzf "$(find "$KILN_STATE/catalog/packed/1/files" -name '*.tar.gz')")" given
is 'checksum writes sums beside it' "$(find "$KILN_STATE/catalog/packed/1/files" -name '*.sum' | wc -l)" 2
is 'which are right' "$(cut -c 1-64 "$KILN_STATE/catalog/packed/1/files/sha256.sum")" "$(sha256sum < "$KILN_STATE/catalog/packed/1/files/packed.tar.gz" | cut -c 1-64)"
is 'zstd is decoded by zstd' "$(zstd -dcq "$(find "$KILN_STATE/catalog/zst/1/files" -name '*.zst')")" given
is 'an artifact of several files is known by its sums' "$(kiln show packed --json | jq -r '.versions[0].digest')" "sha256:$(sha256sum < "$KILN_STATE/catalog/packed/1/SHA256SUMS" | cut -c 1-64)"
is 'whose path is their folder' "$(kiln path packed)" "$KILN_STATE/catalog/packed/1/files"
fails 'shell-local without the power is blocked' kiln apply nothing
like 'which is said' "$out" '*shell-local*'
succeeds 'with it it runs' kiln apply nothing --allow shell-local
like 'in the sandbox' "$(kiln log nothing)" "*said by a shell of the host*"
is 'which has a /tmp of its own' "$(ls /tmp/x 2>/dev/null)" ''
is 'an image of nothing has no files' "$(ls "$KILN_STATE/catalog/nothing/1/files")" ''
cat > reach.json <<EOF
{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "inline": ["cat $T/images/given.txt"]}]}
EOF
cat > write.json <<EOF
{"builders": [{"type": "file", "content": "x", "target": "$T/planted"}]}
EOF
cat > up.json <<'EOF'
{"builders": [{"type": "file", "content": "x", "target": "../../planted"}]}
EOF
printf '{"builders": [{"type": "file", "content": "0123456789", "target": "out/x.gz"}], "post-processors": [{"type": "compress", "output": "out/x.gz"}]}' > onto.json
commit more
fails 'a file is not packed onto itself' kiln apply onto
like 'which is said' "$out" '*is the file that is to be packed*'
fails 'it sees the folder of the build alone' kiln apply reach --allow shell-local
fails 'a target outside of it is refused' kiln apply write
fails 'in whatever way' kiln apply up
is 'nothing was written there' "$(ls "$T/planted" 2>/dev/null)" ''
expect_whole
done_testing
