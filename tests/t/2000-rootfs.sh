#!/bin/sh
# What a provisioner of a rootfs build sees, and what it cannot reach.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
echo 'a secret of the host' > "$T/outside"
mkdir -p up/sub
echo uploaded > up/sub/file
cat > box.json <<'EOF'
{"variables": {"word": "hello"},
 "builders": [{"type": "rootfs", "base": "busybox.tar"}],
 "provisioners": [
  {"type": "shell", "inline": ["mkdir -p /out /opt", "id -u > /out/uid", "hostname > /out/host",
   "ls /dev > /out/dev", "ls /proc | grep -c '^[0-9]' > /out/processes",
   "cat /proc/self/status | grep NoNewPrivs > /out/nnp", "ip link 2>/dev/null | grep -c '^[0-9]' > /out/links",
   "(echo x > /proc/sys/kernel/hostname) 2>/dev/null && echo yes > /out/procsys || echo no > /out/procsys",
   "(mount -t tmpfs none /opt) 2>/dev/null && echo yes > /out/mount || echo no > /out/mount",
   "touch /out/owned; chown 1234:65533 /out/owned || true", "ls / > /out/root", "pwd > /out/pwd"]},
  {"type": "file", "source": "up", "destination": "/opt"},
  {"type": "file", "source": "up/", "destination": "/srv"},
  {"type": "file", "source": "up/sub/file", "destination": "/etc/one"},
  {"type": "shell", "environment_vars": ["WORD={{user `word`}}"], "inline": ["echo $WORD > /out/word"]},
  {"type": "shell", "inline": ["ln -s / /leave; ln -s ../../../../../.. /up"]},
  {"type": "file", "direction": "download", "source": "/out/word", "destination": "down/word"},
  {"type": "shell", "inline": ["exit 3"], "valid_exit_codes": [3]}
 ]}
EOF
commit box
succeeds 'it builds' kiln apply
[ "$code" = 0 ] || kiln log box >&2
of() { file_of box/1 "out/$1"; }
is 'the provisioner is root' "$(of uid)" 0
is 'it has a host name of its own' "$(of host)" kiln
is 'six devices and a terminal' "$(of dev | tr '\n' ' ')" 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero '
is 'processes of its own' "$([ "$(of processes)" -lt 8 ] && echo few)" few
like 'no new privileges' "$(of nnp)" '*1'
is 'no network but loopback' "$(of links)" 1
is '/proc/sys is read-only' "$(of procsys)" no
like 'the folder of the script is the root' "$(of pwd)" '/*'
if grep -q "^$(id -un):" /etc/subuid 2>/dev/null || [ "$(id -u)" = 0 ]; then
	is 'it may give files to anybody' "$(tar --zstd --numeric-owner -tvf "$KILN_STATE/catalog/box/1/files/rootfs.tar.zst" ./out/owned out/owned 2>/dev/null | awk '{ print $2 }')" 1234/65533
else
	skip 'it may give files to anybody' 'no range of ids for this user'
fi
is 'a folder without a slash goes as itself' "$(file_of box/1 opt/up/sub/file)" uploaded
is 'with one its content goes' "$(file_of box/1 srv/sub/file)" uploaded
is 'a file is uploaded' "$(file_of box/1 etc/one)" uploaded
is 'a variable reaches the environment' "$(of word)" hello
like 'nothing of the host is in the image' "$(tar --zstd -tf "$KILN_STATE/catalog/box/1/files/rootfs.tar.zst")" '*leave*'
is 'what kiln laid there is gone' "$(tar --zstd -tf "$KILN_STATE/catalog/box/1/files/rootfs.tar.zst" | grep -c 'kiln\|script_')" 0

