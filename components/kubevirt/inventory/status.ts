import { field } from "../../core/argumentRules";
import type { Reference } from "../../core/inventory/lister";
import type { MachineStatus } from "../../core/inventory/status";
import type { KubeClient, KubeObject } from "../../core/kube-client/client";
import { isKubeFault } from "../../core/kube-client/errors";
import { KINDS } from "../../core/kube-client/kinds";
import { parseQuantity } from "../../core/kubevirt/quantity";
import { isText } from "../../core/later";
import { MACHINES, placeInHandle } from "./kinds";

/** The machines of a cluster, as they are now. */
export async function statusOfMachines(
  client: KubeClient,
  place: string,
  references: readonly Reference[],
): Promise<MachineStatus[]> {
  const machines = references.filter(
    (one) => MACHINES.includes(one.type) && one.place === place,
  );
  const now = Date.now();
  return Promise.all(
    machines.map(async ({ urn, handle }) => {
      const { namespace, name } = placeInHandle(handle);
      const [machine, instance] = await Promise.all(
        [KINDS.virtualMachine, KINDS.instance].map((kind) =>
          findIfKnown(client, kind, namespace, name),
        ),
      );
      return machineStatus(urn, machine, instance, now);
    }),
  );
}

async function findIfKnown(
  client: KubeClient,
  kind: (typeof KINDS)[keyof typeof KINDS],
  namespace: string,
  name: string,
): Promise<KubeObject | undefined> {
  try {
    return await client.find(kind, namespace, name);
  } catch (error) {
    if (isKubeFault(error, "noKind")) {
      return undefined; // Without the kind there is none.
    }
    throw error;
  }
}

/** Pure. */
export function machineStatus(
  urn: string,
  machine: KubeObject | undefined,
  instance: KubeObject | undefined,
  now: number,
): MachineStatus {
  if (machine === undefined) {
    return { urn, state: "gone", addresses: [] };
  }
  const printed = text(field(machine, "status", "printableStatus"));
  const isReady = field(machine, "status", "ready") === true;
  const node = text(field(instance, "status", "nodeName"));
  const since = runningSince(instance);
  const template = ["spec", "template", "spec", "domain"];
  // Further processors of a machine that has grown are sockets.
  const [cores, sockets = 1, threads = 1] = ["cores", "sockets", "threads"].map(
    (name) => field(machine, ...template, "cpu", name),
  );
  const memory = parseQuantity(
    text(field(machine, ...template, "memory", "guest")),
  );
  return {
    urn,
    state:
      printed === "Running" && !isReady
        ? "Running, not ready"
        : printed || "unknown",
    addresses: addressesOf(instance),
    ...(typeof cores === "number" && {
      vcpus: cores * Number(sockets) * Number(threads),
    }),
    ...(memory !== undefined && { memoryMib: Math.round(memory / 2 ** 20) }),
    ...(node !== "" && { node }),
    ...(since !== undefined && {
      uptimeSeconds: Math.max(0, Math.round((now - since) / 1000)),
    }),
  };
}

function runningSince(instance: KubeObject | undefined): number | undefined {
  const transitions = field(instance, "status", "phaseTransitionTimestamps");
  const running = (Array.isArray(transitions) ? (transitions as unknown[]) : [])
    .filter((one) => field(one, "phase") === "Running")
    .map((one) => Date.parse(text(field(one, "phaseTransitionTimestamp"))))
    .find((time) => !Number.isNaN(time));
  return field(instance, "status", "phase") === "Running" ? running : undefined;
}

function addressesOf(instance: KubeObject | undefined): string[] {
  const interfaces = field(instance, "status", "interfaces");
  return (Array.isArray(interfaces) ? (interfaces as unknown[]) : []).flatMap(
    (one) => {
      const all = field(one, "ipAddresses");
      return Array.isArray(all)
        ? all.filter(isText)
        : [field(one, "ipAddress")].filter(isText);
    },
  );
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}
