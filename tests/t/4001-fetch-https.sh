#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Mirrors over https and http, from git-http-backend behind nginx: authorities, passwords, tokens, client certificates.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/t/remote.sh"
mkdir "$T/mirrors" "$T/repositories" "$T/tls" "$T/secrets"
new_repository "$T/work"
echo 1 > a; commit one
git clone -q --bare "$T/work" "$T/repositories/images.git"
git remote add origin "$T/repositories/images.git"
push() { git push -q "$@" origin HEAD:refs/heads/main 2>/dev/null; }

# ---- certificates ----

cd "$T/tls" || exit 1
authority() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate() { # NAME AUTHORITY DAYS ALTERNATIVE-NAMES
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	printf 'subjectAltName=%s\n' "$4" > "$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial "$(date +%N)" -days "$3" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
authority ours; authority theirs
certificate server ours 2 DNS:localhost,IP:127.0.0.1
certificate elsewhere ours 2 DNS:example.org
certificate late ours -1 DNS:localhost
certificate client ours 2 DNS:client
certificate stranger theirs 2 DNS:stranger
openssl pkcs8 -topk8 -in client.key -passout pass:opensesame -out client.locked 2>/dev/null
cd "$T/work" || exit 1
echo hush-password > "$T/secrets/password"; printf hush-wrong > "$T/secrets/wrong"; printf 'hush-token\r\n' > "$T/secrets/token"
echo opensesame > "$T/secrets/passphrase"; : > "$T/secrets/empty"; printf 'hush-a\nhush-b\n' > "$T/secrets/lines"
{ echo "ann:$(openssl passwd -apr1 hush-password)"; echo "x-access-token:$(openssl passwd -apr1 hush-token)"; } > "$T/htpasswd"

# ---- servers ----

backend="include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
 fastcgi_param GIT_PROJECT_ROOT $T/repositories; fastcgi_param GIT_HTTP_EXPORT_ALL 1; fastcgi_param PATH_INFO /\$1;
 fastcgi_param HOME $HOME; fastcgi_param REMOTE_USER \$remote_user; fastcgi_pass unix:$T/fcgi.sock;"
server() { # PORT CERTIFICATE MORE
	echo "server { listen 127.0.0.1:$1 ssl; ssl_certificate $T/tls/$2.pem; ssl_certificate_key $T/tls/$2.key; access_log $T/nginx/$1.log seen; $3 }"
}
http=$(free_port) https=$(free_port) other=$(free_port) late=$(free_port) client=$(free_port) new=$(free_port) away=$(free_port)
fcgiwrap -s "unix:$T/fcgi.sock" > "$T/fcgi.log" 2>&1 & background="$background $!"
start_nginx "$T/nginx" "
 server { listen 127.0.0.1:$http; access_log $T/nginx/$http.log seen; location ~ ^/git/(.*) { $backend }
  location ~ ^/up/(.*) { return 301 https://localhost:$https/open/\$1\$is_args\$args; } }
 $(server $https server "location ~ ^/git/(.*) { auth_basic git; auth_basic_user_file $T/htpasswd; $backend }
  location ~ ^/open/(.*) { $backend }
  location ~ ^/moved/(.*) { return 301 /git/\$1\$is_args\$args; }
  location ~ ^/away/(.*) { return 301 https://localhost:$away/git/\$1\$is_args\$args; }
  location ~ ^/loop/(.*) { return 302 /loop/\$1\$is_args\$args; }
  location ~ ^/plain/(.*) { return 301 http://localhost:$http/git/\$1\$is_args\$args; }
  location /status/500/ { return 500; } location /status/403/ { return 403; } location /status/404/ { return 404; }
  location /status/429/ { return 429; } location /status/503/ { return 503; } location /text/ { return 200 hello; }
  location /digest/ { add_header WWW-Authenticate 'Digest realm=x, nonce=y' always; return 401; }")
 $(server $other elsewhere "location ~ ^/git/(.*) { $backend }")
 $(server $late late "location ~ ^/git/(.*) { $backend }")
 $(server $client server "ssl_client_certificate $T/tls/ours.pem; ssl_verify_client on; location ~ ^/git/(.*) { $backend }")
 $(server $new server "ssl_protocols TLSv1.3; location ~ ^/git/(.*) { $backend }")
 $(server $away server "location ~ ^/git/(.*) { auth_basic git; auth_basic_user_file $T/htpasswd; $backend }")"
wait_port "$http"; wait_port "$https"

# with FILE...: credentials of our authority and what else is given, each KEY=FILE; a username as it is
with() {
	jq -nc --arg t "$T" '{credentials: ($ARGS.positional | map(split("=") | {(.[0]): (if .[0] == "username" then .[1] else $t + "/" + .[1] end)}) | add)}' --args "$@"
}
ca=ca_file=tls/ours.pem mirror=$T/mirrors/images.git url=https://localhost:$https
secrets_hidden() { unlike 'nothing secret is said' "$out$err" '*hush*'; }

# ---- who they are ----

fetches 'with our authority and a password' "$url/git/images.git" "$mirror" "$(with $ca username=ann password_file=secrets/password)"
is 'the mirror has the commit' "$(git -C "$mirror" rev-parse refs/heads/main)" "$(git rev-parse HEAD)"
is 'and is whole' "$(git -C "$mirror" fsck --full 2>&1)" ''
echo 2 > a; commit two; push
fetches 'a push is fetched' "$url/git/images.git" "$mirror" "$(with $ca username=ann password_file=secrets/password)"
is 'and only what was new' "$(git -C "$mirror" count-objects -v | sed -n 's/^in-pack: //p')" "$(git rev-list --objects --all | wc -l)"
older=$(git rev-parse HEAD~1)
refuses 'an authority that is not the system'"'"'s' catalog '*certificate of localhost*ca_file*' "$url/git/images.git" "$T/mirrors/x" "$(with username=ann password_file=secrets/password)"
secrets_hidden
refuses 'another authority than the one that is named' catalog '*certificate of localhost*' "$url/git/images.git" "$T/mirrors/x" "$(with ca_file=tls/theirs.pem username=ann password_file=secrets/password)"
is 'neither was told anything' "$(grep -c 'git/images.git' "$T/nginx/$https.log")" "$(grep -c ' 200 \| 401 ' "$T/nginx/$https.log")"
refuses 'the certificate of another host' catalog '*certificate of localhost*ostname mismatch*' "https://localhost:$other/git/images.git" "$T/mirrors/x" "$(with $ca)"
refuses 'one that has expired' catalog '*certificate of localhost*expired*' "https://localhost:$late/git/images.git" "$T/mirrors/x" "$(with $ca)"
fetches 'the certificate of an address' "https://127.0.0.1:$https/open/images.git" "$T/mirrors/a" "$(with $ca)"
fetches 'a server that speaks TLS 1.3 alone' "https://localhost:$new/git/images.git" "$T/mirrors/a" "$(with $ca)"
refuses 'an authority that is no certificate' catalog '*ca_file: *secrets/password*' "$url/open/images.git" "$T/mirrors/x" "$(with ca_file=secrets/password)"
secrets_hidden
refuses 'TLS with one that speaks none' transient '*no TLS*' "https://localhost:$http/git/images.git" "$T/mirrors/x" "$(with $ca)"

# ---- who we are ----

fetches 'a user in the url' "https://ann@localhost:$https/git/images.git" "$T/mirrors/b" "$(with $ca password_file=secrets/password)"
fetches 'a token needs no user' "$url/git/images.git" "$T/mirrors/c" "$(with $ca token_file=secrets/token)"
refuses 'a wrong password' catalog '*refuses the password of user ann*' "$url/git/images.git" "$T/mirrors/x" "$(with $ca username=ann password_file=secrets/wrong)"
secrets_hidden
is 'it is tried once' "$(tail -n 3 "$T/nginx/$https.log" | grep -c ' 401 Basic')" 1
refuses 'a wrong token' catalog '*refuses the token*' "$url/git/images.git" "$T/mirrors/x" "$(with $ca token_file=secrets/wrong)"
refuses 'no password where one is wanted' catalog '*wants credentials*' "$url/git/images.git" "$T/mirrors/x" "$(with $ca)"
refuses 'a way to log in that is none of ours' catalog '*' "$url/digest/images.git" "$T/mirrors/x" "$(with $ca token_file=secrets/token)"
refuses 'a file that is not there' catalog '*credentials.password_file*nosuch*' "$url/git/images.git" "$T/mirrors/x" "$(with $ca username=ann password_file=secrets/nosuch)"
refuses 'an empty one' catalog '*one line*' "$url/git/images.git" "$T/mirrors/x" "$(with $ca username=ann password_file=secrets/empty)"
refuses 'one of several lines' catalog '*one line*' "$url/git/images.git" "$T/mirrors/x" "$(with $ca username=ann password_file=secrets/lines)"
secrets_hidden
cert="certificate_file=tls/client.pem"
fetches 'a client certificate' "https://localhost:$client/git/images.git" "$T/mirrors/d" "$(with $ca $cert key_file=tls/client.key)"
fetches 'one whose key has a passphrase' "https://localhost:$client/git/images.git" "$T/mirrors/d" "$(with $ca $cert key_file=tls/client.locked passphrase_file=secrets/passphrase)"
refuses 'a wrong passphrase' catalog '*key_file*client.locked*' "https://localhost:$client/git/images.git" "$T/mirrors/x" "$(with $ca $cert key_file=tls/client.locked passphrase_file=secrets/wrong)"
refuses 'a key that is not the certificate'"'"'s' catalog '*key_file*' "https://localhost:$client/git/images.git" "$T/mirrors/x" "$(with $ca $cert key_file=tls/server.key)"
refuses 'no client certificate where one is wanted' catalog '*' "https://localhost:$client/git/images.git" "$T/mirrors/x" "$(with $ca)"
refuses 'one of another authority' catalog '*' "https://localhost:$client/git/images.git" "$T/mirrors/x" "$(with $ca certificate_file=tls/stranger.pem key_file=tls/stranger.key)"

# ---- what servers answer ----

refuses 'a repository that is not there' catalog '*404*' "$url/open/nosuch.git" "$T/mirrors/x" "$(with $ca)"
refuses 'status 404' catalog '*404*' "$url/status/404/x" "$T/mirrors/x" "$(with $ca)"
refuses 'status 403' catalog '*403*' "$url/status/403/x" "$T/mirrors/x" "$(with $ca)"
refuses 'status 500' transient '*500*' "$url/status/500/x" "$T/mirrors/x" "$(with $ca)"
refuses 'status 503' transient '*503*' "$url/status/503/x" "$T/mirrors/x" "$(with $ca)"
refuses 'status 429' transient '*429*' "$url/status/429/x" "$T/mirrors/x" "$(with $ca)"
refuses 'a page' catalog '*content-type*' "$url/text/x" "$T/mirrors/x" "$(with $ca)"
refuses 'nobody who listens' transient '*refused*' "https://localhost:$(free_port)/x" "$T/mirrors/x" "$(with $ca)"
refuses 'a name that nobody has' transient '*nosuch.invalid*' "https://nosuch.invalid/x" "$T/mirrors/x"
git clone -q --bare --depth 1 "file://$T/work" "$T/repositories/shallow.git"
refuses 'a shallow repository' catalog '*shallow*unshallow*' "$url/open/shallow.git" "$T/mirrors/x" "$(with $ca)"
git clone -q --bare "$T/work" "$T/repositories/empty.git"; rm -rf "$T/repositories/empty.git"; git init -q --bare "$T/repositories/empty.git"
fetches 'an empty repository' "$url/open/empty.git" "$T/mirrors/e" "$(with $ca)"
json 'has nothing' '[.head, .refs]' '[null,{}]'
head -c 3000000 /dev/urandom > large; commit large; push
refuses 'more than it may send' resource '*more than 1000000 bytes*' "$url/open/images.git" "$T/mirrors/x" "$(with $ca | jq -c '. + {most_bytes: 1000000}')"
fetches 'as much as it may' "$url/open/images.git" "$mirror" "$(with $ca | jq -c '. + {most_bytes: 4000000}')"

# ---- being sent on ----

fetches 'to another path of the server' "$url/moved/images.git" "$T/mirrors/f" "$(with $ca token_file=secrets/token)"
refuses 'to another port, with credentials' catalog "*port $https sends us to localhost port $away*" "$url/away/images.git" "$T/mirrors/x" "$(with $ca token_file=secrets/token)"
is 'nothing arrives there' "$(cat "$T/nginx/$away.log" 2>/dev/null)" ''
refuses 'to another port, without' catalog '*wants credentials*' "$url/away/images.git" "$T/mirrors/x" "$(with $ca)"
refuses 'from https to http' catalog '*cannot redirect*' "$url/plain/images.git" "$T/mirrors/x" "$(with $ca)"
refuses 'round and round' catalog '*redirects*' "$url/loop/images.git" "$T/mirrors/x" "$(with $ca)"

# ---- http ----

fetches 'http, for what everybody may see' "http://localhost:$http/git/images.git" "$T/mirrors/g"
refuses 'no secret goes over it' catalog '*credentials.token_file*anybody can read*' "http://localhost:$http/git/images.git" "$T/mirrors/x" "$(with token_file=secrets/token)"
refuses 'from http to https the certificate counts' catalog '*certificate of localhost*' "http://localhost:$http/up/images.git" "$T/mirrors/x"

# ---- a mirror that lacks what it has told ----

# The note says that all is well, so it is found when libgit2 tells the server what there is.
lose "$mirror" "$older"
echo '{"version": 1, "packs": {}}' > "$mirror/kiln-mirror.json"
echo 3 > a; commit three; push
fetches 'an older commit is missing' "$url/open/images.git" "$mirror" "$(with $ca)"
json 'it is made again' .remade true
is 'and whole' "$(git -C "$mirror" fsck --full 2>&1)" ''

is 'only good mirrors are there' "$(ls "$T/mirrors" | tr '\n' ' ')" 'a b c d e f g images.git '
nothing_left 'and nothing half made' "$T/mirrors"
done_testing
