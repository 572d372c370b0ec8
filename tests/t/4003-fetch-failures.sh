#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Servers that stall, drop, lie and flood, networks that swallow all, disks that fill, and kill -9: kiln-fetch ends by its
# deadline with one whole answer, and the mirror is as good as before.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
mkdir "$T/mirrors"
new_repository "$T/images"
for i in $(seq 60); do mkdir -p "d$i"; for j in $(seq 20); do echo "$i $j" > "d$i/$j"; done; done
head -c 200000 /dev/urandom > large; commit one
mirror=$T/mirrors/images.git
id() { git -C "$T/images" rev-parse "$1"; }
whole() { is "$1" "$(git -C "$mirror" fsck --full --no-dangling 2>&1)" ''; }

# ---- servers ----

# Each way to misbehave has a port; the git server behind is git daemon's.
cat > "$T/servers.py" <<'END'
import os, select, socket, subprocess, sys, threading, time

base = sys.argv[1]

def line(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b'%04x' % (len(data) + 4) + data

def git(*arguments, **more):
    return subprocess.run(('git', '-C', base + '/images') + arguments, capture_output=True, check=True, **more).stdout

def read_lines(client, last):
    data = b''
    while last not in data:
        got = client.recv(65536)
        if not got:
            break
        data += got

def silent(client):
    while client.recv(65536):
        pass

def close(client):
    client.recv(65536)

def garbage(client):
    client.recv(65536)
    client.sendall(os.urandom(100000))

def wrong_lines(client):
    client.recv(65536)
    client.sendall(line(b'this is no ref\n') + b'0000')

def endless_refs(client):
    client.recv(65536)
    number = 0
    while True:
        client.sendall(b''.join(line('%040x refs/heads/%s%d\n' % (n + 1, 'x' * 900, n)) for n in range(number, number + 100)))
        number += 100

def headers(client):
    client.recv(65536)
    client.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\nTransfer-Encoding: chunked\r\n\r\n')
    silent(client)

def endless_headers(client):
    client.recv(65536)
    client.sendall(b'HTTP/1.1 200 OK\r\n')
    while True:
        client.sendall(b'X-Filler: %s\r\n' % (b'x' * 8000))

def advertise(client, commit):
    client.sendall(line(b'%s HEAD\0symref=HEAD:refs/heads/main ofs-delta\n' % commit) + line(b'%s refs/heads/main\n' % commit) + b'0000')
    read_lines(client, b'done\n')
    client.sendall(line(b'NAK\n'))

def lie(client):
    """All but the files: the pack is whole, what it is for is not."""
    client.recv(65536)
    commit = git('rev-parse', 'HEAD').strip()
    objects = [commit] + [row.split()[2] for row in git('ls-tree', '-r', '-d', '-t', 'HEAD').splitlines()] + [git('rev-parse', 'HEAD^{tree}').strip()]
    advertise(client, commit)
    client.sendall(git('pack-objects', '--stdout', '-q', input=b'\n'.join(objects) + b'\n'))

def many_objects(client):
    client.recv(65536)
    advertise(client, b'1' * 40)
    client.sendall(b'PACK\0\0\0\2\xff\xff\xff\xff' + b'x' * 1000)
    silent(client)

def endless_pack(client):
    client.recv(65536)
    advertise(client, b'1' * 40)
    client.sendall(b'PACK\0\0\0\2\0\0\0\2\xbf\xff\xff\xff\xff\x0f')
    import zlib
    packer = zlib.compressobj(0)
    while True:
        client.sendall(packer.compress(os.urandom(60000)))

def through(change):
    """git daemon's own bytes; CHANGE gets each piece with how many came before, and gives what is sent, or None for the end."""
    def serve(client):
        daemon = subprocess.Popen(['git', 'daemon', '--inetd', '--export-all', '--base-path=' + base], stdin=client, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        sent = 0
        while True:
            piece = os.read(daemon.stdout.fileno(), 4096)
            changed = change(piece, sent) if piece else None
            if changed is None:
                break
            sent += len(piece)
            client.sendall(changed)
        daemon.kill()
        daemon.wait()
    return serve

def stall_at(most):
    def change(piece, sent):
        while sent > most:
            time.sleep(60)
        return piece
    return through(change)

modes = {
    'good': through(lambda piece, sent: piece), 'silent': silent, 'close': close, 'garbage': garbage, 'wrong-lines': wrong_lines,
    'endless-refs': endless_refs, 'headers': headers, 'endless-headers': endless_headers, 'lie': lie, 'many-objects': many_objects,
    'endless-pack': endless_pack,
    'drop-early': through(lambda piece, sent: None if sent > 100 else piece),
    'drop': through(lambda piece, sent: None if sent > 100000 else piece),
    'stall': stall_at(100000),
    'flip': through(lambda piece, sent: piece if sent < 50000 else bytes(byte ^ 0x55 for byte in piece)),
    'zeros': through(lambda piece, sent: piece if sent < 50000 else bytes(len(piece))),
}

def handle(serve, client):
    try:
        serve(client)
        client.shutdown(socket.SHUT_RDWR) # git daemon's children have it too
    except OSError:
        pass
    client.close()

def listen(name, server):
    while True:
        client = server.accept()[0]
        threading.Thread(target=handle, args=(modes[name], client), daemon=True).start()

for name in modes:
    server = socket.create_server(('127.0.0.1', 0))
    with open('%s/port.%s' % (base, name), 'w') as file:
        file.write(str(server.getsockname()[1]))
    threading.Thread(target=listen, args=(name, server), daemon=True).start()
open(base + '/ready', 'w').close()
while os.getppid() == int(sys.argv[2]):
    time.sleep(0.5)
END
python3 "$T/servers.py" "$T" $$ & background="$background $!"
while [ ! -e "$T/ready" ]; do sleep 0.05; done
# at MODE [SCHEME]: its url
at() { echo "${2:-git}://127.0.0.1:$(cat "$T/port.$1")/images"; }
soon='{deadline_sec: 1}'
hosts="{credentials: {known_hosts_file: \"$T/known_hosts\", ssh_key_file: \"$T/key\"}}"
ssh-keygen -q -t ed25519 -N '' -f "$T/key"; : > "$T/known_hosts"

# ---- what never answers ----

for scheme in git http https; do
	refuses "a server that accepts and says nothing: $scheme" transient '*: no answer in 1 s' "$(at silent $scheme)" "$T/mirrors/x" "$soon"
	is 'in one line' "$(printf '%s\n' "$out" | wc -l)" 1
done
refuses 'the same: ssh' transient '*: no answer in 1 s' "$(at silent ssh)" "$T/mirrors/x" "$soon + $hosts"
refuses 'one that begins an answer' transient '*: no answer in 1 s' "$(at headers http)" "$T/mirrors/x" "$soon"
fetches 'a mirror' "$(at good)" "$mirror"
whole 'that is whole'
one=$(id HEAD)
head -c 200000 /dev/urandom > large; commit two
refuses 'one that stops in the middle of a pack' transient '*: no answer in 2 s: not all*has come' "$(at stall)" "$mirror" '{deadline_sec: 2}'
is 'the mirror is as it was' "$(git -C "$mirror" rev-parse refs/heads/main)" "$one"
whole 'and whole'
if unshare -rn true 2> /dev/null; then
	# what is sent there comes back in, is for nobody, and is dropped without a word
	for scheme in git http https ssh; do
		url=$scheme://192.0.2.9/images more=$soon
		[ $scheme = ssh ] && more="$soon + $hosts"
		order=$(jq -nc --arg url "$url" --arg mirror "$T/mirrors/x" "{url: \$url, mirror: \$mirror} + $more")
		out=$(printf '%s' "$order" | unshare -rn sh -c 'ip link set lo up && ip route add 192.0.2.0/24 dev lo && exec kiln-fetch' 2>&1)
		is "a network that swallows all: $scheme" "$out" "{\"error\":\"$url: no answer in 1 s\",\"kind\":\"transient\"}"
	done
else
	skip 'a network that swallows all' 'this user makes no network namespaces'
fi

# ---- what breaks off, lies and floods ----

refuses 'one that hangs up' transient '*' "$(at close)" "$mirror"
refuses 'one that hangs up: http' transient '*' "$(at close http)" "$mirror"
refuses 'one that hangs up: https' transient '*no TLS*' "$(at close https)" "$mirror"
refuses 'one that hangs up: ssh' transient '*' "$(at close ssh)" "$mirror" "$hosts"
refuses 'one that hangs up among its refs' transient '*early EOF*' "$(at drop-early)" "$mirror"
refuses 'one that hangs up in the middle of a pack' transient '*early EOF*' "$(at drop)" "$mirror"
for scheme in git http https; do refuses "garbage: $scheme" transient '*' "$(at garbage $scheme)" "$mirror"; done
refuses 'garbage: ssh' transient '*' "$(at garbage ssh)" "$mirror" "$hosts"
refuses 'lines that are no refs' catalog '*no git server*' "$(at wrong-lines)" "$mirror"
refuses 'a pack that is changed on its way' transient '*' "$(at flip)" "$mirror"
refuses 'a pack that goes over to zeros' transient '*' "$(at zeros)" "$mirror"
fetch "$(at endless-refs)" "$mirror" '{deadline_sec: 2}' # memory or time, whichever is less
like 'refs without end' "$code $out" '1 *"kind":"[tr]*"*'
refuses 'headers without end' transient '*header*' "$(at endless-headers http)" "$mirror"
refuses 'a pack that says it has 4 billion objects' resource '*too many objects*' "$(at many-objects)" "$mirror"
refuses 'a pack without end' resource '*more than 3000000 bytes*' "$(at endless-pack)" "$mirror" '{most_bytes: 3000000}'
is 'the mirror is still as it was' "$(git -C "$mirror" rev-parse refs/heads/main)" "$one"
whole 'and whole'
refuses 'less than its commits need' transient '*did not come*' "$(at lie)" "$T/mirrors/x"
refuses 'the same, where there is a mirror' transient '*did not come*' "$(at lie)" "$mirror"
is 'it stays where it was' "$(git -C "$mirror" rev-parse refs/heads/main)" "$one"
fetches 'and what is missing comes from a better server' "$(at good)" "$mirror"
is 'the mirror is there' "$(git -C "$mirror" rev-parse refs/heads/main)" "$(id HEAD)"
whole 'and whole'
nothing_left 'nothing is left of all that' "$T/mirrors"
is 'and no mirror where there was none' "$(ls "$T/mirrors")" images.git

# ---- a full disk ----

if unshare -rm sh -c 'mount -t tmpfs -o size=1m tmpfs /mnt' 2> /dev/null; then
	head -c 3000000 /dev/urandom > large; commit three
	out=$(jq -nc --arg url "$T/images" '{url: $url, mirror: "/mnt/mirror"}' |
		unshare -rm sh -c "mount -t tmpfs -o size=2m tmpfs /mnt && kiln-fetch; ls -A /mnt >&2" 2> "$T/left")
	is 'a full disk waits for room' "$(printf '%s' "$out" | jq -r .kind)" resource
	out=$(jq -nc --arg url "$(at good)" '{url: $url, mirror: "/mnt/mirror"}' |
		unshare -rm sh -c "mount -t tmpfs -o size=2m tmpfs /mnt && kiln-fetch; ls -A /mnt >&2" 2> "$T/left")
	is 'over a network too' "$(printf '%s' "$out" | jq -r .kind)" resource
else
	skip 'a full disk' 'this user mounts nothing'
fi

# ---- kill -9 ----

order="{\"url\": \"$(at good)\", \"mirror\": \"$mirror\"}"
points=
for attempt in old new; do
	echo $attempt >> d1/1; commit $attempt
	[ $attempt = new ] && rm -rf "$mirror"
	echo "$order" | KILN_FAULT_LOG=$T/passed kiln-fetch > /dev/null
done
points=$(sort -u "$T/passed")
is 'there are points to be killed at' "$(echo $points)" 'fetch-before-note fetch-before-swap fetch-received fetch-ref-moved fetch-swapped'
for attempt in old new; do
	for point in $points; do
		echo "$point" >> d1/1; commit "$point"
		[ $attempt = new ] && rm -rf "$mirror"
		echo "$order" | KILN_FAULT=$point kiln-fetch > "$T/said"; code=$?
		case $attempt.$point.$code in
		old.*swap*.0) continue ;;
		*.137) ;;
		*) fail "killed at $point ($attempt)" "exit $code" "$(cat "$T/said")" ;;
		esac
		[ -d "$mirror/refs" ] && whole "killed at $point ($attempt): it is whole"
		fetches "killed at $point ($attempt): the next one goes on" "$(at good)" "$mirror"
		json 'without making it again' '[.remade, .refs["refs/heads/main"]]' "[false,\"$(id HEAD)\"]"
	done
