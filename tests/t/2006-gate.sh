#!/bin/sh
# What should not be in an image: found when it is built, in its manifest, and refused where that is asked for.
. "$(dirname "$0")/lib.sh"
new_repository
said() { kiln log "$1" 2>/dev/null; }
gate() { jq --arg name "$1" --arg gate "$2" '.images[$name].gate = $gate' kiln.json > "$T/kiln.json" && mv "$T/kiln.json" kiln.json; commit "gate $2"; }
echo '{"images": {"root": {"template": "root.json"}}}' > kiln.json
busybox_tar busybox.tar
template root.json busybox.tar root.sh
printf 'mkdir -p /var/log/x\necho a > /etc/machine-id\necho b > /var/log/x/y\n' | script root.sh
commit root
succeeds 'a root file system is looked into too' kiln apply root
is 'by its own shell' "$(jq -r '.findings[].path' "$KILN_STATE/catalog/root/1/manifest.json" | tr '\n' ' ')" '/etc/machine-id /var/log/x/y '
like 'the log says it' "$(said root)" '*machine-id /etc/machine-id*2 found that should not be in an image*'
gate root refuse
fails 'and refused' kiln apply root
echo 'echo c > /etc/c' >> root.sh; gate root off
succeeds 'or let through' kiln apply root
is 'nobody looked' "$(jq -c .findings "$KILN_STATE/catalog/root/2/manifest.json")" null
gate root refuse
fails 'so it cannot be said what is in it' kiln apply root
like 'which is said' "$out" '*nobody looked into this image when it was built*--force*'

# ---- what is no finding, and what is ----

printf 'mkdir -p /etc/ssh /root/.ssh /home/ann/.ssh /var/lib/systemd /var/log /var/lib/cloud/instances/i\n' > root.sh
printf ': > /etc/machine-id; : > /var/log/empty; echo pub > /etc/ssh/ssh_host_rsa_key.pub; mkdir /root/.ssh/authorized_keys\n' >> root.sh
gate root refuse
succeeds 'what is empty, public or a folder is none' kiln apply root
cat >> root.sh <<'END'
for f in /etc/ssh/ssh_host_rsa_key /home/ann/.ssh/authorized_keys /root/.bash_history /var/lib/systemd/random-seed \
	/var/lib/cloud/instances/i/obj.pkl '/var/log/a b' /etc/machine-id; do echo x > "$f"; done
END
commit dirty
fails 'all kinds are' kiln apply root
like 'and each is named' "$out" '*ssh-host-key (/etc/ssh/ssh_host_rsa_key)*machine-id (*random-seed (*authorized-keys (/home/ann*history (/root/.bash_history)*cloud-init (*log (/var/log/a b)*'
printf 'echo uninitialized > /etc/machine-id\nrm /var/log/* /etc/ssh/ssh_host_rsa_key /home/ann/.ssh/authorized_keys /root/.bash_history /var/lib/systemd/random-seed /var/lib/cloud/instances/i/obj.pkl\n' >> root.sh
commit clean
succeeds 'once they are removed, it is published' kiln apply root

# ---- an image without a shell ----

echo content > file
echo '{"builders": [{"type": "rootfs", "base": "scratch"}], "provisioners": [{"type": "file", "source": "file", "destination": "/file"}]}' > root.json
commit bare
fails 'what cannot be looked into is refused' kiln apply root
like 'and it is said' "$out" '*it has no communicator or no shell*'
gate root report
succeeds 'otherwise it is only said' kiln apply root
like 'in the log' "$(said root)" '*it cannot be looked into by a shell of its own*'
done_testing
