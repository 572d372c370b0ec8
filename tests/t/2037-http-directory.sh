#!/bin/sh
# The server of http_directory: what a guest gets, and what it does not.
. "$(dirname "$0")/lib.sh"
tool=$BIN/tests/media
[ -x "$tool" ] || tool=$ROOT/build/tests/media
W=$T/media; tree=$W/build/work/tree; www=$tree/http
mkdir -p "$www/sub/deep" "$www/with" "$www/locked"; echo secret > "$tree/secret"; echo secret > "$T/secret"
printf 'd-i preseed\n' > "$www/preseed.cfg"; head -c 3000000 /dev/urandom > "$www/big.bin"; : > "$www/empty"; echo '<b>' > "$www/page.html"
echo index > "$www/with/index.html"; echo x > "$www/sub/a file & <more>.txt"; echo y > "$www/sub/c:d"
ln -s /etc/passwd "$www/out"; ln -s ../secret "$www/above"; ln -s "$T" "$www/outfolder"; ln -s preseed.cfg "$www/in"; mkfifo "$www/fifo"
echo x > "$www/locked/x"; touch -d '2024-01-02 03:04:05 UTC' "$www/preseed.cfg"
chmod 755 "$tree" "$www" "$www/sub"
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# start ADDRESS MIN MAX [FOLDER]: $pid, $server and $port; its input ends with `stop`
start() {
	rm -f "$T/in"; mkfifo "$T/in"
	"$tool" "$W" http "${4:-http}" "$1" "$2" "$3" < "$T/in" > "$T/started" 2> "$T/err" & pid=$!; background="$background $pid"
	exec 9> "$T/in"
	for i in $(seq 200); do [ -s "$T/started" ] && break; kill -0 $pid 2> /dev/null || break; sleep 0.02; done
	server=$(cut -d' ' -f1 "$T/started"); port=$(cut -d' ' -f2 "$T/started"); url=http://127.0.0.1:$port
}
stop() { exec 9>&-; wait $pid; }
# get PATH [MORE OF CURL'S]: $code, $out, and the headers in $T/headers
get() { path=$1; shift; code=$(curl -s --path-as-is -m 60 -o "$T/body" -D "$T/headers" -w '%{http_code}' "$@" "$url$path"); out=$(tr -d '\0' < "$T/body" 2> /dev/null); }
header() { tr -d '\r' < "$T/headers" | sed -n "s/^$1: //Ip"; }
# raw TEXT: the first line of what comes to these bytes
raw() { python3 - "$port" "$1" <<-'EOF'
	import socket, sys
	s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30)
	s.sendall(sys.argv[2].encode('latin-1').decode('unicode_escape').encode('latin-1'))
	s.settimeout(30)
	print(s.makefile('rb').readline().decode('latin-1').strip())
	EOF
}
said() { jq -r .text "$W/build/log"; }

start '' 0 0
like 'it runs' "$port" '[1-9]*'
get /preseed.cfg
is 'a file' "$code $out" '200 d-i preseed'
is 'is text if it looks so' "$(header content-type)" 'text/plain; charset=utf-8'
is 'has its date' "$(header last-modified)" 'Tue, 02 Jan 2024 03:04:05 GMT'
is 'and length' "$(header content-length)" 12
get /big.bin; is 'what does not look so is not' "$(header content-type)" application/octet-stream
is 'and comes whole' "$(sha256sum < "$T/body")" "$(sha256sum < "$www/big.bin")"
get /page.html; is 'an extension tells' "$(header content-type)" 'text/html; charset=utf-8'
get /empty; is 'an empty file' "$code $(header content-length)" '200 0'
get /preseed.cfg -I; is 'HEAD has the length and no content' "$code $(header content-length) $(grep -c preseed "$T/body")" '200 12 0'
get '/preseed.cfg?hostname=x'; is 'a query is nothing to it' "$code" 200
get '/%70reseed.cfg'; is 'escapes are read' "$code $out" '200 d-i preseed'
get /in; is 'a link in the folder is followed' "$code $out" '200 d-i preseed'
get /nosuch; is 'what is not there' "$code" 404
get /preseed.cfg/x; is 'or below a file' "$code" 404
get "/$(printf 'x%.0s' $(seq 300))"; is 'or cannot be' "$code" 404
get /preseed.cfg -H 'If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT'; is 'what is known already' "$code" 304
get /preseed.cfg -X POST -d x=y; is 'nothing can be sent' "$code $(header allow)" '405 GET, HEAD'
get /preseed.cfg -T "$www/page.html"; is 'or put there' "$code" 405

