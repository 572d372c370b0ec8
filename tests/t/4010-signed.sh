#!/bin/sh
# Signed commits: where the operator asks for them, a head that nobody known has signed changes nothing. Real ssh-keygen, gpg and gpgv.
. "$(dirname "$0")/lib.sh"
export GNUPGHOME=$T/gnupg; mkdir -m 700 "$GNUPGHOME" "$T/keys"
trap 'gpgconf --kill all 2>/dev/null; cleanup' EXIT
text() { printf '{"builders": [{"type": "file", "content": "%s", "target": "out.txt"}]}\n' "$2" > "$1.json"; }
content() { cat "$KILN_STATE/catalog/$1/current/files/out.txt" 2>/dev/null; }
new_repository; text a one; text b one
KILN="--config $T/service.json"
# rules JSON: what the operator asks for
rules() { printf '{"repositories": [{"url": "%s", "prune": true, "verify": %s}]}' "$T/images" "$1" > "$T/service.json"; }
ssh_rules() { rules '{"ssh_allowed_signers_file": "'"$T"'/allowed"}'; }
pgp_rules() { rules '{"openpgp_keyring_file": "'"$T"'/ring.gpg"}'; }
# signed WITH MESSAGE: a commit; WITH is a file of an SSH key
signed() { git add -A && git -c gpg.format=ssh -c user.signingkey="$1" commit -q --allow-empty -S -m "$2" 2> "$T/git.err" || fail "git signs with $1"; }
gpg_signed() { git add -A && git -c gpg.format=openpgp -c gpg.program="${3:-gpg}" -c user.signingkey="$1" commit -q --allow-empty -S -m "$2" 2> "$T/gpg.err" || fail "git signs with $1" "$(cat "$T/gpg.err")"; }
verdict() { kiln plan --json $KILN 2>/dev/null | jq -r '[.images[] | .action + " " + (.reasons[0].kind // "-")] | unique | join(", ")'; }
why() { kiln plan --json $KILN 2>/dev/null | jq -r '.images[0].reasons[0].text'; }
refused() { is "$1" "$(verdict)" 'blocked unsigned'; like "and it is said why" "$(why)" "commit $(git rev-parse --short=12 HEAD) is not accepted: $2"; }
accepted() { unlike "$1" "$(verdict)" '*unsigned*'; }

for key in ann bob late expired other; do ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$T/keys/$key"; done
ssh-keygen -q -t rsa -b 3072 -N '' -C rsa -f "$T/keys/rsa"
line() { printf '%s %s %s\n' "$1" "$2" "$(cut -d' ' -f1,2 "$T/keys/$3.pub")"; }
# commits are of 2024-01-02
{ echo '# the team'; line ann@example.org 'namespaces="git"' ann; line rsa@example.org,second@example.org '' rsa
  line expired@example.org 'valid-before="20240101Z"' expired; line late@example.org 'valid-after="20240201Z"' late
  line files@example.org 'namespaces="file"' other; } > "$T/allowed"
ssh_rules

# ---- SSH ----
commit unsigned
refused 'a commit without a signature' 'it is not signed'
fails 'and is not built' kiln apply $KILN
like 'as apply says' "$out" '*it is not signed*'
is 'there is nothing' "$(content a)" ''
signed "$T/keys/ann" good
is 'one of a key that is allowed is accepted' "$(verdict)" 'create new'
succeeds 'and built' kiln apply $KILN
is 'and live' "$(content a)" one
good=$(git rev-parse HEAD)

text a two; signed "$T/keys/bob" 'not known'
refused 'a key that nobody knows' "it is signed with the ED25519 key SHA256:*, which $T/allowed does not allow at the commit's time (2024-01-02T03:04:05Z)"
fails 'changes nothing' kiln apply $KILN
is 'what is live stays' "$(content a)" one
line bob@example.org '' bob >> "$T/allowed"
accepted 'until the operator allows it'
sed -i '/^bob/d' "$T/allowed"
refused 'and takes that back' '*does not allow*'

git checkout -q -B main "$good"; text a four; signed "$T/keys/rsa" 'by RSA'
succeeds 'an RSA key, the second of two names' kiln apply $KILN
is 'goes on from there' "$(content a) $(content b)" 'four one'
good=$(git rev-parse HEAD)

