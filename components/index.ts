// The library's entry: it only re-exports. Pulumi makes a component package's schema from the
// classes here.
export * from "./guest/args";
export { FileInjection } from "./guest/fileInjection";
export * from "./guest/fileInjectionArgs";
export { GuestFeature } from "./guest/guestFeature";
export * from "./guest/guestFeatureArgs";
export { NfsMount } from "./guest/nfsMount";
export * from "./guest/nfsMountArgs";
export * from "./kubevirt/args";
export * from "./kubevirt/baseArgs";
export { KubevirtBaseSnapshots } from "./kubevirt/kubevirtBaseSnapshots";
export { KubevirtCluster } from "./kubevirt/kubevirtCluster";
export * from "./libvirt/args";
export { LibvirtImage } from "./libvirt/libvirtImage";
export { LibvirtNetwork } from "./libvirt/libvirtNetwork";
export { LibvirtPool } from "./libvirt/libvirtPool";
export { LibvirtVm } from "./libvirt/libvirtVm";
export * from "./microvm/args";
export * from "./microvm/hostArgs";
export { MicroVmHost } from "./microvm/microVmHost";
export { MicroVm } from "./microvm/microVm";
export * from "./proxmox/args";
export * from "./proxmox/hardwareArgs";
export { ProxmoxVm } from "./proxmox/proxmoxVm";
export * from "./proxmox/stepArgs";
