#!/bin/sh
# CDs and floppy disks of files: what Packer puts where, the same bytes every time, and refusals that say what to do.
. "$(dirname "$0")/lib.sh"
tool=$BIN/tests/media
[ -x "$tool" ] || tool=$ROOT/build/tests/media
W=$T/media; tree=$W/build/work/tree; cd_image=$W/build/work/media/cd.iso; floppy_image=$W/build/work/media/floppy.img
mkdir -p "$tree/dir/sub" "$tree/dir/emptysub" "$tree/gl1" "$tree/gl2/deep" "$tree/empty" "$tree/wide"; cd "$tree" || exit 1
echo a > a.txt; echo b > dir/b.txt; echo c > dir/sub/c.txt; echo g > gl1/g.txt; echo h > gl2/deep/h.txt; echo run > run.sh; chmod 755 run.sh
ln -s ../a.txt dir/link; head -c 700000 /dev/urandom > big.bin; : > nothing; printf 'x%.0s' $(seq 512) > sector.bin
make_cd() { timeout 60 "$tool" "$W" iso "$@"; }
make_floppy() { timeout 60 "$tool" "$W" floppy "$@"; }
# what is on an image: paths, and what is in the files
on_cd() { rm -rf "$T/out"; mkdir "$T/out"; xorriso -osirrox on -indev "$1" -extract / "$T/out" > "$T/xorriso" 2>&1 || cat "$T/xorriso"; chmod -R u+rwx "$T/out"; list_out; }
on_floppy() { rm -rf "$T/out"; mkdir "$T/out"; mcopy -s -n -i "$1" '::*' "$T/out" 2>&1; list_out; }
list_out() { (cd "$T/out" && find . -type d -printf '%P/\n' -o -type f -printf '%P ' -exec sha256sum {} \; | sed 's/  .*//' | sort); }

