import * as pulumi from "@pulumi/pulumi";
import type { Accelerator } from "@corral-iac/corral/libvirt/args";
import { MicroVmHypervisor } from "@corral-iac/corral/microvm/args";
import { MicroVm } from "@corral-iac/corral/microvm/microVm";
import { MicroVmHost } from "@corral-iac/corral/microvm/microVmHost";

const config = new pulumi.Config();

const host = new MicroVmHost("lan", {
  host: config.require("host"),
  hostKey: config.require("hostKey"),
  privateKey: config.requireSecret("privateKey"),
  accelerator: config.require<Accelerator>("accelerator"),
  subnet: "10.66.0.0/24",
});

const guest = {
  host: host.place,
  hypervisor: MicroVmHypervisor.Qemu,
  memoryMib: 128,
  kernel: { file: config.require("kernel") },
  initrd: { file: config.require("initrd") },
};

const web = new MicroVm("web", guest);

const store = new MicroVm("store", {
  ...guest,
  volumes: [{ name: "data", sizeGib: 0.0625, mountPoint: "/data" }],
  allow: [{ ports: [5432], from: [web.address] }],
});

/** Addresses, as the host and its machines reach them. */
export const addresses = { web: web.address, store: store.address };
/** systemd's units on the host. */
export const units = [web.unitName, store.unitName];
/** Address, user, keys, and the host as the way in; a secret. */
export const connection = store.connection;