git rm -q b.json; echo '{"defaults": {"keep": {"last": 0}}}' > kiln.json; text a three
commit 'takes away what there is'
fails 'an unsigned commit that removes an image' kiln apply $KILN
like 'is refused' "$out" '*it is not signed*'
phases() { kiln show "$1" --json | jq -r '[.versions[].phase] | sort | join(" ")'; }
is 'which takes nothing away, also where the repository is pruned' "$(phases a), $(phases b)" 'live superseded, live'
fails 'not by force either' kiln apply a --force $KILN
git checkout -q -B main "$good"
text a five; signed "$T/keys/expired" 'valid before'
refused 'a key that had expired' '*does not allow at the commit*'
signed "$T/keys/late" 'valid after'
refused 'one that was not valid yet' '*does not allow at the commit*'
GIT_COMMITTER_DATE=2024-03-01T00:00:00Z; signed "$T/keys/late" 'valid after'
accepted 'when it is, it is'
GIT_COMMITTER_DATE=2024-01-02T03:04:05Z
signed "$T/keys/other" 'for files'
refused 'a key that is allowed for other things' 'it is signed with the ED25519 key SHA256:*, which * does not allow for git'

# alter PROGRAM: HEAD's object goes through it, and what comes out is HEAD
alter() { git reset -q --soft "$(git cat-file commit HEAD | "$@" | git hash-object -t commit -w --stdin)"; }
signed "$T/keys/ann" 'the truth'
accepted 'of a good one'
alter sed 's/the truth/a lie/'
refused 'no letter may be another' 'its SSH signature does not fit it: *incorrect*'
signed "$T/keys/ann" 'the tree'
alter sed "s/^tree .*/tree $(git rev-parse "$good^{tree}")/"
refused 'nor its tree' 'its SSH signature does not fit it: *incorrect*'
signed "$T/keys/ann" 'the end'
alter sh -c 'cat; printf "\0more"'
refused 'nor may anything follow' '*NUL*'
signed "$T/keys/ann" garbled
alter sed 's/^ [A-Za-z0-9+/]/ !/'
refused 'what is no signature is none' 'its SSH signature does not fit it: *'
# sign NAMESPACE: HEAD as a commit that is signed for that
sign() {
	git cat-file commit HEAD > "$T/payload"; rm -f "$T/payload.sig"
	ssh-keygen -q -Y sign -n "$1" -f "$T/keys/ann" "$T/payload" 2> /dev/null
	{ sed '/^$/,$d' "$T/payload"; sed '1s/^/gpgsig /; 2,$s/^/ /' "$T/payload.sig"; sed -n '/^$/,$p' "$T/payload"; } | git hash-object -t commit -w --stdin
}
commit plain; git reset -q --soft "$(sign git)"
accepted 'signed by hand as git does it'
commit plain; git reset -q --soft "$(sign file)"
refused 'signed as something else than a commit' 'its SSH signature does not fit it: *namespace*'
commit plain; head -c 70000 /dev/zero | tr '\0' x | fold -w 70 > "$T/payload.big"
git cat-file commit HEAD > "$T/payload"
git reset -q --soft "$({ sed '/^$/,$d' "$T/payload"; echo 'gpgsig -----BEGIN SSH SIGNATURE-----'; sed 's/^/ /' "$T/payload.big"; sed -n '/^$/,$p' "$T/payload"; } | git hash-object -t commit -w --stdin)"
refused 'a signature beyond all measure' 'its signature is larger than *'
commit 'unsigned, but'; git -c gpg.format=ssh -c user.signingkey="$T/keys/ann" tag -s -m signed v1
refused 'the signature of a tag is not the commit'"'"'s' 'it is not signed'
is 'nor where the tag is what is planned' "$(kiln plan --at v1 --json $KILN 2>/dev/null | jq -r '.images[0].reasons[0].kind')" unsigned
printf x > "$T/allowed.off"; mv "$T/allowed" "$T/allowed.on"
signed "$T/keys/ann" 'once more'
fails 'without the file nothing can be found out' kiln plan $KILN
like 'which is said' "$err" '*ssh_allowed_signers_file*No such file*'
mv "$T/allowed.on" "$T/allowed"

