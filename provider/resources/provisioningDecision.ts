import { randomBytes } from "node:crypto";

import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  bootstrapAsAsked,
  decide,
  fallBack,
} from "@corral-iac/corral/core/kubevirt/decision";
import type {
  Decision,
  ReadySnapshot,
} from "@corral-iac/corral/core/kubevirt/decision";
import { clonedDisks } from "@corral-iac/corral/core/kubevirt/clonePlan";
import type { DiskSpec } from "@corral-iac/corral/core/kubevirt/disks";
import type { NodeRole } from "@corral-iac/corral/core/kubevirt/labels";
import { gibToBytes } from "@corral-iac/corral/core/units";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { choice, defineResource, fields } from "../frame/define";
import { containsUnknownPlain } from "../frame/unknowns";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import { cloneAhead, removeClones } from "../kubevirt/cloneAhead";
import { snapshotForMore } from "../kubevirt/laterClones";
import { look } from "../kubevirt/look";
import { kubeFields, namespaceField } from "./kubeFields";

const roleField = () =>
  choice(["control-plane", "worker"], {
    title: "KubevirtNodeRole",
    description: "What the machine is in its cluster.",
  });

const machine = fields(
  {
    name: Type.String({ minLength: 1, description: "Name of the machine." }),
    role: roleField(),
    diskSizeGib: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: "Size of its root disk in GiB. Default: as it was.",
      }),
    ),
    storageClass: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Storage class of its disks. Default: the cluster's.",
      }),
    ),
  },
  { title: "KubevirtDecisionMachine" },
);

const wishes = fields(
  {
    namespace: Type.String({
      default: "vm-templates",
      description: "Namespace of the snapshots.",
    }),
    controlPlane: Type.String({
      default: "cks-control-plane-base-snapshot",
      description: "Name of the control plane's VirtualMachineSnapshot.",
    }),
    worker: Type.String({
      default: "cks-worker-base-snapshot",
      description: "Name of the worker's VirtualMachineSnapshot.",
    }),
    fromSession: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "Instead of names: the newest ready snapshots of the machines that carry this session.",
      }),
    ),
  },
  { title: "KubevirtSnapshotWish" },
);

const inputFields = fields({
  ...kubeFields(),
  namespace: namespaceField(),
  strategy: choice(["auto", "snapshot", "bootstrap"], {
    title: "KubevirtStrategy",
    description:
      "`auto` takes snapshots when all are ready, else bootstraps; `snapshot` fails without them.",
    default: "auto",
  }),
  fallback: Type.Boolean({
    default: true,
    description:
      "Whether `auto` bootstraps after all when the disks of ready snapshots do not come.",
  }),
  wanted: wishes,
  machines: Type.Array(machine, {
    description: "The machines that get disks now.",
  }),
  generation: Type.Integer({
    minimum: 1,
    default: 1,
    description: "A change decides anew; nothing else does.",
  }),
  stampId: Type.String({
    minLength: 1,
    replaces: true,
    description: "Id of the stamp of what is made.",
  }),
  labels: Type.Record(Type.String(), Type.String(), {
    description: "Labels of the disks; with the stamp among them.",
    default: {},
  }),
  annotations: Type.Record(Type.String(), Type.String(), {
    description: "Annotations of the disks.",
    default: {},
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 300,
    description: "Longest time that cloned disks may take, in seconds.",
  }),
});

const decidedDisk = fields(
  {
    volume: Type.String({ description: "Name of the volume." }),
    volumeSnapshot: Type.String({ description: "Name of its VolumeSnapshot." }),
    sizeBytes: Type.Number({ description: "Its size in bytes." }),
  },
  { title: "KubevirtDecidedDisk" },
);

const decidedSnapshot = fields(
  {
    role: roleField(),
    namespace: Type.String({ description: "Its namespace." }),
    name: Type.String({ description: "Name of the VirtualMachineSnapshot." }),
    createdAt: Type.String({ description: "When it was taken, RFC 3339." }),
    kubernetesVersion: Type.String({
      description: "Kubernetes inside; empty when nothing says it.",
    }),
    status: Type.String({ description: "What it is good for, in words." }),
    disks: Type.Array(decidedDisk, {
      description: "Its disks, the root disk first.",
    }),
    onlyFor: Type.Optional(
      Type.String({
        description:
          "The one machine that is cloned from it: a worker that came when the snapshot of the others was gone.",
      }),
    ),
  },
  { title: "KubevirtDecidedSnapshot" },
);