done
echo unnoted >> d1/1; commit unnoted; note=$mirror/kiln-mirror.json
echo "$order" | KILN_FAULT=fetch-before-note kiln-fetch > "$T/said"
is 'killed before it says that it is whole' "$(ls "$note" 2>&1 | grep -c '^ls')" 1
refuses 'it is read anew, once, whatever the server does then' transient '*no answer in 2 s*' "$(at silent)" "$mirror" '{deadline_sec: 2}'
is 'and says so' "$(jq -c '.packs | length > 0' "$note" 2>&1)" true
fetches 'so that the next one' "$(at good)" "$mirror"
json 'finds nothing to do' '[.remade, .refs["refs/heads/main"]]' "[false,\"$(id HEAD)\"]"
rm "$note"; fetches 'a mirror that says nothing of itself, where nothing has changed' "$(at good)" "$mirror"
is 'says so again' "$(jq -c '.packs | length > 0' "$note" 2>&1)" true
bad=
for i in $(seq 25); do
	echo "$i" >> d1/1; [ $((i % 10)) = 0 ] && rm -rf "$mirror"; head -c 100000 /dev/urandom > large; commit "$i"
	echo "$order" | kiln-fetch > "$T/said" 2>&1 & pid=$!
	sleep "0.0$(shuf -i 10-99 -n 1)"; kill -9 $pid 2> /dev/null; wait $pid 2> /dev/null
	[ -d "$mirror/refs" ] && bad=$bad$(git -C "$mirror" fsck --full --no-dangling 2>&1)
	[ $((i % 5)) = 0 ] || continue
	fetch "$(at good)" "$mirror"
	[ "$(printf '%s' "$out" | jq -c '[.remade, .refs["refs/heads/main"]]')" = "[false,\"$(id HEAD)\"]" ] || bad="$bad $out"
done
is 'killed at any moment it is whole, and the next one goes on' "$bad" ''
whole 'at the end too'
nothing_left 'and nothing is left' "$T/mirrors"
done_testing