# as Packer does it
mkdir "$T/fake"; printf 'iso' > fake.iso
cat > "$T/fake/xorriso" <<EOF
#!/bin/sh
/usr/bin/xorriso "\$@" && cp "\$(echo "\$*" | sed 's/.*-output \([^ ]*\).*/\1/')" "$T/packer.iso"
EOF
cat > "$T/fake/qemu-system-x86_64" <<EOF
#!/bin/sh
case \$1 in -version|--version) echo 'QEMU emulator version 4.2.1'; exit ;; esac
while [ \$# -gt 0 ]; do [ "\$1" = -fda ] && cp "\$2" "$T/packer.img"; shift; done
exit 1
EOF
printf '#!/bin/sh\n' > "$T/fake/qemu-img"; chmod +x "$T/fake"/*
# packer_makes CD_FILES FLOPPY_FILES FLOPPY_DIRS: as JSON
packer_makes() {
	cat > "$tree/t.json" <<-EOF
	{"builders": [{"type": "qemu", "iso_url": "fake.iso", "iso_checksum": "none", "communicator": "none", "headless": true, "boot_wait": "1s",
	 "accelerator": "none", "cd_files": $1, "cd_label": "cidata", "floppy_files": $2, "floppy_dirs": $3, "floppy_label": "cidata"}]}
	EOF
	rm -rf "$T/packer.iso" "$T/packer.img" output-qemu
	PATH=$T/fake:$PATH CHECKPOINT_DISABLE=1 timeout 100 packer build t.json > "$T/packer.out" 2>&1
	rm "$tree/t.json"
}
if command -v packer > /dev/null; then
	packer_makes '["a.txt", "dir", "dir/sub/", "gl*", "./empty", "run.sh"]' '["a.txt", "dir", "gl*", "run.sh"]' '["dir", "gl2/", "sector.bin"]'
	succeeds 'a CD' make_cd cidata a.txt dir dir/sub/ 'gl*' ./empty run.sh
	theirs=$(on_cd "$T/packer.iso"); is 'has what Packer'\''s has' "$(on_cd "$cd_image")" "$theirs"
	is 'its Joliet names, too' "$(isoinfo -J -f -i "$cd_image" 2>&1 | sort)" "$(isoinfo -J -f -i "$T/packer.iso" 2>&1 | sort)"
	is 'and its plain ones' "$(isoinfo -f -i "$cd_image" | sort)" "$(isoinfo -f -i "$T/packer.iso" | sort)"
	is 'and its label' "$(blkid -o value -s LABEL "$cd_image")" "$(blkid -o value -s LABEL "$T/packer.iso")"
	succeeds 'a floppy disk' make_floppy cidata a.txt dir 'gl*' run.sh -- dir gl2/ sector.bin
	# Packer's short names are all in capital letters
	theirs=$(on_floppy "$T/packer.img" | tr A-Z a-z | sort); is 'has what Packer'\''s has' "$(on_floppy "$floppy_image" | sort)" "$theirs"
	is 'and its label' "$(blkid -o value -s LABEL "$floppy_image")" "$(blkid -o value -s LABEL "$T/packer.img")"
	packer_makes '["dir/"]' '[]' '["."]'
	make_cd cidata dir/ > /dev/null; theirs=$(on_cd "$T/packer.iso"); is 'what is in a folder, for dir/' "$(on_cd "$cd_image")" "$theirs"
else
	skip 'as Packer does it' 'packer is not installed'
fi

# CDs
succeeds 'a CD of everything' make_cd '' a.txt dir 'gl*' run.sh big.bin nothing
is 'is labelled packer' "$(blkid -o value -s LABEL "$cd_image")" packer
is 'its files belong to root, and what can be run can' "$(isoinfo -R -l -i "$cd_image" | awk '/run.sh|a.txt/ { print $1, $3, $4, $NF }' | tr '\n' ' ')" '-r--r--r-- 0 0 a.txt -r-xr-xr-x 0 0 run.sh '
on_cd "$cd_image" > /dev/null; is 'a large file comes back whole' "$(sha256sum < "$T/out/big.bin")" "$(sha256sum < big.bin)"
is 'an empty one too' "$(stat -c %s "$T/out/nothing")" 0
deep=deep/2/3/4/5/6/7/8/9/10; mkdir -p $deep; echo deep > $deep/x; long=$(printf 'n%.0s' $(seq 200)); echo long > "deep/$long"; echo snow > 'deep/grün ☃.txt'
make_cd '' deep > /dev/null; cp "$cd_image" "$T/first.iso"; sleep 1.1; find . -exec touch -h {} +
TZ=Asia/Tokyo make_cd '' deep > /dev/null
is 'the same files give the same bytes, at any time and place' "$(sha256sum < "$cd_image")" "$(sha256sum < "$T/first.iso")"
on_cd "$cd_image" > /dev/null; is 'names of any length, folders of any depth' "$(cat "$T/out/deep/$long" "$T/out/deep/grün ☃.txt" "$T/out/$deep/x" | tr '\n' ' ')" 'long snow deep '
if [ "$(id -u)" = 0 ] && mkdir "$T/mnt" && mount -o loop,ro "$cd_image" "$T/mnt" 2> /dev/null; then
	is 'Linux mounts it' "$(cat "$T/mnt/deep/grün ☃.txt")" snow; umount "$T/mnt"
else
	skip 'Linux mounts it' 'no loop mount of iso9660 here'
fi
fails 'a file that is not there' make_cd '' nosuch
is 'is named' "$err" 'catalog: cd_files: nosuch: No such file or directory'
succeeds 'the same file twice' make_cd '' a.txt ./a.txt dir/../a.txt
echo other > gl1/a.txt
fails 'another of that name' make_cd '' a.txt gl1/a.txt
is 'is refused, by both names' "$err" 'catalog: cd_files: a.txt and gl1/a.txt would both be a.txt'
rm gl1/a.txt
fails 'a path that leads out' make_cd '' ../../../x
ln -s /etc/passwd outlink; fails 'a link that leads out' make_cd '' outlink
like 'is told' "$err" 'catalog: cd_files: outlink: a link leads out of*'; rm outlink
mkfifo fifo; fails 'a fifo' make_cd '' fifo; rm fifo
ln -s . loop; fails 'a link to a folder, in one' make_cd '' ./; rm loop
like 'is not followed round and round' "$err" '*is a link to a folder*'
succeeds 'a pattern that nothing matches' make_cd '' a.txt 'no*such'
like 'is said' "$(tail -n 2 "$W/build/log")" '*cd_files: nothing is called no\*such*'
fails 'a label that is too long' make_cd 123456789012345678901234567890123 a.txt
like 'says how long it may be' "$err" '*more than 32 characters'
printf x > "$(printf 'bad\377name')"; fails 'a name that is not UTF-8' make_cd '' 'bad*'; rm -f bad*

# floppy disks
for name in 'A long file name.text' 'A long file nami.text' UPPER.TXT MiXed.txt 'grün ☃.txt' .hidden a.b.c.d 'x+y,z=.[1]' nodot 'LONGNA~1.TXT' longname1234.txt "$(printf 'n%.0s' $(seq 240)).x"; do echo "$name" > "wide/$name"; done
for i in $(seq 300); do echo "$i" > "wide/a file with number $i"; done
succeeds 'a floppy disk of many names' make_floppy '' a.txt big.bin nothing sector.bin -- wide
is 'is a sound file system' "$(fsck.fat -n "$floppy_image" > "$T/fsck" 2>&1; echo $?)" 0
on_floppy "$floppy_image" > "$T/listed"
is 'every name leads to its content' "$(cd "$T/out/wide" && for name in 'A long file name.text' 'A long file nami.text' UPPER.TXT MiXed.txt 'grün ☃.txt' .hidden 'x+y,z=.[1]' nodot 'LONGNA~1.TXT' longname1234.txt; do [ "$(cat "$name")" = "$name" ] || echo "$name"; done; ls -A | wc -l)" 312
is 'large and empty files come back' "$(cat "$T/out/big.bin" "$T/out/nothing" "$T/out/sector.bin" | sha256sum)" "$(cat big.bin nothing sector.bin | sha256sum)"
cp "$floppy_image" "$T/first.img"; find . -exec touch -h {} +; sleep 1.1
TZ=Asia/Tokyo make_floppy '' a.txt big.bin nothing sector.bin -- wide > /dev/null
is 'the same bytes every time' "$(sha256sum < "$floppy_image")" "$(sha256sum < "$T/first.img")"
is 'of the size that they have' "$(stat -c %s "$floppy_image")" 1474560
is 'labelled packer' "$(blkid -o value -s LABEL "$floppy_image")" packer
head -c 1457664 /dev/zero > full.bin
succeeds 'what just fits' make_floppy '' full.bin
is 'is there whole' "$(mtype -i "$floppy_image" ::full.bin | sha256sum) $(fsck.fat -n "$floppy_image" > /dev/null; echo $?)" "$(sha256sum < full.bin) 0"
printf x >> full.bin
fails 'a byte more' make_floppy '' full.bin a.txt
is 'is refused, with the sizes' "$err" 'catalog: making the floppy disk: 2 files with 1457667 bytes need 1458688 bytes of a floppy disk, which has 1457664; the largest is full.bin with 1457665 bytes (cd_files has more room)'
fails 'more names than its root has room for' make_floppy '' wide
like 'is refused, with what to do' "$err" '*entries in the root of a floppy disk, which has 223*floppy_dirs*'
echo x > wide/A.TXT
fails 'names that differ only in their case' make_floppy '' a.txt wide/A.TXT
like 'are the same there' "$err" '*a.txt and wide/A.TXT would both be a.txt'
echo x > 'a:b'; fails 'a name that cannot be there' make_floppy '' 'a:b'
like 'is named' "$err" '*a:b: none of *'
fails 'a label that is too long' make_floppy 123456789012 a.txt
done_testing