const outputFields = fields({
  decided: choice(["snapshot", "bootstrap"], {
    title: "KubevirtDecidedStrategy",
    description: "How the machines are made.",
  }),
  why: Type.String({ description: "Why, in words." }),
  fellBack: Type.Boolean({
    description: "Whether snapshots were ready and their disks did not come.",
  }),
  decidedGeneration: Type.Integer({
    description: "The generation that was decided for.",
  }),
  snapshots: Type.Array(decidedSnapshot, {
    description: "The snapshots that are used; none for a bootstrap.",
  }),
});

type Inputs = Static<typeof inputFields>;
type Outputs = Static<typeof outputFields>;

/** Whether a cluster is made from snapshots or bootstrapped: decided once, and kept. */
export const provisioningDecision = defineResource({
  token: "corral-ops:index:ProvisioningDecision",
  description:
    "Whether a KubeVirt cluster is made from snapshots or bootstrapped, and why. Decided once and kept " +
    "in the state, so that a snapshot that comes or goes never changes a cluster that lives; another " +
    "generation decides anew. A preview looks as well, and makes nothing. Disks are cloned ahead of " +
    "their machines: when they do not come, they are removed and the answer is bootstrap.",
  inputs: inputFields,
  outputs: outputFields,

  async foresee(ctx, inputs, old) {
    if (old && inputs.generation === old.outputs.decidedGeneration) {
      const { machines, wanted, kubeconfig, context } = inputs;
      return containsUnknownPlain([machines, wanted, kubeconfig, context])
        ? old.outputs
        : keepDecision(ctx, old, inputs as Inputs);
    }
    const { strategy, wanted, machines, kubeconfig, context, generation } =
      inputs;
    const seen = { strategy, wanted, kubeconfig, context, generation };
    const roles = Array.isArray(machines)
      ? machines.map((one) => (one as { role?: unknown }).role)
      : machines;
    if (containsUnknownPlain([seen, roles])) {
      return {};
    }
    const decision = await decideNow(ctx, inputs as Inputs);
    return outputsOf(decision, (inputs as Inputs).generation, false);
  },

  async create(ctx, inputs) {
    const id = randomBytes(8).toString("hex");
    return { id, outputs: await decideAndClone(ctx, inputs) };
  },

  async update(ctx, _id, old, inputs) {
    return inputs.generation === old.outputs.decidedGeneration
      ? keepDecision(ctx, old, inputs)
      : decideAndClone(ctx, inputs);
  },

  async delete(ctx, _id, { inputs }) {
    await removeClones(inputs, surroundings(ctx, inputs));
  },
});

function surroundings(ctx: OperationContext, inputs: Inputs) {
  return { client: kubeAt(inputs), ctx, clock: systemClock };
}

async function decideNow(
  { signal, log }: Pick<OperationContext, "signal" | "log">,
  inputs: Inputs,
): Promise<Decision> {
  const { strategy, wanted, machines } = inputs;
  if (strategy === "bootstrap") {
    return bootstrapAsAsked();
  }
  const roles = new Set<NodeRole>(machines.map(({ role }) => role));
  const sight = await look(
    kubeAt(inputs),
    { ...wanted, roles: [...roles] },
    signal,
  );
  const decision = decide(strategy, sight);
  log.info(`${decision.strategy}: ${decision.why}`);
  return decision;
}

