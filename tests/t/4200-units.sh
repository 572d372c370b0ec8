#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units as they are installed: systemd accepts them without a warning, and they have no more than they need.
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze > /dev/null || { skip 'the units' 'there is no systemd-analyze here'; done_testing; }
S=$T/prefix/lib/systemd/system
succeeds 'make install' make -s -C "$ROOT" install PREFIX="$T/prefix"
is 'no unit has a place that was not filled in' "$(grep -rl '@[a-z]*@' "$S")" ''

# ---- what they say ----
# verify reads the units that are named, and those of this machine that they lead to: what it says of others is not ours
complaints() { systemd-analyze verify --man=no --recursive-errors=no "$@" 2>&1 | grep -i 'kiln'; }
have_web() { [ -x "$T/prefix/libexec/kiln/kiln-web" ]; }
for unit in "$S"/kiln*.service "$S"/kiln*.socket "$S"/kiln*.timer "$S"/kiln.slice; do
	case $unit in
	*kiln-web*) have_web || { skip "${unit##*/}" 'kiln-web is not built'; continue; } ;;
	esac
	is "${unit##*/} is accepted" "$(complaints "$unit")" ''
done
mkdir "$T/wrong"; sed 's/^WatchdogSec=/WatchDogSec=/' "$S/kiln.service" > "$T/wrong/kiln.service"
like 'a key that is misspelt would be seen' "$(complaints "$T/wrong/kiln.service")" '*WatchDogSec*'
# what holds for units that kilnd starts, as a unit
worker() {
	{ cat "$S/$1-.service.d/"*.conf; echo 'Type=exec'; echo "ExecStart=$T/prefix/libexec/kiln/$1"; } > "$T/$1-0.service"
	is "what holds for $1 is accepted" "$(complaints "$T/$1-0.service")" ''
}
worker kiln-build
worker kiln-fetch

# ---- what they have ----
exposure() { systemd-analyze security --no-pager --offline=true --threshold=15 "$1" > "$T/exposure" 2>&1; code=$?; tail -n 1 "$T/exposure" | sed 's/.*: \([0-9.]*\) .*/\1/'; }
secure() { level=$(exposure "$1"); is "the exposure of ${1##*/} is at most 1.5 ($level)" $code 0; }
secure "$S/kiln.service"
secure "$S/kiln-web.service"
secure "$S/kiln-nightly.service"
secure "$T/kiln-fetch-0.service"
echo "# the exposure of kiln-build-0.service is $(exposure "$T/kiln-build-0.service")"
printf '[Service]\nExecStart=/bin/true\n' > "$T/wrong/open.service"; exposure "$T/wrong/open.service" > /dev/null
exposure "$T/wrong/open.service" > /dev/null; is 'an open one would be seen' "$code" 1

succeeds 'the calendar of the timer' systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$S/kiln-nightly.timer")"
is 'it makes good what was missed' "$(sed -n 's/^Persistent=//p' "$S/kiln-nightly.timer")" yes

# ---- the journal's catalog ----
mkdir -p "$T/root/usr/lib/systemd/catalog"; cp "$T/prefix/lib/systemd/catalog/kiln.catalog" "$T/root/usr/lib/systemd/catalog/"
run journalctl --update-catalog --root "$T/root"; is 'the catalog is accepted' "$code $err" '0 '
ids() { sed -n 's/.*\[ANNOUNCE_[A-Z]*\] = {"\([0-9a-f]*\)".*/\1/p' "$ROOT/reconciler/announce.c" | sort; }
is 'it has an entry for each message' "$(journalctl --list-catalog --root "$T/root" 2>/dev/null | cut -d' ' -f1 | sort)" "$(ids)"
is 'there are some' "$(ids | grep -c .)" "$(grep -c '^	\[ANNOUNCE_' "$ROOT/reconciler/announce.c")"
is 'each says what to do' "$(journalctl --dump-catalog --root "$T/root" 2>/dev/null | grep -c '^Documentation: man:')" "$(ids | grep -c .)"

# ---- users and folders ----
mkdir -p "$T/root/etc"
succeeds 'sysusers.d is accepted' systemd-sysusers --root="$T/root" "$T/prefix/lib/sysusers.d/kiln.conf"
is 'it makes the user' "$(cut -d: -f1,7 "$T/root/etc/passwd")" kiln:/usr/sbin/nologin
run systemd-tmpfiles --create --root="$T/root" "$T/prefix/lib/tmpfiles.d/kiln.conf"
if [ "$(id -u)" = 0 ]; then
	is 'tmpfiles.d is accepted' "$code $err" '0 '
	is 'it makes the folders' "$(cd "$T/root" && stat -c '%a %n' var/lib/kiln run/kiln etc/kiln etc/kiln/secrets | tr '\n' ' ')" \
		'700 var/lib/kiln 2750 run/kiln 755 etc/kiln 700 etc/kiln/secrets '
else
	unlike 'tmpfiles.d is read' "$err" '*kiln.conf:*'
	skip 'it makes the folders' 'only root can give them their owners'
fi
done_testing
