#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A whole system that systemd runs, in a container: kiln is installed there, started, pushed to, restarted, asked by journalctl.
# Its root is this machine's own under an overlay, so that nothing has to be fetched, and nothing here is changed.
. "$(dirname "$0")/lib.sh"

cannot() { skip 'kiln where systemd is process 1' "$1"; done_testing; }
[ "$(id -u)" = 0 ] || cannot 'only root can boot a container'
command -v systemd-nspawn > /dev/null && [ -x /usr/lib/systemd/systemd ] || cannot 'there is no systemd-nspawn here'
[ -x /usr/bin/dbus-daemon ] || cannot 'there is no dbus-daemon here'

# ---- the machine ----

mkdir -p "$T/machine" "$T/layers"
cat > "$T/boot" << 'END'
# mounts of this shell's own: they go with the container
set -e
mount -t tmpfs tmpfs "$1/layers"
mkdir "$1/layers/upper" "$1/layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layers/upper,workdir=$1/layers/work" "$1/machine"
cd "$1/machine"
[ -x usr/lib/systemd/systemd ]
# a system of Debian's defaults, with none of the services that this machine happens to have
rm -rf etc/systemd/system etc/rc?.d etc/fstab var/lib/kiln etc/kiln var/log/journal
mkdir -p etc/systemd/system
: > etc/machine-id
echo kiln-test > etc/hostname
ln -s /lib/systemd/system/multi-user.target etc/systemd/system/default.target
for unit in systemd-resolved systemd-timesyncd systemd-networkd systemd-logind console-getty; do
	ln -s /dev/null "etc/systemd/system/$unit.service"
done
make -s -C "$2" install PREFIX=/usr DESTDIR="$1/machine" > "$1/install" 2>&1
exec systemd-nspawn --quiet --register=no --keep-unit --directory="$1/machine" --private-network --console=pipe \
	--tmpfs=/var/lib/kiln --boot < /dev/null
END
unshare --mount --propagation private sh "$T/boot" "$T" "$ROOT" > "$T/console" 2>&1 & machine=$!; background="$background $machine"
# what runs in the container's process 1; nspawn has one child
leader=
find_leader() { leader=$(cut -d' ' -f1 "/proc/$machine/task/$machine/children" 2>/dev/null); [ -n "$leader" ]; }
inside() { nsenter -t "$leader" -m -u -i -n -p -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
	GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=Ann GIT_COMMITTER_EMAIL=a@example.org "$@"; }
running() { [ -n "$leader" ] && inside systemctl is-system-running 2>/dev/null < /dev/null; }
for i in $(seq 1200); do
	kill -0 "$machine" 2>/dev/null || break
	find_leader && case $(running) in running | degraded) break ;; esac
	sleep 0.05
done
case $(running) in
running | degraded) pass 'a system boots in a container' ;;
*)
	grep -qi 'cgroup\|not permitted\|not allowed\|Failed to create' "$T/console" &&
		cannot "a container does not boot here: $(tail -n 1 "$T/console" | tr -d '\r')"
	fail 'a system boots in a container' "$(tail -n 20 "$T/console")"
	done_testing
	;;
esac
trap 'kill -KILL "$leader" 2> /dev/null; cleanup' EXIT
# builds mount a /proc of their own, which the kernel allows where a whole one is to be seen; nspawn covers parts of its own
inside sh -c 'mkdir /run/proc && mount -t proc proc /run/proc'
inside journalctl --update-catalog

kiln_inside() { inside kiln "$@" < /dev/null; }
property() { inside systemctl show -P "$2" "$1"; }
content() { inside tar --zstd -xOf "/var/lib/kiln/catalog/$1/current/files/rootfs.tar.zst" "etc/$1" 2> /dev/null; }
entries() { inside journalctl -q --no-pager -o json "$@" | jq -rs "$filter"; }
live_of() { kiln_inside list --json | jq --arg n "$1" '[.images[] | select(.name | endswith($n)) | .live][0]'; }
phase() { kiln_inside show "$1" --json | jq -r '.builds[-1].phase'; }
unit_of_worker() { inside systemctl list-units --plain --no-legend 'kiln-build-*.service' | cut -d' ' -f1 | head -n 1; }

# ---- installing ----
is 'no unit of the system fails' "$(inside systemctl list-units --failed --plain --no-legend)" ''
is 'the system has the group' "$(inside getent group kiln | cut -d: -f1)" kiln
is 'and the folders' "$(inside stat -c '%a %U' /etc/kiln /etc/kiln/secrets /var/lib/kiln | tr '\n' ' ')" '755 root 700 root 700 root '

