import * as pulumi from "@pulumi/pulumi";
import type { NfsShareArgs } from "@corral-iac/corral/guest/nfsMountArgs";
import { ProxmoxVm } from "@corral-iac/corral/proxmox/proxmoxVm";

const config = new pulumi.Config();

const worker = new ProxmoxVm("worker", {
  node: config.require("node"),
  vmId: 8101,
  template: { name: config.require("template") },
  cores: 2,
  memoryMib: config.requireNumber("memoryMib"),
  rootDisk: { sizeGib: 8, storage: config.require("storage") },
  networks: [{ bridge: config.require("bridge") }],
  account: { name: "ops" },
  ready: { timeoutSeconds: 600 },
  nfsMounts: config.getObject<NfsShareArgs[]>("shares") ?? [],
  files: [
    {
      content: `${config.require("greeting")}\n`,
      destination: "/etc/worker/greeting",
      owner: "ops",
      mode: "0640",
    },
  ],
  features: [
    {
      name: "motd",
      script: "echo 'A worker made by Corral.' > /etc/motd",
      check: "grep -q Corral /etc/motd",
    },
  ],
  finalForm: { description: "As it was made." },
});

/** VM id, for qm. */
export const vmId = worker.vmId;
/** IP address of the guest. */
export const address = worker.address;
/** What `cloud-init status --long` said. */
export const cloudInitStatus = worker.cloudInitStatus;
/** Address, user, private key and host key; a secret. */
export const connection = worker.connection;
