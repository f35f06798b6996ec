import * as pulumi from "@pulumi/pulumi";
import type { ReadyUntil } from "@corral-iac/corral/guest/args";
import type { Accelerator } from "@corral-iac/corral/libvirt/args";
import { LibvirtNetwork } from "@corral-iac/corral/libvirt/libvirtNetwork";
import { LibvirtVm } from "@corral-iac/corral/libvirt/libvirtVm";

const config = new pulumi.Config();

const lan = new LibvirtNetwork("lan", { cidr: "10.88.0.0/24" });

const web = new LibvirtVm("web", {
  vcpus: 2,
  memoryMib: 1024,
  accelerator: config.require<Accelerator>("accelerator"),
  pool: { name: config.require("pool") },
  image: { url: config.require("image") },
  rootDisk: { sizeGib: 10 },
  network: { name: lan.name },
  cloudInit: {
    users: [{ name: "ops", sudo: true }],
    packages: ["nginx-light"],
    files: [
      {
        path: "/var/www/html/index.html",
        content: pulumi.interpolate`Hello from ${pulumi.getStack()}\n`,
      },
    ],
  },
  ready: {
    until: config.require<ReadyUntil>("until"),
    timeoutSeconds: 600,
  },
});

/** Name of the domain, for virsh. */
export const domain = web.name;
/** IPv4 address of the guest. */
export const address = web.address;
/** Address, user, private key and pinned host key; a secret. */
export const connection = web.connection;
