# SPDX-License-Identifier: Apache-2.0
# What the stories in this folder are told with. Source it first; end with `done_testing`.
# Each story has a temporary folder of its own ($T), a state folder in it, and cleans up by process id.
set -u
ROOT=$(cd "$(dirname "$0")" && until [ -f Makefile ]; do cd ..; done && pwd)
BIN=${KILN_BIN:-$ROOT/build}
PATH=$BIN:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/kiln-test-XXXXXX") || exit 1
export KILN_STATE=$T/state
export HOME=$T/home XDG_CONFIG_HOME=$T/home/.config GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8
export GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=ann@example.org GIT_COMMITTER_NAME=Ann GIT_COMMITTER_EMAIL=ann@example.org
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z'
unset KILN_FAULT KILN_FAULT_LOG XDG_STATE_HOME 2>/dev/null
mkdir -p "$HOME"
chmod 755 "$T"
tests=0 failures=0 background=

cleanup() {
	for pid in $background; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	# what builds own as other ids goes by kiln's own hand
	for state in "$T"/state*; do
		[ -d "$state" ] && remove_state "$state"
	done
	chmod -R u+rwX "$T" 2>/dev/null
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# Work folders and unpacked layers may have ids that an ordinary user cannot remove.
remove_state() {
	if [ "$(id -u)" = 0 ]; then rm -rf "$1"; return; fi
	printf '{"limits":{"cache_bytes":0}}' > "$T/gc.json"
	KILN_STATE=$1 kiln gc --config "$T/gc.json" > /dev/null 2>&1
	rm -rf "$1" 2>/dev/null
}

# ---- saying what is so ----

pass() { tests=$((tests + 1)); echo "ok $tests - $1"; }
fail() {
	tests=$((tests + 1)) failures=$((failures + 1))
	echo "not ok $tests - $1"
	shift
	for line in "$@"; do printf '%s\n' "$line" | sed 's/^/#   /'; done
}
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP $2"; }
done_testing() { echo "1..$tests"; [ $failures = 0 ]; exit $?; }

# run COMMAND...: $out, $err and $code of it
run() { out=$("$@" 2> "$T/err" < /dev/null); code=$?; err=$(cat "$T/err"); }

# is WHAT GOT WANTED
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:    $2" "wanted: $3"; fi; }
# like WHAT TEXT PATTERN (a shell pattern for all of it)
like() { case $2 in $3) pass "$1" ;; *) fail "$1" "got:    $2" "wanted: $3" ;; esac; }
unlike() { case $2 in $3) fail "$1" "got:    $2" "not:    $3" ;; *) pass "$1" ;; esac; }
# succeeds WHAT COMMAND..., fails WHAT COMMAND...: and $out, $err, $code are set
succeeds() {
	what=$1; shift; run "$@"
	if [ "$code" = 0 ]; then pass "$what"; else fail "$what" "exit $code" "$out" "$err"; fi
}
fails() {
	what=$1; shift; run "$@"
	if [ "$code" = 1 ]; then pass "$what"; else fail "$what" "exit $code" "$out" "$err"; fi
}
# json WHAT FILTER WANTED: jq's answer about $out
json() { is "$1" "$(printf '%s' "$out" | jq -rc "$2" 2>&1)" "$3"; }

# ---- repositories ----

# new_repository [FOLDER]: an empty one, and the current folder from now on
new_repository() {
	repository=${1:-$T/images}
	git init -q -b main "$repository" && cd "$repository" || exit 1
}
commit() { git add -A 2> /dev/null && git commit -q --allow-empty -m "${1:-change}"; }

# A root file system of one program, the base of what is built here.
busybox_tar() {
	mkdir -p "$T/busybox/bin" "$T/busybox/etc" "$T/busybox/tmp"
	cp /bin/busybox "$T/busybox/bin/"
	for applet in sh cat echo mkdir dd ls ln cp rm id sleep test grep head tr touch chown chmod mount ip find sha256sum stat \
		readlink hostname ps kill yes seq mkfifo env true false wc; do
		ln -sf busybox "$T/busybox/bin/$applet"
	done
	tar -C "$T/busybox" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$1" .
	rm -rf "$T/busybox"
}

# template FILE BASE SCRIPT [MORE]: a rootfs image of one shell step; MORE is further text of the builder's object
template() {
	mkdir -p "$(dirname "$1")"
	cat > "$1" <<-EOF
	{"builders": [{"type": "rootfs", "base": "$2"${4:+, $4}}],
	 "provisioners": [{"type": "shell", "script": "$3"}]}
	EOF
}
script() { mkdir -p "$(dirname "$1")"; cat > "$1"; chmod +x "$1"; }

# The three images that most stories are about: base, and web and db built on it.
three_images() {
	new_repository "$@"
	busybox_tar busybox.tar
	template base.json busybox.tar scripts/base.sh
	template web.json catalog:base scripts/web.sh
	template db.json catalog:base scripts/db.sh '"format": "oci"'
	printf 'set -e\necho base > /etc/base\n' | script scripts/base.sh
	printf 'set -e\necho web > /etc/web\n' | script scripts/web.sh
	printf 'set -e\necho db > /etc/db\n' | script scripts/db.sh
	echo '{"images": {"base": {"template": "base.json"}, "web": {"template": "web.json",
	 "validate": [{"type": "run", "inline": ["test -s /etc/web", "test -s /etc/base"]}]},
	 "db": {"template": "db.json"}}}' > kiln.json
	commit 'three images'
}

# ---- the service ----

# daemon_start CONFIG: in the background, as $daemon, until it answers; what it says goes to $T/daemon
daemon_start() {
	# of one that was killed; who asks before the new one listens would take the lock himself
	rm -f "$KILN_STATE/control.sock"
	kiln daemon --config "$1" >> "$T/daemon" 2>&1 & daemon=$!; background="$background $daemon"
	for i in $(seq 600); do [ -S "$KILN_STATE/control.sock" ] && kiln status > /dev/null 2>&1 < /dev/null && break; sleep 0.05; done
}
daemon_end() { kill "${1:--TERM}" "$daemon" && wait "$daemon"; daemon_code=$?; }
# wait_until WANTED COMMAND...: until the command prints it; half a minute at most, what it printed last is in $last
wait_until() {
	wanted=$1; shift
	for i in $(seq 600); do last=$("$@" 2>/dev/null); [ "$last" = "$wanted" ] && return; sleep 0.05; done
	echo "waited in vain for $wanted: $* says $last" >&2
}
# becomes WHAT WANTED COMMAND...: as `is`, but it may take its time
becomes() { what=$1; shift; wait_until "$@"; is "$what" "$last" "$1"; }

# ---- what is published ----

live() { readlink "$KILN_STATE/catalog/$1/${2:-current}"; }
expect_live() { is "${3:-$1 is live as version $2}" "$(live "$1")" "$2"; }
action_of() { kiln plan --json 2>/dev/null | jq -r --arg n "$1" '.images[] | select(.name == $n) | .action'; }
expect_action() { is "${3:-$1 is planned as $2}" "$(action_of "$1")" "$2"; }
expect_whole() {
	run kiln verify --deep
	is "${1:-all that is recorded and published agrees}" "$code ${out##*: }" '0 0 faults'
}
# A file of a published tar image, on standard output.
file_of() { tar --zstd -xOf "$KILN_STATE/catalog/$1/files/rootfs.tar.zst" "./$2" 2>/dev/null || tar --zstd -xOf "$KILN_STATE/catalog/$1/files/rootfs.tar.zst" "$2"; }
