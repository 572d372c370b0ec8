#!/bin/sh
# A machine that starts from a URL, finds files on a CD and a floppy disk, and fetches others from http_directory.
. "$(dirname "$0")/lib.sh"
guest=$(HOME=$(getent passwd "$(id -u)" | cut -d: -f6) "$ROOT/tests/guest/make" 2> "$T/guest.err") || {
	skip 'a machine with media' "$(tail -n 1 "$T/guest.err")"
	done_testing
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
mkdir -p http/sub cd/inner; echo served > http/sub/file; echo burnt > cd/inner/file; echo flat > floppy.txt; echo never > secret
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
		provisioners: [{type: "shell", inline: [$step]}]}' > "$1"
}
media_template media.json "mkdir -p /mnt && mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/cd/inner/file /mnt/floppy.txt && wget -q -O - http://10.0.2.2:$http/sub/file;
 wget -O - http://10.0.2.2:$http/../secret 2>&1 || true"
commit media
is 'a folder that is served needs the power host-network: without it a machine reaches nobody' \
	"$(kiln plan media --json 2> /dev/null | jq -r '.images[0] | .action + " " + .reasons[0].kind')" 'blocked not-allowed'
succeeds 'a machine with media' kiln apply --allow host-network media
log=$(kiln log media)
like 'is fetched from where it is' "$log" "*127.0.0.1 port 1*fetching http://127.0.0.1:$port/ok/disk.qcow2*"
like 'reads its CD' "$log" '*burnt
*flat
*'
like 'and what is served to it' "$log" '*served
*'
like 'which the log tells' "$log" '*http: GET /sub/file 200, 7 bytes*'
unlike 'and nothing else' "$log" '*never
*'
succeeds 'nothing is left listening' sh -c "! curl -s -o /dev/null http://127.0.0.1:$http/"
is 'it was fetched once' "$(grep -c '200' "$T/requests")" 1
done_testing
