#!/bin/sh
# The daemon starts kiln-web itself: where the configuration says, again when it ends, and ends it too.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
mkdir "$T/bin"; cp "$BIN"/kiln* "$T/bin"; BIN=$T/bin PATH=$T/bin:$PATH # programs of its own, to be found by their path
new_repository; echo '{"builders": [{"type": "file", "content": "x", "target": "o"}]}' > a.json; commit one
port=$(free_port)
conf() { printf '{"repositories": [{"url": "%s", "poll": "1h"}]%s}' "$PWD" "$1" > "$T/service.json"; }
web() { pgrep -f "$BIN/kiln-web" | head -n 1; }
ready() { curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$1/readyz"; }

conf ", \"listen\": {\"address\": \"127.0.0.1:$port\"}"
daemon_start "$T/service.json"
becomes 'with the daemon comes its page' 200 ready "$port"
becomes 'with its metrics' 1 sh -c "curl -s http://127.0.0.1:$port/metrics | grep -c '^kiln_last_poll_timestamp_seconds{'"
first=$(web); kill -KILL "$first"
becomes 'one that ends is started again' 200 ready "$port"
unlike 'as another process' "$(web)" "$first"
second=$(free_port); conf ", \"listen\": {\"address\": \"127.0.0.1:$second\"}"; kiln reload
becomes 'it goes where a new configuration says' 200 ready "$second"
becomes 'and from where it was' 000 ready "$port"
stuck=$(web); kill -STOP "$stuck"
conf ", \"listen\": {\"address\": \"127.0.0.1:$port\"}"; kiln reload
becomes 'one that does not end keeps nobody waiting' 200 ready "$port"
succeeds 'neither kilnd' kiln status
becomes 'and is made to' 000 sh -c "kill -0 $stuck 2> /dev/null || echo 000"
conf ''; kiln reload
becomes 'or away' '000 ' eval 'echo "$(ready "$port") $(web)"'
conf ", \"listen\": {\"address\": \"127.0.0.1:$port\"}"; kiln reload; wait_until 200 ready "$port"
daemon_end -KILL 2> /dev/null; becomes 'and ends with the daemon, also if that is killed' '' web
daemon_start "$T/service.json"; becomes 'so that the next one has its place' 200 ready "$port"
daemon_end; is 'nothing is left' "$(web)" ''
done_testing
