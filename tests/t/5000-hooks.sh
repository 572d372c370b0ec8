#!/bin/sh
# Webhooks: who knows the secret is believed, that far; nobody else costs more than his answer.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/web.sh"
three_images
for name in first second lab plain; do head -c 20 /dev/urandom | od -An -vtx1 | tr -d ' \n' > "$T/$name"; done
hook() { printf '{"repository": "images", "kind": "%s", "secret_files": [%s]}' "$1" "$2"; }
web_service ", \"hooks\": [$(hook github "\"$T/first\", \"$T/second\""), $(hook gitea "\"$T/first\""),
	$(hook gitlab "\"$T/lab\""), $(hook plain "\"$T/plain\"")]"
start_web

sign() { openssl dgst -sha256 -hmac "$(cat "$T/$1")" | sed 's/.* //'; }
number=0
# push NAME: a payload like GitHub's in $T/push, signed with that secret in $signature; no two are alike
push() {
	number=$((number + 1))
	printf '{"ref":"refs/heads/main","before":"%040d","after":"%040d","repository":{"full_name":"ann/images"},"note":"ü \\" </script>"}' \
		$number $((number + 1)) > "$T/push"
	signature=$(sign "$1" < "$T/push")
}
hooks() { metric "kiln_hooks_total{result=\"$1\"}"; }
post() { get "/hook/${to:-images}" --data-binary "@$T/push" "$@"; }

# ---- without kilnd ----

get /readyz; is 'without kilnd it is not ready' "$code" 503
get / ; is 'and pages say so' "$code" 503
push first
post -H "X-Hub-Signature-256: sha256=$signature" -H 'X-GitHub-Event: push' -H "X-GitHub-Delivery: a"
is 'a hook is taken all the same' "$code" 202
is 'and waits' "$(metric kiln_web_polls_waiting)" 1
start_daemon
until_ok eval '[ "$(metric kiln_web_polls_waiting)" = 0 ]'
is 'kilnd is asked once it is there' "$(metric kiln_web_polls_waiting) $(metric kiln_web_polls_total)" '0 1'
get /readyz; is 'and it is ready' "$code" 200

# ---- who is believed ----

push second; post -H "X-Hub-Signature-256: sha256=$signature"; is 'GitHub, with the second secret' "$code" 202
push first; post -H "X-Gitea-Signature: $signature" -H 'X-Gitea-Event: push' -H 'X-Gitea-Delivery: b'; is 'Gitea' "$code" 202
push first; post -H "X-Gitlab-Token: $(cat "$T/lab")" -H 'X-Gitlab-Event: Push Hook'; is 'GitLab' "$code" 202
post -H "Authorization: Bearer $(cat "$T/plain")"; is 'plain' "$code" 202
get /hook/images -X POST -H "Authorization: Bearer $(cat "$T/plain")"; is 'plain, with nothing to say' "$code" 202
push first; post -H "X-Hub-Signature-256: sha256=$(printf %s "$signature" | tr a-f A-F)"; is 'digits may be capitals' "$code" 202
push first; post -H "X-Hub-Signature-256: sha256=$signature" -H 'X-GitHub-Event: ping'; is 'a ping is answered' "$code" 200
is 'and nothing is done' "$(hooks ignored)" 1
accepted=$(hooks accepted)

push first; post -H "X-Hub-Signature-256: sha256=$signature" -H 'X-GitHub-Delivery: c'; is 'a delivery' "$code" 202
post -H "X-Hub-Signature-256: sha256=$signature" -H 'X-GitHub-Delivery: c'; is 'is taken once' "$code" 200
post -H "X-Hub-Signature-256: sha256=$signature" -H 'X-GitHub-Delivery: d'; is 'under another name too' "$code" 200
post -H "X-Gitea-Signature: $signature"; is 'and as that of another' "$code" 200
is 'that is seen' "$(hooks replayed) $(hooks accepted)" "3 $((accepted + 1))"
accepted=$((accepted + 1))

# ---- who is not ----

