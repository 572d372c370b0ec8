#!/bin/sh
# What iso_url names: from several places, against its checksum, resumed, fetched once and kept.
. "$(dirname "$0")/lib.sh"
tool=$BIN/tests/media
[ -x "$tool" ] || tool=$ROOT/build/tests/media
W=$T/media; tree=$W/build/work/tree; cache=$KILN_STATE/cache/downloads
mkdir -p "$tree" "$T/www"
head -c 3000000 /dev/urandom > "$T/www/disk.iso"; head -c 3000000 /dev/urandom > "$T/www/other.iso"; : > "$T/www/empty"
sha=$(sha256sum < "$T/www/disk.iso" | cut -c 1-64); md5=$(md5sum < "$T/www/disk.iso" | cut -c 1-32)
sha1=$(sha1sum < "$T/www/disk.iso" | cut -c 1-40); sha512=$(sha512sum < "$T/www/disk.iso" | cut -c 1-128)
other=$(sha256sum < "$T/www/other.iso" | cut -c 1-64)

# serve [CERTIFICATE]: $port
serve() {
	rm -f "$T/port"; mkfifo "$T/port"
	python3 "$ROOT/tests/t/media_server.py" "$T/www" "$T/requests" "$@" > "$T/port" 2> "$T/server.err" & background="$background $!"
	read -r port < "$T/port"
}
serve; site=http://127.0.0.1:$port
: > "$T/requests"
# fresh: nothing is kept, nobody asked
fresh() { rm -rf "$KILN_STATE" "$W/build/log"; : > "$T/requests"; }
get() { timeout 120 "$tool" "$W" get "$@"; }
requests() { sed 's/^\/[^ ]* //' "$T/requests" | tr '\n' ',' | sed "s/$(printf '"%s"' "$(md5sum < "$T/www/disk.iso" | cut -c 1-32)")/ETAG/g; s/Range=bytes=[1-9][0-9]*-/Range=REST/"; }
said() { jq -r .text "$W/build/log"; }