# what a signature vouches for by name must be what the name says
blob=$(git rev-parse HEAD:a.json); file=.git/objects/$(printf '%s' "$blob" | sed 's|^..|&/|')
cp "$file" "$T/object"; chmod u+w "$file"
python3 -c 'import sys, zlib; c = open("a.json", "rb").read().replace(b"five", b"evil"); sys.stdout.buffer.write(zlib.compress(b"blob %d\0" % len(c) + c))' > "$file"
run kiln plan --json $KILN
like 'an object that is another than its name says is found' "$code $out $err" '*not what its name says*'
cp "$T/object" "$file"
succeeds 'the right one is built' kiln apply $KILN
is 'as it was signed' "$(content a)" five

# ---- a program that does not end keeps nobody else waiting ----
signed "$T/keys/ann" 'to be checked for long'; git clone -q --bare . "$T/waits.git"
mkdir "$T/free"; (cd "$T/free" && git init -q -b main && text only one && commit free)
mkdir "$T/hanging"; printf '#!/bin/sh\n[ -e "%s" ] || exec %s "$@"\necho begun >> "%s"\nexec sleep 1000\n' "$T/hangs" "$(command -v ssh-keygen)" "$T/begun" | script "$T/hanging/ssh-keygen"
printf '{"repositories": [{"url": "%s", "name": "waits", "verify": {"ssh_allowed_signers_file": "%s"}}, {"url": "%s", "name": "free"}]}' \
	"$T/waits.git" "$T/allowed" "$T/free" > "$T/waits.json"
first_state=$KILN_STATE first_path=$PATH; export KILN_STATE=$T/state3 PATH="$T/hanging:$PATH"
touch "$T/hangs"; daemon_start "$T/waits.json"
becomes 'a program hangs' 1 grep -c . "$T/begun"
succeeds 'and the daemon answers' kiln status
kiln plan "$T/waits.git" > "$T/planned" 2>&1 & plan=$!
becomes 'what is pushed elsewhere is built' one content free/only
(cd "$T/free" && text only two && commit free)
becomes 'and pushed once more' two content free/only
is 'while it hangs' "$(grep -c . "$T/begun") $(kill -0 "$plan" && echo waits)" '1 waits'
export KILN_STATE="$first_state" PATH="$first_path"

# ---- OpenPGP ----
key() { gpg --batch --quiet --pinentry-mode loopback --passphrase '' ${3:-} --quick-generate-key "$1 <$1@example.org>" "$2" sign "${4:-never}" 2> "$T/gpg.err" || fail "a key for $1" "$(cat "$T/gpg.err")"; }
key Gail ed25519; key Ruth rsa2048; key Vera ed25519; key Stranger ed25519
key Edna ed25519 '--faked-system-time 20200101T000000' 1y
ring() { gpg --batch --quiet --yes --output "$T/ring.gpg" --export Gail Ruth Vera Edna 2> /dev/null; }
ring; pgp_rules
printf '#!/bin/sh\nexec gpg --faked-system-time 20200601T000000 "$@"\n' | script "$T/gpg2020"
refused 'one kind of signature is not the other' 'it is signed with SSH, and repositories\[\].verify has no ssh_allowed_signers_file'
text a six; gpg_signed Gail six
succeeds 'one by a key of the ring is built' kiln apply $KILN
is 'with Ed25519' "$(content a)" six
gpg_signed Ruth rsa; accepted 'with RSA'
gpg_signed Stranger stranger
refused 'a key that is not in the ring' "it is signed with the OpenPGP key *, which $T/ring.gpg does not have"
gpg_signed Edna expired "$T/gpg2020"
refused 'a key that has expired' 'it is signed with a key that has expired: * Edna <Edna@example.org>'
gpg_signed Gail 'the truth'; alter sed 's/the truth/a lie/'
refused 'no letter may be another' 'its OpenPGP signature does not fit it: * Gail*'
gpg_signed Vera vera; accepted 'a key'
sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$(gpg --batch --with-colons --list-keys Vera | awk -F: '$1 == "fpr" { print $10; exit }').rev" | gpg --batch --quiet --import 2> /dev/null
ring
refused 'until it is revoked' 'it is signed with a key that was revoked: * Vera*'
printf -- '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n' | sed 's/^/ /' > "$T/payload.big"
commit plain; git cat-file commit HEAD > "$T/payload"
git reset -q --soft "$({ sed '/^$/,$d' "$T/payload"; sed '1s/^ /gpgsig /' "$T/payload.big"; sed -n '/^$/,$p' "$T/payload"; } | git hash-object -t commit -w --stdin)"
refused 'what is no signature is none' 'its OpenPGP signature is none that gpgv can read'
gpg --batch --quiet --yes --armor --output "$T/ring.gpg" --export Gail; gpg_signed Gail 'armored ring'
fails 'a ring that gpgv cannot read' kiln plan $KILN
like 'is said' "$err" '*without --armor*'
ring
rules '{"ssh_allowed_signers_file": "'"$T"'/allowed", "openpgp_keyring_file": "'"$T"'/ring.gpg"}'
accepted 'with both files either will do'
signed "$T/keys/ann" both; accepted 'the other too'
mkdir "$T/bin"; for program in kiln kilnd; do ln -s "$BIN/$program" "$T/bin/"; done
for program in gpgv sh; do ln -s "$(command -v $program)" "$T/bin/"; done
run env PATH="$T/bin" kiln plan $KILN
like 'without ssh-keygen it is an error that says what to install' "$code $err" '1 *ssh-keygen*openssh-client*'
printf '{"repositories": [{"url": "%s", "verify": {}}]}' "$T/images" > "$T/service.json"
fails 'rules without a key are none' kiln plan $KILN
like 'as is said' "$err" '*names no keys*ssh_allowed_signers_file*'

