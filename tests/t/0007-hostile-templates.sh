#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Templates that mean harm: a clear error each, in 256 MB, and through a repository the image that is live stays.
. "$(dirname "$0")/lib.sh"

mkdir "$T/bad" && cd "$T/bad" || exit 1
python3 - << 'EOF'
import json
def write(name, template): json.dump(template, open(name + '.json', 'w'))
def content(name, text): write(name, {'builders': [{'type': 'file', 'target': 'x', 'content': text}]})
content('big', 'a' * 50_000_000)
open('deep.json', 'w').write('{"builders":' + '[' * 10000 + '{}' + ']' * 10000 + '}')
double = {'v0': 'a' * 16, **{'v%d' % i: '{{user `v%d`}}' % (i - 1) * 2 for i in range(1, 60)}}
write('doubling', {'variables': double, 'builders': [{'type': 'file', 'target': 'x', 'content': '{{user `v59`}}'}]})
write('circle', {'variables': {'a': '{{user `b`}}', 'b': '{{user `a`}}'}, 'builders': [{'type': 'file', 'target': 'x'}]})
open('nul.json', 'wb').write(b'{"builders":[{"type":"file","target":"x\0y"}]}')
open('escaped-nul.json', 'wb').write(b'{"builders":[{"type":"file","target":"x\\u0000y"}]}')
open('lone-bytes.json', 'wb').write(b'{"builders":[{"type":"file","target":"x\xff\xfe","contents":""}]}')
content('open', '{{' * 100000)
content('nested-if', '{{if true}}' * 20000 + '{{end}}' * 20000)
content('parentheses', '{{' + '(' * 50000 + '1' + ')' * 50000 + '}}')
content('endless', '{{define "a"}}{{template "a"}}{{template "a"}}{{end}}{{template "a"}}')
text = '"a"'
for i in range(10): text = '(replace_all "a" "aaaaaaaaaa" %s)' % text
content('growing', '{{' + text + '}}')
content('precise', '{{printf "%.999999g" 1.5}}' * 20000)
content('long-name', '{{$x := printf "%999999d" 1}}' + '{{user $x}}' * 20000)
content('wide', '{{printf "%1000000000d" 1}}{{nofunc}}')
EOF
ln -s loop.json loop.json

# refused FILE PATTERN
refused() {
	run sh -c 'ulimit -v 262144; exec timeout 60 kiln validate "$1"' sh "$1.json"
	is "$1: refused" "$code" 1
	like "$1: with the reason" "$err" "kiln: $1.json*$2*"
}
refused big '*larger than*bytes'
refused deep ':1:*nested more than*levels deep'
refused doubling ':1:*variable v*more than 16777216 bytes'
refused circle ':1:*variable not set'
refused nul ':1:40:*0x00'
refused escaped-nul ':1:40:*u0000'
refused lone-bytes ':1:*unknown option '\''contents'\'''
refused loop 'symbolic links'
refused open ':1:*unexpected'
refused nested-if ':1:*nested too deep'
refused parentheses ':1:*nested too deep'
refused endless ':1:*nested too deep'
refused growing ':1:*more than 16777216 bytes'
refused long-name ':1:*more than 16777216 bytes'
succeeds 'precise: digits that no number has take no time' sh -c 'ulimit -t 20; exec kiln validate precise.json'
refused wide 'no function "nofunc"'

# ---- from a repository ----

new_repository
echo '{"builders": [{"type": "file", "target": "t", "content": "fine"}]}' > note.json; commit one
kiln apply > /dev/null 2>&1
expect_live note 1
for file in deep doubling circle nul escaped-nul open nested-if parentheses endless growing; do
	cp "$T/bad/$file.json" note.json; commit "$file"
	expect_action note blocked "$file: the image is blocked"
	run kiln apply
	expect_live note 1 "$file: and its version stays live"
done
done_testing
