import type { NodeRole } from "../core/kubevirt/labels";
import {
  type KubevirtClusterArgs,
  KubevirtRunStrategy,
  KubevirtStrategy,
} from "./args";
import type { KubevirtBaseSnapshotsArgs } from "./baseArgs";
import { DEFAULTS } from "./defaults";

/** What is snapshotted, and what it is called. */
export function snapshotPlan(
  args: Pick<
    KubevirtBaseSnapshotsArgs,
    | "generation"
    | "fromSession"
    | "session"
    | "namespace"
    | "controlPlaneSnapshot"
    | "workerSnapshot"
  >,
) {
  const {
    generation = 1,
    fromSession,
    session = fromSession ?? "base",
    namespace = DEFAULTS.snapshotNamespace,
    controlPlaneSnapshot = `cks-control-plane-${session}-snapshot`,
    workerSnapshot = `cks-worker-${session}-snapshot`,
  } = args;
  const standsFor = (role: NodeRole) =>
    role === "worker" ? workerSnapshot : controlPlaneSnapshot;
  return {
    session,
    namespace,
    generation,
    standsFor,
    nameOf: (role: NodeRole) =>
      generation === 1 ? standsFor(role) : `${standsFor(role)}-g${generation}`,
  };
}

/** The cluster of the base machines. */
export function baseCluster(
  args: KubevirtBaseSnapshotsArgs,
): KubevirtClusterArgs {
  const {
    createNamespace: _createNamespace,
    controlPlaneSnapshot: _controlPlaneSnapshot,
    workerSnapshot: _workerSnapshot,
    snapshotTimeoutSeconds: _snapshotTimeoutSeconds,
    fromSession: _fromSession,
    keepMachines: _keepMachines,
    ...shared
  } = args;
  return {
    ...shared,
    workers: 1,
    strategy: KubevirtStrategy.Bootstrap,
    // Stopped for the snapshot, they stay so.
    runStrategy: KubevirtRunStrategy.RerunOnFailure,
  };
}
