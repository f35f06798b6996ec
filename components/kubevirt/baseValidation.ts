import { knownNow, notEmpty, textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import { isDnsLabel } from "../core/kubevirt/labels";
import { clusterMachines, machineNameFaults } from "../core/kubevirt/names";
import { isRecord, isText } from "../core/later";
import { compileSchemaCheck } from "../core/schemaCheck";
import schema from "./args.schema.json";
import type { KubevirtBaseSnapshotsArgs } from "./baseArgs";
import { baseCluster } from "./basePlan";
import { clusterRules, KUBEVIRT_SECRETS } from "./validation";

const checkShape = compileSchemaCheck(
  { ...schema, $ref: "#/definitions/KubevirtBaseSnapshotsArgs" },
  KUBEVIRT_SECRETS,
);

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

/** Every fault in the arguments of KubevirtBaseSnapshots. Values that are `LATER` pass. */
export function validateBaseSnapshots(args: unknown): Fault[] {
  return [...checkShape(args), ...baseSnapshotRules(args)];
}

/** What {@link validateBaseSnapshots} asks beside the shape. */
export function baseSnapshotRules(args: unknown): Fault[] {
  if (!isRecord(args)) {
    return [];
  }
  const words = "a name of at most 63 lower-case letters, digits and hyphens";
  const { fromSession } = args;
  return [
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
