#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Provisioners beside shell and file: ansible here and there, those for Windows, waits; and what every step can have, over ssh.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
. "$ROOT/tests/t/ssh.sh"
key plain ed25519; key other ed25519
cp "$T/keys/plain.pub" "$T/ssh/authorized"
home=$guest_home
mkdir "$T/bin"; chmod 755 "$T/bin"
main=$(free_port)
start_sshd main "$main" "$(printf 'UsePAM no\nPasswordAuthentication yes\nSetEnv PATH=%s/bin:/usr/bin:/bin HOME=%s' "$T" "$home")"
new_repository
printf "%s" "$(cat "$T/keys/plain")" > plain; cp "$T/keys/other" . # OpenSSH alone would miss the last end of line
plan_reason() { kiln plan "$1" --json 2> /dev/null | jq -r '.images[0] | .action + " " + (.reasons | map(.kind + ": " + .text) | join("; "))'; }
count() { printf '%s\n' "$log_text" | grep -c "$1"; }

# ---- waits ----

image plain "$(with_key "$main")" "$(lines 'echo there')"; builds 'a host that lets us in' plain
if [ "$code" != 0 ]; then
	skip 'the rest' "sshd does not let $user in: $(tail -n 1 "$T/ssh/main.log")"
	done_testing
fi
image waits "$(with_key "$main")" '[{"type": "sleep", "duration": "1s"}, {"type": "breakpoint", "disable": true, "note": "look here"}]'
started=$(date +%s%N); builds 'a sleep and a disabled breakpoint' waits
is 'the sleep takes its time' "$((($(date +%s%N) - started) / 1000000 >= 1000))" 1
like 'the note is told' "$log_text" '*disabled: look here*'
image waits "$(with_key "$main")" '[{"type": "breakpoint"}]'
like 'a breakpoint that waits for somebody is refused before' "$(plan_reason waits)" 'blocked *terminal*disable*'

# ---- what every step can have ----

image paused "$(with_key "$main")" '[{"type": "shell", "pause_before": "1s", "inline": ["echo late"]}]'
started=$(date +%s%N); builds 'a pause before a step' paused
is 'is waited for' "$((($(date +%s%N) - started) / 1000000 >= 1000))" 1
image timeout "$(with_key "$main")" '[{"type": "shell", "timeout": "1s", "pause_before": "100ms", "inline": ["sleep 60"]}]'
breaks 'a timeout holds, with a pause too' timeout 'timeout of 1s*'
image sleeping "$(with_key "$main")" '[{"type": "sleep", "timeout": "1s", "duration": "10m"}]'; breaks 'for a sleep as well' sleeping 'timeout of 1s*'
image again "$(with_key "$main")" "[{\"type\": \"shell\", \"max_retries\": 3, \"inline\": [\"echo try >> $T/guest/tries; test \$(wc -l < $T/guest/tries) = 3\"]}]"
builds 'a step is tried again' again
is 'until it succeeds' "$(wc -l < "$T/guest/tries")" 3
rm "$T/guest/tries"
image again "$(with_key "$main")" "[{\"type\": \"shell\", \"max_retries\": 2, \"inline\": [\"echo try >> $T/guest/tries; false\"]}]"
breaks 'and not for ever' again 'exit code 1*'
is 'once and twice more' "$(wc -l < "$T/guest/tries")" 3
with_key "$main" | jq -c --arg f "$T/guest/cleaned" '{builders: [.], provisioners: [{type: "shell", inline: ["false"]}, {type: "shell", inline: ["echo never reached"]}],
	"error-cleanup-provisioner": {type: "shell", inline: ["echo by cleanup > \($f)"]}}' > cleanup.json; git add -A; git commit -qm cleanup
breaks 'a failed step' cleanup 'provisioner 1*'
is 'lets the cleanup run' "$(cat "$T/guest/cleaned")" 'by cleanup'
unlike 'and nothing else' "$log_text" '*never reached*'

# ---- Windows, as far as a Linux machine can play it ----

