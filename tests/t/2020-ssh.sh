#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The communicator ssh against OpenSSH's sshd and dropbear: who may log in, what runs, what a broken connection means.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
. "$ROOT/tests/t/ssh.sh"
for type in ed25519 ecdsa rsa; do key $type $type; done
key locked ed25519 hush; key agent ecdsa; key stranger ed25519
cp "$T/keys/ed25519" "$T/keys/plain"
cp "$T/keys/ecdsa" "$T/keys/pem"; ssh-keygen -q -p -m PEM -N '' -P '' -f "$T/keys/pem" > /dev/null
cat "$T"/keys/ed25519.pub "$T"/keys/ecdsa.pub "$T"/keys/rsa.pub "$T"/keys/agent.pub > "$T/ssh/authorized"
port=$(free_port); start_sshd main "$port"; main=$port
new_repository
cp "$T"/keys/plain "$T"/keys/ecdsa "$T"/keys/rsa "$T"/keys/locked "$T"/keys/pem "$T"/keys/stranger .
echo 'this is no key' > nokey

# ---- a host is the network: a power ----

image one "$(with_key "$main")" "$(lines 'echo said; echo wrongly >&2; echo "$PACKER_BUILDER_TYPE" $((6 * 7))' 'echo kept > "$HOME/kept.$$"; rm "$HOME/kept.$$"')"
is 'a host needs the power host-network' "$(kiln plan one --json 2> /dev/null | jq -r '.images[0] | .action + " " + .reasons[0].kind')" 'blocked not-allowed'
builds 'with it a script runs there' one
if [ "$code" != 0 ]; then
	skip 'the rest' "sshd does not let $user in: $(tail -n 1 "$T/ssh/main.log")"
	done_testing
fi
like 'and what it says is told' "$log_text" '*said*null 42*'
is 'its two streams are told apart' "$(kiln log one --json | jq -r 'select(.text == "wrongly" or .text == "said") | .stream' | sort | tr '\n' ' ')" 'stderr stdout '
like 'whose key it is, is said' "$log_text" "*host key of 127.0.0.1 port $main is ssh-ed25519 $(ssh-keygen -lf "$T/ssh/main" | cut -d' ' -f2)*"

# ---- who may log in ----

image ecdsa "$(host "$main" '{ssh_private_key_file: "ecdsa"}')"; builds 'a key of ecdsa' ecdsa
image pem "$(host "$main" '{ssh_private_key_file: "pem"}')"; builds 'the same in PEM' pem
image rsa "$(host "$main" '{ssh_private_key_file: "rsa"}')"; breaks 'a key of RSA is refused, and why is said' rsa 'SHA-1*OpenSSH refuses*ed25519 or ecdsa*'
image locked "$(host "$main" '{ssh_private_key_file: "locked"}')"; breaks 'a key with a passphrase cannot be used' locked 'passphrase*'
image nokey "$(host "$main" '{ssh_private_key_file: "nokey"}')"; breaks 'a file that is no key neither' nokey 'no private key*'
image stranger "$(host "$main" '{ssh_private_key_file: "stranger"}')"; breaks 'a key that nobody knows is refused' stranger "refuses the login of $user*key (ssh-ed25519)*"
image nobody "$(with_key "$main" '{ssh_username: "nosuchuser"}')"; breaks 'so is a user that is not there' nobody 'refuses the login of nosuchuser*'
image agent "$(host "$main" '{ssh_agent_auth: true}')"; breaks 'without an agent there is none' agent 'SSH_AUTH_SOCK*'
eval "$(ssh-agent -a "$T/ssh/agent" -s)" > /dev/null; background="$background $SSH_AGENT_PID"
ssh-add -q "$T/keys/stranger" "$T/keys/rsa" "$T/keys/agent" 2> /dev/null
builds 'with one its keys are tried, those of RSA last' agent
python3 - "$T/ssh/mute" <<'PY' & background="$background $!"
import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(600)
PY
for i in $(seq 100); do [ -S "$T/ssh/mute" ] && break; sleep 0.05; done
image mute "$(host "$main" '{ssh_agent_auth: true, ssh_timeout: "2s"}')"
agent_socket=$SSH_AUTH_SOCK; export SSH_AUTH_SOCK=$T/ssh/mute
breaks 'an agent that says nothing is not waited for' mute 'no SSH connection*'
export SSH_AUTH_SOCK=$agent_socket
unset SSH_AUTH_SOCK

