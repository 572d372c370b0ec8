#!/bin/sh
# Where a rootfs build can start: nothing, a tar, a URL, an OCI layout, a version of the catalog.
. "$(dirname "$0")/lib.sh"
new_repository
busybox_tar busybox.tar
printf 'echo here > /etc/here\n' | script s.sh
sum=$(sha256sum < busybox.tar | cut -c 1-64)

# a real server on a free port
mkdir -p "$T/www" "$T/nginx"; cp busybox.tar "$T/www/base.tar"; zstd -q busybox.tar -o "$T/www/base.tar.zst"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$T/nginx.conf" <<EOF
daemon off; master_process off; pid $T/nginx/pid; error_log $T/nginx/error.log;
events {}
http { access_log $T/nginx/access.log; client_body_temp_path $T/nginx/a; proxy_temp_path $T/nginx/b; fastcgi_temp_path $T/nginx/c;
 uwsgi_temp_path $T/nginx/d; scgi_temp_path $T/nginx/e; server { listen 127.0.0.1:$port; root $T/www; } }
EOF
/usr/sbin/nginx -p "$T/nginx" -c "$T/nginx.conf" > "$T/nginx.out" 2>&1 & background="$background $!"
for i in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break; sleep 0.05; done

template url.json "http://127.0.0.1:$port/base.tar" s.sh "\"base_checksum\": \"sha256:$sum\""
template packed.json "http://127.0.0.1:$port/base.tar.zst" s.sh "\"base_checksum\": \"sha256:$(sha256sum < "$T/www/base.tar.zst" | cut -c 1-64)\""
template tar.json busybox.tar s.sh
template oci.json busybox.tar s.sh '"format": "oci"'
printf '{"builders": [{"type": "rootfs", "base": "scratch"}], "provisioners": [{"type": "file", "source": "s.sh", "destination": "/only"}]}\n' > scratch.json
commit bases
succeeds 'a URL, a compressed one, a tar and nothing at all' kiln apply
is 'a URL gives what the tar gives' "$(kiln show url --json | jq -r '.versions[0].digest')" "$(kiln show tar --json | jq -r '.versions[0].digest')"
is 'packed or not' "$(kiln show packed --json | jq -r '.versions[0].digest')" "$(kiln show tar --json | jq -r '.versions[0].digest')"
is 'scratch is empty but for what was put there' "$(tar --zstd -tf "$(kiln path scratch)" | sed 's|^\./||; /^$/d; /^\.$/d' | tr '\n' ' ')" 'only '
template url.json "http://127.0.0.1:$port/base.tar" s.sh '"base_checksum": "sha256:0000000000000000000000000000000000000000000000000000000000000000"'; commit wrong
fails 'another content than its checksum says is refused' kiln apply url
like 'which is said' "$out" '*checksum*'
template url.json "http://127.0.0.1:$port/nosuch.tar" s.sh "\"base_checksum\": \"sha256:$(printf x | sha256sum | cut -c 1-64)\""; commit nosuch
fails 'a URL that is not there fails' kiln apply url
like 'with its status' "$out" '*404*'
git rm -q url.json; commit none

# the OCI layout of a version, taken as a folder of the repository
cp -r "$(kiln path oci)" layout; chmod -R u+w layout
template fromoci.json oci:layout s2.sh; printf 'cat /etc/here > /etc/copied\n' | script s2.sh
template current.json catalog:tar s2.sh; template fixed.json catalog:tar@1 s2.sh; template channel.json catalog:tar@stable s2.sh
commit more
is 'a channel that is not there blocks' "$(action_of channel)" blocked
kiln promote tar@1 stable > /dev/null
succeeds 'an OCI layout, a version, a channel and what is current' kiln apply
is 'all have what their base had' "$(file_of fromoci/1 etc/copied) $(file_of current/1 etc/copied) $(file_of fixed/1 etc/copied) $(file_of channel/1 etc/copied)" 'here here here here'
printf 'echo there > /etc/here\n' | script s.sh; commit there
succeeds 'when the base moves' kiln apply
is 'those that follow current move with it' "$(live current) $(live fixed) $(live channel)" '2 1 1'
kiln promote tar@2 stable > /dev/null; kiln apply > /dev/null 2>&1
is 'and those of a channel with that' "$(live current) $(live fixed) $(live channel)" '2 1 2'
kiln rollback tar > /dev/null; kiln apply > /dev/null 2>&1
is 'a rollback of a base moves its children like any switch' "$(live tar) $(live current) $(live fixed) $(live channel)" '1 1 1 2'
fails 'a version that somebody is built on is not retired' kiln retire tar@2
expect_whole

# names
printf '{"builders": [{"type": "file", "content": "x", "target": "out/two\\nlines.txt"}]}\n' > lines.json; commit lines
succeeds 'a file may be named in two lines' kiln apply lines
is 'and the sums are escaped as sha256sum reads them' "$(cd "$KILN_STATE/catalog/lines/1" && sha256sum -c SHA256SUMS 2>&1)" '\files/two\nlines.txt: OK'
is 'which is no fault' "$(kiln verify --deep 2>&1 | sed 's/.*: //')" '0 faults'
ln -s /etc/passwd layout/index.json.new; mv layout/index.json.new layout/index.json; commit 'a layout with a link'
fails 'a layout whose index is a link is refused' kiln apply fromoci
like 'by its name' "$out" '*index.json*'
unlike 'without what the link leads to' "$out" '*root*'

# the network
printf '{"builders": [{"type": "rootfs", "base": "busybox.tar", "network": "host"}], "provisioners": [{"type": "shell", "inline": ["ip link > /etc/links"]}]}\n' > net.json; commit net
is 'the host network needs the power' "$(kiln plan net --json 2>/dev/null | jq -r '.images[0] | .action + " " + .reasons[0].kind')" 'blocked not-allowed'
succeeds 'with it the build has it' kiln apply net --allow host-network
is 'all of its links' "$(file_of net/1 etc/links | grep -c '^[0-9]')" "$(ls /sys/class/net | wc -l)"
done_testing
