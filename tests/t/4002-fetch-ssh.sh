#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mirrors over ssh, from gitolite behind sshd: keys, passphrases, an agent, and which host it is.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
unset SSH_AUTH_SOCK SSH_AGENT_PID
mkdir "$T/mirrors" "$T/keys" "$T/gitolite" "$T/sshd" "$T/repositories"
chmod 700 "$T/keys" "$T/sshd"
user=$(id -un)

# ---- keys ----

key() { ssh-keygen -q -t "$2" -N "${3:-}" -C "$1" -f "$T/keys/$1"; } # NAME TYPE [PASSPHRASE]
key plain ed25519; key locked ed25519 opensesame; key curve ecdsa; key old rsa; key stranger ed25519; key agent ecdsa
cp "$T/keys/old" "$T/keys/oldpem"; ssh-keygen -q -p -m PEM -N '' -P '' -f "$T/keys/oldpem" > /dev/null
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-384 -out "$T/keys/pkcs8" 2> /dev/null; chmod 600 "$T/keys/pkcs8"
ssh-keygen -y -f "$T/keys/pkcs8" > "$T/keys/pkcs8.pub"
echo opensesame > "$T/keys/passphrase"; echo hush-wrong > "$T/keys/wrong"
for type in ed25519 ecdsa rsa; do ssh-keygen -q -t $type -N '' -f "$T/sshd/$type"; done

# ---- gitolite, in a home of its own, and sshd ----

HOME=$T/gitolite gitolite setup -pk "$T/keys/plain.pub" > "$T/gitolite.log" 2>&1
for name in locked curve old agent pkcs8; do cp "$T/keys/$name.pub" "$T/gitolite/.gitolite/keydir/$name.pub"; done
printf '\nrepo catalogs/prod\n  RW+ = @all\nrepo catalogs/secret\n  R = nobody\n' >> "$T/gitolite/.gitolite/conf/gitolite.conf"
HOME=$T/gitolite gitolite setup >> "$T/gitolite.log" 2>&1
# start_sshd NAME KEY-TYPES AUTHORIZED-KEYS [MORE]: on the free port that is in $port afterwards
start_sshd() {
	port=$(free_port)
	{ printf '%s\n' "ListenAddress 127.0.0.1:$port" "PidFile none" 'UsePAM no' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' \
		'StrictModes no' 'PermitRootLogin yes' "AuthorizedKeysFile $3" "${4:-}"
	for type in $2; do echo "HostKey $T/sshd/$type"; done; } > "$T/sshd/$1.conf"
	if [ "$(id -u)" = 0 ]; then # its empty folder is made in a /run of its own
		unshare -m sh -c 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f "$1"' sh "$T/sshd/$1.conf" 2> "$T/sshd/$1.log" &
	else
		/usr/sbin/sshd -D -e -f "$T/sshd/$1.conf" 2> "$T/sshd/$1.log" &
	fi
	background="$background $!"
	wait_port "$port"
}
gitolite="$T/gitolite/.ssh/authorized_keys" home="SetEnv HOME=$T/gitolite"
start_sshd all 'ed25519 ecdsa rsa' "$gitolite" "$home"; all=$port
start_sshd curve ecdsa "$gitolite" "$home"; curve=$port
known() { echo "[127.0.0.1]:$2 $(cut -d' ' -f1,2 "$T/sshd/$1.pub")"; } # TYPE PORT
{ for type in ed25519 ecdsa rsa; do known $type "$all"; known $type "$curve"; done; } > "$T/known_hosts"
: > "$T/no_hosts"

GIT_SSH_COMMAND="ssh -i $T/keys/plain -o UserKnownHostsFile=$T/known_hosts -o IdentitiesOnly=yes"; export GIT_SSH_COMMAND
new_repository "$T/work"
echo 1 > a; commit one
if ! git push -q "ssh://$user@127.0.0.1:$all/catalogs/prod" HEAD:refs/heads/main 2> "$T/push"; then
	skip 'mirrors over ssh' "sshd does not let $user in here: $(tail -n 1 "$T/push")"
	cat "$T/push" "$T/sshd/all.log" >&2
	done_testing
fi
GIT_DIR=$T/gitolite/repositories/catalogs/prod.git git symbolic-ref HEAD refs/heads/main

