#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same null templates by packer and by kiln, on the same host: the same verdict and the same files.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
. "$ROOT/tests/t/ssh.sh"
if ! command -v packer > /dev/null; then skip 'all of it' 'packer is not installed'; done_testing; fi
key plain ed25519; cp "$T/keys/plain.pub" "$T/ssh/authorized"
port=$(free_port); start_sshd main "$port"
new_repository
cp "$T/keys/plain" .
mkdir -p d/sub; echo 1 > d/one; echo 2 > d/sub/two; chmod 755 d/sub/two
printf 'echo "from $0 as $PACKER_BUILDER_TYPE" | sed "s/script_[0-9]*/script_N/" > "$OUT/script"\n' > s.sh
# template NAME PROVISIONERS [MORE]
both() { with_key "$port" "${3:-{\}}" | jq -c --argjson p "$2" '{variables: {out: "/none"}, builders: [.], provisioners: $p}' > "$1.json"; names="${names:-} $1"; }
out='{{user `out`}}'
killer='p=$$; while [ "$(cat /proc/$p/comm)" != sshd ]; do p=$(sed "s/.*) . \\([0-9]*\\) .*/\\1/" /proc/$p/stat); done; kill -9 $p; sleep 3'
both plain "$(lines "echo hello > $out/x")"
both failing "$(lines 'exit 7')"
both codes "[{\"type\": \"shell\", \"inline\": [\"exit 3\"], \"valid_exit_codes\": [0, 3]}, {\"type\": \"shell\", \"execute_command\": \"{{.Vars}} sh {{.Path}} a b\",
	\"inline\": [\"echo \$1 \$2 \$A > $out/w\"], \"environment_vars\": [\"A=1\"]}]"
both folders "[{\"type\": \"shell\", \"script\": \"s.sh\", \"environment_vars\": [\"OUT=$out\"]}, {\"type\": \"file\", \"source\": \"d\", \"destination\": \"$out\"},
	{\"type\": \"file\", \"source\": \"d/\", \"destination\": \"$out/\"}]"
both sftp "[{\"type\": \"file\", \"source\": \"d/one\", \"destination\": \"$out/name\"}, {\"type\": \"file\", \"source\": \"d/one\", \"destination\": \"$out/\"}]" '{ssh_file_transfer_method: "sftp"}'
both variables "[{\"type\": \"shell\", \"use_env_var_file\": true, \"inline\": [\"echo \\\"\$A|\$B\\\" > $out/y\"], \"environment_vars\": [\"A=it's\", \"B=\$HOME x\"]}]"
both broken "$(lines "$killer")"
both expected "$(jq -nc --arg k "$killer" --arg out "$out" '[{type: "shell", inline: [$k], expect_disconnect: true}, {type: "shell", inline: ["echo back > \($out)/z"]}]')"
git add -A; git commit -q -m templates
packer_build() { PACKER_NO_COLOR=1 CHECKPOINT_DISABLE=1 PACKER_CACHE_DIR=$T/packer_cache TMPDIR=$T timeout 120 packer build -var "out=$1" "$2.json" < /dev/null; }
kiln_build() { timeout 120 kiln apply --allow host-network -var "out=$1" "$2" < /dev/null; }
for name in $names; do
	for who in packer kiln; do
		mkdir -p "$T/guest/$name/$who"; chmod 777 "$T/guest/$name/$who"
		"${who}_build" "$T/guest/$name/$who" "$name" > "$T/$who.$name" 2>&1; echo $? > "$T/$who.$name.code"
	done
	is "$name: the same verdict" "$(cat "$T/kiln.$name.code")" "$(cat "$T/packer.$name.code")"
	tree_of() { (cd "$T/guest/$name/$1" && find . -printf '%P %m %s\n' | sed 's/ [0-9]*$//; /^ /d' | sort; find . -type f | sort | xargs -r cat); }
	is "$name: the same files" "$(tree_of kiln)" "$(tree_of packer)"
done
is 'both could do something' "$(cat "$T/packer.plain.code") $(cat "$T/guest/plain/kiln/x")" '0 hello'
done_testing
