#!/bin/sh
# The page: what it says, to whom, and in a real browser.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/web.sh"
three_images
template broken.json busybox.tar scripts/broken.sh
printf 'echo trying\nexit 7\n' | script scripts/broken.sh
template slow.json busybox.tar scripts/slow.sh
printf 'i=0\nwhile [ ! -e /nosuch ]; do i=$((i + 1)); echo slow line $i; sleep 0.2; done\n' | script scripts/slow.sh
# what strangers write reaches the page as text
template bobby.json busybox.tar 'scripts/<img src=x onerror=alert(1)>.sh'
cat <<'END' | script 'scripts/<img src=x onerror=alert(1)>.sh'
echo '<script>document.title="owned"</script>'
END
jq '.images += {"broken": {"template": "broken.json"}, "bobby": {"template": "bobby.json"}}' kiln.json > "$T/kiln.json" && mv "$T/kiln.json" kiln.json
commit all
kiln apply > /dev/null 2>&1
printf 'echo more > /etc/more\n' >> 'scripts/<img src=x onerror=alert(1)>.sh'; commit 'bobby again'
kiln apply > /dev/null 2>&1
printf 'set -e\necho web two > /etc/web\n' | script scripts/web.sh; commit 'web: two'
kiln apply > /dev/null 2>&1
web_service
start_web

# ---- without kilnd ----

get / -H 'Accept: text/html'; is 'without kilnd there is a page that says so' "$code $(header Retry-After)" '503 5'
like 'and why' "$out" '*<h1>kilnd does not answer</h1>*'
start_daemon

# ---- with it, and without script ----

page() { get "$@"; unlike "$1 has no hole" "$out" '*no value*'; }
page /
is 'the catalog' "$code $(header Content-Type)" '200 text/html; charset=utf-8'
like 'has every image' "$out" '*/image/base"*/image/bobby"*/image/broken"*/image/db"*/image/web"*'
like 'with its commit' "$out" "*$(git rev-parse --short=12 HEAD)*"
is 'no script of its own lies in it' "$(printf '%s' "$out" | grep -c '<script' ) $(printf '%s' "$out" | grep -v '&lt;img' | grep -ci ' style=\| on[a-z]*=')" '1 0'
is 'nor anything from elsewhere' "$(printf '%s' "$out" | grep -o '\(src\|href\|action\)="[^"]*"' | grep -v '="/\|="#main"')" ''
page '/?state=failed'; is 'a state' "$(printf '%s' "$out" | grep -o 'row"><a href="[^"]*"')" 'row"><a href="/image/broken"'
page '/?q=web+two'; like 'words that nothing has' "$out" '*No image matches*'
page '/?q=WEB+changed'; is 'words, in any case' "$(printf '%s' "$out" | grep -o 'row"><a href="[^"]*"')" 'row"><a href="/image/web"'
page '/?sort=since'; like 'another order' "$out" '*aria-sort="descending"*'
page '/?page=99'; is 'a page that there is not is the last' "$code" 200
page /image/web; like 'an image' "$out" '*<svg class="picture"*Version 2*scripts/web.sh changed*Version 1*'
build=$(kiln show web --json --config "$T/service.json" | jq -r '.builds[-1].build')
page "/build/$build"; like 'a build, with its steps and its log' "$out" '*provisioner 1 (shell)*running the script scripts/web.sh*'
get "/build/$build/log.txt"; is 'its log as text' "$out" "$(kiln log "$build" --json --config "$T/service.json" | jq -r '.time + " " + .text')"
get "/build/$build/log" --max-time 20; is 'as events' "$(printf '%s\n' "$out" | grep -c '^event: line')" "$(kiln log "$build" --config "$T/service.json" | wc -l)"
like 'which end' "$out" '*event: end*'
get "/build/$build/log?after=2" --max-time 20; like 'or from where one was' "$out" 'id: 3
*'
# ---- the last screen of a build's machine, which is a file that strangers had a hand in ----