# with WORD...: credentials; our known_hosts unless others are given
with() {
	jq -nc --arg t "$T" '{credentials: ({known_hosts_file: ($t + "/known_hosts")} + ($ARGS.positional | map(split("=") |
		{(.[0]): (if .[0] == "username" then .[1] elif .[0] == "ssh_agent" then true else $t + "/" + .[1] end)}) | add))}' --args "$@"
}
prod="ssh://$user@127.0.0.1:$all/catalogs/prod" mirror=$T/mirrors/prod.git

# ---- who we are ----

fetches 'a key' "$prod" "$mirror" "$(with ssh_key_file=keys/plain)"
is 'the mirror has the commit' "$(git -C "$mirror" rev-parse refs/heads/main)" "$(git rev-parse HEAD)"
echo 2 > a; commit two; git push -q "$prod" HEAD:refs/heads/main
fetches 'a push is fetched' "$prod" "$mirror" "$(with ssh_key_file=keys/plain)"
is 'the mirror has it' "$(git -C "$mirror" rev-parse refs/heads/main)" "$(git rev-parse HEAD)"
fetches 'a user that is not in the url' "ssh://127.0.0.1:$all/catalogs/prod" "$mirror" "$(with ssh_key_file=keys/plain username="$user")"
fetches 'a key with a passphrase' "$prod" "$mirror" "$(with ssh_key_file=keys/locked passphrase_file=keys/passphrase)"
refuses 'a wrong passphrase' catalog '*passphrase is wrong*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/locked passphrase_file=keys/wrong)"
unlike 'which is not said' "$out$err" '*hush*'
refuses 'none where one is needed' catalog '*passphrase is wrong*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/locked)"
fetches 'an ECDSA key' "$prod" "$mirror" "$(with ssh_key_file=keys/curve)"
fetches 'one as PKCS 8' "$prod" "$mirror" "$(with ssh_key_file=keys/pkcs8)"
refuses 'a key that nobody let in' catalog "*keys/stranger*not accepted for user $user*" "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/stranger)"
refuses 'a key that is not there' catalog '*ssh_key_file*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/nosuch)"
refuses 'a key that is none' catalog '*ssh_key_file*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/wrong)"
refuses 'an RSA key' catalog '*RSA*SHA-1*ed25519*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/old)"
refuses 'an RSA key as PEM' catalog '*RSA*SHA-1*ed25519*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/oldpem)"
refuses 'no agent' catalog '*SSH_AUTH_SOCK*' "$prod" "$T/mirrors/x" "$(with ssh_agent=1)"
ssh-agent -D -a "$T/agent" > /dev/null 2>&1 & background="$background $!"
while [ ! -S "$T/agent" ]; do sleep 0.05; done
export SSH_AUTH_SOCK="$T/agent"
refuses 'an agent without keys' catalog '*agent*' "$prod" "$T/mirrors/x" "$(with ssh_agent=1)"
ssh-add -q "$T/keys/stranger" "$T/keys/old"
refuses 'an agent whose keys nobody let in' catalog '*agent*RSA*' "$prod" "$T/mirrors/x" "$(with ssh_agent=1)"
ssh-add -q "$T/keys/agent"
fetches 'an agent' "$prod" "$mirror" "$(with ssh_agent=1)"
fetches 'a file that is refused, and then the agent' "$prod" "$mirror" "$(with ssh_key_file=keys/stranger ssh_agent=1)"

# ---- who they are ----

