#!/bin/sh
# Makes a fresh Debian root into the lab's guest. Runs on the building machine; $1 is the guest's root folder.
set -eu
root=$1
here=$(dirname "$(readlink -f "$0")")

cp -R --no-preserve=ownership,mode "$here/overlay/." "$root/"
chmod 755 "$root/usr/local/sbin/netplan" "$root"/usr/local/lib/corral/* "$root/etc/systemd/system-generators/cloud-init-generator"
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/apt/sources.list.d/*

# Nothing to compute and print at each login.
rm -f "$root"/etc/update-motd.d/* "$root/etc/motd"

# Identity is each machine's own.
: > "$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
echo localhost > "$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"

# Names by the network's own server.
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"

# What does nothing for a lab guest and costs time without KVM. NFS mounts start what they need by themselves.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  e2scrub_reap.service systemd-pstore.service rpcbind.service rpcbind.socket systemd-resolved.service nfs-client.target getty@tty1.service \
  cloud-init-hotplugd.socket; do
  rm -f "$root"/etc/systemd/system/*.wants/"$unit"
done
for unit in systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-network-generator.service \
  systemd-random-seed.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-journal-flush.service \
  modprobe@dm_mod.service modprobe@loop.service modprobe@drm.service modprobe@configfs.service \
  modprobe@efi_pstore.service modprobe@fuse.service sys-fs-fuse-connections.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount dev-hugepages.mount rpc-statd-notify.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# Name resolution may come up beside ssh instead of before it.
sed -e 's/^Before=sysinit.target network.target /Before=/' -e 's/^WantedBy=sysinit.target/WantedBy=multi-user.target/' \
  -e '/^\[Unit\]/a After=ssh.service' "$root/lib/systemd/system/systemd-resolved.service" \
  > "$root/etc/systemd/system/systemd-resolved.service"
for generator in systemd-cryptsetup-generator systemd-integritysetup-generator systemd-veritysetup-generator \
  systemd-gpt-auto-generator systemd-hibernate-resume-generator systemd-sysv-generator systemd-rc-local-generator \
  systemd-system-update-generator systemd-run-generator systemd-debug-generator systemd-getty-generator \
  rpc-pipefs-generator; do
  ln -sf /dev/null "$root/etc/systemd/system-generators/$generator"
done
chroot "$root" systemctl enable systemd-networkd systemd-resolved ssh serial-getty@ttyS0.service
chroot "$root" systemctl set-default multi-user.target

# Both ways to boot: GRUB from the disk's own first sectors, and kernel and initrd handed over by the hypervisor.
kernel=$(basename "$(ls "$root"/boot/vmlinuz-*)")
chroot "$root" mktirfs -o "/boot/initrd.img-${kernel#vmlinuz-}" "${kernel#vmlinuz-}"
ln -sf "$kernel" "$root/boot/vmlinuz"
ln -sf "initrd.img-${kernel#vmlinuz-}" "$root/boot/initrd.img"
mkdir -p "$root/boot/grub"
sed "s#@KERNEL_ARGUMENTS@#'$(sed "s# #' '#g" "$here/kernel-arguments")'#" "$here/grub.cfg" > "$root/boot/grub/grub.cfg"
chroot "$root" grub-mkimage -O i386-pc -o /boot/grub/core.img -p '(hd0,msdos1)/boot/grub' \
  biosdisk part_msdos ext2 linux16 normal
# Not a first boot after an update: nothing of /usr is to be worked into /etc and /var.
touch "$root/etc/.updated" "$root/var/.updated"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/tmp/* "$root"/var/tmp/*
