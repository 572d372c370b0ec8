# SPDX-License-Identifier: Apache-2.0
# What the stories of the ssh communicator are told with; source it after lib.sh and remote.sh. As root there is a user
# `guest` (password opensesame) in a mount namespace of the servers' own; as an ordinary user there is only oneself.
unset SSH_AUTH_SOCK SSH_AGENT_PID
mkdir "$T/keys" "$T/ssh" "$T/guest" "$T/small"
chmod 700 "$T/keys"
key() { ssh-keygen -q -t "$2" -N "${3:-}" -C "$1" -f "$T/keys/$1"; } # NAME TYPE [PASSPHRASE]
if [ "$(id -u)" = 0 ]; then
	user=guest guest_home=$T/guest
	chown 12345:12345 "$T/guest" "$T/small"
	cp /etc/passwd "$T/ssh/passwd"; cp /etc/shadow "$T/ssh/shadow"; chmod 600 "$T/ssh/shadow"
	echo "guest:x:12345:12345::$T/guest:/bin/sh" >> "$T/ssh/passwd"
	echo "guest:$(openssl passwd -6 opensesame):19000:0:99999:7:::" >> "$T/ssh/shadow"
else
	user=$(id -un) guest_home=$T/guest
fi

# serve NAME COMMAND...: in the background, what it says in $T/ssh/NAME.log, its process in $server
serve() {
	log=$T/ssh/$1.log; shift
	if [ "$(id -u)" = 0 ]; then
		unshare -m sh -c 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && mount --bind "$0/ssh/passwd" /etc/passwd &&
			mount --bind "$0/ssh/shadow" /etc/shadow && mount -t tmpfs -o size=8m,mode=777 tmpfs "$0/small" && exec "$@"' "$T" "$@" > "$log" 2>&1 &
	else
		"$@" > "$log" 2>&1 &
	fi
	server=$!; background="$background $server"
}
# start_sshd NAME PORT [MORE]: host key NAME, lines of sshd_config in MORE; logins by $T/ssh/authorized
start_sshd() {
	[ -f "$T/ssh/$1" ] || ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/$1"
	printf '%s\n' "ListenAddress 127.0.0.1:$2" "HostKey $T/ssh/$1" 'PidFile none' 'StrictModes no' 'PermitRootLogin yes' 'MaxStartups 100' 'PrintMotd no' \
		"AuthorizedKeysFile $T/ssh/authorized" 'Subsystem sftp internal-sftp' "${3:-UsePAM no}" > "$T/ssh/$1.conf"
	serve "$1" /usr/sbin/sshd -D -e -f "$T/ssh/$1.conf"
	wait_port "$2"
}
# host PORT [MORE]: a null builder's options, as a jq object; MORE is merged
host() {
	jq -nc --arg user "$user" --argjson port "$1" '{type: "null", ssh_host: "127.0.0.1", ssh_port: $port, ssh_username: $user, ssh_timeout: "20s",
		ssh_handshake_attempts: 1} + '"${2:-{\}}"
}
with_key() { host "$1" '{ssh_private_key_file: "plain"} + '"${2:-{\}}"; }
# image NAME BUILDER PROVISIONERS: commits the template
image() { printf '{"builders": [%s], "provisioners": %s}\n' "$2" "${3:-[]}" > "$1.json"; git add -A; git commit -q -m "$1"; }
lines() { jq -nc '[{type: "shell", inline: $ARGS.positional}]' --args "$@"; } # LINE...: one shell provisioner
# apply NAME...: by hand, whatever was before; $out, $err, $code
apply() { run timeout 120 kiln apply --allow host-network --force "$@"; log_text=$(for i in "$@"; do kiln log "$i" 2> /dev/null; done); }
# builds WHAT NAME, breaks WHAT NAME PATTERN: and the pattern is one of what is said
builds() { apply "$2"; is "$1" "$code" 0; [ "$code" = 0 ] || printf '%s\n' "$out" | sed 's/^/#   /'; }
breaks() { apply "$2"; like "$1" "$code $out" "1 *$3*"; }