/** What was decided stays; workers that come later are cloned from what there is then. */
async function keepDecision(
  { signal, log }: Pick<OperationContext, "signal" | "log">,
  old: { readonly inputs: Inputs; readonly outputs: Outputs },
  inputs: Inputs,
): Promise<Outputs> {
  const isIn = (machines: readonly { name: string }[], name: string) =>
    machines.some((machine) => machine.name === name);
  const snapshots = old.outputs.snapshots.filter(
    ({ onlyFor }) => onlyFor === undefined || isIn(inputs.machines, onlyFor),
  );
  const used = snapshots.find(({ role }) => role === "worker");
  const added = inputs.machines.filter(
    ({ name, role }) => role === "worker" && !isIn(old.inputs.machines, name),
  );
  if (used !== undefined && added.length > 0) {
    const other = await snapshotForMore(
      kubeAt(inputs),
      used,
      inputs.wanted,
      signal,
    );
    if (other !== undefined) {
      log.info(
        `further workers are clones of ${other.namespace}/${other.name}: the snapshot of the others is gone`,
      );
      snapshots.push(
        ...added.map(({ name }) => ({ ...summary(other), onlyFor: name })),
      );
    }
  }
  return { ...old.outputs, snapshots };
}

async function decideAndClone(
  ctx: OperationContext,
  inputs: Inputs,
): Promise<Outputs> {
  const { generation, strategy, fallback, stampId } = inputs;
  const decision = await decideNow(ctx, inputs);
  if (decision.strategy === "bootstrap") {
    if (strategy !== "bootstrap") {
      // A run that was cut off may have cloned, and the snapshots are gone since.
      await removeClones(inputs, surroundings(ctx, inputs));
    }
    await demandKubevirt(ctx.signal, inputs);
    return outputsOf(decision, generation, false);
  }
  const outcome = await cloneAhead(
    {
      ...inputs,
      stampId,
      disks: disksOf(inputs, decision.snapshots),
      snapshots: decision.snapshots,
    },
    surroundings(ctx, inputs),
  );
  if (outcome.came) {
    return outputsOf(decision, generation, false);
  }
  if (strategy === "snapshot" || !fallback) {
    throw new Error(
      `${outcome.why}. What was cloned is removed; the next up tries again` +
        (strategy === "snapshot"
          ? ". strategy: auto would bootstrap instead"
          : ". fallback: true would bootstrap instead"),
    );
  }
  const fallen = fallBack(outcome.why);
  ctx.log.warn(fallen.why);
  return outputsOf(fallen, generation, true);
}

/** Pulumi's plugin would wait for minutes whether the kind comes to be known. */
async function demandKubevirt(
  signal: AbortSignal,
  inputs: Inputs,
): Promise<void> {
  const { namespace, machines } = inputs;
  const name = machines[0]?.name ?? "";
  try {
    await kubeAt(inputs).find(KINDS.virtualMachine, namespace, name, {
      signal,
    });
  } catch (error) {
    if (isKubeFault(error, "noKind")) {
      throw new Error(
        "this cluster does not know VirtualMachine of kubevirt.io/v1: KubeVirt is not installed there, or not all of it (https://kubevirt.io/user-guide/cluster_admin/installation/)",
        { cause: error },
      );
    }
    // Who may not look is told by the machine's own creation.
    if (!isKubeFault(error, "forbidden")) {
      throw error;
    }
  }
}

type Snapshots = Extract<Decision, { strategy: "snapshot" }>["snapshots"];

function disksOf(inputs: Inputs, snapshots: Snapshots): DiskSpec[] {
  return inputs.machines.flatMap(
    ({ name, role, diskSizeGib, storageClass }) => {
      const source = snapshots.find((snapshot) => snapshot.role === role);
      return source === undefined
        ? []
        : clonedDisks(
            { namespace: source.namespace, disks: source.content.disks },
            {
              machineName: name,
              generation: inputs.generation,
              rootBytes:
                diskSizeGib === undefined ? undefined : gibToBytes(diskSizeGib),
              storageClass,
            },
          );
    },
  );
}

function outputsOf(
  decision: Decision,
  generation: number,
  fellBack: boolean,
): Outputs {
  return {
    decided: decision.strategy,
    why: decision.why,
    fellBack,
    decidedGeneration: generation,
    snapshots:
      decision.strategy === "bootstrap" ? [] : decision.snapshots.map(summary),
  };
}

function summary(snapshot: ReadySnapshot) {
  const { role, namespace, name, createdAt, content } = snapshot;
  return {
    ...{ role, namespace, name, createdAt },
    kubernetesVersion: content.kubernetesVersion,
    status: snapshot.why,
    disks: content.disks.map((disk) => ({ ...disk })),
  };
}
