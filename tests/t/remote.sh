# SPDX-License-Identifier: Apache-2.0
# What the stories of kiln-fetch are told with; source it after lib.sh.

# fetch URL MIRROR [MORE]: $out is the answer, $code the exit code; MORE is a jq object that is merged into the order
fetch() {
	out=$(jq -nc --arg url "$1" --arg mirror "$2" "{url: \$url, mirror: \$mirror, deadline_sec: 60} + ${3:-{\}}" |
		kiln-fetch 2> "$T/err")
	code=$?; err=$(cat "$T/err")
}
# fetches WHAT URL MIRROR [MORE]
fetches() {
	what=$1; shift; fetch "$@"
	if [ "$code" = 0 ]; then pass "$what"; else fail "$what" "exit $code" "$out" "$err"; fi
}
# refuses WHAT KIND PATTERN URL MIRROR [MORE]: it fails, with an error of that kind
refuses() {
	what=$1 kind=$2 pattern=$3; shift 3; fetch "$@"
	case "$code $(printf '%s' "$out" | jq -rs '.[0].kind + " " + .[0].error' 2>&1)" in
	"1 $kind "$pattern) pass "$what" ;;
	*) fail "$what" "exit $code" "$out" "$err" "wanted: $kind $pattern" ;;
	esac
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_port() { # PORT
	for i in $(seq 200); do
		python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)' "$1" 2> /dev/null && return
		sleep 0.05
	done
}
# nothing_left WHAT FOLDER: of locks, of what was half written, of mirrors beside others
nothing_left() {
	is "$1" "$(find "$2" \( -name '*.lock' -o -name '*_git2_*' -o -name '*.new*' -o -name '*.old' -o -name kiln-ssh \))" ''
}
# lose MIRROR OBJECT: its packs without it
lose() {
	mkdir "$T/loose"; git init -q --bare "$T/loose"
	for pack in "$1"/objects/pack/*.pack; do git -C "$T/loose" unpack-objects -q < "$pack"; done
	rm -rf "$1/objects"; cp -r "$T/loose/objects" "$1/"; rm -rf "$T/loose"
	rm -f "$1/objects/$(echo "$2" | cut -c 1-2)/$(echo "$2" | cut -c 3-)"
}
# nginx FOLDER HTTP: a server on loopback; HTTP is the configuration's inner part
start_nginx() {
	mkdir -p "$1"
	cat > "$1/nginx.conf" <<-EOF
	daemon off; master_process off; pid $1/pid; error_log $1/error.log;
	events {}
	http { access_log $1/access.log; client_body_temp_path $1/a; proxy_temp_path $1/b; fastcgi_temp_path $1/c;
	 uwsgi_temp_path $1/d; scgi_temp_path $1/e; log_format seen '\$request \$status \$http_authorization';
	$2
	}
	EOF
	/usr/sbin/nginx -p "$1" -c "$1/nginx.conf" > "$1/out" 2>&1 & background="$background $!"
}
