#!/bin/sh
# The manual, the schemas and the completion say what the program does.
. "$(dirname "$0")/lib.sh"
docs=$ROOT/docs man=$ROOT/docs/man
verbs=$(kiln --help | sed -n 's/^  \([a-z]*\) .*/\1/p')

# A page as it is read, without overstrikes, and no line broken.
page() { mandoc -T ascii -O width=1000 "$man/$1" | sed "s/.$(printf '\b')//g"; }
# example PAGE N: the Nth literal block of its EXAMPLES
example() {
	sed -n '/^\.Sh EXAMPLES/,$p' "$man/$1" |
		awk -v wanted="$2" '/^\.Bd -literal/ { n++; next } /^\.Ed/ { if (n == wanted) exit } n == wanted' |
		sed 's/\\e/\\/g; s/\\-/-/g; s/\\&//g'
}
# The keys that a page has, of all or of what stands between a heading and the next: `.It Ic KEY , KEY : type`
keys_of() { # PAGE [HEADING]
	awk -v heading="${2:-}" '/^\.S[hs] / { inside = $0 ~ "^.S[hs] " heading } inside || heading == ""' "$man/$1" |
		sed -n 's/^\.It Ic \(.*\)/\1/p' | sed 's/ : .*//; s/ , /\n/g' | LC_ALL=C sort -u
}
# What is marked up as a word of a list below a heading: `.It Cm WORD`
words_of() {
	awk -v heading="$2" '/^\.S[hs] / { inside = $0 ~ "^.S[hs] " heading } inside' "$man/$1" |
		sed -n 's/^\.It Cm \([a-z-]*\).*/\1/p' | LC_ALL=C sort -u
}
lines() { printf '%s\n' "$@" | LC_ALL=C sort -u; }
# same WHAT LINES LINES: equal sets; what is only in one is shown
same() {
	lines "$2" > "$T/left"; lines "$3" > "$T/right"
	is "$1" "$(diff "$T/left" "$T/right" | grep '^[<>]')" ''
}

# ---- the pages ----

for file in "$man"/*; do
	name=${file##*/}
	run mandoc -T lint -W warning "$file"
	is "$name is clean" "$out$err" ''
	is "$name says its licence" "$(sed -n 1p "$file")" '.\" SPDX-License-Identifier: Apache-2.0'
done
page kiln.1 | sed 's/^ *//; s/ *$//' > "$T/kiln.1"
for verb in $verbs; do
	usage=$(kiln "$verb" -h | sed -n 's/^usage: //p')
	if grep -qxF -e "$usage" "$T/kiln.1"; then
		pass "kiln.1 has the synopsis of $verb"
	else
		fail "kiln.1 has the synopsis of $verb" "$usage"
	fi
	for flag in $(kiln "$verb" -h | sed -n 's/^  --\([a-z-]*\)[ =].*/\1/p'); do
		grep -q -e "^--*$flag\([ =]\|\$\)" -e "[, ]--$flag\$" "$T/kiln.1" || fail "kiln.1 has --$flag of $verb"
	done
done
same 'and no other verb' "$(sed -n 's/^\.\(It Xo\|It \)*Nm Cm \([a-z]*\).*/\2/p' "$man/kiln.1")" "$verbs"
same 'kiln.1 has every action of a plan' "$(sed -n '/^The actions are/,/^\.El/s/^\.It Cm //p' "$man/kiln.1")" \
	"$(sed -n 's/.*\[ACTION_[A-Z]*\] = {"\([a-z]*\)".*/\1/p' "$ROOT/reconciler/plan.c" | grep -vx none)"
same 'kiln-json.5 has every kind of reason' "$(words_of kiln-json.5 REASONS)" \
	"$(sed -n 's/.*\[REASON_[A-Z_]*\] = "\([a-z-]*\)".*/\1/p' "$ROOT/reconciler/reason.c" | grep -vx none)"
same 'kiln-service.json.5 has every power' "$(words_of kiln-service.json.5 POWERS)" \
	"$(kiln doctor --json | jq -r '.powers[].name')"

# ---- the schemas ----

cat > "$T/schema.py" <<'END'
import json, re, sys

MADE_UP = 'made_up_key'

def load(path):
    return json.loads(re.sub(r'(?m)^\s*//.*$', '', open(path).read()))