cat > "$T/picture.py" <<'END'
import struct, sys, zlib
width, height, kind = 720, 400, sys.argv[1]
rows = [b''.join(bytes((x * 255 // width, y * 255 // height, 96 if (x // 9 + y // 16) % 2 else 160)) for x in range(width)) for y in range(height)]
chunk = lambda name, data: struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + \
    chunk(b'IDAT', zlib.compress(b''.join(b'\0' + row for row in rows))) + chunk(b'IEND', b'')
sys.stdout.buffer.write(png if kind == 'png' else b'P6\n# QEMU\n%d %d\n255\n' % (width, height) + b''.join(rows))
END
screen=$KILN_STATE/builds/$build/screen
# no_screen WHAT: neither on the page nor by itself
no_screen() {
	get "/build/$build/screen"; is "$1" "$code" 404
	page "/build/$build"; unlike 'nor does the page have it' "$out" '*<img *'
	rm -rf "$screen.png" "$screen.ppm"
}
no_screen 'a build without a machine has no screen'
python3 "$T/picture.py" png > "$screen.png"
page "/build/$build"; like 'one that left a screen shows it' "$out" "*<img src=\"/build/$build/screen?taken=20*\" alt=\"The screen of the machine at 20* UTC\" loading=\"lazy\"*"
get "/build/$build/screen"; is 'as what it is, and kept by nobody' "$code $(header Content-Type) $(header Cache-Control) $(header X-Content-Type-Options)" '200 image/png no-store nosniff'
cmp -s "$screen.png" "$T/body"; is 'byte for byte' "$?" 0
get "/build/$build/screen" -H 'Host: evil.example'; is 'by another name: no' "$code" 421
get "/build/$build/screen" -H 'X-Forwarded-For: 192.0.2.7'; is 'nor for somebody else' "$code" 401
get "/build/$build/screen" -H 'X-Forwarded-For: 192.0.2.7' -H "Authorization: Bearer $token"; is 'but with the token' "$code" 200
mv "$screen.png" "$T/screen.png"
python3 "$T/picture.py" ppm > "$screen.ppm"
get "/build/$build/screen"; is 'what no browser shows comes as what they do' "$code $(header Content-Type) $(head -c 2 "$T/body") $(wc -c < "$T/body")" '200 image/bmp BM 864054'
truncate -s 100000 "$screen.ppm"; get "/build/$build/screen"; is 'cut off it is none' "$code" 404; rm "$screen.ppm"
echo garbage > "$screen.png"; no_screen 'garbage is none'
: > "$screen.png"; no_screen 'nor is nothing'
ln -s "$T/screen.png" "$screen.png"; no_screen 'nor what lies elsewhere'
ln "$T/screen.png" "$screen.png"; no_screen 'nor what has another name too'
mkfifo "$screen.png"; no_screen 'nor what nobody writes'
mkdir "$screen.png"; no_screen 'nor a folder'
cp "$T/screen.png" "$screen.png"; truncate -s 8388609 "$screen.png"; no_screen 'nor what is too large'
cp "$T/screen.png" "$screen.png"; truncate -s 8388608 "$screen.png"
get "/build/$build/screen"; is 'the largest comes whole, in pieces' "$code $(wc -c < "$T/body")" '200 8388608'
get "/build/$build/screen/"; is 'and nothing below it' "$code" 404
cp "$T/screen.png" "$screen.png"

page '/plan?at=HEAD~1..HEAD'; like 'a plan' "$out" '*/image/web"*rebuild*'
page '/plan?at=nosuch'; is 'of a revision that there is not' "$code" 404
page '/plan?at=:/web'; is 'or that would be a search' "$code" 404
page "/plan?repository=/etc"; unlike 'of a repository that is not configured' "$out" '*/etc*'
page "/audit?q=$(sha256sum < "$(kiln path web --config "$T/service.json")" | cut -c 1-64)"; like "a file's digest" "$out" '*web</a> version 2*'
page "/audit?q=$(git rev-parse HEAD)"; like 'a commit' "$out" '*web</a> version 2*'
page '/audit?q=scripts/base.sh'; like 'a path' "$out" '*base</a> version 1*'
for file in /etc/passwd ../../etc/passwd "$(kiln path web --config "$T/service.json")" etc/passwd; do
	get "/audit?q=$file"; is "no file of the machine is read ($(basename "$file"))" "$code" 404
done
get /nosuch; is 'nothing else' "$code" 404
get '/image/%2e%2e%2f%2e%2e%2fetc'; is 'and no way out' "$code" 404
get / -I; is 'HEAD is as GET' "$code" 200
for name in Content-Security-Policy X-Content-Type-Options X-Frame-Options Referrer-Policy; do
	[ -n "$(header $name)" ] || fail "$name is there"
done
like 'browsers run nothing of anybody else' "$(header Content-Security-Policy)" "default-src 'none'; script-src 'self'; *frame-ancestors 'none'"
get /assets/style.css; is 'its style' "$code $(header Content-Type)" '200 text/css; charset=utf-8'
get /assets/layout; is 'templates are not for reading' "$code" 404

# ---- who may read ----

get / -H 'Host: evil.example'; is 'another name for this machine: no page' "$code" 421
for host in localhost "localhost:$port" 127.0.0.1 "127.0.0.1:$port" '[::1]'; do
	get / -H "Host: $host"; is "$host is this machine" "$code" 200
done
get / -H 'X-Forwarded-For: 192.0.2.7' -H 'Accept: text/html'; is 'for somebody else: to the token' "$code $(header Location)" '303 /login'
get / -H 'X-Forwarded-For: 192.0.2.7' -H "Authorization: Bearer $token"; is 'with it he may' "$code" 200

# ---- who may change ----

jar="$T/jar"
login() { get /login -c "$jar" -b "$jar" -H "Origin: $url" --data-urlencode "token=$1"; }
login wrong; is 'a wrong token' "$code $(header Location)" '303 /login?wrong=1'
login "$token"; is 'the token' "$code $(header Location)" '303 /'
like 'gives a session' "$(header Set-Cookie)" 'kiln-session=*; HttpOnly; SameSite=Strict'
get /login -H 'Origin: http://evil.example' --data-urlencode "token=$token"; is 'not from a page of others' "$code" 403
get /login --data-urlencode "token=$token"; is 'nor from none' "$code" 403
get /image/web -b "$jar"
form_token=$(printf '%s' "$out" | sed -n 's/.*name="form_token" value="\([0-9a-f]*\)".*/\1/p' | head -n 1)
is 'its forms have a token of their own' "${#form_token}" 64
order() { get /order -b "$jar" -H "Origin: $url" -d order=hold -d image=web "$@"; }
held() { kiln status --json --config "$T/service.json" | jq '.images[] | select(.name == "web") | .held'; }
order; is 'without it nothing is changed' "$code" 403
order -d "form_token=$(printf %064d 0)"; is 'nor with another' "$code" 403
get /order -b "$jar" -d order=hold -d image=web -d "form_token=$form_token" -H 'Origin: http://evil.example'; is 'nor from another page' "$code" 403
get /order -b "$jar" -d order=hold -d image=web -d "form_token=$form_token" -H 'Origin: null'; is 'nor from nowhere' "$code" 403
get /order -H "Origin: $url" -d order=hold -d image=web -d "form_token=$form_token"; is 'nor without the session' "$code" 403
get /order -H "Origin: $url" -H "Authorization: Bearer $token" -d order=hold -d image=web; is 'nor with the token alone' "$code" 403
get "/order?order=hold&image=web&form_token=$form_token" -b "$jar"; is 'nor by GET' "$code" 405
is 'nothing was' "$(held)" false
order -d "form_token=$form_token" -d back=/image/web; is 'with all of it, it is' "$code $(header Location) $(held)" '303 /image/web true'
get / -b "$jar"; like 'and told, once' "$out" '*web is held*'
get / -b "$jar"; unlike 'and not again' "$out" '*web is held*'
order -d "form_token=$form_token" -d back=//evil.example; is 'it leads nowhere else' "$(header Location)" /
order -d "form_token=$form_token" -d order=format; is 'what there is not' "$code" 303
get /order -b "$jar" -H "Origin: $url" -d order=release -d image=web -d "form_token=$form_token"; is 'released' "$(held)" false
get /order -b "$jar" -H "Origin: $url" -d order=build -d image=nosuch -d "form_token=$form_token"
get / -b "$jar" -H 'X-Kiln-Part: 1'; unlike 'what is fetched for a part of a page takes no notice away' "$out" '*class="notice"*'
get / -b "$jar"; like 'what fails is told' "$out" '*class="notice"*nosuch*'
get /logout -b "$jar" -H "Origin: $url" -d "form_token=$form_token"; is 'signing out' "$code" 303
order -d "form_token=$form_token"; is 'ends it' "$code" 403

# ---- in a browser ----

template slow.json busybox.tar scripts/slow.sh
jq '.images += {"slow": {"template": "slow.json"}}' kiln.json > "$T/kiln.json" && mv "$T/kiln.json" kiln.json; commit slow
slow_build() { kiln show slow --json --config "$T/service.json" 2> /dev/null | jq -r '.builds[-1].build // empty'; }
until_ok eval '[ -n "$(slow_build)" ] && kiln log slow --config "$T/service.json" | grep -q "slow line 2"'
# its screen is there while it runs; the page in the browser has it
python3 "$T/picture.py" png > "$KILN_STATE/builds/$(slow_build)/screen.png"
shots=${KILN_SHOTS:-$T/shots}; mkdir -p "$shots"
python=
for candidate in /usr/bin/python3 python3; do
	[ -z "$python" ] && "$candidate" -c 'import selenium' 2> /dev/null && python=$candidate
done
# told FILE: the checks that a browser's driver wrote there
told() {
	while IFS= read -r line; do
		case $line in
		'ok '*) pass "${line#ok }" ;;
		*) fail "${line#not ok }" ;;
		esac
	done < "$1"
}
if [ -n "$python" ] && command -v chromedriver > /dev/null && command -v chromium > /dev/null; then
	"$python" "$ROOT/tests/t/page.py" "$url" "$token" "$(slow_build)" "$shots" > "$T/browser" 2> "$T/browser.err"
	code=$?
	told "$T/browser"
	is 'the browser went all the way' "$code" 0
	[ "$code" = 0 ] || grep -v '<unknown>$' "$T/browser.err" | tail -n 12 | sed 's/^/# /'
else
	skip 'the page in Chromium' 'chromium, chromium-driver or python3-selenium is not installed'
fi
# Debian has no playwright-core: NODE_PATH may name a folder with it
if node -e 'require.resolve("playwright-core")' 2> /dev/null && command -v chromium > /dev/null; then
	node "$ROOT/tests/t/page.cjs" "$url" "$token" "$shots" > "$T/browser" 2>&1
	told "$T/browser"
else
	skip 'the page with playwright-core' 'node finds no playwright-core (NODE_PATH)'
fi
# workers outlive the daemon, and a cancelled build is begun again at the next look: what goes on for ever is ended for good
kiln hold slow --config "$T/service.json" > /dev/null 2>&1
slow_phase() { kiln show slow --json --config "$T/service.json" | jq -r '.builds[-1].phase'; }
until_ok eval '[ "$(slow_phase)" = cancelled ]'
is 'no build is left' "$(slow_phase)" cancelled
stop "$daemon"
is 'kiln-web had nothing to complain of' "$(cat "$T/web.err")" ''
done_testing