if [ "$(id -u)" = 0 ]; then
	image password "$(host "$main" '{ssh_password: "opensesame"}')" "$(lines 'echo the password is opensesame; id -un')"
	builds 'a password' password
	like 'which stands in no log' "$log_text" '*the password is <sensitive>*guest*'
	image wrong "$(host "$main" '{ssh_password: "opensesami", ssh_handshake_attempts: 2}')"
	breaks 'a wrong one is refused after the tries that were asked for' wrong 'refuses the login of guest*password*'
	is 'as often as that' "$(grep -c 'Failed password for guest' "$T/ssh/main.log")" 2
	port=$(free_port); start_sshd pam "$port" "$(printf 'UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes')"
	image asked "$(host "$port" '{ssh_password: "opensesame"}')" "$(lines 'id -un')"
	builds 'a password that is asked for (keyboard-interactive)' asked
	image asked "$(host "$port" '{ssh_password: "wrong"}')"
	breaks 'and a wrong answer' asked 'refuses the login of guest*keyboard-interactive*'
else
	for what in 'a password' 'which stands in no log' 'a wrong one is refused' 'as often as that' 'a password that is asked for' 'and a wrong answer'; do
		skip "$what" 'only root can make a user for it'
	done
fi

# ---- what runs there ----

image codes "$(with_key "$main")" '[{"type": "shell", "inline": ["exit 7"], "valid_exit_codes": [3, 7]}]'; builds 'an exit code that is among the valid ones' codes
image codes "$(with_key "$main")" "$(lines 'exit 7')"; breaks 'and one that is not' codes 'exit code 7*'
image signal "$(with_key "$main")" '[{"type": "shell", "execute_command": "kill -SEGV $$; {{.Path}}", "inline": ["true"]}]'
breaks 'a signal is one' signal 'signal 11*'; like 'which is named' "$log_text" '*signal SEGV*'
image variables "$(with_key "$main")" '[{"type": "shell", "environment_vars": ["A=it'"'"'s $HOME", "B=2"], "inline": ["echo \"<$A>$B\""]},
	{"type": "shell", "environment_vars": ["A=in a file"], "use_env_var_file": true, "inline": ["echo \"<$A>\""]},
	{"type": "shell", "inline_shebang": "/bin/sh -ex", "inline": ["echo traced"]},
	{"type": "shell", "remote_folder": "'"$guest_home"'", "remote_file": "mine.sh", "skip_clean": true, "inline": ["echo left behind"]},
	{"type": "shell", "remote_path": "'"$guest_home"'/other.sh", "execute_command": "sh {{.Path}} by hand", "inline": ["echo $0 $1 $2"]}]'
scripts() { ls /tmp/script_[0-9]*.sh /tmp/varfile_[0-9]* 2> /dev/null; }
scripts > "$T/scripts"
builds 'variables, a file of them, shebang, names of the script' variables
like 'as they were given' "$log_text" "*<it's \$HOME>2*<in a file>*other.sh by hand*"
like 'traces go to stderr' "$(kiln log variables --json | jq -r 'select(.stream == "stderr") | .text')" '*+ echo traced*'
is 'a script stays only where it is to' "$(ls "$T/guest" | tr '\n' ' ')" 'mine.sh '
is 'and no other' "$(scripts)" "$(cat "$T/scripts")"
printf 'echo one\r\nprintf two' > dos.sh; git add dos.sh
image dos "$(with_key "$main")" '[{"type": "shell", "script": "dos.sh"}]'; builds 'line ends of other systems' dos
like 'are made ours' "$log_text" '*one*two*'
if [ "$(id -u)" = 0 ]; then
	image pty "$(with_key "$main" '{ssh_pty: true}')" "$(lines 'test -t 0 && test -t 1 && echo "a $TERM of $(stty size)"')"; builds 'a terminal' pty
	like 'is an xterm of 80 by 40' "$log_text" '*a xterm of 40 80*'
