import { createHash } from "node:crypto";

import { hostPaths, machinePaths } from "@corral-iac/corral/core/microvm/paths";
import type {
  Hypervisor,
  MachinePlan,
  PlannedDisk,
} from "@corral-iac/corral/core/microvm/plan";

import type { Inputs, Outputs } from "../resources/microVmServiceFields";

/** Label of the disk with cloud-init's documents, as its data source NoCloud looks for it. */
const SEED_NAME = "cidata";

/** The whole machine, from the resource's inputs and the hypervisor that was found on the host. */
export function planOf(args: Inputs, hypervisor: Hypervisor): MachinePlan {
  const seed = hasSeed(args) ? [seedDisk(args)] : [];
  return {
    name: args.name,
    hostname: args.hostname,
    stamp: args.stamp,
    hypervisor,
    acceleration: args.acceleration,
    vcpus: args.vcpus,
    memoryMib: args.memoryMib,
    kernel: args.kernel,
    ...(args.initrd !== undefined && { initrd: args.initrd }),
    kernelArguments: args.kernelArguments,
    disks: [...args.disks, ...seed],
    hasRootDisk: args.hasRootDisk,
    interfaces: args.interfaces,
    ...(args.vsockCid !== undefined && { vsockCid: args.vsockCid }),
    ...(args.sharedFolders.length > 0 && { shares: args.sharedFolders }),
    allow: args.allow,
    restart: args.restart,
    cpuQuotaPercent: args.cpuQuotaPercent ?? 100 * args.vcpus,
    memoryOverheadMib: args.memoryOverheadMib,
    stopTimeoutSeconds: args.stopTimeoutSeconds,
  };
}

export function hypervisorOf(args: Inputs, outputs: Outputs): Hypervisor {
  return {
    kind: args.hypervisor,
    path: outputs.hypervisorPath,
    version: outputs.hypervisorVersion,
  };
}

export function hasSeed({ userData }: Inputs): boolean {
  return userData !== undefined;
}

/** cloud-init's documents; all of them belong together. */
export function documentsOf({ userData, metaData, networkConfig }: Inputs) {
  return {
    userData: userData ?? "",
    metaData: metaData ?? "",
    networkConfig: networkConfig ?? "",
  };
}

function seedDisk(args: Inputs): PlannedDisk {
  const documents = Object.values(documentsOf(args)).join("\0");
  return {
    name: SEED_NAME,
    path: machinePaths(args.name, hostPaths).seed,
    readOnly: true,
    grows: false,
    revision: createHash("sha256").update(documents).digest("hex").slice(0, 16),
  };
}