class Walk:
    """Every key of a schema, and for each a document that has it, and for each object one with a key that is not in it."""
    def __init__(self, schema):
        self.schema, self.keys, self.known, self.unknown, self.refused, self.open = schema, [], {}, {}, [], []
        self.walk(schema, '', lambda value: value)

    def resolve(self, node):
        if '$ref' not in node:
            return node
        found = self.schema
        for name in node['$ref'].lstrip('#/').split('/'):
            found = found[name]
        return {**self.resolve(found), **node}

    def sample(self, node):
        node = self.resolve(node)
        if 'const' in node: return node['const']
        if 'enum' in node: return node['enum'][0]
        return {'integer': node.get('minimum', 1), 'boolean': True, 'array': [], 'object': {}}.get(node.get('type'), '1d')

    def walk(self, node, path, wrap):
        node = self.resolve(node)
        for alternative in node.get('oneOf', []):
            self.walk(alternative, path, wrap)
        properties = {k: self.resolve(v) for k, v in node.get('properties', {}).items()}
        fixed = {k: v['const'] for k, v in properties.items() if 'const' in v}
        if properties or 'patternProperties' in node:
            if node.get('additionalProperties') is not False:
                self.open.append(path or 'the root')
        if properties:
            self.unknown.setdefault(path, []).append(wrap({**fixed, MADE_UP: 1}))
        for key, value in properties.items():
            here = path + '.' + key if path else key
            self.keys.append(here)
            self.known.setdefault(here, []).append(wrap({**fixed, key: self.sample(value)}))
            if value.get('not') == {}:
                self.refused.append(here)
            self.walk(value, here, lambda inner, key=key: wrap({**fixed, key: inner}))
        for value in node.get('patternProperties', {}).values():
            self.walk(value, path + '.NAME', lambda inner: wrap({'NAME': inner}))
        if 'items' in node:
            self.walk(node['items'], path + '[]', lambda inner: wrap([inner]))

def messages(errors):
    for error in errors:
        yield error.message
        yield from messages(error.context)

def write(path, value):
    with open(path, 'w') as file:
        json.dump(value, file)

command, schema = sys.argv[1], json.load(open(sys.argv[2]))
walk = Walk(schema)
if command == 'keys':
    print('\n'.join(sorted(set(walk.keys))))
elif command == 'open':
    print('\n'.join(walk.open))
elif command == 'names': # the last part of each key
    print('\n'.join(sorted({re.sub(r'.*[.]', '', key) for key in walk.keys})))
elif command == 'valid':
    import jsonschema
    jsonschema.Draft202012Validator.check_schema(schema)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(load(sys.argv[3])):
        print(error.message)
elif command == 'made-up': # what of them the schema does not refuse
    import jsonschema
    validator = jsonschema.Draft202012Validator(schema)
    for path, documents in walk.unknown.items():
        for document in documents:
            if not any(MADE_UP in message for message in messages(validator.iter_errors(document))):
                print(path, json.dumps(document))
elif command == 'service-cases': # a file each: service.json stops at its first mistake
    for kind, cases in (('known', walk.known), ('unknown', walk.unknown)):
        for number, path in enumerate(cases):
            write('%s/%s.%d.%s' % (sys.argv[3], kind if path not in walk.refused else 'refused', number, path), cases[path][0])
elif command == 'kiln-cases': # an image each: a mistake blocks its image alone
    images, defaults = {}, {}
    for kind, cases in (('known', walk.known), ('unknown', walk.unknown)):
        for path, documents in cases.items():
            for document in documents:
                image = document.get('images', {}).get('NAME') if path.startswith('images.NAME') else None
                if image is not None:
                    images['%s-%d' % (kind, len(images))] = {'template': 't.json', **image}
                elif kind == 'known' and path.startswith('defaults.'):
                    defaults.update(document['defaults'])
    write(sys.argv[3] + '/images.json', {'images': images})
    write(sys.argv[3] + '/defaults.json', {'defaults': defaults})
    write(sys.argv[3] + '/defaults-unknown.json', {'defaults': {MADE_UP: 1}})
    write(sys.argv[3] + '/root-unknown.json', {MADE_UP: {}})
