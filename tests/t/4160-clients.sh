#!/bin/sh
# Clients of kilnd that ask nothing, or take nothing of what they asked for: nobody else waits for them, and they cost little.
. "$(dirname "$0")/lib.sh"
new_repository; echo '{"builders": [{"type": "file", "content": "x", "target": "o"}]}' > a.json
busybox_tar busybox.tar; template slow.json busybox.tar slow.sh; printf 'echo begun\nsleep 1000\n' | script slow.sh; commit all
printf '{"repositories": [{"url": "%s", "poll": "1h"}]}' "$PWD" > "$T/service.json"
daemon_start "$T/service.json"
build() { kiln show "$1" --json | jq -r '.builds[-1].build // empty'; }
becomes 'one image is built' live eval 'kiln show a --json | jq -r ".builds[-1].phase"'
becomes 'another for as long as one likes' 1 eval 'kiln log slow | grep -c "^begun"'
pid=$(pgrep -f "kilnd --daemon.*$T/service.json")
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; }
small() { [ "$(resident)" -lt $((before + 16 * 1024)) ] && echo small || echo "$(resident) kB, $before before"; }
# client SECONDS REQUEST...: asks, and takes nothing
cat > "$T/client.py" <<'END'
import json, os, socket, sys, time
def ask(verb=None, **arguments):
    s = socket.socket(socket.AF_UNIX)
    folder = os.open(os.environ["KILN_STATE"], os.O_PATH)
    s.connect(f"/proc/self/fd/{folder}/control.sock")
    os.close(folder)
    if verb:
        s.sendall(json.dumps({"verb": verb, "folder": "/", "arguments": arguments}).encode() + b"\n")
    return s
kept = [eval(code) for code in sys.argv[1:]]
print("asked", flush=True)
time.sleep(1000)
END
# asking CODE...: in the background, as $client, until it has asked
asking() { : > "$T/asked"; python3 "$T/client.py" "$@" > "$T/asked" & client=$!; background="$background $client"; wait_until asked cat "$T/asked"; }
leave() { kill "$client"; wait "$client" 2> /dev/null; }
# lines BUILD: it has said 30 MB more
lines() { python3 -c 'import sys; line = "{\"time\":\"2024-01-01T00:00:00Z\",\"build\":\"b\",\"step\":\"\",\"stream\":\"stdout\",\"text\":\"" + "x" * 900 + "\"}\n"
open(sys.argv[1], "a").write(line * 30000)' "$KILN_STATE/builds/$1/log"; }

lines "$(build a)"
before=$(resident)
asking 'ask("log", image="a")' 'ask("log", image="a")' 'ask("log", image="a")'
succeeds 'who takes nothing of a long log keeps nobody waiting' kiln status
is 'and costs a piece of it' "$(small)" small
is 'who takes it has all of it' "$(kiln log a | wc -l)" "$(wc -l < "$KILN_STATE/builds/$(build a)/log")"
leave
asking 'ask("log", image="slow", f=True)' 'ask("log", image="slow", f=True)'
lines "$(build slow)"
succeeds 'so it is with one that grows' kiln status
is 'as large as it may be' "$(small)" small
kiln log -f slow > "$T/followed" & follower=$!; background="$background $follower"
becomes 'who takes it has all of it, too' "$(wc -l < "$KILN_STATE/builds/$(build slow)/log")" eval 'wc -l < "$T/followed"'
leave
asking '[ask() for i in range(600)]'
succeeds 'nor do 600 who ask nothing' kiln status
becomes 'of whom the first have gone' yes eval '[ "$(ls "/proc/$pid/fd" | wc -l)" -lt 560 ] && echo yes'
leave
is 'nothing of it is left' "$(small)" small
kiln hold slow > /dev/null 2>&1; becomes 'and the build can be ended' cancelled eval 'kiln show slow --json | jq -r ".builds[-1].phase"'
daemon_end
done_testing