# ---- the program that did not end ----
wait "$plan"; is 'who asked has waited for as long as it may take' "$?" 1
like 'and is told' "$(cat "$T/planned")" '*the signature of commit *: the program that checks it did not end within 20 seconds*'
rm "$T/hangs"; becomes 'when it ends again, what is signed is built' five eval 'KILN_STATE=$T/state3 content waits/a'
daemon_end

# ---- the daemon ----
ssh_rules; text a seven; text b seven; signed "$T/keys/ann" seven
git init -q --bare -b main "$T/pushed.git"; git remote add pushed "$T/pushed.git"
sed 's|"url": "[^"]*"|"url": "'"$T"'/pushed.git", "name": "images", "ref": "refs/heads/main", "poll": "1h"|' "$T/service.json" > "$T/daemon.json"
export KILN_STATE=$T/state2; push() { git push -q --force pushed HEAD:main; }
push; daemon_start "$T/daemon.json"
becomes 'what is signed is built' 'seven seven' eval 'echo $(content a) $(content b)'
text a eight; commit unsigned; push
becomes 'what is not is said' 1 grep -c 'images: commit .* is not accepted: it is not signed' "$T/daemon"
is 'and what is live stays' "$(content a) $(content b)" 'seven seven'
signed "$T/keys/ann" 'nothing more'; push
becomes 'a good head goes on, with what the one before it had changed' 'eight seven' eval 'echo $(content a) $(content b)'
busybox_tar busybox.tar; template slow.json busybox.tar slow.sh; printf 'sleep 6; echo slow > /etc/slow\n' | script slow.sh
signed "$T/keys/ann" slow; push
slow() { kiln show slow --json | jq -r '.builds[-1].phase'; }
becomes 'a build that takes its time' building slow
echo 'echo more' >> slow.sh; commit 'unsigned, with another'; push
becomes 'another unsigned head' 2 grep -c 'images: commit .* is not accepted: it is not signed' "$T/daemon"
git rm -q slow.json; git commit -qm 'unsigned, and without it'; push
becomes 'and one more' 3 grep -c 'images: commit .* is not accepted: it is not signed' "$T/daemon"
is 'come while it is under way' "$(slow)" building
becomes 'and do not end it' live slow
daemon_end; sed 's/"1h"/"1s"/' "$T/daemon.json" > "$T/often.json"; daemon_start "$T/often.json"
signed "$T/keys/bob" 'by Bob'; push
becomes 'a head of somebody who is not known yet' 1 grep -c 'images: commit .* does not allow' "$T/daemon"
text b nine; signed "$T/keys/bob" 'by Bob'; push
becomes 'and his next' 2 grep -c 'images: commit .* does not allow' "$T/daemon"
line bob@example.org '' bob >> "$T/allowed"
becomes 'goes on when the operator allows him' nine content b
done_testing