END
# Any interpreter that has jsonschema
python=
for candidate in python3 /usr/bin/python3; do
	[ -z "$python" ] && "$candidate" -c 'import jsonschema' 2>/dev/null && python=$candidate
done
schema() { "${python:-python3}" "$T/schema.py" "$@"; }
image_keys() { schema keys "$docs/kiln.schema.json" | sed -n "s/^images\.NAME\.//p"; }

for name in kiln service; do
	run schema open "$docs/$name.schema.json"
	is "$name.schema.json: every object is closed" "$code $out" '0 '
done
same 'kiln.json.5 and the schema have the same keys' "$(keys_of kiln.json.5)" "$(lines images defaults "$(image_keys)")"
same 'defaults have all but template and build' \
	"$(schema keys "$docs/kiln.schema.json" | sed -n 's/^defaults\.//p')" "$(image_keys | grep -vx 'template\|build')"
same 'kiln-service.json.5 and the schema have the same keys' "$(keys_of kiln-service.json.5)" \
	"$(schema keys "$docs/service.schema.json")"

# kiln's tables, as they are written
same 'the keys of kiln.json are those of its readers' "$(schema names "$docs/kiln.schema.json" | grep -vx 'type\|secret')" \
	"$(tr '\n' ' ' < "$ROOT/reconciler/definition.c" | grep -o '\(known\|definition_keys\)\[\] = {[^}]*}' | grep -o '"[a-z_0-9]*"' | tr -d '"'
	tr '\n' ' ' < "$ROOT/reconciler/validators.c" | grep -o '(const char \*const\[\]){[^}]*}' | grep -o '"[a-z0-9]*"' | tr -d '"')"
same 'its validators too' "$(jq -r '."$defs".image.properties.validate.items.oneOf[].properties.type.const' "$docs/kiln.schema.json")" \
	"$(sed -n 's/^\t{"\([a-z-]*\)",.*/\1/p' "$ROOT/reconciler/validators.c")"
same 'the keys of service.json are those of its readers' "$(schema names "$docs/service.schema.json")" \
	"$(grep -ho '{"[a-z_]*", SETTING' "$ROOT"/reconciler/service*.c "$ROOT"/reconciler/credentials.c | cut -d'"' -f2)"

# and as they answer
mkdir "$T/cases"
schema service-cases "$docs/service.schema.json" "$T/cases"
wrong=
for case in "$T"/cases/*; do
	run kiln status --config "$case"
	case ${case##*/}:$err in
	known.*'unknown key'* | known.*'not built'*) wrong="$wrong ${case##*/}: $err" ;;
	known.*) ;;
	refused.*'not built yet'* | refused.*'must be'*) ;;
	unknown.*made_up_key*'unknown key'*) ;;
	*) wrong="$wrong ${case##*/}: $err" ;;
	esac
done
is 'kiln takes each key of the service schema for known, and no other' "$wrong" ''
is 'all were tried' "$(ls "$T/cases" | grep -c '^known\|^refused')" "$(schema keys "$docs/service.schema.json" | wc -l)"

new_repository "$T/keys"
echo '{"builders": [{"type": "null", "communicator": "none"}]}' > t.json
schema kiln-cases "$docs/kiln.schema.json" "$T"
cp "$T/images.json" kiln.json; commit images; run kiln plan --json
json 'kiln takes each key of an image for known' \
	'[.images[] | select(.name | startswith("known")) | select(any(.reasons[]; .text | test("unknown key")))] | length' 0
json 'and no other' '[.images[] | select(.name | startswith("unknown")) |
	select(any(.reasons[]; .text | test("unknown key|each variable is|not built yet")) | not) | .name] | length' 0
is 'all were tried' "$(printf '%s' "$out" | jq '[.images[] | select(.name | startswith("known"))] | length >= '"$(image_keys | wc -l)")" true
cp "$T/defaults.json" kiln.json; commit defaults; run kiln plan --json
json 'each key of defaults is known too' '[.images[].reasons[] | select(.text | test("unknown key"))] | length' 0
cp "$T/defaults-unknown.json" kiln.json; commit defaults; run kiln plan --json
json 'and no other' '.images[0].reasons[0].text | test("unknown key")' true
cp "$T/root-unknown.json" kiln.json; commit root; fails 'nor any other at the root' kiln plan
if [ -n "$python" ]; then
	for name in kiln service; do
		run schema made-up "$docs/$name.schema.json"
		is "$name.schema.json refuses what kiln refuses" "$code $out" '0 '
	done