refused() { what=$1; shift; post "$@"; is "$what" "$code" 403; }
push first
refused 'no signature'
refused 'a wrong one' -H "X-Hub-Signature-256: sha256=$(printf %064d 0)"
refused 'one that is cut off' -H "X-Hub-Signature-256: sha256=${signature%?}"
refused 'SHA-1' -H "X-Hub-Signature: sha1=$(openssl dgst -sha1 -hmac "$(cat "$T/first")" < "$T/push" | sed 's/.* //')"
refused "GitHub's, with Gitea's header" -H "X-Gitea-Signature: sha256=$signature"
refused "Gitea's, with a secret of GitHub's" -H "X-Gitea-Signature: $(sign second < "$T/push")"
refused "the secret itself where it must sign" -H "X-Hub-Signature-256: $(cat "$T/first")"
refused "another kind's secret" -H "X-Gitlab-Token: $(cat "$T/first")"
refused 'a part of one' -H "X-Gitlab-Token: $(cut -c 1-20 "$T/lab")"
refused 'an empty one' -H 'X-Gitlab-Token;'
refused 'the token of the page' -H "Authorization: Bearer $token"
echo more >> "$T/push"; refused 'another body' -H "X-Hub-Signature-256: sha256=$signature"
push first; to=nosuch; post -H "X-Hub-Signature-256: sha256=$signature"; is 'a repository without hooks' "$code" 404
to=../images; post --path-as-is -H "X-Hub-Signature-256: sha256=$signature"; unlike 'no way around its name' "$code" 2??
to=
get /hook/images; is 'GET is not how' "$code $(header Allow)" '405 POST'
get /hook/images -X PUT; is 'nor PUT' "$code" 405
head -c 1048577 /dev/zero > "$T/large"
get /hook/images --data-binary "@$T/large" -H "X-Hub-Signature-256: sha256=$(sign first < "$T/large")"; is 'too large a body' "$code" 413
get /hook/images --data-binary "@$T/large" -H 'Transfer-Encoding: chunked' -H "X-Hub-Signature-256: sha256=$(sign first < "$T/large")"
is 'which does not say so first' "$code" 413
head -c 1048576 /dev/zero > "$T/large"
get /hook/images --data-binary "@$T/large" -H "X-Hub-Signature-256: sha256=$(sign first < "$T/large")"; is 'the largest' "$code" 202
is 'none of them was taken' "$(hooks accepted) $(hooks unknown)" "$((accepted + 1)) 2"

# ---- many ----

codes=$(for i in $(seq 40); do post -H 'X-Gitlab-Token: wrong'; echo "$code"; done | sort | uniq -c | tr -s ' \n' ' ')
like 'whoever goes on being wrong is told to wait' "$codes" '*429*'
post; is 'for how long' "$code $(header Retry-After | grep -c '^[1-9][0-9]*$')" '429 1'
push first; post -H "X-Hub-Signature-256: sha256=$signature"; is 'who is right never waits, wherever he comes from' "$code" 202
kill -STOP "$daemon"
asked=$(metric kiln_web_polls_total)
for i in $(seq 50); do post -H "Authorization: Bearer $(cat "$T/plain")" --max-time 5; echo "$code"; done | sort -u > "$T/codes"
is 'while kilnd hangs hooks are answered' "$(cat "$T/codes")" 202
get /healthz --max-time 5; is 'so is who asks for its health' "$code" 200
get /readyz --max-time 8; is 'and for kilnd' "$code" 503
kill -CONT "$daemon"
until_ok eval '[ "$(metric kiln_web_polls_waiting)" = 0 ]'
is 'then kilnd is asked once or twice, not fifty times' "$([ $(($(metric kiln_web_polls_total) - asked)) -le 3 ] && echo few)" few
python3 - "$port" <<'EOF' > "$T/slow" &
import socket, sys, time
held = []
for i in range(100):
    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    s.sendall(b'POST /hook/images HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nslow')
    held.append(s)
print('held', flush=True)
time.sleep(600)
EOF
slow=$!; background="$background $slow"; until_ok grep -q held "$T/slow"
push first; post -H "X-Hub-Signature-256: sha256=$signature"; is 'who sends slowly holds up nobody' "$code" 202
stop "$slow"

# ---- secrets change ----

cp "$T/first" "$T/old"; echo 'a secret of another day' > "$T/first"
kill -HUP "$web"; until_ok grep -q 'read again' "$T/web.err"
push first; post -H "X-Hub-Signature-256: sha256=$signature"; is 'a new secret' "$code" 202
push old; refused_after() { post -H "X-Hub-Signature-256: sha256=$signature"; }
refused_after; like 'in place of the old one' "$code" 4??
echo short > "$T/first"; kill -HUP "$web"; until_ok grep -q 'stay as they were' "$T/web.err"
like 'too short a one is refused' "$(cat "$T/web.err")" "*$T/first: a secret has at least 16 bytes*"
echo 'a secret of another day' > "$T/first"
push first; post -H "X-Hub-Signature-256: sha256=$signature"; is 'and what was known stays' "$code" 202