sent() { cat "$home/powershell.log" 2> /dev/null; rm -f "$home/powershell.log"; }
if [ "$(id -u)" = 0 ]; then
mkdir -p "$home/c:/Windows/Temp" && chmod -R 777 "$home/c:"
cat > "$T/bin/powershell" <<'PY'
#!/usr/bin/python3
# plays PowerShell for the commands that are sent to it: variables, scripts of `write TEXT` and `exit N`, cleanups
import base64, os, re, sys
log = open(os.environ["HOME"] + "/powershell.log", "a")
def name(path): return re.sub(r"-[0-9a-f]{4,}[0-9a-f-]*\.ps1$", "-N.ps1", path)
def say(*words): print(*words, file=log, flush=True)
def script(path, variables):
    for line in open(path).read().split("\n"):
        if m := re.fullmatch(r"write (.*)", line): print(re.sub(r"\$env:(\w+)", lambda x: variables.get(x[1], "?"), m[1]))
        elif m := re.fullmatch(r"exit (\d+)", line): sys.exit(int(m[1]))
        elif m := re.fullmatch(r"if \(Test-Path (.*)\) \{Remove-Item \1\}", line):
            if os.path.exists(m[1]): os.remove(m[1]); say("removed", name(m[1]))
        elif line: sys.exit("what is " + line + "?")
if sys.argv[1] == "-EncodedCommand":
    command = base64.b64decode(sys.argv[2]).decode("utf-16-le"); say("encoded", command)
    if m := re.fullmatch(r'if \(Test-Path "(.*)"\) \{ exit 3 \}; exit 0', command):
        pending = os.environ["HOME"] + "/pending"
        if os.path.exists(pending): os.remove(pending); sys.exit(3)
        sys.exit(0)
    if os.path.exists(os.environ["HOME"] + "/modules"): os.remove(os.environ["HOME"] + "/modules"); sys.exit(1)
    print("HOST restarted."); sys.exit(0)
assert sys.argv[1:3] == ["-executionpolicy", "bypass"], sys.argv
m = re.fullmatch(r"& \{ if \(Test-Path variable:global:ProgressPreference\)\{set-variable -name variable:global:ProgressPreference -value "
    r"'SilentlyContinue'\};(Set-PsDebug -Trace (\d);)?\. (\S+); &'(.+)'; exit (\S*) \}", sys.argv[3])
assert m, sys.argv[3]
if m[2]: say("trace", m[2])
text = open(m[3]).read()
variables = {k: re.sub(r"`(.)", r"\1", v) for k, v in re.findall(r'\$env:(\w+)="((?:[^"`]|`.)*)"; ', text)}
say("run", name(m[4]), name(m[3]))
script(m[4], variables)
PY
ln -s powershell "$T/bin/powershell.exe"
# plays `shutdown`: a restart that takes as many refusals as its file has lines
cat > "$T/bin/shutdown" <<'SH'
#!/bin/sh
echo "shutdown $*" >> "$HOME/powershell.log"
case "$*" in
'/r /f /t 0 /c packer restart') exit 0 ;;
'/r /f /t 60 /c packer restart test') [ -e "$HOME/down" ] && { rm "$HOME/down"; exit 1; }; exit 0 ;;
'/a') exit 0 ;;
esac
exit 87
SH
chmod 755 "$T/bin/powershell" "$T/bin/shutdown"
# the other shell would not know $LastExitCode either
printf 'write from a file\r\n' | tr -d '\r' > s.ps1
image power "$(with_key "$main" '{ssh_file_transfer_method: "sftp"}')" '[{"type": "powershell", "environment_vars": ["A=it'"'"'s $5 \"now\" `t"], "inline": ["write <$env:A> on $env:PACKER_BUILDER_TYPE", "exit 0"]},
	{"type": "powershell", "scripts": ["s.ps1"], "debug_mode": 1}]'
builds 'PowerShell scripts' power
like 'get their variables and say what they say' "$log_text" "*<it's \$5 \"now\" \`t> on null*from a file*"
is 'by the command of Packer, and are removed' "$(sent | tr '\n' ' ')" "$(for i in 1 2; do
	[ $i = 1 ] || echo 'trace 1'; echo 'run c:/Windows/Temp/script-N.ps1 c:/Windows/Temp/packer-ps-env-vars-N.ps1'
	[ $i = 1 ] || echo 'trace 1'; echo 'run c:/Windows/Temp/packer-cleanup-N.ps1 c:/Windows/Temp/packer-ps-env-vars-N.ps1'
	for f in packer-ps-env-vars script packer-cleanup; do echo "removed c:/Windows/Temp/$f-N.ps1"; done
