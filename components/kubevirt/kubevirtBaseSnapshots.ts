import * as pulumi from "@pulumi/pulumi";
import { notEmpty, textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import {
  isDnsLabel,
  ownerAnnotations,
  SESSION_LABEL,
  stampLabels,
} from "../core/kubevirt/labels";
import { clusterMachines } from "../core/kubevirt/names";
import { isRecord } from "../core/later";
import { compileSchemaCheck } from "../core/schemaCheck";
import { KubevirtSnapshots } from "../guest/ops/kubevirtSnapshots";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import { KubevirtRunStrategy, KubevirtStrategy } from "./args";
import schema from "./args.schema.json";
import type {
  KubevirtBaseSnapshotInfo,
  KubevirtBaseSnapshotsArgs,
} from "./baseArgs";
import { DEFAULTS } from "./defaults";
import { KubevirtCluster } from "./kubevirtCluster";
import { kubernetesPlaceOf, makeNamespace } from "./place";
import { KUBEVIRT_SECRETS } from "./validation";

const checkShape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/KubevirtBaseSnapshotsArgs" },
  KUBEVIRT_SECRETS,
);

/**
 * The snapshots that clusters are cloned from: a control plane and a worker are bootstrapped, cleaned
 * and stopped, and both are snapshotted. The machines stay, stopped, until the next generation.
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
    const { stamp } = stampComponent(
      this,
      "KubevirtBaseSnapshots",
      name,
      checked,
    );
    const {
      namespace = DEFAULTS.snapshotNamespace,
      session = "base",
      generation = 1,
      createNamespace = true,
      controlPlaneSnapshot = DEFAULTS.controlPlaneSnapshot,
      workerSnapshot = DEFAULTS.workerSnapshot,
      snapshotTimeoutSeconds,
      ...shared
    } = args;
    const { api, resource } = kubernetesPlaceOf(this, name, args, stamp);
    const marks = {
      labels: pulumi.all([stamp, args.labels ?? {}]).apply(([{ id }, own]) => ({
        ...own,
        ...stampLabels(id),
        [SESSION_LABEL]: session,
      })),
      annotations: stamp.apply(ownerAnnotations),
    };
    const place = createNamespace
      ? makeNamespace(name, namespace, undefined, marks, resource)
      : [];
    const cluster = new KubevirtCluster(
      `${name}-cluster`,
      {
        ...shared,
        namespace,
        session,
        generation,
        workers: 1,
        strategy: KubevirtStrategy.Bootstrap,
        // Stopped for the snapshot, they stay so.
        runStrategy: KubevirtRunStrategy.RerunOnFailure,
      },
      { parent: this, dependsOn: place },
    );

    const machines = clusterMachines(session, 1);
    const nodes = pulumi
      .all([cluster.machines, cluster.connections])
      .apply(([made, connections]) =>
        made.map((machine, index) => ({
          nodeName: machine.nodeName,
          machine: machine.name,
          index,
          instanceId: connections[index]?.instanceId ?? "",
          address: machine.address,
          user: connections[index]?.user ?? "",
          port: connections[index]?.port ?? 22,
          privateKey: connections[index]?.privateKey ?? "",
          hostKey: connections[index]?.hostKey ?? "",
        })),
      );
    const taken = new KubevirtSnapshots(
      `${name}-snapshots`,
      {
        ...api,
        namespace,
        generation,
        orders: machines.map((machine) => {
          const standsFor =
            machine.role === "worker" ? workerSnapshot : controlPlaneSnapshot;
          return {
            machine: machine.name,
            role: machine.role,
            name: generation === 1 ? standsFor : `${standsFor}-g${generation}`,
            standsFor,
          };
        }),
        clean: args.configureNodes === false ? [] : nodes,
        reach: args.reach,
        stampId: stamp.apply(({ id }) => id),
        ...marks,
        timeoutSeconds: snapshotTimeoutSeconds,
      },
      { parent: this, dependsOn: [cluster] },
    );

    this.namespace = stamp.apply(() => namespace);
    this.snapshots = taken.taken;
    this.registerOutputs({
      namespace: this.namespace,
      snapshots: this.snapshots,
    });
  }
}

/** The faults that the cluster of the base machines does not tell itself. */
function baseFaults(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return checkShape(args);
  }
  const words = "a name of at most 63 lower-case letters, digits and hyphens";
  return [
    ...checkShape(args),
    ...["namespace", "controlPlaneSnapshot", "workerSnapshot"].flatMap(
      (path) => [
        ...notEmpty(path, args[path]),
        ...textForm(path, args[path], isDnsLabel, words),
      ],
    ),
  ];
}
