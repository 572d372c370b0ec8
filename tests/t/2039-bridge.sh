#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A machine on a bridge, with an address that somebody there gives it: in a network of the story's own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"
not_here() { skip 'a machine on a bridge' "$1"; done_testing; }
[ "$(id -u)" = 0 ] || not_here 'a bridge is made by root'
[ -c /dev/net/tun ] || not_here 'there is no /dev/net/tun'
guest=$(guest 2> "$T/guest.err") || not_here "$(tail -n 1 "$T/guest.err")"
new_repository
cp "$guest/id_ed25519" key; chmod 600 key
# the guest of all stories, but that it asks for its address
cat > "$T/rc" <<'RC'
case $1 in
bound) ip address add "$ip/24" dev "$interface"; ip route add default via "$router"; ping -c 1 -W 5 "$router"; exit ;;
deconfig | renew | nak | leasefail) exit ;;
esac
RC
sed 's|^ip link set eth0 up.*|ip link set eth0 up; udhcpc -i eth0 -n -q -s /etc/rc > /dev/ttyS0 2>\&1|' "$ROOT/tests/guest/rc" >> "$T/rc"
sed -i '1i #!/bin/sh' "$T/rc"
qemu-img convert -O raw "$guest/disk.qcow2" "$T/asks.raw"
printf 'rm /etc/rc\nwrite %s /etc/rc\nset_inode_field /etc/rc mode 0100755\n' "$T/rc" | debugfs -w -f - "$T/asks.raw?offset=$guest_root_at" > /dev/null 2>&1
qemu-img convert -O qcow2 "$T/asks.raw" asks.qcow2; rm "$T/asks.raw"
printf 'interface br-kiln\nstart 10.98.0.50\nend 10.98.0.60\nlease_file %s\npidfile %s\noption subnet 255.255.255.0\noption router 10.98.0.1\n' \
	"$T/leases" "$T/udhcpd.pid" > "$T/udhcpd.conf"
: > "$T/leases"
cp -a /etc "$T/etc"; mkdir -p "$T/etc/qemu"; echo 'allow br-kiln' > "$T/etc/qemu/bridge.conf"; chmod 644 "$T/etc/qemu/bridge.conf"
qemu_template bridged.json asks.qcow2 '"net_bridge": "br-kiln", "communicator": "ssh", "ssh_username": "root", "ssh_private_key_file": "key", "ssh_timeout": "5m",
	"ssh_clear_authorized_keys": true, "temporary_key_pair_name": "kiln-tests", "skip_resize_disk": true, "skip_compaction": true'
jq '.provisioners = [{type: "shell", inline: ["echo at {{build `Host`}}; ip -o address show dev eth0 | grep inet; cat /sys/class/net/eth0/address"]}]' bridged.json > b && mv b bridged.json
commit bridged
# in_network COMMAND...: where that bridge is
cat > "$T/network" <<'NETWORK'
T=$1; shift
mount --bind "$T/etc" /etc && ip link set lo up && ip link add br-kiln type bridge && ip address add 10.98.0.1/24 dev br-kiln && ip link set br-kiln up || exit 9
ip neighbour add 10.98.0.77 lladdr "$(cat "$T/mac" 2> /dev/null || echo 52:54:00:00:00:01)" dev br-kiln nud stale
busybox udhcpd -f "$T/udhcpd.conf" > "$T/udhcpd.log" 2>&1 & server=$!
"$@"; code=$?
ip neighbour > "$T/neighbours"
kill $server
exit $code
NETWORK
in_network() { unshare -n -m sh "$T/network" "$T" "$@"; }
in_network true || not_here 'no bridge can be made'
succeeds 'a machine on a bridge' in_network kiln apply --allow host-network bridged
log=$(kiln log bridged)
like 'is found by its card, at the address it was given' "$log" '*waiting for the address of the card 52:54:00:*at br-kiln*the machine is at 10.98.0.5?*'
like 'which steps are told' "$log" '*at 10.98.0.5?
*inet 10.98.0.5?/24*'
mac=$(printf '%s\n' "$log" | sed -n 's/.*mac=\([0-9a-f:]*\).*/\1/p' | head -n 1)
like 'its card is its own' "$log" "*address of the card $mac at*
$mac
*"
is 'the key of the build is gone from it' "$(guest_file "$(kiln path bridged)" /root/.ssh/authorized_keys)" ''
like 'what could not be done is said' "$log" '*ssh_clear_authorized_keys: exit code 127: sudo sed*'
# an earlier machine had the card; and nobody asks this one
echo "$mac" > "$T/mac"; halting_disk halt.raw; hanging_disk hang.raw
jq '.builders[0] += {iso_url: "hang.raw", ssh_timeout: "1s"}' bridged.json > b && mv b bridged.json; commit silent
fails 'one that asks for nothing' in_network kiln apply --allow host-network bridged
like 'is not found, nor where another was' "$out" '*net_bridge: the machine asked for nothing at br-kiln within ssh_timeout*'
jq '.builders[0] += {net_bridge: "br-none"}' bridged.json > b && mv b bridged.json; commit none
fails 'a bridge that there is not' in_network kiln apply --allow host-network bridged
like 'is told by QEMU' "$out" '*br-none*'
done_testing
