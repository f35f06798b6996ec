import { field } from "@corral-iac/corral/core/argumentRules";
import { messageOf } from "@corral-iac/corral/core/errors";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  annotation,
  CLEANED_ANNOTATION,
  CLOSING_ANNOTATION,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  cleanSteps,
  type NodeStep,
} from "@corral-iac/corral/core/kubevirt/nodeSteps";
import { stableSteps } from "@corral-iac/corral/core/kubevirt/stableSteps";

import type { OperationContext } from "../frame/context";
import type { ClusterNode, NodeShells } from "./nodes";
import { letsNobodyIn } from "./nodeShells";
import { uidOf } from "./spentMachine";

/** A machine that is cleaned before it is snapshotted. */
export interface CleanNode extends ClusterNode {
  readonly machine: string;
}

export interface CleanSurroundings {
  readonly namespace: string;
  readonly client: KubeClient;
  readonly shells: NodeShells;
  readonly ctx: Pick<OperationContext, "signal" | "log">;
  readonly timeoutSeconds: number;
}

/** How long it is looked whether one gets into a machine whose keys were perhaps removed. */
const CLOSED_SECONDS = 30;

/**
 * Waits until the cluster has come to rest, and cleans its machines. One that was cleaned by a run that
 * was cut off after that is left alone: its keys are gone, and nobody gets in again.
 *
 * @throws Error when a machine is off that was not cleaned.
 */
export async function cleanMachines(
  nodes: readonly CleanNode[],
  surroundings: CleanSurroundings,
): Promise<void> {
  const { timeoutSeconds, shells } = surroundings;
  const states = await Promise.all(
    nodes.map((node) => stateOf(node, surroundings)),
  );
  const [controlPlane] = nodes;
  if (controlPlane?.index === 0 && states.every(({ is }) => is === "dirty")) {
    await shells.reach(controlPlane, timeoutSeconds);
    await run(controlPlane, stableSteps(timeoutSeconds), surroundings);
  }
  for (const [index, node] of nodes.entries()) {
    const state = states[index];
    if (state !== undefined && state.is !== "clean") {
      await clean(node, state, surroundings);
    }
  }
}

/** What a machine is, and the instance that it runs as. */
interface CleanState {
  readonly is: "dirty" | "closing" | "clean";
  readonly instanceUid: string;
}

async function stateOf(
  { machine }: CleanNode,
  { client, namespace, ctx }: CleanSurroundings,
): Promise<CleanState> {
  const { signal } = ctx;
  const [found, instance] = await Promise.all([
    client.find(KINDS.virtualMachine, namespace, machine, { signal }),
    client.find(KINDS.instance, namespace, machine, { signal }),
  ]);
  const instanceUid = uidOf(instance);
  if (found === undefined) {
    // Its snapshot may be there; where it is not, taking it says so.
    return { is: "clean", instanceUid };
  }
  const cleaned = annotation(found, CLEANED_ANNOTATION);
  // One that shut itself down keeps its instance.
  const isOff =
    instance === undefined ||
    field(instance, "status", "phase") === "Succeeded";
  if (isOff && cleaned === undefined) {
    throw new Error(
      `machine ${namespace}/${machine} is off and was not cleaned, so that it is not snapshotted: start it (virtctl start ${machine} -n ${namespace}) for the next up, or raise generation`,
    );
  }
  // Whoever started it since made it dirty again.
  if (isOff || cleaned === instanceUid) {
    return { is: "clean", instanceUid };
  }
  return {
    is:
      annotation(found, CLOSING_ANNOTATION) === instanceUid
        ? "closing"
        : "dirty",
    instanceUid,
  };
}

async function clean(
  node: CleanNode,
  { is, instanceUid }: CleanState,
  surroundings: CleanSurroundings,
): Promise<void> {
  const { shells, timeoutSeconds } = surroundings;
  const note = (name: string) =>
    annotate(node, { [name]: instanceUid }, surroundings);
  try {
    await shells.reach(
      node,
      is === "closing"
        ? Math.min(CLOSED_SECONDS, timeoutSeconds)
        : timeoutSeconds,
    );
  } catch (error) {
    if (is !== "closing" || !letsNobodyIn(error)) {
      throw error;
    }
    await note(CLEANED_ANNOTATION);
    return;
  }
  const steps = cleanSteps();
  await run(node, steps.slice(0, -1), surroundings);
  // If the last step is cut off, perhaps nobody can look any more how far it came.
  await note(CLOSING_ANNOTATION);
  await run(node, steps.slice(-1), surroundings);
  await note(CLEANED_ANNOTATION);
}

async function annotate(
  { machine }: CleanNode,
  annotations: Readonly<Record<string, string>>,
  { client, namespace, ctx }: CleanSurroundings,
): Promise<void> {
  await client.patch(
    KINDS.virtualMachine,
    namespace,
    machine,
    { metadata: { annotations } },
    { signal: ctx.signal },
  );
}

async function run(
  node: CleanNode,
  steps: readonly NodeStep[],
  { shells, ctx }: CleanSurroundings,
): Promise<void> {
  for (const step of steps) {
    const what = `${node.nodeName}: ${step.name}`;
    ctx.log.status(what);
    try {
      await shells.run(node, step);
    } catch (error) {
      if (!step.mayFail) {
        throw error;
      }
      ctx.log.warn(`${what} failed, which may be: ${messageOf(error)}`);
    }
  }
}