# ---- a push makes an image ----

git clone -q --bare "$T/images" "$T/bare.git"
stop "$web"; stop "$daemon"
repository=$T/bare.git
export KILN_STATE=$T/state-bare
web_service ", \"hooks\": [{\"repository\": \"bare\", \"kind\": \"gitea\", \"secret_files\": [\"$T/second\"]}]"
start_web; start_daemon
cat > "$T/bare.git/hooks/post-receive" <<EOF
#!/bin/sh
while read -r old new ref; do
	body="{\"ref\":\"\$ref\",\"before\":\"\$old\",\"after\":\"\$new\"}"
	curl -s -o "$T/hooked" -w '%{http_code}' -H "X-Gitea-Signature: \$(printf %s "\$body" | openssl dgst -sha256 -hmac "\$(cat "$T/second")" |
		sed 's/.* //')" -H 'X-Gitea-Event: push' -d "\$body" "$url/hook/bare" > "$T/hook-code"
done
EOF
chmod +x "$T/bare.git/hooks/post-receive"
until_ok test -e "$KILN_STATE/catalog/web/current"
git commit -q --allow-empty -m again; printf 'echo pushed > /etc/web\n' | script scripts/web.sh; commit pushed
git push -q "$T/bare.git" main
is 'a bare repository tells of a push' "$(cat "$T/hook-code")" 202
until_ok test -e "$KILN_STATE/catalog/web/2"; until_ok eval '[ "$(live web)" = 2 ]'
expect_live web 2 'and the image follows'
is 'nothing else was said' "$(grep -vc 'settings\|poll of' "$T/web.err")" 0
stop "$web"; is 'it ends when it is told to' "$?" 0
stop "$daemon"

# ---- where it listens ----

printf '{"listen": {"address": "unix:%s/web.sock"}}' "$T" > "$T/unix.json"
kiln-web --config "$T/unix.json" 2> /dev/null & unix=$!
background="$background $unix"
until_ok curl -sf --unix-socket "$T/web.sock" http://x/healthz
is 'at a unix socket' "$(curl -s --unix-socket "$T/web.sock" http://x/healthz)" ok
stop "$unix"
is 'which goes with it' "$(ls "$T/web.sock" 2> /dev/null)" ''
passed=$(free_port)
systemd-socket-activate -l "127.0.0.1:$passed" env kiln-web --config "$T/service.json" 2> "$T/activated" & activated=$!
background="$background $activated"
until_ok curl -sf "http://127.0.0.1:$passed/healthz"
is 'or at a socket that systemd passes' "$(curl -s "http://127.0.0.1:$passed/healthz")" ok
fails_at() { curl -s "$url/healthz"; echo $?; }
is 'and then nowhere else' "$(fails_at)" 7
stop "$activated"

# ---- what is wrong in the file ----

wrong() { # WHAT LISTEN PATTERN
	printf '{"repositories": [{"url": "%s"}], "listen": %s}' "$repository" "$2" > "$T/wrong.json"
	for program in 'kiln-web' 'kiln status'; do
		run $program --config "$T/wrong.json"
		like "$1 ($program)" "$code $err" "1 *$T/wrong.json:1:*$3*"
	done
}
wrong 'other machines need the token' '{"address": "0.0.0.0:8480"}' 'other machines reach 0.0.0.0:8480: name a token_file'
wrong 'a name is no address' '{"address": "localhost:8480"}' 'must be an address and a port'
wrong 'nor is a port too high' '{"address": "127.0.0.1:84800"}' 'must be an address and a port'
wrong 'it is needed' '{}' 'has no address'
wrong 'a kind that there is not' '{"address": "127.0.0.1:1", "hooks": [{"kind": "svn"}]}' "there is no kind 'svn'"
wrong 'a hook of no repository' '{"address": "127.0.0.1:1", "hooks": [{"repository": "x", "kind": "plain", "secret_files": ["/x"]}]}' \
	'hook 1 is for the repository x'
wrong 'a relative file' '{"address": "127.0.0.1:1", "token_file": "token/x"}' "must be an absolute path"
printf '{"repositories": [{"url": "%s"}]}' "$repository" > "$T/none.json"
run kiln-web --config "$T/none.json"; like 'nowhere to listen' "$code $err" '1 *listen.address*'
done_testing
