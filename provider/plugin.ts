import type { Plugin } from "./frame/serve";
import { closeKubeClients } from "./kubevirt/clients";
import { closeProxmoxClients } from "./proxmox/clients";
import { appliedRevision } from "./resources/appliedRevision";
import { cloudInitDisk } from "./resources/cloudInitDisk";
import { consoleLog } from "./resources/consoleLog";
import { guestFiles } from "./resources/guestFiles";
import { guestMount } from "./resources/guestMount";
import { guestReady } from "./resources/guestReady";
import { kubeadmSecrets } from "./resources/kubeadmSecrets";
import { kubevirtBaseMachine } from "./resources/kubevirtBaseMachine";
import { kubevirtNodes } from "./resources/kubevirtNodes";
import { kubevirtLoadBalancer } from "./resources/kubevirtLoadBalancer";
import { kubevirtReady } from "./resources/kubevirtReady";
import { kubevirtRollout } from "./resources/kubevirtRollout";
import { kubevirtSnapshots } from "./resources/kubevirtSnapshots";
import { libvirtDisk } from "./resources/libvirtDisk";
import { libvirtPower } from "./resources/libvirtPower";
import { microVmAddress } from "./resources/microVmAddress";
import { microVmImage } from "./resources/microVmImage";
import { microVmNetwork } from "./resources/microVmNetwork";
import { microVmService } from "./resources/microVmService";
import { microVmVolume } from "./resources/microVmVolume";
import { provisioningDecision } from "./resources/provisioningDecision";
import { proxmoxShutdown } from "./resources/proxmoxShutdown";
import { proxmoxSnapshot } from "./resources/proxmoxSnapshot";
import { proxmoxTemplate } from "./resources/proxmoxTemplate";
import { proxmoxVmId } from "./resources/proxmoxVmId";
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
    guestFiles,
    guestMount,
    guestReady,
    kubeadmSecrets,
    kubevirtBaseMachine,
    kubevirtNodes,
    kubevirtLoadBalancer,
    kubevirtReady,
    kubevirtRollout,
    kubevirtSnapshots,
    libvirtDisk,
    libvirtPower,
    microVmAddress,
    microVmImage,
    microVmNetwork,
    microVmService,
    microVmVolume,
    provisioningDecision,
    proxmoxShutdown,
    proxmoxSnapshot,
    proxmoxTemplate,
    proxmoxVmId,
    sshKeyPair,
    stamp,
  ],
  close() {
    closeSshPool();
    closeKubeClients();
    closeProxmoxClients();
  },
};
