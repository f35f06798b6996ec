import type { Plugin } from "./frame/serve";
import { appliedRevision } from "./resources/appliedRevision";
import { cloudInitDisk } from "./resources/cloudInitDisk";
import { consoleLog } from "./resources/consoleLog";
import { guestReady } from "./resources/guestReady";
import { libvirtPower } from "./resources/libvirtPower";
import { sshKeyPair } from "./resources/sshKeyPair";
import { stamp } from "./resources/stamp";
import { closeSshPool } from "./ssh/shared";

/** The plugin as a whole: what it is called and which resources it has. */
export const plugin: Plugin = {
  facts: {
    name: "corral-ops",
    version: "0.1.0",
    displayName: "Corral operations",
    description:
      "What Corral does that no other provider does: readiness, keys, stamps, files.",
    license: "Apache-2.0",
  },
  resources: [
    appliedRevision,
    cloudInitDisk,
    consoleLog,
    guestReady,
    libvirtPower,
    sshKeyPair,
    stamp,
  ],
  close: closeSshPool,
};
