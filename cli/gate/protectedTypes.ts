/** Types of resources that must not be replaced or deleted unasked, and what people call them. */
export const PROTECTED_TYPES: Readonly<Record<string, string>> = {
  "libvirt:index/domain:Domain": "machine",
  "libvirt:index/volume:Volume": "disk",
  "corral-ops:index:LibvirtDisk": "data disk",
  "libvirt:index/pool:Pool": "pool of disks",
  "proxmox:index/virtualEnvironmentVm:VirtualEnvironmentVm": "machine",
};