# what a build needs it has in a unit too: the story of builds, told there
tar -C "$ROOT" -cf - Makefile tests/t | inside sh -c 'mkdir /opt/kiln-tests && tar -C /opt/kiln-tests -xf - && ln -s /usr/bin/kiln /usr/libexec/kiln/kiln'
run inside KILN_BIN=/usr/libexec/kiln sh /opt/kiln-tests/tests/t/2000-rootfs.sh
is 'builds go as they do in sessions' "$code $(printf '%s\n' "$out" | grep '^not ok')" '0 '
like 'in units' "$(inside journalctl -q --no-pager -o cat -t systemd)" '*Started kiln-build-*-1.service - kiln: build of build*'

new_repository "$T/images"; busybox_tar busybox.tar
template base.json busybox.tar base.sh; echo 'echo one > /etc/base' | script base.sh; commit first
# of another user's, whose nobody else can read: root without powers could not
inside sh -c 'git config --global safe.directory "*"; git init -q --bare -b main /srv/git/images.git && chown -R games /srv/git && chmod 700 /srv/git'
push() {
	commit "$1"; git bundle create -q "$T/bundle" main
	inside sh -c 'rm -rf /tmp/push && cat > /tmp/bundle && git clone -q -b main /tmp/bundle /tmp/push && git -C /tmp/push push -q -f /srv/git/images.git HEAD:main' < "$T/bundle"
}
echo '{"repositories": [{"url": "/srv/git/images.git", "name": "images", "ref": "refs/heads/main", "poll": "1h"}], "limits": {"build_timeout": "10m"},
 "listen": {"address": "127.0.0.1:8480"}, "notify": [{"on": ["live"], "command": ["sh", "-c", "cat > /run/told"]},
 {"on": ["live"], "command": ["sh", "-c", "echo no such host >&2; exit 3"]}]}' > "$T/service.json"
inside sh -c 'cat > /etc/kiln/service.json' < "$T/service.json"
succeeds 'kiln.service starts' inside systemctl start kiln.service
is 'and is ready' "$(property kiln.service ActiveState) $(property kiln.service NRestarts)" 'active 0'
is 'its watchdog is on' "$(property kiln.service WatchdogUSec)" 2min
is 'it has no powers but to read' "$(inside sh -c "grep CapEff /proc/$(property kiln.service MainPID)/status" | cut -f 2)" 0000000000000004
is 'its socket is for its group too' "$(inside stat -c '%a %U %G' /run/kiln/control.sock)" '660 root kiln'

# ---- pushing ----
push first
becomes 'what is pushed is built' one content base
filter='.[0].MESSAGE_ID'; is 'the journal finds it by its image' "$(entries IMAGE=images/base PHASE=live)" 5e0a1c56c8a14e4bb6a27a2f3a6f1d06
filter='.[0] | [.VERSION, (.COMMIT | length), (.BUILD | length > 0), .PRIORITY] | join(" ")'
is 'with its version, commit and build' "$(entries IMAGE=images/base PHASE=live)" '1 40 true 5'
like 'and explains itself' "$(inside journalctl -q --no-pager -x IMAGE=images/base PHASE=live)" '*has a new live version*kiln rollback*'
becomes 'a command is told, by a worker' base inside jq -r .image /run/told
filter='[.[] | .MESSAGE | select(test("will be tried again"))] | length'
becomes 'how one ended that failed is known' 1 entries MESSAGE_ID=5e0a1c56c8a14e4bb6a27a2f3a6f1d08

# ---- those who ask ----
is 'a user who is in the group asks it' "$(inside setpriv --reuid games --regid games --groups "$(inside getent group kiln | cut -d: -f3)" kiln list --json | jq -r '.images[0].live')" 1
run inside setpriv --reuid games --regid games --clear-groups kiln list --json
is 'one who is not does not' "$(printf '%s' "$out" | jq '.images | length' 2> /dev/null)" 0
succeeds 'kiln-web.socket listens' inside systemctl start kiln-web.socket
is 'who asks there is answered' "$(inside curl -s http://127.0.0.1:8480/healthz -o /dev/null -w '%{http_code}')" 200
like 'with what kilnd knows' "$(inside curl -s http://127.0.0.1:8480/metrics)" '*kiln_*images*'
is 'by a user of its own' "$(inside ps -o user= -p "$(property kiln-web.service MainPID)")" kiln