else
	skip 'the schemas refuse what kiln refuses' 'python3-jsonschema is not installed'
fi

# ---- the examples of the files ----

# valid WHAT SCHEMA FILE
valid() {
	if [ -z "$python" ]; then skip "$1" 'python3-jsonschema is not installed'; return; fi
	run schema valid "$docs/$2.schema.json" "$3"
	is "$1" "$code $out" '0 '
}
new_repository "$T/example"
busybox_tar busybox.tar
mkdir -p web/files; echo web > web/files/web
template base.json busybox.tar scripts/base.sh
template web/web.json catalog:base web.sh
jq '.variables = {"release": ""}' web/web.json > "$T/web.json" && mv "$T/web.json" web/web.json
printf 'true\n' | script scripts/base.sh; printf 'echo web > /etc/web\n' | script web/web.sh
example kiln.json.5 1 > kiln.json; commit example
valid 'the example of kiln.json.5 is valid' kiln kiln.json
succeeds 'and kiln takes it' kiln plan --json
json 'with nothing blocked' '[.images[] | .name + " " + .action] | join(", ")' 'base create, web create'
for number in 1 2; do
	example kiln-service.json.5 $number > "$T/service.json"
	valid "example $number of kiln-service.json.5 is valid" service "$T/service.json"
	succeeds 'and kiln takes it' kiln status --config "$T/service.json"
done

new_repository "$T/closure"
echo conf > web.conf
example kiln-closure.5 1 > web.json; commit web
mask() { sed 's/[0-9a-f]\{64\}/DIGEST/g; s/^\(base .*\) .*/\1 DIGEST/; s/^\(backend id-map\) .*/\1 N/'; }
is 'the closure of kiln-closure.5 is the one of its template' "$(kiln inputs web | mask)" "$(example kiln-closure.5 2 | mask)"
cat > all.json <<'END'
{"variables": {"token": ""}, "builders": [{"type": "rootfs", "base": "catalog:web"}],
 "provisioners": [{"type": "file", "source": "web.conf", "destination": "/{{user `token`}}"}]}
END
mkdir sub && git mv web.json sub/
echo '{"images": {"all": {"template": "all.json", "variables": {"token": {"secret": "token"}}, "inputs": ["no*"],
 "steps": [{"index": 0, "open": true}]}}}' > kiln.json; commit all
echo secret > "$T/token"
printf '{"repositories": [{"url": "%s", "secrets": {"token": {"file": "%s"}}}]}' "$T/closure" "$T/token" > "$T/service.json"
same 'it has every kind of line' "$(keys_of kiln-closure.5 KINDS | cut -d' ' -f1)" \
	"$(kiln inputs all --config "$T/service.json" 2>/dev/null | sed '1d; s/ .*//')"

# ---- the example of kiln.1, run ----

new_repository "$T/first/images"
busybox_tar busybox.tar
for number in 1 2 3; do example kiln.1 $number; done > "$T/transcript"
sed '1d; /^\$/,$d' "$T/transcript" > base.json; commit base
grep '^\$ ' "$T/transcript" | sed 's/^..//' > "$T/commands"
while IFS= read -r command; do
	printf '$ %s\n' "$command"
	sh -c "$command" 2>&1 < /dev/null
done < "$T/commands" > "$T/said"
mask() { sed "s|$KILN_STATE|/var/lib/kiln|g" "$1" | sed -E 's/\<[0-9a-f]{64}\>/DIGEST/g; s/\<[0-9a-f]{40}\>/COMMIT/g; s/\<[0-9a-f]{12}\>/COMMIT/g'; }
mask "$T/transcript" > "$T/left"; mask "$T/said" > "$T/right"
is 'the example of kiln.1 goes as it is written' "$(diff "$T/left" "$T/right")" ''
remove_state "$KILN_STATE"

# ---- what the verbs print as JSON, and manifests ----

