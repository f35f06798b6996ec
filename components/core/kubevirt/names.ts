import { createHash } from "node:crypto";
import { type Fault, show } from "../faults";
import type { NodeRole } from "./labels";
import { isDnsLabel } from "./labels";

/** How the names of machines begin, by role; also the names of the first nodes inside a cluster. */
const PREFIXES: Readonly<Record<NodeRole, string>> = {
  "control-plane": "cks-control-plane",
  worker: "cks-worker-node",
};

/** One machine of a cluster. */
export interface ClusterMachine {
  readonly role: NodeRole;
  /** 0 for the control plane; workers count from 1. Says which network is the machine's own. */
  readonly index: number;
  /** Name of the VirtualMachine, for example `cks-worker-node-web-2`. */
  readonly name: string;
  /**
   * Name of the node inside the cluster, and of the Service by which the others reach it. The same in
   * every cluster: a clone of a kubeadm node lives only under the name that it was made with.
   */
  readonly nodeName: string;
  /** What stands in the names of Pulumi resources: `control-plane`, `worker`, `worker-2`. */
  readonly part: string;
}

/** The machines of a cluster: its control plane and its workers. */
export function clusterMachines(
  session: string,
  workers: number,
): ClusterMachine[] {
  return [
    machine("control-plane", 0, session),
    ...Array.from({ length: workers }, (_, index) =>
      machine("worker", index + 1, session),
    ),
  ];
}

function machine(
  role: NodeRole,
  index: number,
  session: string,
): ClusterMachine {
  const number = index > 1 ? `-${index}` : "";
  return {
    role,
    index,
    name: `${PREFIXES[role]}-${session}${number}`,
    nodeName: `${PREFIXES[role]}${number}`,
    part: `${role}${number}`,
  };
}

/** What a machine is by its name, for machines that were made without Corral's labels. */
export function roleByName(name: string): NodeRole | undefined {
  return (Object.keys(PREFIXES) as NodeRole[]).find((role) =>
    name.startsWith(`${PREFIXES[role]}-`),
  );
}

/** Names of a cluster's disks: a new generation has new ones, since the former's still live. */
export function diskName(
  machineName: string,
  volume: string,
  generation: number,
): string {
  const name = `${machineName}-${volume}`;
  return generation === 1 ? name : `${name}-g${generation}`;
}

/** Faults of names that come out too long for Kubernetes. */
export function machineNameFaults(
  machines: readonly ClusterMachine[],
  path: string,
  session: string,
): Fault[] {
  const wrong = machines.find(({ name }) => !isDnsLabel(name));
  return wrong === undefined
    ? []
    : [
        {
          path,
          problem:
            `is ${show(session)} and makes the machine name ${show(wrong.name)}, must give names of at ` +
            "most 63 lower-case letters, digits and hyphens",
        },
      ];
}

/** The fault of a namespace's name. */
export function namespaceFaults(path: string, namespace: string): Fault[] {
  return isDnsLabel(namespace)
    ? []
    : [
        {
          path,
          problem: `makes the namespace ${show(namespace)}, must be at most 63 lower-case letters, digits and hyphens`,
        },
      ];
}

/**
 * A machine's UUID: its own for each stack, machine and generation, and the same at every restart.
 * KubeVirt takes it as cloud-init's instance id too, so that a clone is configured anew, once.
 */
export function machineUuid(
  stampId: string,
  machineName: string,
  generation: number,
): string {
  const hex = createHash("sha256")
    .update([stampId, machineName, generation].join("\0"))
    .digest("hex");
  // Version 8 is the one for digests of one's own (RFC 9562, section 5.8).
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
