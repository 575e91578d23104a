#!/bin/bash
# make-initrd.sh ROOT KERNEL_VERSION OUT: an initrd of 1 MB that finds the root disk and goes on there; Debian's own takes 15 s more.
set -euo pipefail
root="$1" version="$2" out="$3"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,mod,proc,sys,dev,newroot}
cp "$(dpkg -L busybox-static | grep 'bin/busybox$')" "$work/bin/busybox"
for module in virtio_pci virtio_blk ext4 crc32c_intel; do
    modprobe -d "$root" -S "$version" --show-depends "$module" 2>/dev/null || true
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | nl -n rz -w 3 | while read -r number file; do
    cp "$file" "$work/mod/$number-$(basename "$file")"
done
cat >"$work/init" <<'X'
#!/bin/busybox sh
B=/bin/busybox
$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t devtmpfs dev /dev
for module in /mod/*; do $B insmod $module; done
tries=0; until [ -b /dev/vda ] || [ $tries = 200 ]; do $B usleep 50000; tries=$((tries+1)); done
$B mount -t ext4 -o rw,noatime /dev/vda /newroot || exec $B sh
for place in proc sys dev; do $B mount -o move /$place /newroot/$place; done
exec $B switch_root /newroot /sbin/init
X
chmod 755 "$work/init"
(cd "$work" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -9) >"$out"
