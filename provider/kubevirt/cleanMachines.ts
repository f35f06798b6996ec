import { messageOf } from "@corral-iac/corral/core/errors";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  annotation,
  CLEANED_ANNOTATION,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  cleanSteps,
  type NodeStep,
} from "@corral-iac/corral/core/kubevirt/nodeSteps";
import { stableSteps } from "@corral-iac/corral/core/kubevirt/stableSteps";

import type { OperationContext } from "../frame/context";
import type { ClusterNode, NodeShells } from "./nodes";

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

/**
 * Waits until the cluster has come to rest, and cleans its machines. One that is off, or was cleaned by
 * a run that was cut off, is left alone: its host keys are gone, and nobody gets in again.
 */
export async function cleanMachines(
  nodes: readonly CleanNode[],
  surroundings: CleanSurroundings,
): Promise<void> {
  const { timeoutSeconds, shells } = surroundings;
  const dirty: CleanNode[] = [];
  for (const node of nodes) {
    if (await isDirty(node, surroundings)) {
      dirty.push(node);
    }
  }
  const controlPlane = dirty.find(({ index }) => index === 0);
  if (controlPlane !== undefined && dirty.length === nodes.length) {
    await shells.reach(controlPlane, timeoutSeconds);
    await run(controlPlane, stableSteps(timeoutSeconds), surroundings);
  }
  for (const node of dirty) {
    await shells.reach(node, timeoutSeconds);
    const steps = cleanSteps();
    await run(node, steps.slice(0, -1), surroundings);
    // From here on it cannot be said from inside that it was cleaned.
    await mark(node, surroundings);
    await run(node, steps.slice(-1), surroundings);
  }
}

async function isDirty(
  { machine }: CleanNode,
  { client, namespace, ctx }: CleanSurroundings,
): Promise<boolean> {
  const { signal } = ctx;
  const [found, instance] = await Promise.all([
    client.find(KINDS.virtualMachine, namespace, machine, { signal }),
    client.find(KINDS.instance, namespace, machine, { signal }),
  ]);
  return (
    instance !== undefined &&
    annotation(found, CLEANED_ANNOTATION) === undefined
  );
}

async function mark(
  { machine }: CleanNode,
  { client, namespace, ctx }: CleanSurroundings,
): Promise<void> {
  await client.patch(
    KINDS.virtualMachine,
    namespace,
    machine,
    {
      metadata: {
        annotations: { [CLEANED_ANNOTATION]: new Date().toISOString() },
      },
    },
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