done | tr '\n' ' ')"
is 'all of them' "$(ls "$home/c:/Windows/Temp")" ''
image power "$(with_key "$main")" '[{"type": "powershell", "inline": ["exit 3"], "valid_exit_codes": [0, 3], "remote_path": "c:/Windows/Temp/mine.ps1", "skip_clean": true}]'; builds 'an exit code that is among the valid ones, by scp' power
is 'what is to stay stays' "$(ls "$home/c:/Windows/Temp" | sed 's/[0-9]\{4\}/N/' | tr '\n' ' ')" 'mine.ps1 packer-ps-env-vars-N.ps1 '
rm -f "$home/c:/Windows/Temp/"*
image power "$(with_key "$main")" '[{"type": "powershell", "inline": ["exit 3"]}]'; breaks 'and one that is not' power 'exit code 3*'
image power "$(with_key "$main")" '[{"type": "powershell", "elevated_user": "SYSTEM", "inline": ["exit 0"]}]'
like 'elevated_user is not built' "$(plan_reason power)" 'blocked *elevated_user*'
image power "$(with_key "$main")" '[{"type": "powershell", "execution_policy": "sometimes", "inline": ["exit 0"]}]'
like 'a policy that is none' "$(plan_reason power)" '*execution_policy*'
image batch "$(with_key "$main")" '[{"type": "windows-shell", "environment_vars": ["A=1"], "env_var_format": "%s=%s ", "execute_command": "{{.Vars}} sh \"{{.Path}}\" by hand", "inline": ["echo $A $1 $2"]}]'
builds 'a batch file' batch
like 'with its variables and its command' "$log_text" '*1 by hand*'
is 'stays, as with Packer' "$(cat "$home/c:/Windows/Temp/script.bat")" 'echo $A $1 $2'
rm -f "$home/powershell.log"; touch "$home/down" "$home/modules" "$home/pending"; chmod 777 "$home"/down "$home"/modules "$home"/pending; [ "$(id -u)" = 0 ] && chown 12345:12345 "$home"/down "$home"/modules "$home"/pending
image restart "$(with_key "$main")" '[{"type": "windows-restart", "check_registry": true, "registry_keys": ["HKLM:Some\\Key"]}]'
builds 'a restart' restart
is 'is waited for until PowerShell answers and no key says that another is pending' "$(sent | sed 's/echo .*/echo/' | tr '\n' '|')" \
	'shutdown /r /f /t 0 /c packer restart|shutdown /r /f /t 60 /c packer restart test|encoded echo|encoded echo|encoded if (Test-Path "HKLM:Some\Key") { exit 3 }; exit 0|encoded echo|encoded if (Test-Path "HKLM:Some\Key") { exit 3 }; exit 0|'
image restart "$(with_key "$main")" '[{"type": "windows-restart", "restart_command": "exit 9"}]'; breaks 'one that fails' restart 'restart_command*exit code 9*'
image restart "$(with_key "$main")" '[{"type": "windows-restart", "restart_command": "touch ~/modules ~/down", "restart_check_command": "sleep 60", "restart_timeout": "6s"}]'
breaks 'one that takes too long' restart 'restart_timeout (6s)*'
rm -f "$home/modules" "$home/down"; sent > /dev/null
else
	skip 'Windows' 'only root can make a user whose home may have a folder c:'
fi

# ---- ansible ----

ansible_missing=
command -v ansible-playbook > /dev/null || ansible_missing='ansible-core is not installed'
if [ "$ansible_missing" ]; then
	skip 'ansible-local and ansible' "$ansible_missing"
	done_testing
fi
mkdir -p play/group_vars/web play/tasks roles/greet/tasks vars
cat > play/site.yml <<YML
- hosts: all
  gather_facts: false
  vars: {out: "$T/guest/out"}
  roles: [{role: greet, when: greeting is defined}]
  tasks:
  - ansible.builtin.include_tasks: tasks/more.yml
  - ansible.builtin.copy: {content: "{{ word | default('none') }} {{ packer_builder_type }} {{ inventory_hostname }} {{ group_names | join(',') }}\n", dest: "{{ out }}"}
