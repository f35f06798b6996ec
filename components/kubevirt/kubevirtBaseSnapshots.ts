import * as pulumi from "@pulumi/pulumi";
import { knownNow, notEmpty, textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import {
  isDnsLabel,
  type NodeRole,
  ownerAnnotations,
  SESSION_LABEL,
  stampLabels,
} from "../core/kubevirt/labels";
import { clusterMachines, machineNameFaults } from "../core/kubevirt/names";
import { isRecord, isText } from "../core/later";
import { compileSchemaCheck } from "../core/schemaCheck";
import { KubevirtSnapshots } from "../guest/ops/kubevirtSnapshots";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import {
  type KubevirtClusterArgs,
  KubevirtRunStrategy,
  KubevirtStrategy,
} from "./args";
import schema from "./args.schema.json";
import type {
  KubevirtBaseSnapshotInfo,
  KubevirtBaseSnapshotsArgs,
} from "./baseArgs";
import { DEFAULTS } from "./defaults";
import { makeCluster } from "./makeCluster";
import { nodesOf } from "./nodes";
import { kubernetesPlaceOf, makeNamespace } from "./place";
import { clusterRules, KUBEVIRT_SECRETS } from "./validation";

const checkShape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/KubevirtBaseSnapshotsArgs" },
  KUBEVIRT_SECRETS,
);

/**
 * The snapshots that clusters are cloned from: a control plane and a worker are bootstrapped, cleaned
 * and stopped, and both are snapshotted; or the running machines of a session are. Base machines stay,
 * stopped, until the next generation, or go when their snapshots are ready.
 */
export class KubevirtBaseSnapshots extends pulumi.ComponentResource {
  /** Namespace of the snapshots. */
  public readonly namespace: pulumi.Output<string>;
  /** The snapshots, the control plane's first. */
  public readonly snapshots: pulumi.Output<KubevirtBaseSnapshotInfo[]>;

  constructor(
    name: string,
    args: KubevirtBaseSnapshotsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:KubevirtBaseSnapshots",
      name,
      withSecrets(args, KUBEVIRT_SECRETS),
      opts,
    );
    const checked = checkComponent(
      { type: "KubevirtBaseSnapshots", name },
      args,
      baseFaults,
    );
    const owner = stampComponent(this, "KubevirtBaseSnapshots", name, checked);
    const { stamp } = owner;
    const plan = snapshotPlan(args);
    const { namespace, session } = plan;
    const kubernetes = kubernetesPlaceOf(this, name, args, stamp);
    const marks = {
      labels: pulumi.all([stamp, args.labels ?? {}]).apply(([{ id }, own]) => ({
        ...own,
        ...stampLabels(id),
        [SESSION_LABEL]: session,
      })),
      annotations: stamp.apply(ownerAnnotations),
    };
    const cluster =
      args.fromSession === undefined
        ? makeCluster(baseCluster(args), {
            component: this,
            name,
            ...owner,
            namespace,
            session,
            marks,
            kubernetes,
            place:
              args.createNamespace === false
                ? []
                : makeNamespace(
                    name,
                    namespace,
                    undefined,
                    marks,
                    kubernetes.resource,
                  ),
            spentOn: ({ role }) => plan.nameOf(role),
          })
        : undefined;

    const taken = new KubevirtSnapshots(
      `${name}-snapshots`,
      {
        ...kubernetes.api,
        namespace,
        generation: plan.generation,
        orders: clusterMachines(session, 1).map((machine) => ({
          machine: machine.name,
          role: machine.role,
          name: plan.nameOf(machine.role),
          standsFor: plan.standsFor(machine.role),
        })),
        clean:
          cluster === undefined || args.configureNodes === false
            ? []
            : nodesOf(cluster.made),
        // Somebody works with a session's machines.
        stop: cluster !== undefined,
        removeMachines: args.keepMachines === false,
        reach: args.reach,
        stampId: stamp.apply(({ id }) => id),
        ...marks,
        timeoutSeconds: args.snapshotTimeoutSeconds,
      },
      {
        parent: this,
        dependsOn: cluster === undefined ? [] : [...cluster.last],
      },
    );

    this.namespace = stamp.apply(() => namespace);
    this.snapshots = taken.taken;
    this.registerOutputs({
      namespace: this.namespace,
      snapshots: this.snapshots,
    });
  }
}

/** What is snapshotted, and what it is called. */
function snapshotPlan(args: KubevirtBaseSnapshotsArgs) {
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
function baseCluster(args: KubevirtBaseSnapshotsArgs): KubevirtClusterArgs {
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

/** What is for a base cluster only. */
const FOR_BASE = [
  "session",
  "image",
  "controlPlane",
  "worker",
  "storageClass",
  "kubernetes",
  "ssh",
  "ready",
  "configureNodes",
  "createNamespace",
  "keepMachines",
] as const;

function baseFaults(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return checkShape(args);
  }
  const words = "a name of at most 63 lower-case letters, digits and hyphens";
  const { fromSession } = args;
  return [
    ...checkShape(args),
    ...["fromSession", "keepMachines", "createNamespace"].flatMap((path) =>
      knownNow(path, args[path]),
    ),
    ...["namespace", "controlPlaneSnapshot", "workerSnapshot"].flatMap(
      (path) => [
        ...notEmpty(path, args[path]),
        ...textForm(path, args[path], isDnsLabel, words),
      ],
    ),
    ...(fromSession === undefined
      ? clusterRules(
          baseCluster(args as unknown as KubevirtBaseSnapshotsArgs),
          "base",
        )
      : sessionFaults(args)),
  ];
}

function sessionFaults(args: Record<string, unknown>): Fault[] {
  const { fromSession, namespace } = args;
  return [
    ...(isText(fromSession)
      ? machineNameFaults(
          clusterMachines(fromSession, 1),
          "fromSession",
          fromSession,
        )
      : []),
    ...(namespace === undefined
      ? [
          {
            path: "namespace",
            problem:
              "is missing, must say where the session's machines are: snapshots are made beside them",
          },
        ]
      : []),
    ...FOR_BASE.filter((path) => args[path] !== undefined).map((path) => ({
      path,
      problem:
        "is given beside fromSession, must be left out: no base cluster is made",
    })),
  ];
}
