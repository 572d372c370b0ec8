#!/bin/sh
# A machine that starts from a URL, finds files on a CD and a floppy disk, and fetches others from http_directory.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
guest=$(HOME=$(getent passwd "$(id -u)" | cut -d: -f6) "$ROOT/tests/guest/make" 2> "$T/guest.err") || {
	skip 'a machine with media' "$(tail -n 1 "$T/guest.err")"
	done_testing
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
mkdir -p http/sub cd/inner; echo served > http/sub/file; echo other > http/other; echo burnt > cd/inner/file; echo flat > floppy.txt; echo never > secret
mkfifo "$T/port"
python3 "$ROOT/tests/t/media_server.py" "$guest" "$T/requests" > "$T/port" 2> "$T/server.err" & background="$background $!"
read -r port < "$T/port"
http=$(free_port)
sum=$(sha256sum < "$guest/disk.qcow2" | cut -c 1-64)
media_template() { # FILE STEP [MORE]
	jq -n --arg url "http://127.0.0.1:$port/ok/disk.qcow2" --arg sum "$sum" --arg step "$2" --argjson http "$http" '{builders: [{type: "qemu",
		iso_urls: ["http://127.0.0.1:1/down", $url], iso_checksum: $sum, disk_image: true, accelerator: "tcg", boot_wait: "-1s", skip_resize_disk: true,
		skip_compaction: true, ssh_username: "root", ssh_private_key_file: "key", ssh_timeout: "5m", cd_files: ["cd", "floppy.txt"], cd_label: "seed",
		floppy_files: ["floppy.txt"], http_directory: "http", http_port_min: $http, http_port_max: $http} + {'"${3:-}"'}],
		provisioners: [{type: "shell", inline: [$step]}, {type: "shell", inline: ["echo again; wget -q -O - http://$PACKER_HTTP_ADDR/'"${4:-sub}"'/file"]}]}' > "$1"
}
# what a closed machine must not reach: other ports of the host's address, this machine's own services, and anybody else
try="for at in 10.0.2.2:$port 10.0.2.2:22 10.0.2.4:$port 10.0.2.3:53; do (nc -w 1 \${at%:*} \${at#*:} < /dev/null > /dev/null 2>&1 && echo reached \$at) & done; wait"
media_template media.json "mkdir -p /mnt && mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/cd/inner/file /mnt/floppy.txt && wget -q -O - http://\$PACKER_HTTP_ADDR/sub/file;
 echo addr \$PACKER_HTTP_IP \$PACKER_HTTP_PORT {{build \`PackerHTTPAddr\`}}; wget -O - http://10.0.2.2:$http/../secret 2>&1 || true;
 for i in 1 2 3 4 5 6 7 8; do wget -q -O - http://10.0.2.2:$http/big | sha256sum > /tmp/sum\$i & done; wait; cat /tmp/sum? | sort -u; $try"
head -c 300000 /dev/urandom > http/big
commit media
succeeds 'a machine with media, that reaches nobody else' kiln apply media
log=$(kiln log media)
like 'is fetched from where it is' "$log" "*127.0.0.1 port 1*fetching http://127.0.0.1:$port/ok/disk.qcow2*"
like 'reads its CD' "$log" '*burnt
*flat
*'
like 'and what is served to it' "$log" '*served
*'
like 'at the address that a script is told' "$log" "*addr 10.0.2.2 $http 10.0.2.2:$http
*"
like 'which the log tells' "$log" '*http: GET /sub/file 200, 7 bytes*'
like 'eight connections at once' "$log" "*
$(sha256sum < http/big)
*"
unlike 'and reaches nothing else' "$log" '*reached *'
unlike 'and nothing else' "$log" '*never
*'
# going on from memory, where the network began anew
git show HEAD:media.json | sed 's|\(echo again.*\)/sub/file|\1/other|' > media.json; commit newer
succeeds 'a changed step' kiln apply media
like 'goes on from a checkpoint, and fetches' "$(kiln log media)" '*going on from the checkpoint (memory) behind provisioner 1*
other
*'
halting_disk halt.raw; qemu_template open.json halt.raw "\"http_directory\": \"http\", \"http_port_min\": $http, \"http_port_max\": $http"; commit open
succeeds 'with the power' kiln apply --allow host-network open
like 'the network is QEMU’s, and the server listens' "$(kiln log open)" "*http_directory is served at 127.0.0.1, port $http*-netdev user,id=user.0 *"
succeeds 'nothing is left listening' sh -c "! curl -s -o /dev/null http://127.0.0.1:$http/"
is 'it was fetched once' "$(grep -c '200' "$T/requests")" 1
done_testing
