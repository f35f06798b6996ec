#!/bin/sh
# Makes a fresh Debian root into the lab's systemd host. Runs on the building machine; $1 is the host's root folder.
set -eu
root=$1
here=$(dirname "$(readlink -f "$0")")

cp -R --no-preserve=ownership,mode "$here/overlay/." "$root/"
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/apt/sources.list.d/* "$root/etc/apt/sources.list"
rm -f "$root"/etc/update-motd.d/* "$root/etc/motd"

# Identity is each host's own; without a name in the file systemd takes the container's.
rm -f "$root/etc/hostname"
: > "$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
# Names are of no use in the lab, and waiting for a server that is not there costs seconds.
: > "$root/etc/resolv.conf"

# Devices are the outer machine's affair, and nobody sits at a console.
for unit in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
  getty@tty1.service console-getty.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  fstrim.timer e2scrub_all.timer e2scrub_reap.service nftables.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
chroot "$root" systemctl enable ssh
mkdir -p "$root/var/log/journal"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* "$root"/tmp/* "$root"/var/tmp/*
