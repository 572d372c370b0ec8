#!/bin/sh
# Templates in HCL2: packer alone reads them, kiln finds what they name.
. "$(dirname "$0")/lib.sh"
if ! command -v packer > /dev/null; then
	skip 'templates in HCL2' 'packer is not installed'
	done_testing
fi
new_repository
powers="--allow packer-engine --allow shell-local"
images() { printf '{"images": {%s}}\n' "$1" > kiln.json; commit images; }
reason() { kiln plan "$1" --json 2>/dev/null | jq -r --arg n "$1" '.images[] | select(.name == $n) | "\(.action) \(.reasons[0].kind) \(.reasons[0].text)"'; }
inputs() { kiln inputs "$1" --at HEAD 2>/dev/null; }

mkdir -p web/parts
cat > web/web.pkr.hcl <<'EOF'
# file("not this one")
source "file" "page" {
  content = "${var.title} ${file("parts/text")} ${fileexists("parts/maybe") ? file("parts/maybe") : "no more"}"
  target  = "out/page.html"
}
source "null" "none" { communicator = "none" }
build {
  sources = ["source.file.page", "source.null.none"]
  provisioner "shell-local" {
    script = "${path.root}/say.sh"
  }
  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "out/{{.BuildName}}.sum"
  }
}
EOF
printf 'variable "title" {\n  type = string\n}\n' > web/variables.pkr.hcl
echo 'text' > web/parts/text; echo unused > web/parts/unused
printf '#!/bin/sh\necho "said in $PWD"\n' | script web/say.sh
commit templates
is 'only kiln.json makes images of them' "$(kiln plan --json 2>/dev/null | jq '.images | length')" 0
images '"web": {"template": "web", "build": "file.page", "variables": {"title": "one"}}'
like 'they need packer, and its power' "$(reason web)" 'blocked not-allowed *HCL2*packer-engine*'
like 'and those of what they name' "$(kiln apply web --allow packer-engine 2>&1)" '*provisioner shell-local needs the power shell-local*'
is 'the closure has the files, those that functions name, and what is looked for in vain' \
	"$(inputs web | sed -n 's/^\(file\|absent\) \([^ ]*\).*/\1 \2/p' | tr '\n' ' ')" \
	'absent web/*.auto.pkrvars.hcl absent web/*.auto.pkrvars.json absent web/*.pkr.json absent web/parts/maybe file web/parts/text file web/say.sh file web/variables.pkr.hcl file web/web.pkr.hcl '
succeeds 'it is built' kiln apply web $powers
is 'as packer does' "$(cat "$(kiln path web)"/page.html 2>/dev/null || cat "$(kiln path web)")" 'one text
 no more'
is 'with what it made' "$(ls "$KILN_STATE/catalog/web/1/files" | tr '\n' ' ')" 'page.html page.sum '
like 'where the template is' "$(kiln log web)" '*said in /run/kiln/repository/web*'
is 'nothing is to be done then' "$(kiln apply web $powers 2>/dev/null | tail -n 1)" '1 unchanged'
echo changed > web/parts/unused; commit unused
is 'nor for a file that nothing names' "$(kiln apply web $powers 2>/dev/null | tail -n 1)" '1 unchanged'
echo more > web/parts/maybe; commit maybe
succeeds 'what was looked for in vain' kiln apply web $powers
expect_live web 2 'counts once it is there'
like 'and is why' "$(kiln why web@2)" '*parts/maybe*'
echo 'title = "from a file"' > web/values.auto.pkrvars.hcl
images '"web": {"template": "web", "build": "file.page"}'
succeeds 'values that are found by their name' kiln apply web $powers
like 'are taken' "$(cat "$KILN_STATE/catalog/web/3/files/page.html")" 'from a file text*'
echo 'title = "named"' > named.pkrvars.hcl
images '"web": {"template": "web", "build": "file.page", "var_files": ["named.pkrvars.hcl"]}'
succeeds 'as are those of var_files' kiln apply web $powers
like 'over them' "$(cat "$KILN_STATE/catalog/web/4/files/page.html")" 'named text*'
images '"web": {"template": "web", "build": "file.nosuch", "var_files": ["named.pkrvars.hcl"]}'
fails 'a build that there is not' kiln apply web $powers
like 'is told' "$out" '*made nothing*'
expect_live web 4 'and the previous image stays'

# one file, all of its builds, a secret, JSON
cat > all.pkr.json <<'EOF'
{"variable": {"secret": {"type": "string"}}, "source": {"null": {"a": {"communicator": "none"}, "b": {"communicator": "none"}}},
 "build": {"sources": ["source.null.a", "source.null.b"], "provisioner": {"shell-local": {"inline": ["echo secret: ${var.secret}; pwd"]}}}}
EOF
images '"all": {"template": "all.pkr.json", "variables": {"secret": {"secret": "pw"}}}'
printf 'hush-hush-hush' > "$T/secret"
printf '{"repositories": [{"url": "%s", "allow": ["packer-engine"], "secrets": {"pw": {"file": "%s"}}}]}' "$repository" "$T/secret" > "$T/service.json"
fails 'one in JSON' kiln apply all --config "$T/service.json"
like 'is looked through as well' "$out" '*provisioner shell-local needs the power shell-local*'
sed -i 's/"packer-engine"/"packer-engine", "shell-local"/' "$T/service.json"
succeeds 'all of its builds are one image' kiln apply all --config "$T/service.json"
is 'both run' "$(kiln log all --config "$T/service.json" | grep -c 'secret: <sensitive>')" 2
unlike 'no secret is in its closure' "$(kiln inputs all --config "$T/service.json")" '*hush*'

# what cannot be
bad() { printf '%s\n' "$1" > bad.pkr.hcl; images '"bad": {"template": "bad.pkr.hcl"}'; }
bad 'source "null" "x" { communicator = "none'
like 'a broken one is told with its line' "$(kiln apply bad $powers 2>&1)" '*bad.pkr.hcl:1:*string that does not end*'
bad 'locals { x = file("../../etc/passwd") }'
like 'a path that leads out' "$(kiln apply bad $powers 2>&1)" '*leads out of the repository*'
bad 'locals { x = file("/etc/passwd") }'
like 'an absolute one' "$(kiln apply bad $powers 2>&1)" '*/etc/passwd*outside-path*'
bad 'build { provisioner shell-local { inline = ["true"] } }'
like 'a label without quotes is one' "$(kiln apply bad --allow packer-engine 2>&1)" '*provisioner shell-local needs the power*'
bad 'source "rootfs" "x" { base = "y" }'
like 'a builder of kiln alone' "$(kiln apply bad $powers 2>&1)" '*Packer has no builder rootfs*'
bad 'source "null" "x" { communicator = "none" }
build { sources = ["source.null.x", "source.null.y"] }'
fails 'one that packer refuses' kiln apply bad $powers
like 'with its words' "$out" '*packer: *Unknown*source*null.y*'
images '"bad": {"template": "bad.pkr.hcl", "engine": "native"}'
like 'kiln itself reads none' "$(kiln apply bad $powers 2>&1)" '*kiln itself reads no templates in HCL2*'
images '"bad": {"template": "web/parts"}'
like 'a folder without any' "$(kiln apply bad $powers 2>&1)" '*without *.pkr.hcl*'
expect_whole
done_testing