# ---- a worker ----
printf 'echo two > /etc/base\nsleep 5\n' | script base.sh; push second
becomes 'a build takes its time' building phase base
for i in $(seq 200); do unit=$(unit_of_worker); [ -n "$unit" ] && break; sleep 0.05; done
like 'its worker is a unit of its own' "$unit" 'kiln-build-*.service'
is 'in the slice of workers' "$(property "$unit" Slice) $(property "$unit" ControlGroup)" "kiln.slice /kiln.slice/$unit"
is 'with its limits' "$(property "$unit" RuntimeMaxUSec) $(property "$unit" TasksMax) $(property "$unit" OOMScoreAdjust)" '12min 16384 500'
is 'and without what no build needs' "$(property "$unit" CapabilityBoundingSet | tr ' ' '\n' | grep -c 'cap_sys_module\|cap_sys_boot\|cap_sys_time\|cap_sys_rawio')" 0
worker=$(property "$unit" MainPID) head=$(property kiln.service MainPID)
succeeds 'kiln.service is restarted meanwhile' inside systemctl restart kiln.service
unlike 'it is another one' "$(property kiln.service MainPID)" "$head"
is 'the worker is the same' "$(property "$unit" MainPID)" "$worker"
becomes 'and what it makes is live' two content base
is 'after one attempt, in one build' "$(kiln_inside log base | grep -c 'running the script') $(kiln_inside show base --json | jq -r '.builds | length')" '1 2'

# ---- reload, and what ends badly ----
succeeds 'a reload' inside systemctl reload kiln.service
becomes 'is one of the web too' 1 sh -c "nsenter -t $leader -m -p journalctl -q --no-pager -u kiln-web.service | grep -c 'settings were read again'"
is 'which no second one serves' "$(inside pgrep -c kiln-web)" 1
inside sh -c 'echo "{\"repositoryes\": []}" > /etc/kiln/service.json'
run inside systemctl reload kiln.service
is 'one with a wrong configuration fails' "$code $(property kiln.service ActiveState)" '1 active'
inside sh -c 'cat > /etc/kiln/service.json' < "$T/service.json"
printf 'exit 3\n' | script base.sh; push third
becomes 'a build that fails' failed phase base
filter='.[0].PRIORITY'; is 'is an error in the journal' "$(entries MESSAGE_ID=5e0a1c56c8a14e4bb6a27a2f3a6f1d07)" 3
succeeds 'kiln gc' kiln_inside gc

# ---- a bus that is restarted ----
inside systemctl restart dbus.service
printf 'echo three > /etc/base\n' | script base.sh; push 'after the bus'
becomes 'a bus that was restarted is used again' three content base

# ---- signed commits, by a credential ----
ssh-keygen -q -t ed25519 -N '' -f "$T/key"; echo "ann@example.org $(cut -d' ' -f1,2 "$T/key.pub")" > "$T/signers"
git init -q -b main "$T/signed"; printf '{"builders": [{"type": "file", "content": "x", "target": "out.txt"}]}\n' > "$T/signed/note.json"
(cd "$T/signed" && git add . && git -c gpg.format=ssh -c user.signingkey="$T/key" commit -q -S -m signed && git bundle create -q "$T/bundle" main)
inside sh -c 'cat > /tmp/bundle && git clone -q -b main /tmp/bundle /srv/signed' < "$T/bundle"
inside sh -c 'cat > /etc/kiln/secrets/signers' < "$T/signers"
inside sh -c 'mkdir -p /etc/systemd/system/kiln.service.d && printf "[Service]\nLoadCredential=signers:/etc/kiln/secrets/signers\n" > /etc/systemd/system/kiln.service.d/signers.conf'
jq '.repositories += [{"name": "signed", "url": "/srv/signed", "verify": {"ssh_allowed_signers_file": "/run/credentials/kiln.service/signers"}}]' \
	"$T/service.json" > "$T/signed.json"
inside sh -c 'cat > /etc/kiln/service.json' < "$T/signed.json"
inside systemctl daemon-reload; inside systemctl restart kiln.service
becomes 'a signature is checked with a credential' 1 live_of note

