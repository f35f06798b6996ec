#!/bin/sh
# Makes the lab's guest, which its own recipe has made ready, into a node. $1 is the guest's root folder.
set -eu
root=$1
here=$(dirname "$(readlink -f "$0")")

cp -R --no-preserve=ownership,mode "$here/overlay/." "$root/"
# Where containerd looks for network plugins, and Flannel's installer puts its own.
mkdir -p "$root/opt/cni/bin" "$root/etc/kubernetes/manifests"
for plugin in bridge host-local loopback portmap; do
  cp "$root/usr/lib/cni/$plugin" "$root/opt/cni/bin/"
done
rm -r "$root/usr/lib/cni"
# Nothing of a node starts before its cloud-init says so.
rm -f "$root"/etc/systemd/system/*.wants/containerd.service
