import * as pulumi from "@pulumi/pulumi";
import { FileInjection } from "@corral-iac/corral/guest/fileInjection";
import type { Accelerator } from "@corral-iac/corral/libvirt/args";
import { LibvirtVm } from "@corral-iac/corral/libvirt/libvirtVm";

const config = new pulumi.Config();

const machine = new LibvirtVm("machine", {
  memoryMib: 512,
  accelerator: config.require<Accelerator>("accelerator"),
  pool: { name: config.require("pool") },
  image: { name: config.require("image") },
  network: { create: { cidr: config.require("cidr") } },
  cloudInit: { users: [{ name: "ops", sudo: true }] },
});

const app = new FileInjection(
  "app",
  {
    connection: machine.connection,
    files: [
      // A folder with all that is in it; what may be executed here may be executed there.
      { source: "app", destination: "/opt/app", owner: "ops", group: "ops" },
      {
        content: pulumi.interpolate`stack = ${pulumi.getStack()}\n`,
        destination: "/etc/app/app.conf",
      },
      // A secret: readable by its owner alone, and encrypted in the state.
      {
        content: config.requireSecret("token"),
        destination: "/etc/app/token",
        owner: "ops",
      },
    ],
  },
  // When the machine goes, its files need not be removed one by one.
  { deletedWith: machine },
);

/** Paths of all files that were put into the guest. */
export const files = app.destinations;
/** Address, user, private key and pinned host key; a secret. */
export const connection = machine.connection;
