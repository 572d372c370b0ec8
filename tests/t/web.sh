# SPDX-License-Identifier: Apache-2.0
# For the stories of kiln-web. Source it behind lib.sh.

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# until_ok COMMAND...: until it succeeds, at most a minute
until_ok() { for _ in $(seq 600); do "$@" > /dev/null 2>&1 && return 0; sleep 0.1; done; return 1; }

# The service's file: MORE are further members of `listen`, each with a comma before it.
web_service() {
	port=${port:-$(free_port)} url=http://127.0.0.1:$port
	[ -f "$T/token" ] || head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n' > "$T/token"
	token=$(cat "$T/token")
	cat > "$T/service.json" <<-EOF
	{"repositories": [{"url": "$repository"}],
	 "listen": {"address": "127.0.0.1:$port", "token_file": "$T/token"${1:-}}}
	EOF
}
start_web() {
	kiln-web --config "$T/service.json" 2>> "$T/web.err" & web=$!
	background="$background $web"
	until_ok curl -sf "$url/healthz"
}
start_daemon() {
	kiln daemon --config "$T/service.json" > "$T/daemon.out" 2>&1 & daemon=$!
	background="$background $daemon"
	until_ok kiln status --config "$T/service.json"
	until_ok test -S "$KILN_STATE/control.sock"
}
stop() { kill "$1" 2> /dev/null; wait "$1" 2> /dev/null; }

# get PATH [CURL'S ARGUMENTS]: $code and $out (what came)
get() {
	path=$1; shift
	code=$(curl -s -o "$T/body" -D "$T/headers" -w '%{http_code}' "$@" "$url$path")
	out=$(cat "$T/body")
}
header() { tr -d '\r' < "$T/headers" | sed -n "s/^$1: //Ip"; }
# metric NAME: its value, labels and all as they stand there
metric() { curl -s "$url/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