YML
echo '- ansible.builtin.command: id -un' > play/tasks/more.yml
echo '- ansible.builtin.debug: {msg: "{{ greeting }}"}' > roles/greet/tasks/main.yml
echo 'word: grouped' > vars/web.yml; cp vars/web.yml play/group_vars/web/all.yml
printf -- '- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.fail: {msg: "as told"}}]\n' > fail.yml
written() { cat "$T/guest/out" 2> /dev/null; rm -f "$T/guest/out"; }
staging() { ls -d /tmp/packer-provisioner-ansible-local-* 2> /dev/null; }
staging > "$T/staging"
unstage() { staging | grep -vxF -f "$T/staging" | xargs -r rm -rf; }
image inside "$(with_key "$main")" '[{"type": "ansible-local", "playbook_file": "play/site.yml", "playbook_dir": "play", "role_paths": ["roles/greet"], "group_vars": "vars",
	"inventory_groups": ["web"], "extra_arguments": ["-e", "greeting=hello"], "clean_staging_directory": true}]'
builds 'ansible-local' inside
is 'plays in the image, with folders, roles and groups' "$(written)" 'grouped null 127.0.0.1 web'
like 'and tells' "$log_text" '*hello*ok=*'
is 'its folder is removed' "$(staging)" "$(cat "$T/staging")"
image inside "$(with_key "$main")" "[{\"type\": \"ansible-local\", \"playbook_files\": [\"play/site.yml\", \"fail.yml\"], \"playbook_dir\": \"play\", \"role_paths\": [\"roles/greet\"], \"staging_directory\": \"$T/guest/staging\"}]"
breaks 'several playbooks, of which one fails' inside 'exit code 2*'
is 'those before it ran' "$(written)" 'none null 127.0.0.1 ungrouped'
is 'those of playbook_dir are there once' "$(cd "$T/guest/staging" && find . -name '*.yml' ! -path './roles/*' | sort | tr '\n' ' ')" './fail.yml ./group_vars/web/all.yml ./site.yml ./tasks/more.yml '
image inside "$(with_key "$main")" '[{"type": "ansible-local", "playbook_file": "fail.yml", "command": "nosuch-playbook"}]'; breaks 'without ansible in the image' inside 'not found in the image*'
unstage
image inside "$(with_key "$main")" '[{"type": "ansible-local", "playbook_file": "fail.yml", "playbook_files": ["fail.yml"]}]'
like 'either one or several' "$(plan_reason inside)" '*playbook_files*'

apply() { run timeout 300 kiln apply --allow host-network --allow host-ansible --force "$@"; log_text=$(for i in "$@"; do kiln log "$i" 2> /dev/null; done); }
cp -r roles play/; git add -A
no_tty=; [ "$(id -u)" = 0 ] || no_tty=', "ANSIBLE_SSH_USETTY=False"' # only a server of root's gives terminals
image outside "$(with_key "$main")" '[{"type": "ansible", "playbook_file": "play/site.yml", "groups": ["web"], "user": "somebody", "ansible_env_vars": ["ANSIBLE_HOST_KEY_CHECKING=False", "ANSIBLE_NOCOLOR=1"'"$no_tty"'],
	"extra_arguments": ["-e", "greeting=hello"]}]'
like 'ansible on this machine is a power' "$(plan_reason outside)" 'blocked *needs the power host-ansible*'
builds 'ansible' outside
is 'reaches the host by itself' "$(written)" 'grouped null default web'
like "logs in as the communicator does" "$log_text" "*user somebody is for Packer's proxy*hello*ok=*"
unlike 'and needs no other way to send files' "$log_text" '*[Pp]ermission denied*'
image outside "$(with_key "$main")" '[{"type": "ansible", "playbook_file": "play/site.yml", "inventory_directory": "play", "keep_inventory_file": false, "host_alias": "box", "skip_version_check": true, "ansible_env_vars": ["A=b"'"$no_tty"'], "empty_groups": ["db"], "use_sftp": true,
	"inventory_file_template": "{{.HostAlias}} ansible_host={{.Host}} ansible_user={{.User}} ansible_port={{.Port}} word=templated\n"}, {"type": "shell-local", "inline": ["ls play"]}]'
