#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ssh_local_tunnels and ssh_remote_tunnels, against OpenSSH's sshd and dropbear. Machine and host are one here: a script there reaches both ends.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
. "$ROOT/tests/t/ssh.sh"
key ed25519 ed25519; cp "$T/keys/ed25519" "$T/keys/plain"; cp "$T/keys/ed25519.pub" "$T/ssh/authorized"
cat > "$T/echo.py" <<'PY'
import socket, sys, threading
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64); print(s.getsockname()[1], flush=True)
def echo(c):
    try:
        while data := c.recv(65536): c.sendall(data)
        c.sendall(b"end"); c.shutdown(socket.SHUT_WR)
    except OSError: pass
while True: threading.Thread(target=echo, args=(s.accept()[0],), daemon=True).start()
PY
# what comes back through PORT, by eight connections at once of which one gives up; it may take a moment until somebody is there
cat > "$T/guest/talk.py" <<'PY'
import os, socket, sys, threading, time
sent, good = os.urandom(1000000), []
def talk(port):
    c = socket.create_connection(("127.0.0.1", port), 60)
    threading.Thread(target=lambda: (c.sendall(sent), c.shutdown(socket.SHUT_WR)), daemon=True).start()
    got = b""
    while data := c.recv(65536): got += data
    good.append(got == sent + b"end")
    if not good[-1]: print("port", port, "got", len(got), "of", len(sent) + 3)
def first(port):
    for i in range(200):
        try:
            c = socket.create_connection(("127.0.0.1", port), 60); c.sendall(b"x")
            if c.recv(1) == b"x": return
        except OSError: pass
        time.sleep(0.1)
for port in map(int, sys.argv[1:]):
    first(port)
    cut = socket.create_connection(("127.0.0.1", port), 60); cut.sendall(sent[:100000]); cut.close()
    ts = [threading.Thread(target=talk, args=(port,)) for _ in range(8)]
    [t.start() for t in ts]; [t.join() for t in ts]
print("came back:", good.count(True), "of", len(good))
PY
python3 "$T/echo.py" > "$T/echo.port" & background="$background $!"
wait_until yes sh -c "[ -s '$T/echo.port' ] && echo yes"; echo=$(cat "$T/echo.port")
port=$(free_port); here=$(free_port); there=$(free_port)
start_sshd main "$port" "$(printf 'UsePAM no\nPermitOpen 127.0.0.1:%s localhost:%s\nPermitListen localhost:%s' "$echo" "$echo" "$there")"; sshd=$server
new_repository
cp "$T/keys/plain" .
tunnels() { with_key "$1" "{ssh_local_tunnels: [\"$here:${4:-127.0.0.1}:$echo\"], ssh_remote_tunnels: [\"${2:-$there}:${3:-localhost}:$echo\"]}"; }

# every session of the machine's breaks, that of the tunnels too
( for i in $(seq 1200); do [ -e "$T/guest/go" ] && break; sleep 0.05; done; pkill -P "$sshd" ) & background="$background $!"
image both "$(tunnels "$port")" "$(jq -nc --arg talk "python3 $T/guest/talk.py $here $there" --arg cut "touch $T/guest/go; sleep 600" \
	'[{type: "shell", inline: [$talk]}, {type: "shell", inline: [$cut], expect_disconnect: true}, {type: "shell", inline: ["echo anew", $talk]}]')"
builds 'a build with tunnels in both directions' both
if [ "$code" != 0 ]; then
	grep -q 'Accepted publickey' "$T/ssh/main.log" || { skip 'the rest' "sshd does not let $user in"; done_testing; }
fi
like 'through which everything comes back, also when they broke in between' "$log_text" '*came back: 16 of 16*the tunnels: the connection is lost*anew*came back: 16 of 16*'
is 'nobody listens when it is over' "$(python3 - "$here" "$there" <<'PY'
import socket, sys
for port in sys.argv[1:]:
    try: socket.create_connection(("127.0.0.1", int(port))); print("reached", port)
    except OSError: print("nobody")
PY
)" 'nobody
nobody'
image closed "$(tunnels "$port" "$there" localhost nosuch.invalid)" "$(lines "python3 -c 'import socket; print(\"said\", socket.create_connection((\"127.0.0.1\", $here), 60).recv(1))'")"
builds 'what cannot be reached there' closed
like 'is a connection that ends' "$log_text" "*said b''*"
image refused "$(tunnels "$port" "$((there == 65535 ? there - 1 : there + 1))")"
breaks 'a port that the machine does not give' refused 'ssh_remote_tunnels*does not listen at its port*'
python3 - "$here" <<'PY' & background="$background $!"
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); time.sleep(600)
PY
wait_port "$here"
image taken "$(tunnels "$port")"
breaks 'a port of ours that another has' taken "ssh_local_tunnels: cannot listen at 127.0.0.1 port $here*"
image none "$(with_key "$port" '{ssh_local_tunnels: ["0:localhost:80"]}')"
like 'a port that is none' "$(kiln plan --allow host-network none 2>&1; kiln plan none 2>&1)" '*a port is 1 to 65535*'
printf '{"builders": [{"type": "qemu", "iso_url": "plain", "iso_checksum": "none", "ssh_username": "x", "ssh_remote_tunnels": ["80:localhost:80"]}]}\n' > vm.json; commit vm
like 'a tunnel is the network: a power' "$(kiln plan vm 2>&1)" '*ssh_remote_tunnels needs the power host-network*'
sed -i 's/"ssh_remote_tunnels.*/"ssh_certificate_file": "plain", "ssh_private_key_file": "plain"}]}/' vm.json; commit certificate
like 'machines of QEMU are asked the same things: no certificates' "$(kiln plan vm 2>&1)" '*libssh2 1.10 cannot log in with an SSH certificate*'

if [ "$(id -u)" = 0 ]; then
	mkdir -m 700 "$T/guest/.ssh"; cp "$T/ssh/authorized" "$T/guest/.ssh/authorized_keys"; chown -R 12345:12345 "$T/guest/.ssh"; chmod 755 "$T/guest"
	port=$(free_port); here=$(free_port); there=$(free_port); dropbearkey -t ed25519 -f "$T/ssh/dropbear" > /dev/null 2>&1
	serve dropbear /usr/sbin/dropbear -F -E -p "127.0.0.1:$port" -r "$T/ssh/dropbear" -P "$T/ssh/dropbear.pid"; wait_port "$port"
	image dropbear "$(tunnels "$port")" "$(lines "python3 $T/guest/talk.py $here $there")"
	builds 'with dropbear' dropbear
	like 'too' "$log_text" '*came back: 16 of 16*'
else
	skip 'dropbear' 'it lets an ordinary user in by its own home folder only'
fi
done_testing