# folders
get /sub; is 'a folder without its slash' "$code $(header location)" '301 /sub/'
get /sub/; is 'and with it' "$out" '<pre>
<a href="a%20file%20%26%20%3Cmore%3E.txt">a file &amp; &lt;more&gt;.txt</a>
<a href="./c%3Ad">c:d</a>
<a href="deep/">deep/</a>
</pre>'
get '/sub/a%20file%20%26%20%3Cmore%3E.txt'; is 'what it lists is there' "$code $out" '200 x'
get /with/; is 'its index.html' "$out" index
get /with/index.html; is 'which has one address' "$code $(header location)" '301 /with/'
get /preseed.cfg/; is 'a file with a slash' "$code $(header location)" '301 /preseed.cfg'
get '/sub%0d%0aX-Evil:%201'; is 'a line end in a path' "$code" 404
mkdir "$www/$(printf 'a\r\nb')"; get '/a%0d%0ab'; is 'is not one in the answer' "$(header location)" /a%0D%0Ab/

# ranges
sum() { sha256sum | cut -c 1-64; }
get /big.bin -r 1000-1999; is 'a range' "$code $(header content-range) $(sum < "$T/body")" "206 bytes 1000-1999/3000000 $(tail -c +1001 "$www/big.bin" | head -c 1000 | sum)"
get /big.bin -r 2999000-; is 'the rest' "$code $(header content-range) $(sum < "$T/body")" "206 bytes 2999000-2999999/3000000 $(tail -c 1000 "$www/big.bin" | sum)"
get /big.bin -r -500; is 'the end' "$code $(header content-range) $(sum < "$T/body")" "206 bytes 2999500-2999999/3000000 $(tail -c 500 "$www/big.bin" | sum)"
get /big.bin -r 2999990-9999999; is 'more than there is' "$code $(header content-length)" '206 10'
get /big.bin -r 3000000-; is 'behind the end' "$code" 416
get /empty -r 0-; is 'of nothing' "$code" 416
get /big.bin -r 0-1,5-9; is 'several: all of it' "$code $(header content-length)" '200 3000000'
get /big.bin -r 0-9 -H 'If-Range: Tue, 02 Jan 2001 03:04:05 GMT'; is 'of another version: all of it' "$code" 200
head -c 1000000 "$www/big.bin" > "$T/part"; curl -s -C - -o "$T/part" "$url/big.bin"; is 'curl goes on with a part' "$(sum < "$T/part")" "$(sum < "$www/big.bin")"
get /big.bin -I -r 0-9; is 'HEAD of a range' "$code $(header content-length)" '206 10'

# nothing outside
for path in /out /above /outfolder/ /outfolder/secret /fifo; do get "$path"; is "$path" "$code" 403; done
for path in /../secret /sub/../../secret /%2e%2e/secret /..%2fsecret /sub/..%2f..%2fsecret /%2e%2e%2f%2e%2e%2fetc%2fpasswd //etc/passwd /sub/%2e%2e/../secret '/..\secret'; do
	get "$path"; is "$path" "$code $(grep -c 'secret$\|root:' "$T/body")" '404 0'
done
is 'a NUL' "$(raw 'GET /preseed.cfg%00.txt HTTP/1.1\r\n\r\n')" 'HTTP/1.1 400 Bad Request'
is 'no path' "$(raw 'GET HTTP/1.1\r\n\r\n')" 'HTTP/1.1 400 Bad Request'
is 'no HTTP' "$(raw '\x16\x03\x01\x02\x00\x01\r\n\r\n')" 'HTTP/1.1 400 Bad Request'
is 'a head without an end' "$(raw "GET / HTTP/1.1\r\nA: $(printf 'x%.0s' $(seq 20000))")" 'HTTP/1.1 431 Request Header Fields Too Large'
is 'HTTP/2' "$(raw 'GET / HTTP/2.0\r\n\r\n')" 'HTTP/1.1 505 HTTP Version Not Supported'
if [ "$(id -u)" = 0 ]; then
	is 'it is nobody' "$(awk '/^(Uid|Gid)/ { print $2 }' "/proc/$server/status" | sort -u)" 65534
	is 'and never more' "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$server/status")" 1
fi
is 'it has open what it needs' "$(ls -l "/proc/$server/fd" | sed 's/.*-> //' | grep -v "^total\|/dev/null\|pipe:\|/err$\|/in$\|/started$" | sed "s|$W/||; s/socket:.*/socket/" | sort | tr '\n' ' ')" 'build/log build/work/tree/http socket '