run timeout 300 kiln apply --allow host-network --allow host-ansible --allow shell-local --force outside; log_text=$(kiln log outside)
is 'an inventory of its own' "$code" 0
is 'is read' "$(written)" 'templated null box ungrouped'
is 'and removed' "$(count 'packer-provisioner-ansible$')" 0
image outside "$(with_key "$main")" '[{"type": "ansible", "playbook_file": "fail.yml"}]'; breaks 'a playbook that fails' outside 'ansible-playbook ended with exit code 2*'
image outside "$(with_key "$main")" '[{"type": "ansible", "playbook_file": "fail.yml", "command": "nosuch-playbook"}]'; breaks 'without ansible on this machine' outside 'nosuch-playbook is not there*ansible-core*'
image outside "$(with_key "$main")" '[{"type": "ansible", "playbook_file": "play/site.yml", "inventory_directory": "play", "user": "nosuchuser", "use_proxy": false}]'; breaks 'another user, without the proxy, must be let in' outside 'ansible-playbook ended with exit code 4*'
like 'and is not' "$log_text" '*nosuchuser@127.0.0.1*'
image outside "$(with_key "$main")" '[{"type": "ansible", "timeout": "3s", "playbook_file": "slow.yml"}]'
printf -- '- hosts: all\n  gather_facts: false\n  tasks: [{ansible.builtin.command: sleep 60}]\n' > slow.yml; git add -A; git commit -qm slow
breaks 'one that takes too long is ended' outside 'timeout of 3s*'
if [ "$(id -u)" = 0 ]; then
	image password "$(host "$main" '{ssh_password: "opensesame"}')" '[{"type": "ansible", "playbook_file": "play/site.yml"}]'
	builds 'a login by password' password
	is 'works too' "$(written)" 'none null default ungrouped'
	unlike 'and the password stands in no log' "$log_text" '*opensesame*'
else
	skip 'a login by password' 'only root can make a user for it'
fi
image bastion "$(with_key "$main" "{ssh_bastion_host: \"127.0.0.1\", ssh_bastion_port: $main, ssh_bastion_username: \"$user\"}")" '[{"type": "ansible", "playbook_file": "fail.yml"}]'
breaks 'a detour is not for ansible' bastion 'bastion*'
image rootfs '{"type": "rootfs", "base": "scratch"}' '[{"type": "ansible", "playbook_file": "fail.yml"}]'
breaks 'nor is a root file system' rootfs 'needs a host that it reaches by ssh*ansible-local*'
is 'no key is left behind' "$(grep -rl 'OPENSSH PRIVATE KEY' "$KILN_STATE"/builds 2> /dev/null | grep -v '/tree/\(plain\|other\)$')" ''

# ---- as Packer does it ----

if ! command -v packer > /dev/null; then skip 'as Packer does it' 'packer is not installed'; done_testing; fi
# both NAME PROVISIONERS: the same template, first by packer, then by kiln; what is left and what was sent are compared
both() {
	with_key "$main" | jq -c --argjson p "$2" '{builders: [.], provisioners: $p}' > "$1.json"; git add -A; git commit -qm "$1"
	sent > /dev/null; written > /dev/null
	for who in packer kiln; do
		case $who in
		packer) PACKER_NO_COLOR=1 CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=$T/packer_cache TMPDIR=$T timeout 300 packer build "$1.json" ;;
		kiln) timeout 300 kiln apply --allow host-network --force "$1" ;;
		esac > "$T/$who.$1" 2>&1 < /dev/null
		{ echo "exit $?"; written; sent; } > "$T/$who.$1.result"
	done
	is "packer and kiln: $1" "$(cat "$T/kiln.$1.result")" "$(cat "$T/packer.$1.result")"
}
staged="$T/guest/staged"
both local '[{"type": "ansible-local", "staging_directory": "'"$staged"'", "playbook_file": "play/site.yml", "playbook_dir": "play", "group_vars": "vars", "inventory_groups": ["web"], "clean_staging_directory": true}]'
both failing '[{"type": "ansible-local", "staging_directory": "'"$staged"'", "playbook_file": "fail.yml", "clean_staging_directory": true}]'
[ "$(id -u)" = 0 ] && both power '[{"type": "powershell", "environment_vars": ["A=$1 `b"], "inline": ["write $env:A", "exit 0"], "debug_mode": 2}]'
[ "$(id -u)" = 0 ] && both batch '[{"type": "windows-shell", "environment_vars": ["A=1"], "env_var_format": "%s=%s ", "execute_command": "{{.Vars}} sh {{.Path}}", "inline": ["echo $A > '"$T/guest/out"'"]}]'
both waiting '[{"type": "sleep", "duration": "1ms"}, {"type": "breakpoint", "disable": true}]'
is 'both could do something' "$(head -n 1 "$T/packer.local.result") $(tail -n 1 "$T/packer.local.result")" 'exit 0 grouped null 127.0.0.1 web'
done_testing