# without a range of ids: by a user who has none
if [ "$(id -u)" = 0 ]; then
	mkdir "$T/nobody" "$T/nobody/bin"; cp "$BIN/kiln" "$BIN/kilnd" "$BIN/kiln-build" "$T/nobody/bin"
	git init -q -b main "$T/nobody/images"; cp busybox.tar "$T/nobody/images"
	echo '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "shell", "inline": ["echo one > /one", "{{user `last`}}"]}], "variables": {"last": "true"}}' > "$T/nobody/images/one.json"
	git -C "$T/nobody/images" add -A; git -C "$T/nobody/images" commit -q -m one
	chown -R 65534:65534 "$T/nobody"
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$T/nobody" KILN_STATE="$T/nobody/state" "$T/nobody/bin/kiln" "$@" "$T/nobody/images"; }
	succeeds 'a user without a range of ids builds with one' as_nobody apply
	fails 'where a chown fails' as_nobody apply -var 'last=chown 7:7 /one'
	like 'with a hint' "$out" '*hint: builds have one id here*/etc/subuid*'
	like 'the kind of map is in the closure' "$(cd "$T/nobody/images" && setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$T/nobody" KILN_STATE="$T/nobody/state" "$T/nobody/bin/kiln" inputs one 2>/dev/null)" '*id-map 1*'
else
	skip 'a user without a range of ids' 'becoming one needs root'
fi

# a link that a build makes leads nowhere outside
cat > leave.json <<EOF
{"builders": [{"type": "rootfs", "base": "busybox.tar"}],
 "provisioners": [{"type": "shell", "inline": ["ln -s $T /out"]},
  {"type": "file", "source": "up/sub/file", "destination": "/out/planted"}]}
EOF
cat > steal.json <<EOF
{"builders": [{"type": "rootfs", "base": "busybox.tar"}],
 "provisioners": [{"type": "shell", "inline": ["ln -s $T/outside /out"]},
  {"type": "file", "direction": "download", "source": "/out", "destination": "stolen"}],
 "post-processors": [{"type": "compress", "output": "x.tar.gz"}]}
EOF
commit links; run kiln apply leave steal
is 'an upload through a link of the build stays inside' "$(ls "$T/planted" 2>/dev/null)" ''
is 'a download through one too' "$(grep -rl 'a secret of the host' "$KILN_STATE" 2>/dev/null)" ''

# nor does one that came down by a download
mkdir "$T/target"
cat > climb.json <<EOF
{"builders": [{"type": "rootfs", "base": "busybox.tar"}],
 "provisioners": [{"type": "shell", "inline": ["mkdir -p /d /p; ln -s $T/target /d/link; echo hi > /p/file"]},
  {"type": "file", "direction": "download", "source": "/d/", "destination": "out"},
  {"type": "file", "direction": "download", "source": "/p/", "destination": "out/link/planted"}]}
EOF
commit climb; run kiln apply climb
is 'a folder downloaded through a downloaded link stays inside' "$(find "$T/target" -mindepth 1)" ''
printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "shell", "inline": ["mkdir -p /d/e; echo hi > /d/e/file"]}, {"type": "file", "direction": "download", "source": "/d/", "destination": "got"}, {"type": "file", "source": "s2", "destination": "/s2"}]}' > fetch.json
echo two > s2; commit fetch
succeeds 'a folder can be downloaded' kiln apply fetch

# a descriptor that whoever calls kiln has open does not reach a build
printf '{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "shell", "inline": ["ls -l /proc/self/fd > /fds"]}]}' > fds.json
commit fds; exec 9< "$T"
succeeds 'with a descriptor open' kiln apply fds
exec 9<&-
is 'a step has none of it' "$(file_of fds/1 fds | grep -c "$T")" 0

# what is missing from the closure is missing from the build
cat > read.json <<'EOF'
{"builders": [{"type": "rootfs", "base": "busybox.tar"}], "provisioners": [{"type": "shell", "inline": ["exit 7"]}]}
EOF
commit read
fails 'a provisioner that fails is a failed build' kiln apply read
like 'with its exit code' "$out" '*exit code 7*'
is 'and no version' "$(live read)" ''
fails 'the next apply does not try it again' kiln apply
like 'and says why' "$out" '*the last build*failed*'
is 'the build folder is clean' "$(find "$KILN_STATE/builds" -name work)" ''
fails 'named it is tried again' kiln apply read
fails '--on-error=abort leaves the work folder' kiln apply read --on-error=abort
is 'to be looked at' "$(find "$KILN_STATE/builds" -name work | wc -l)" 1
run kiln gc
is 'gc removes it' "$(find "$KILN_STATE/builds" -name work | wc -l)" 0
done_testing
