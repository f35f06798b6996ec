// The library's entry: it only re-exports. Pulumi makes a component package's schema from the
// classes here.
export * from "./guest/args";
export * from "./libvirt/args";
export { LibvirtImage } from "./libvirt/libvirtImage";
export { LibvirtNetwork } from "./libvirt/libvirtNetwork";
export { LibvirtPool } from "./libvirt/libvirtPool";
export { LibvirtVm } from "./libvirt/libvirtVm";