hosts() { cat > "$T/hosts"; }
knows() { fetches "$1" "$prod" "$mirror" "$(with ssh_key_file=keys/plain known_hosts_file=hosts)"; }
knows_not() { refuses "$1" catalog "$2" "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/plain known_hosts_file=hosts)"; }
fingerprint=$(ssh-keygen -lf "$T/sshd/ed25519.pub" | cut -d' ' -f2)
known ed25519 "$all" | hosts; knows 'one key of the host'
known ecdsa "$all" | hosts; knows 'another type than the one it would show first'
ssh-keygen -q -H -f "$T/hosts" > /dev/null 2>&1; rm -f "$T/hosts.old"; knows 'a hashed line'
{ echo "@cert-authority * $(cut -d' ' -f1,2 "$T/sshd/rsa.pub")"; echo garbage; known ed25519 "$all"; } | hosts; knows 'lines that libssh2 cannot read'
known rsa "$all" | hosts; knows_not 'an RSA key of the host alone' '*ed25519 or ECDSA*'
: | hosts; knows_not 'a host that is not there' "*127.0.0.1*:$all is not in*SHA256:*"
known ed25519 1 | hosts; knows_not 'a host that is there with another port' '*is not in*'
echo "[127.0.0.1]:$all $(cut -d' ' -f1,2 "$T/keys/stranger.pub")" | hosts; knows_not 'a key that is another one' "*somebody is in between*"
{ cat "$T/hosts"; echo "127.0.0.1 $(cut -d' ' -f1,2 "$T/sshd/ed25519.pub")"; } > "$T/both"; hosts < "$T/both"
is 'ssh refuses it too where the host has this one at its usual port' "$(ssh -o UserKnownHostsFile="$T/hosts" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o BatchMode=yes -p "$all" 127.0.0.1 true 2>&1 | grep -c '^Host key verification failed')" 1
knows_not 'so do we' "*somebody is in between*"
like 'with the fingerprint that ssh-keygen gives' "$out" "*$fingerprint*"
echo "127.0.0.1 $(cut -d' ' -f1,2 "$T/sshd/ed25519.pub")" | hosts; knows 'a host that is there with its usual port alone'
{ known ed25519 "$all"; echo "@revoked * $(cut -d' ' -f1,2 "$T/sshd/ed25519.pub")"; } | hosts; knows_not 'a revoked key' '*revoked*'
refuses 'a file that is not there' catalog '*known_hosts_file*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/plain known_hosts_file=nosuch)"
fetches 'a host that has fewer keys than the file' "ssh://$user@127.0.0.1:$curve/catalogs/prod" "$mirror" "$(with ssh_key_file=keys/plain)"
mkdir -p "$HOME/.ssh"; known ed25519 "$all" > "$HOME/.ssh/known_hosts"
refuses 'the known_hosts of the user count for nothing' catalog '*is not in*' "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/plain known_hosts_file=no_hosts)"
is 'whom nobody knows is told no name and shown no key' "$(grep -c 'Accepted\|Failed publickey' "$T/sshd/all.log" > "$T/before"; fetch "$prod" "$T/mirrors/x" "$(with ssh_key_file=keys/plain known_hosts_file=no_hosts)"; grep -c 'Accepted\|Failed publickey' "$T/sshd/all.log")" "$(cat "$T/before")"
refuses 'ssh without known_hosts_file' catalog '*known_hosts_file*ssh-keyscan*' "$prod" "$T/mirrors/x" "{credentials: {ssh_key_file: \"$T/keys/plain\"}}"
refuses 'ssh without anything' catalog '*known_hosts_file*' "$prod" "$T/mirrors/x"

# ---- what they answer ----

refuses 'a repository that we may not read' catalog '*DENIED*' "ssh://$user@127.0.0.1:$all/catalogs/secret" "$T/mirrors/x" "$(with ssh_key_file=keys/plain)"
refuses 'one that is not there' catalog '*DENIED*' "ssh://$user@127.0.0.1:$all/nosuch" "$T/mirrors/x" "$(with ssh_key_file=keys/plain)"
start_sshd bare ed25519 "$T/keys/plain.pub"; bare=$port
known ed25519 "$bare" >> "$T/known_hosts"
git clone -q --bare "$T/work" "$T/repositories/images.git"
git clone -q --bare --depth 1 "file://$T/work" "$T/repositories/shallow.git"
server=ssh://$user@127.0.0.1:$bare$T/repositories
fetches 'without gitolite' "$server/images.git" "$T/mirrors/images.git" "$(with ssh_key_file=keys/plain)"
refuses 'a path without a repository' catalog '*does not appear to be a git repository*' "$server/nosuch" "$T/mirrors/x" "$(with ssh_key_file=keys/plain)"
unlike 'in one line of plain text' "$out" '*\\*'
refuses 'a shallow repository' catalog '*shallow*unshallow*' "$server/shallow.git" "$T/mirrors/x" "$(with ssh_key_file=keys/plain)"
refuses 'a port where nobody listens' transient '*refused*' "ssh://$user@127.0.0.1:$(free_port)/x" "$T/mirrors/x" "$(with ssh_key_file=keys/plain)"
is 'only good mirrors are there' "$(ls "$T/mirrors" | tr '\n' ' ')" 'images.git prod.git '
nothing_left 'and nothing half made' "$T/mirrors"
done_testing