else
	skip 'a terminal' 'only root can give one'
fi
image slow "$(with_key "$main")" '[{"type": "shell", "timeout": "1s", "inline": ["sleep 100"]}]'; breaks 'a step that takes too long is ended' slow 'timeout of 1s*'
image loud "$(with_key "$main")" "$(lines 'yes 0123456789012345678901234567890123456789')"
echo '{"limits": {"log_bytes": 1000000}}' > "$T/limits.json"
run timeout 60 kiln apply --config "$T/limits.json" --allow host-network --force loud
like 'who says too much is stopped' "$code $out" '1 *limits.log_bytes*'

# ---- files ----

git config core.compression 0
head -c 200000000 /dev/urandom > big; sum=$(sha256sum < big)
mkdir -p tree/deep/er "tree/with space"; echo plain > tree/plain; chmod 755 tree/plain; echo "it's" > "tree/with space/a'b\"c\$d"
echo dash > tree/-dash; echo end > tree/deep/er/end; ln -s plain tree/link; git add -A
for method in scp sftp; do
	image big "$(with_key "$main" "{ssh_file_transfer_method: \"$method\"}")" "[{\"type\": \"file\", \"source\": \"big\", \"destination\": \"$T/guest/big.$method\"},
		{\"type\": \"file\", \"direction\": \"download\", \"source\": \"$T/guest/big.$method\", \"destination\": \"got\"},
		{\"type\": \"shell-local\", \"inline\": [\"sha256sum < got\"]}]"
	run timeout 120 kiln apply --allow host-network --allow shell-local --force big
	is "200 MB by $method" "$code $(sha256sum < "$T/guest/big.$method")" "0 $sum"
	like 'and back' "$(kiln log big)" "*$sum*"
	rm -f "$T/guest/big.$method"
	target="$T/guest/$method a'b"
	image tree "$(with_key "$main" "{ssh_file_transfer_method: \"$method\"}")" "$(jq -nc --arg to "$target" '[{type: "shell", inline: ["mkdir -p \"$TO\""], environment_vars: ["TO=" + ($to | gsub("'"'"'"; "'"'"'"))]},
		{type: "file", source: "tree/", destination: $to}, {type: "file", source: "tree/plain", destination: ($to + "/-x y")},
		{type: "file", source: "tree", destination: $to}, {type: "file", source: "tree/-dash", destination: ($to + "/deep/")},
		{type: "file", direction: "download", source: ($to + "/"), destination: "back"}, {type: "shell-local", inline: ["cd back && find . -type f | sort | xargs -d \"\\n\" sha256sum"]}]')"
	run timeout 120 kiln apply --allow host-network --allow shell-local --force tree
	is "a folder by $method" "$code" 0; [ "$code" = 0 ] || printf '%s\n' "$out"
	is 'with all that is in it' "$(cd "$target" && find . -path ./tree -prune -o ! -name '-x y' ! -path './deep/-dash' -print | sort)" "$(cd tree && find . | sort)"
	is 'with or without its own name' "$(diff -r "$target/tree" tree && cat "$target/tree/link" "$target/with space/a'b\"c\$d")" "$(printf "plain\nit's")"
	is 'modes are kept' "$(stat -c %a "$target/plain" "$target/-dash" "$target/-x y" | tr '\n' ' ')" '755 644 755 '
	is 'a destination with a slash is a folder' "$(cat "$target/deep/-dash")" dash
	like 'and all of it comes back' "$(kiln log tree)" "*$(sha256sum < tree/deep/er/end | cut -c 1-64)  ./deep/er/end*./with space/*"
	image home "$(with_key "$main" "{ssh_file_transfer_method: \"$method\"}")" "[{\"type\": \"shell\", \"inline\": [\"mkdir -p $T/guest/home.$method\"]},
		{\"type\": \"file\", \"source\": \"tree/plain\", \"destination\": \"$T/guest/nosuch/plain\"}]"
	breaks "a folder that is not there, by $method" home "uploading $T/guest/nosuch/plain*"
	is 'and nothing is written in its place' "$(ls "$T/guest/nosuch" 2>&1 | grep -c 'No such')" 1
	image missing "$(with_key "$main" "{ssh_file_transfer_method: \"$method\"}")" "[{\"type\": \"file\", \"direction\": \"download\", \"source\": \"/etc/nosuch\", \"destination\": \"x\"}]"
	breaks "a file that is not there, by $method" missing '/etc/nosuch*[Nn]o such file*'
	if [ "$(id -u)" = 0 ]; then
		image full "$(with_key "$main" "{ssh_file_transfer_method: \"$method\"}")" "[{\"type\": \"file\", \"source\": \"big\", \"destination\": \"$T/small/big\"}]"
		case $method in scp) words='No space left*' ;; *) words='disk*' ;; esac
		breaks "a full disk over there, by $method" full "$words"
	else
		skip "a full disk over there, by $method" 'only root can mount a small one'
	fi
done
rm big; git rm -qr --cached big > /dev/null

# ---- connections that break ----

killer='p=$$; while [ "$(cat /proc/$p/comm)" != sshd ]; do p=$(sed "s/.*) . \\([0-9]*\\) .*/\\1/" /proc/$p/stat); done; kill -9 $p; sleep 5'
image killed "$(with_key "$main")" "$(lines "$killer")"; breaks 'a connection that breaks is no success' killed 'expect_disconnect*'
image killed "$(with_key "$main")" "$(jq -nc --arg k "$killer" '[{type: "shell", inline: [$k], expect_disconnect: true}, {type: "shell", inline: ["echo here again"]}]')"
builds 'unless it is expected' killed
like 'and the next step has a new one' "$log_text" '*connecting to*again*here again*'
image killed "$(with_key "$main")" "$(jq -nc --arg k "$killer" '[{type: "shell", inline: [$k], valid_exit_codes: [0, 2300218]}]')"
builds "or Packer's number for it is among the valid codes" killed
port=$(free_port); start_sshd first "$port"; first=$server
ssh-keygen -q -t ed25519 -N '' -f "$T/ssh/second"
image changed "$(with_key "$port")" "$(jq -nc --arg k "touch $T/guest/go; while [ -e $T/guest/go ]; do sleep 0.1; done; $killer" '[{type: "shell", inline: [$k], expect_disconnect: true}, {type: "shell", inline: ["echo reached a stranger"]}]')"
( for i in $(seq 600); do [ -e "$T/guest/go" ] && break; sleep 0.05; done; kill "$first"; sleep 0.3
	sed "s|ssh/first|ssh/second|" "$T/ssh/first.conf" > "$T/ssh/changed.conf"; serve changed /usr/sbin/sshd -D -e -f "$T/ssh/changed.conf"
	echo "$server" > "$T/ssh/changed.pid"; wait_port "$port"; rm "$T/guest/go"; wait ) & swapper=$!
breaks 'another host key within a build is refused' changed 'changed within the build*'
unlike 'before anything runs there' "$log_text" '*reached a stranger*'
kill "$(cat "$T/ssh/changed.pid")"; wait "$swapper" 2> /dev/null
python3 - <<'PY' > "$T/ssh/silent" & background="$background $!"
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(600)
PY
for i in $(seq 100); do [ -s "$T/ssh/silent" ] && break; sleep 0.05; done
image silent "$(with_key "$(cat "$T/ssh/silent")" '{ssh_timeout: "2s"}')"; breaks 'who accepts and says nothing is not waited for for ever' silent 'ssh_timeout (2s)*'
python3 - "$main" <<'PY' > "$T/ssh/starting" & background="$background $!"
import socket, sys, threading
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True)
lost = s.accept()[0] # as a port that leads to a machine which does not listen yet
def copy(a, b):
    try:
        while data := a.recv(65536): b.sendall(data)
    except OSError: pass
    b.close()
while True:
    a = s.accept()[0]; b = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    for x, y in (a, b), (b, a): threading.Thread(target=copy, args=(x, y), daemon=True).start()
PY
for i in $(seq 100); do [ -s "$T/ssh/starting" ] && break; sleep 0.05; done
image starting "$(with_key "$(cat "$T/ssh/starting")" '{ssh_timeout: "60s"}')"; started=$(date +%s); builds 'a connection that came to nothing is given up for a new one' starting
is 'soon' "$(($(date +%s) - started < 20))" 1
image closed "$(with_key "$(free_port)" '{ssh_timeout: "1s"}')"; breaks 'nor where nobody listens' closed 'ssh_timeout (1s)*refused*'
image name "$(with_key 22 '{ssh_host: "no-such-host.invalid", ssh_timeout: "1s"}')"; breaks 'nor a name that is none' name 'no-such-host.invalid*'
image idle "$(with_key "$main" '{ssh_read_write_timeout: "1s", ssh_keep_alive_interval: "-1s"}')" "$(lines 'sleep 100')"; breaks 'a silence that is too long is a broken connection' idle 'expect_disconnect*'
image pause "$(with_key "$main" '{pause_before_connecting: "1s"}')" "$(lines 'echo there')"; builds 'a pause behind the first connection' pause
is 'and then a second one' "$(printf '%s\n' "$log_text" | grep -c 'connected; again in 1.0 s')" 1
kiln apply --allow host-network --force hang > /dev/null 2>&1
image hang "$(with_key "$main")" "$(lines "touch $T/guest/hanging; sleep 600")"
kiln apply --allow host-network hang > "$T/hang" 2>&1 & applying=$!
for i in $(seq 600); do [ -e "$T/guest/hanging" ] && break; sleep 0.05; done
started=$(date +%s); kill -INT "$applying"; wait "$applying"
is 'whoever cancels does not wait' "$(($(date +%s) - started < 10))" 1

# ---- detours ----

port=$(free_port); start_sshd bastion "$port"; bastion=$port
through="ssh_bastion_host: \"127.0.0.1\", ssh_bastion_port: $bastion, ssh_bastion_username: \"$user\""
image bastion "$(with_key "$main" "{$through}")" "[{\"type\": \"shell\", \"inline\": [\"echo through\"]}, {\"type\": \"file\", \"source\": \"tree/\", \"destination\": \"$T/guest/bastion\"},
	{\"type\": \"shell\", \"inline\": [\"yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx | head -n 3000\"]}]"
builds 'through a bastion' bastion
is 'come commands, files' "$(cat "$T/guest/bastion/deep/er/end")" end
is 'and all that is said' "$(printf '%s\n' "$log_text" | grep -c 'xxxxxxxxxx')" 3000
like 'over the bastion' "$(cat "$T/ssh/bastion.log")" '*Accepted publickey*'
image bastion "$(with_key "$main" "{$through, ssh_bastion_private_key_file: \"stranger\"}")"; breaks 'which must let us in' bastion "the bastion*refuses the login*"
image bastion "$(with_key "$(free_port)" "{$through, ssh_timeout: \"2s\"}")"; breaks 'and reach the host' bastion 'bastion does not connect*'
socks=$(free_port)
ssh -N -D "127.0.0.1:$socks" -p "$bastion" -i "$T/keys/plain" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes "$user@127.0.0.1" > "$T/ssh/socks.log" 2>&1 &
background="$background $!"; wait_port "$socks"
image proxy "$(with_key "$main" "{ssh_proxy_host: \"127.0.0.1\", ssh_proxy_port: $socks}")" "$(lines 'echo by socks')"; builds 'through a SOCKS5 proxy' proxy
like 'which tells' "$log_text" '*by socks*'
guarded=$(free_port)
microsocks -i 127.0.0.1 -p "$guarded" -u me -P secret > "$T/ssh/microsocks.log" 2>&1 & background="$background $!"; wait_port "$guarded"
image proxy "$(with_key "$main" "{ssh_proxy_host: \"127.0.0.1\", ssh_proxy_port: $guarded, ssh_proxy_username: \"me\", ssh_proxy_password: \"secret\"}")"; builds 'one that asks who we are' proxy
image proxy "$(with_key "$main" "{ssh_proxy_host: \"127.0.0.1\", ssh_proxy_port: $guarded, ssh_proxy_username: \"me\", ssh_proxy_password: \"wrong\"}")"; breaks 'and refuses others' proxy 'refuses ssh_proxy_username*'
image proxy "$(with_key "$main" "{ssh_proxy_host: \"127.0.0.1\", ssh_proxy_port: $guarded}")"; breaks 'or nobody' proxy 'wants a login*'

# ---- dropbear ----

if [ "$(id -u)" = 0 ]; then
	mkdir -m 700 "$T/guest/.ssh"; cp "$T/ssh/authorized" "$T/guest/.ssh/authorized_keys"; chown -R 12345:12345 "$T/guest/.ssh"; chmod 755 "$T/guest"
	port=$(free_port); dropbearkey -t ed25519 -f "$T/ssh/dropbear" > /dev/null 2>&1
	serve dropbear /usr/sbin/dropbear -F -E -p "127.0.0.1:$port" -r "$T/ssh/dropbear" -P "$T/ssh/dropbear.pid"; wait_port "$port"
	image dropbear "$(with_key "$port")" "[{\"type\": \"shell\", \"inline\": [\"echo at dropbear\"]}, {\"type\": \"file\", \"source\": \"tree/\", \"destination\": \"$T/guest/dropbear\"},
		{\"type\": \"shell\", \"inline\": [\"exit 9\"], \"valid_exit_codes\": [9]}]"
	builds 'dropbear' dropbear
	is 'with files' "$(cat "$T/guest/dropbear/deep/er/end")" end
	image dropbear "$(host "$port" '{ssh_password: "opensesame"}')" "$(lines 'id -un')"; builds 'a password there' dropbear
	image dropbear "$(host "$port" '{ssh_password: "wrong"}')"; breaks 'a wrong one' dropbear 'refuses the login of guest*'
	image dropbear "$(host "$port" '{ssh_private_key_file: "rsa"}')"; apply dropbear
	like 'a key of RSA: it takes SHA-1 or says why not' "$code $out" '[01] *'
	image dropbear "$(with_key "$port")" "$(lines 'kill -9 $$')"; breaks 'a signal' dropbear 'signal 9*'
else
	skip 'dropbear' 'only root can make a user for it'
fi

# ---- what a template cannot say ----

plan_reason() { kiln plan "$1" --json 2> /dev/null | jq -r '.images[0] | .action + " " + (.reasons | map(.kind + ": " + .text) | join("; "))'; }
image bad "$(with_key "$main" '{ssh_file_transfer_method: "ftp"}')"; like 'a method that is none' "$(plan_reason bad)" '*scp, sftp, not "ftp"*'
image bad "$(with_key "$main" '{ssh_password: "x"}')"; like 'two ways to log in' "$(plan_reason bad)" '*only one may be*'
image bad "$(host "$main")"; like 'none' "$(plan_reason bad)" '*one of ssh_password*'
image bad "$(with_key "$main" "{$through, ssh_proxy_host: \"x\"}")"; like 'two detours' "$(plan_reason bad)" '*ssh_bastion_host and ssh_proxy_host*only one may be*'
image bad "$(with_key "$main" '{ssh_port: 70000}')"; like 'a port that is none' "$(plan_reason bad)" '*a port is 1 to 65535*'
image bad "$(with_key "$main" '{ssh_certificate_file: "plain"}')"; like 'a certificate' "$(plan_reason bad)" '*libssh2 1.10 cannot log in with an SSH certificate*'
image bad "$(with_key "$main" '{communicator: "winrm", winrm_host: "x", winrm_username: "y"}')"; like 'WinRM neither' "$(plan_reason bad)" '*WinRM*'
image bad "$(with_key "$main" '{ssh_ciphers: ["nosuch"]}')"; breaks 'a cipher that nobody knows' bad 'ssh_ciphers*'
image bad "$(with_key "$main" '{ssh_ciphers: ["aes128-cbc"], ssh_timeout: "10m"}')"; breaks 'one that the host does not know is not tried for long' bad 'no algorithm in common*'
port=$(free_port); ssh-keygen -q -t rsa -N '' -f "$T/ssh/rsahost"; start_sshd rsahost "$port"
image bad "$(with_key "$port" '{ssh_timeout: "10m"}')"; breaks 'nor a host that only has a key of RSA' bad 'no algorithm in common*ed25519*'
done_testing