# ---- a remote repository ----
jq '.repositories += [{"name": "away", "url": "https://127.0.0.1:9/away.git", "ref": "refs/heads/main", "poll": "1h"}]' "$T/service.json" > "$T/away.json"
inside sh -c 'cat > /etc/kiln/service.json' < "$T/away.json"
inside systemctl reload kiln.service
filter='[.[] | .MESSAGE | select(test("^away: .*(onnect|efused)"))] | length'
becomes 'kiln-fetch reaches what kilnd does not' 1 entries -u kiln.service
like 'as a unit of its own' "$(inside journalctl -q --no-pager -o cat -u 'kiln-fetch-*')" '*kiln: kiln-fetch*'
as_fetch() { inside systemd-run --quiet --wait --pipe --collect --unit="kiln-fetch-look-$1" sh -c "$2" 2>&1 < /dev/null; }
is 'where nothing of the state is to be seen but mirrors' "$(as_fetch a 'cd /var/lib/kiln && find . -maxdepth 1 | sort | tr "\n" " "')" '. ./mirrors '
is 'in which it writes' "$(as_fetch b 'cd /var/lib/kiln/mirrors && mkdir x && touch x/y && rm -r x && echo well')" well
like 'and nowhere else' "$(as_fetch c 'touch /var/lib/kiln/x')" '*Read-only file system*'
# and brings it, from an sshd of the container
inside sh -c 'mkdir -p /run/sshd /etc/kiln/fetch && cd /etc/kiln/fetch && ssh-keygen -q -t ed25519 -N "" -f host && ssh-keygen -q -t ed25519 -N "" -f key &&
	printf "%s\n" "ListenAddress 127.0.0.1:2222" "HostKey $PWD/host" "AuthorizedKeysFile $PWD/key.pub" "UsePAM no" "StrictModes no" "PermitRootLogin yes" > sshd_config &&
	echo "[127.0.0.1]:2222 $(cut -d" " -f1,2 host.pub)" > known_hosts'
inside /usr/sbin/sshd -f /etc/kiln/fetch/sshd_config
jq '.repositories += [{"name": "far", "url": "ssh://root@127.0.0.1:2222/srv/signed", "poll": "1h",
	"credentials": {"ssh_key_file": "/etc/kiln/fetch/key", "known_hosts_file": "/etc/kiln/fetch/known_hosts"}}]' "$T/service.json" > "$T/far.json"
inside sh -c 'cat > /etc/kiln/service.json' < "$T/far.json"
inside systemctl reload kiln.service
far_of() { kiln_inside list --json | jq '[.images[] | select(.name == "far/note" or .repository == "far") | .live][0]'; }
becomes 'what a unit of kiln-fetch brings is built' 1 far_of
inside sh -c 'cat > /etc/kiln/service.json' < "$T/service.json"; inside systemctl reload kiln.service
becomes 'no unit of a worker is left' '' inside systemctl list-units --all --plain --no-legend 'kiln-build-*'
is 'nothing went another way' "$(inside journalctl -q --no-pager MESSAGE_ID=5e0a1c56c8a14e4bb6a27a2f3a6f1d08 | grep 'sessions of kilnd')" ''

# ---- without the daemon ----
succeeds 'kiln.service stops' inside systemctl stop kiln.service
is 'well' "$(property kiln.service Result) $(inside ls /run/kiln 2>/dev/null)" 'success '
printf 'echo four > /etc/base\n' | script base.sh; push fourth
succeeds 'kiln-nightly.service does the same at once' inside systemctl start kiln-nightly.service
is 'to its end' "$(content base)" four
inside systemctl start kiln-nightly.timer
like 'its timer waits' "$(inside systemctl list-timers --no-legend kiln-nightly.timer)" '*kiln-nightly.service*'
run kiln_inside verify --deep; is 'all that is recorded and published agrees' "$code ${out##*: }" '0 0 faults'

# ---- where systemd starts no units ----
inside systemctl stop dbus.socket dbus.service 2> /dev/null
succeeds 'without a bus a session does' kiln_inside apply base --force
inside systemctl start dbus.socket
succeeds 'nor is one asked for where nobody wants it' inside env KILN_WORKERS=session kiln apply base --force

# ---- off ----
inside systemctl --no-wall --no-block poweroff 2> /dev/null
for i in $(seq 600); do kill -0 "$machine" 2>/dev/null || break; sleep 0.05; done
kill -0 "$machine" 2>/dev/null; is 'the machine goes off' $? 1
is 'and leaves no mount' "$(grep -c "$T" /proc/self/mounts)" 0
done_testing