three_images
printf 'mkdir -p /var/log\necho x > /var/log/x\n' >> scripts/base.sh
jq '.images.web.rebuild = {"every": "30d"}' kiln.json > "$T/kiln.json" && mv "$T/kiln.json" kiln.json; commit rebuild
mkdir "$T/json"
gives() { name=$1; shift; kiln "$@" --json 2>/dev/null >> "$T/json/$name"; }
gives apply apply --on-error=cleanup --no-checkpoints
printf 'echo x > /etc/web\n' | script scripts/web.sh; commit two
gives plan plan; gives plan plan HEAD~1..HEAD
kiln apply > /dev/null 2>&1
for name in status list phases doctor; do gives $name $name; done
gives doctor doctor --backends
for name in show inputs path why log audit; do gives $name $name web; done
gives diff diff web@1 web@2
gives rollback rollback web; gives rollback promote web@1 lab; gives rollback retire web@2
gives hold hold web; gives hold release web
gives --version --version
printf '{"variables": {"a": "b"}, "builders": [{"type": "null"}]}' > v.json
gives validate validate --own-folder base.json; gives inspect inspect v.json
printf 'x\n' | kiln console --json > "$T/json/console"
template chance.json busybox.tar scripts/chance.sh; echo 'head -c 8 /dev/urandom > /etc/chance' | script scripts/chance.sh
jq '.images.chance = {template: "chance.json"}' kiln.json > "$T/kiln.json"; cp "$T/kiln.json" kiln.json; commit chance; kiln apply chance > /dev/null 2>&1
gives verify verify --cold chance
printf '{"limits": {"cache_bytes": 0}}' > "$T/service.json"
gives gc gc --config "$T/service.json"
echo tampered >> "$KILN_STATE/catalog/base/1/SHA256SUMS"
gives verify verify

# The keys of all objects as the pages write them: images[].name; what has a section of its own is not gone into.
emitted() {
	jq -r 'paths | map(if type == "number" then "[]" else "." + . end) | join("")' "$1" | sed -E '
		s/^\.//; s/^(.*)\.\[\]/\1[]/; /(reasons|elsewhere)\[\]/d; s/(channels)\.[a-z]+$/\1.NAME/; /\[\]$/d'
}
for file in "$T/json"/*; do
	name=${file##*/}
	same "kiln-json.5 has what $name prints" "$(keys_of kiln-json.5 "$(printf '%s' "$name" | sed 's/^--/..../')")" "$(emitted "$file")"
done
same 'and what a reason has' "$(keys_of kiln-json.5 REASONS | sed 's/^reasons..\.//')" \
	"$(jq -r '.images[].reasons[] | keys[]' "$T/json/plan")"
same 'every verb has a section' "$(sed -n 's/^\.Ss //p' "$man/kiln-json.5" | grep -v version | sed 's/ and \|, /\n/g')" "$verbs"
same 'kiln-catalog.5 has what manifests have' "$(keys_of kiln-catalog.5)" \
	"$(cat "$KILN_STATE"/catalog/*/1/manifest.json > "$T/manifests"; emitted "$T/manifests" | grep -v '^backend\.\|^policy\.validate\[\]\|^policy\.rebuild\.')"

# ---- completion ----

succeeds 'the completion is bash' bash -n "$docs/completion/kiln.bash"
complete() {
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kiln kiln "${!#}"; printf "%s\n" "${COMPREPLY[@]}"' \
		"$docs/completion/kiln.bash" "$@" | tr '\n' ' ' | sed 's/ $//'
}
is 'it completes a verb' "$(complete kiln pl)" plan
is 'every verb' "$(complete kiln '')" "$(echo $verbs) help"
is 'a flag of a verb' "$(complete kiln plan --d)" --detailed-exitcode
is 'one of a single letter' "$(complete kiln log -f)" -f
is 'what a flag takes' "$(complete kiln apply --on-error = a)" abort
is 'an image' "$(complete kiln show w)" web
is 'a template' "$(complete kiln fix web)" web.json
is 'no image where none is taken' "$(complete kiln list w)" ''
mkdir "$T/bin"
for program in bash sed grep tr timeout; do ln -s "$(command -v $program)" "$T/bin/"; done
ln -s "$BIN/kiln" "$BIN/kilnd" "$T/bin/"
is 'and quietly none without jq' "$(PATH=$T/bin complete kiln show w 2>&1)" ''
is 'the picture of the phases is what kiln phases prints' "$(kiln phases)" "$(cat "$ROOT/docs/phases.dot")"
done_testing
