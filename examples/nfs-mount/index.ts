import * as pulumi from "@pulumi/pulumi";
import type { CloudInitFile } from "@corral-iac/corral/guest/args";
import { NfsMount } from "@corral-iac/corral/guest/nfsMount";
import type { NfsShareArgs } from "@corral-iac/corral/guest/nfsMountArgs";
import type { Accelerator } from "@corral-iac/corral/libvirt/args";
import { LibvirtNetwork } from "@corral-iac/corral/libvirt/libvirtNetwork";
import { LibvirtVm } from "@corral-iac/corral/libvirt/libvirtVm";

interface Share extends NfsShareArgs {
  readonly name: string;
}

const config = new pulumi.Config();

const lan = new LibvirtNetwork("lan", { cidr: config.require("cidr") });

const desk = new LibvirtVm("desk", {
  memoryMib: 512,
  accelerator: config.require<Accelerator>("accelerator"),
  pool: { name: config.require("pool") },
  image: { name: config.require("image") },
  network: { name: lan.name },
  cloudInit: {
    // Corral mounts as root: the user it logs in as needs sudo.
    users: [{ name: "ops", sudo: true }],
    files: config.getObject<CloudInitFile[]>("files") ?? [],
  },
  ready: { timeoutSeconds: 600 },
});

for (const { name, ...share } of config.getObject<Share[]>("shares") ?? []) {
  new NfsMount(
    `desk-${name}`,
    { connection: desk.connection, ...share },
    // A machine that goes away needs no unmounting beforehand.
    { deletedWith: desk },
  );
}

/** Name of the domain, for virsh. */
export const domain = desk.name;
/** Address, user, private key and pinned host key; a secret. */
export const connection = desk.connection;
