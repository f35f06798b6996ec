#!/bin/sh
# Puts the guest's kernel and initramfs together: $1 is a folder with unpacked Debian packages, $2 where they go.
set -eu
root=$1
done=$2
here=$(dirname "$(readlink -f "$0")")
tree=$root/tiny
kernel=$(basename "$(ls "$root"/boot/vmlinuz-*)")

mkdir -p "$tree/bin" "$tree/sbin" "$tree/usr/bin" "$tree/usr/sbin" "$tree/lib/modules" "$tree/lib64" "$tree/root/.ssh" \
  "$tree/proc" "$tree/sys" "$tree/dev" "$tree/tmp" "$tree/var/log" "$tree/etc/dropbear" "$tree/etc/acpi/PWRF"
chmod 700 "$tree/root" "$tree/root/.ssh"
cp "$root/bin/busybox" "$tree/bin/"
for applet in $("$root/bin/busybox" --list-full); do
  [ -e "$tree/$applet" ] || { mkdir -p "$(dirname "$tree/$applet")"; ln -s /bin/busybox "$tree/$applet"; }
done
cp "$root/usr/sbin/dropbear" "$tree/usr/sbin/"
cp "$root/usr/bin/dropbearkey" "$tree/usr/bin/"
cp "$root/usr/lib/dropbear/dropbearconvert" "$tree/usr/bin/"
cp "$root/lib64/ld-linux-x86-64.so.2" "$tree/lib64/"
for library in libtomcrypt.so.1 libtommath.so.1 libz.so.1 libcrypt.so.1 libc.so.6 libgmp.so.10; do
  found=$(find "$root/lib" "$root/usr/lib" -name "$library" | head -n 1)
  [ -z "$found" ] || cp -L "$found" "$tree/lib/"
done
sed -e 's/ *#.*//' -e '/^$/d' "$here/modules" | while read -r module; do
  cp "$root/lib/modules/${kernel#vmlinuz-}/kernel/$module" "$tree/lib/modules/"
  basename "$module" >> "$tree/lib/modules/order"
done
echo 'root:*:0:0::/root:/bin/sh' > "$tree/etc/passwd"
echo 'root:x:0:' > "$tree/etc/group"
echo /bin/sh > "$tree/etc/shells"
cp "$here/inittab" "$tree/etc/inittab"
cp "$here/sudo" "$tree/usr/bin/sudo"
# What the power button does.
printf '#!/bin/sh\nexec poweroff\n' > "$tree/etc/acpi/PWRF/00000080"
cp "$here/init" "$tree/init"
chmod 755 "$tree/init" "$tree/usr/bin/sudo" "$tree/etc/acpi/PWRF/00000080"

cp "$root/boot/$kernel" "$done/vmlinuz"
(cd "$tree" && find . | LC_ALL=C sort | "$root/bin/busybox" cpio -o -H newc -R 0:0) | gzip -9 -n > "$done/initrd.img"
cp "$here/kernel-arguments" "$done/kernel-arguments"
chmod 644 "$done"/*