# several at once, slow ones, and those that send nothing
python3 - "$port" "$www/big.bin" > "$T/many" 2>&1 <<'EOF'
import re, socket, sys, http.client, threading
port, big = int(sys.argv[1]), open(sys.argv[2], 'rb').read()
idle = [socket.create_connection(('127.0.0.1', port)) for _ in range(200)]
half = [socket.create_connection(('127.0.0.1', port)) for _ in range(20)]
for s in half:
    s.sendall(b'GET / HT')
c = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
c.request('GET', '/preseed.cfg'); print(c.getresponse().read())
c.request('GET', '/sub/'); print(len(c.getresponse().read()) > 10)      # the same connection
slow = socket.create_connection(('127.0.0.1', port)); slow.sendall(b'GET /big.bin HTTP/1.0\r\n\r\n')
got = []
def fetch():
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=30); c.request('GET', '/big.bin'); got.append(c.getresponse().read() == big)
threads = [threading.Thread(target=fetch) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(got == [True] * 8)
p = socket.create_connection(('127.0.0.1', port)); p.sendall(b'GET /preseed.cfg HTTP/1.1\r\n\r\nGET /empty HTTP/1.1\r\n\r\nGET /nosuch HTTP/1.1\r\nConnection: close\r\n\r\n')
print(re.findall(rb'HTTP/1.1 (\d+)', p.makefile('rb').read()))
data = slow.makefile('rb').read(); print(data.endswith(big))
EOF
is 'hundreds that say nothing, a slow one, eight at once, and one request behind the other' "$(tr '\n' ' ' < "$T/many")" "b'd-i preseed\\n' True True [b'200', b'200', b'404'] True "
curl -s -m 1 --limit-rate 1000 -o /dev/null "$url/big.bin"; get /preseed.cfg; is 'one that goes in the middle harms nobody' "$code" 200
like 'the log has who wanted what' "$(said | tr '\n' '|')" '*|http: GET /preseed.cfg 200, 12 bytes|*|http: HEAD /preseed.cfg 200, 12 bytes|*|http: GET /nosuch 404, *|http: POST /preseed.cfg 405, *|http: GET /big.bin 206, 1000 bytes|*'
for i in $(seq 11); do curl -s -o /dev/null "$url/nosuch?[1-100]"; done
is 'but no more than a thousand times' "$(said | grep -c '^http: [A-Z?]* [/?]') $(said | tail -n 1)" '1000 http: more requests are not logged'
stop
is 'it ends with the build' "$(kill -0 "$server" 2> /dev/null; echo $?)" 1

# ports and addresses
port=$(free_port); start 127.0.0.1 "$port" "$((port + 1))"
is 'the one port of a range' "$port" "$(cut -d' ' -f2 "$T/started")"
fails 'which is taken now' timeout 20 "$tool" "$W.2" http . 127.0.0.1 "$port" "$port"
like 'is told' "$err" "resource: no port of 127.0.0.1 from $port up to $port is free*"
mkdir -p "$W.2/build/work/tree"
kill -KILL $pid; wait $pid 2> /dev/null; exec 9>&-
becomes 'it dies with its worker, however that dies' 1 sh -c "kill -0 $server 2> /dev/null; echo \$?"
fails 'no address' timeout 20 "$tool" "$W.2" http . example.org 8000 9000
like 'is told' "$err" "catalog: http_bind_address: 'example.org' is no IP address"
fails 'an address of others' timeout 20 "$tool" "$W.2" http . 192.0.2.1 8000 9000
like 'too' "$err" 'catalog: *cannot listen at 192.0.2.1*'
fails 'no range' timeout 20 "$tool" "$W.2" http . '' 9001 9000
like 'names the options' "$err" 'catalog: http_port_min (9001) and http_port_max (9000)*'
if python3 -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' 2> /dev/null; then
	start ::1 0 0; is 'IPv6' "$(curl -s -g "http://[::1]:$port/in")" 'd-i preseed'; stop
else
	skip IPv6 'there is none here'
fi

# at no port
rm -f "$T/in"; mkfifo "$T/in"
"$tool" "$W" http-unseen http < "$T/in" > "$T/started" 2> "$T/err" & pid=$!; background="$background $pid"
exec 9> "$T/in"
wait_until yes sh -c "[ -s '$T/started' ] && echo yes"
read -r server place < "$T/started"
is 'a server at no port, but in a folder of the build' "$(curl -s --unix-socket "$place/http.sock" http://10.0.2.2/in)" 'd-i preseed'
is 'which everybody may enter who got so far' "$(stat -c %a "$place" "$place/http.sock" | tr '\n' ' ')" '711 666 '
stop
is 'ends as well' "$(kill -0 "$server" 2> /dev/null; echo $?)" 1
done_testing