# checksums
for sum in "sha256:$sha" "$sha" "md5:$md5" "$md5" "sha1:$sha1" "$sha512" "SHA256:$(echo "$sha" | tr a-f A-F)"; do
	fresh
	succeeds "checksum ${sum%"${sum#????????????}"}..." get "$sum" "$site/ok/disk.iso"
	is 'it is kept under its SHA-256' "$out" "$cache/$sha sha256:$sha lasting"
	succeeds 'the second time' get "$sum" "$site/ok/disk.iso"
	is 'nobody is asked' "$(requests)" '200,'
done
is 'the content is what the server has' "$(sha256sum < "$cache/$sha" | cut -c 1-64)" "$sha"
is 'nobody writes to it any more' "$(stat -c %a "$cache/$sha")" 400
printf '%s *disk.iso\n%s  other.iso\n' "$sha" "$other" > "$T/www/SHA256SUMS"
printf 'SHA256 (./other.iso) = %s\nSHA256 (disk.iso) = %s\n' "$other" "$sha" > "$tree/BSD"
fresh; succeeds 'a file of sums at a server' get "file:$site/ok/SHA256SUMS" "$site/ok/other.iso"
is 'tells by the name' "${out#* }" "sha256:$other lasting"
succeeds 'a file of sums in the repository' get file:BSD "$site/ok/other.iso" "$site/ok/disk.iso"
is 'in the form of BSD' "${out#* }" "sha256:$other lasting"
fails 'a file of sums that does not have the name' get "file:$site/ok/SHA256SUMS" "$site/ok/nosuch.iso"
like 'says so' "$err" "catalog: iso_checksum: $site/ok/SHA256SUMS has no checksum of $site/ok/nosuch.iso"
fails 'one that is not there' get "file:$site/ok/NOSUMS" "$site/ok/disk.iso"
like 'says so, too' "$err" "catalog: iso_checksum: $site/ok/NOSUMS: the server answered 404"
fails 'one without an end' get "file:$site/endless/disk.iso" "$site/ok/disk.iso"
like 'is not read for ever' "$err" 'catalog: *has more than 16777216 bytes*'
fails 'no checksum at all' get win.sha256 "$site/ok/disk.iso"
like 'names the forms' "$err" "catalog: iso_checksum: 'win.sha256' is none of *"

# several places
fresh; succeeds 'the first that has it' get "$sha" "$site/404/a" "$site/ok/other.iso" ftp://127.0.0.1:1/x "$site/ok/disk.iso"
like 'the log has why the others have not' "$(said | tr '\n' '|')" "*404/a: the server answered 404|*other.iso is sha256:$other, and iso_checksum says sha256:$sha|*"
is 'what was wrong is gone' "$(ls "$cache" | sed 's/[0-9a-f]\{64\}/SHA/')" "$(printf 'SHA\nSHA.json')"
fresh; fails 'nobody has it' get "$sha" "$site/404/a" "$site/ok/nosuch" gopher://x/y nosuch.iso
like 'each reason is said' "$err" 'catalog: none of 4 places has it: *404; *404; gopher://x/y: only http, https, ftp and file URLs*; nosuch.iso: No such file*'
fails 'a server that is down' get "$sha" "$site/404/a" http://127.0.0.1:1/x
like 'may come back' "$err" 'transient: none of 2 places*'
fresh; succeeds 'a server with a moment of weakness' get "$sha" "$site/once/disk.iso"
is 'is asked again' "$(requests)" '503,200,'
fresh; fails 'one that is broken' get "$sha" "$site/500/x"
is 'is asked three times' "$(requests)" '500,500,500,'
like 'and may recover' "$err" 'transient: *: the server answered 500'
fails 'an address in circles' get "$sha" "$site/loop/x"
like 'ends' "$err" 'catalog: *redirects*'
fails 'a server that points to a file of ours' get none "$site/file/x"
unlike 'is not followed' "$err$out" '*root:*'
fresh; succeeds 'a redirect' get "$sha" "$site/redirect/disk.iso"
succeeds 'an empty file' get none "$site/ok/empty"
fresh; succeeds 'a password in a URL' get "$sha" "http://joe:s3cret@127.0.0.1:$port/ok/disk.iso"
like 'is used' "$(cat "$T/requests")" '*Authorization=Basic am9lOnMzY3JldA==*'
is 'and nowhere written down' "$(cat "$W/build/log" "$cache"/*.json | grep -c s3cret)" 0

# local files
cp "$T/www/disk.iso" "$tree/here.iso"
succeeds 'a path' get "$sha" here.iso
is 'is used where it is' "$out" "$tree/here.iso sha256:$sha passing"
succeeds 'a file URL' get "md5:$md5" file:///run/kiln/repository/here.iso
fails 'a wrong one' get "$other" here.iso
like 'is told' "$err" "catalog: here.iso is sha256:$sha, and iso_checksum says sha256:$other"
fails 'a folder' get none .
fails 'a path that leads out' get none ../../../../../etc/passwd
fails 'another file of this machine' get none file:///etc/passwd
like 'is not the build'\''s' "$err" 'catalog: /etc/passwd lies outside*'

# resuming
fresh; succeeds 'a connection that breaks' get "$sha" "$site/cut/disk.iso"
is 'goes on where it broke, if it is the same file' "$(requests)" '200,206 Range=REST If-Range=ETAG,'
fresh; succeeds 'a weak ETag is not enough' get "$sha" "$site/weak/disk.iso"
like 'so the date is asked for' "$(requests)" '200,206 Range=REST If-Range=* GMT,'
fresh; succeeds 'a server that sends all of it again' get "$sha" "$site/noranges/disk.iso"
is 'after it was asked for the rest' "$(requests)" '200,200 Range=REST If-Range=ETAG,'
fresh; succeeds 'a server that tells nothing by which to know the file again' get "$sha" "$site/bare/disk.iso"
is 'with a checksum it goes on' "$(requests)" '200,206 Range=REST,'
fresh; succeeds 'without one' get none "$site/bare/disk.iso?again"
is 'it begins anew' "$(requests)" '200,200,'
fresh; fails 'a server that sends another part than it was asked for' get "$sha" "$site/wrongrange/disk.iso"
like 'is not believed' "$err" 'transient: *another part*'
# part NAME BYTES TOTAL: as a killed worker leaves it, by killing one
cut_off() {
	"$tool" "$W" get "$sha" "$site/slow/disk.iso" > "$T/out" 2>&1 & pid=$!
	for i in $(seq 400); do [ "$(stat -c %s "$cache/$sha.part" 2>/dev/null || echo 0)" -gt 600000 ] && break; sleep 0.02; done
	kill "$1" $pid; wait $pid 2>/dev/null; code=$?
}
fresh; cut_off -KILL; : > "$T/requests"
succeeds 'a worker that was killed' get "$sha" "$site/slow/disk.iso"
is 'the next one goes on from there' "$(requests)" '206 Range=REST If-Range=ETAG,'
fresh; cut_off -TERM
is 'one that is told to end' "$code $(cat "$T/out")" '1 conflict: cancelled'
cp "$T/www/disk.iso" "$T/kept.iso"; dd if=/dev/urandom of="$cache/$sha.part" bs=1000 count=1 conv=notrunc 2>/dev/null; : > "$T/requests"
succeeds 'a part that is damaged' get "$sha" "$site/slow/disk.iso"
is 'is fetched again, all of it' "$(requests)" '206 Range=REST If-Range=ETAG,200,'
fresh; cut_off -KILL; head -c 4000000 /dev/urandom > "$cache/$sha.part"; : > "$T/requests"
succeeds 'a part that is longer than the file' get "$sha" "$site/slow/disk.iso"
like 'too' "$(requests)" '416 Range=REST If-Range=ETAG,200,'
fresh; cut_off -KILL; succeeds 'another place' get "$sha" "$site/ok/disk.iso"
like 'does not go on with what came from the first' "$(tail -n 1 "$T/requests")" '/ok/disk.iso 200'

# no checksum: the server is asked whether it changed
fresh; succeeds 'without a checksum' get none "$site/ok/disk.iso"
succeeds 'a second time' get none "$site/ok/disk.iso"
is 'the server is asked whether it changed' "$(requests)" '200,304 If-None-Match=ETAG,'
is 'and it is the same file' "$out" "$cache/$sha sha256:$sha lasting"
mv "$T/www/disk.iso" "$T/was.iso"; cp "$T/www/other.iso" "$T/www/disk.iso"
succeeds 'when it changed' get none "$site/ok/disk.iso"
is 'the new one comes' "${out#* }" "sha256:$other lasting"
mv "$T/was.iso" "$T/www/disk.iso"

# what is kept
fresh; get "$sha" "$site/ok/disk.iso" > /dev/null; : > "$T/requests"
chmod 600 "$cache/$sha"
succeeds 'a file that was touched' get "$sha" "$site/ok/disk.iso"
is 'is looked at, and found good' "$(requests)" ''
printf x | dd of="$cache/$sha" bs=1 seek=1000 conv=notrunc 2> /dev/null
succeeds 'one with a flipped byte' get "$sha" "$site/ok/disk.iso"
is 'is fetched again' "$(requests)" '200,'
like 'which is said' "$(said | tr '\n' '|')" '*is not what was kept there*'
chmod 600 "$cache/$sha"; truncate -s 1000 "$cache/$sha"; : > "$T/requests"
succeeds 'one that was cut' get "$sha" "$site/ok/disk.iso"
is 'too' "$(requests) $(sha256sum < "$cache/$sha" | cut -c 1-64)" "200, $sha"
rm "$cache/$sha.json"; : > "$T/requests"
succeeds 'one without its note' get "$sha" "$site/ok/disk.iso"
is 'is read, and noted again' "$(requests) $(ls "$cache" | wc -l)" ' 2'
for point in download-received download-renamed download-sealed; do
	fresh
	KILN_FAULT=$point timeout 60 "$tool" "$W" get "md5:$md5" "$site/ok/disk.iso" > /dev/null 2>&1; : > "$T/requests"
	succeeds "killed at $point" get "md5:$md5" "$site/ok/disk.iso"
	is 'what is left is of use' "$(requests) $(ls "$cache" | grep -c part)" "$([ $point = download-received ] && echo '' || echo '200,') 0"
done

# two at once
fresh
get "$sha" "$site/slow/disk.iso" > "$T/one" 2>&1 & one=$!
timeout 120 "$tool" "$W.2" get "$sha" "$site/slow/disk.iso" > "$T/two" 2>&1 & two=$!
wait $one; wait $two
is 'two that want the same' "$(cat "$T/one" "$T/two")" "$(printf '%s\n%s' "$cache/$sha sha256:$sha lasting" "$cache/$sha sha256:$sha lasting")"
is 'fetch it once' "$(requests)" '200,'
like 'and the other waits' "$(jq -r .text "$W/build/log" "$W.2/build/log" | tr '\n' '|')" '*is being fetched by another build: waiting*'

# private
fresh; succeeds 'without the cache' timeout 60 "$tool" "$W" get-private "$sha" "$site/ok/disk.iso"
is 'it is the build'\''s own' "$out $(ls "$cache" 2>&1 | wc -l)" "$W/build/work/downloads/$sha sha256:$sha passing 1"

# making room
fresh
(new_repository && printf '{"builders": [{"type": "file", "content": "x", "target": "x"}]}' > file.json && commit && kiln apply) > /dev/null 2>&1
get "md5:$md5" "$site/ok/disk.iso" > /dev/null; get none "$site/ok/other.iso" > /dev/null
printf '{"limits": {"cache_bytes": 0}}' > "$T/gc.json"
is 'verify --deep reads them' "$(kiln verify --deep 2>&1 | sed 's/.*: //')" '0 faults'
chmod 600 "$cache/$other"; printf x | dd of="$cache/$other" bs=1 seek=5000 conv=notrunc 2> /dev/null
fails 'and finds one that is another by now' kiln verify --deep
like 'by its path' "$out$err" "*cache/downloads/$other*"
mkfifo "$T/hold"
HOLD=1 timeout 100 "$tool" "$W" get "$sha" "$site/ok/disk.iso" > "$T/held" < "$T/hold" & held=$!; background="$background $held"
exec 9> "$T/hold"
wait_until 1 sh -c "grep -c lasting '$T/held'"
succeeds 'gc keeps to limits.cache_bytes' kiln gc --config "$T/gc.json"
is 'but for what a build is using' "$(ls "$cache" | sed "s/$sha/SHA/; s/$md5/MD5/" | sort | tr '\n' ' ')" 'SHA SHA.json md5-MD5.json '
exec 9>&-; wait $held
kiln gc --config "$T/gc.json" > /dev/null
is 'which goes when it ends' "$(ls "$cache")" ''

# room
RESERVE=9000000000000000 fails 'a full disk' get "$other" "$site/ok/other.iso"
like 'is told before anything is fetched' "$err" 'resource: *'
TIMEOUT_SEC=1 fails 'a deadline' get "$other" "$site/slow/other.iso"
like 'ends it' "$err" 'transient: *limits.build_timeout*'

# https
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$T/key" -out "$T/cert" 2> /dev/null; cat "$T/key" "$T/cert" > "$T/both"
serve "$T/both"
fresh; fails 'a certificate of nobody we know' get "$sha" "https://127.0.0.1:$port/ok/disk.iso"
like 'is refused' "$err" 'catalog: *certificate*'
SSL_CERT_FILE=$T/cert succeeds 'with its authority' get "$sha" "https://127.0.0.1:$port/ok/disk.iso"

# ftp
if /usr/bin/python3 -c 'import pyftpdlib' 2> /dev/null; then
	ftp=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	/usr/bin/python3 -m pyftpdlib -i 127.0.0.1 -p "$ftp" -d "$T/www" > "$T/ftp.out" 2>&1 & background="$background $!"
	for i in $(seq 100); do curl -s -o /dev/null "ftp://127.0.0.1:$ftp/" && break; sleep 0.05; done
	fresh; succeeds 'ftp' get "$sha" "ftp://127.0.0.1:$ftp/disk.iso"
	fresh; fails 'a file that ftp does not have' get "$sha" "ftp://127.0.0.1:$ftp/nosuch"
else
	skip ftp 'python3-pyftpdlib is not installed'
fi
# in the closure
cd "$T/images" && cp "$tree/BSD" sums
qemu() { printf '{"builders": [{"type": "qemu", "communicator": "none", "iso_url": "%s", "iso_checksum": "%s"}]}\n' "$2" "$3" > "$1.json"; }
qemu pinned "$site/a.iso" "sha256:$sha"; qemu loose "$site/a.iso" none; qemu sums "$site/disk.iso" file:sums; qemu fetched "$site/a.iso" "file:$site/SUMS"
qemu local sums none; qemu missing "$site/disk.iso" file:nosums; commit sources
marks() { kiln inputs "$1" 2> /dev/null | grep '^open\|^file\|^absent\|^base' | sed 's/+.*//' | tr '\n' ' '; }
is 'a URL with a checksum is its option' "$(marks pinned)" ''
is 'one without is open' "$(marks loose)" 'open source '
is 'as is one whose checksum is fetched' "$(marks fetched)" 'open source '
is 'a file of sums in the repository is an input' "$(marks sums)" 'file sums 100644 '
is 'as is a source there' "$(marks local)" 'file sums 100644 '
like 'sums that are missing block' "$(kiln plan missing --json 2> /dev/null | jq -r '.images[0] | .action + " " + .reasons[0].text')" 'blocked *iso_checksum names nosums*'
done_testing
