import { field } from "../argumentRules";
import { isRecord, isText } from "../later";
import {
  annotation,
  label,
  type NodeRole,
  ROLE_LABEL,
  SESSION_LABEL,
  SET_ANNOTATION,
  VERSION_ANNOTATION,
} from "./labels";
import { roleByName } from "./names";
import { parseQuantity } from "./quantity";

/** How far a snapshot can be used. */
export type SnapshotState = "ready" | "unready" | "failed" | "missing";

/** What was found of the snapshot for one role. */
export interface SnapshotFinding {
  readonly role: NodeRole;
  readonly state: SnapshotState;
  readonly namespace: string;
  /** Name of the VirtualMachineSnapshot; of what was looked for, when there is none. */
  readonly name: string;
  /** In words that stand behind its name, for example `is not ready: ...`. */
  readonly why: string;
  /** When it was taken, as the API says it; empty when it is not known. */
  readonly createdAt: string;
  /** Name of the VirtualMachineSnapshotContent; empty when there is none yet. */
  readonly contentName: string;
}

/** A disk of a snapshot that can be cloned. */
export interface SnapshotDisk {
  /** Name of the volume in the machine. */
  readonly volume: string;
  /** Name of the VolumeSnapshot, in the snapshot's namespace. */
  readonly volumeSnapshot: string;
  readonly sizeBytes: number;
}

/** What the content of a snapshot tells. */
export interface SnapshotContent {
  /** The root disk first. */
  readonly disks: readonly SnapshotDisk[];
  /** Kubernetes version inside; empty when nothing says it. */
  readonly kubernetesVersion: string;
  /** Which machines it belongs with; empty when nothing says it. */
  readonly clusterSet: string;
}

/** Name of a machine's first disk, as Corral makes it. */
export const ROOT_VOLUME = "root";

/**
 * What a VirtualMachineSnapshot is good for. Only `readyToUse` counts: `phase: Succeeded` comes as soon
 * as a time of creation is known, seconds to hours before the data can be used.
 */
export function judgeSnapshot(
  role: NodeRole,
  place: { readonly namespace: string; readonly name: string },
  snapshot: unknown,
): SnapshotFinding {
  const about = {
    role,
    ...place,
    createdAt: text(field(snapshot, "status", "creationTime")),
    contentName: text(
      field(snapshot, "status", "virtualMachineSnapshotContentName"),
    ),
  };
  if (snapshot === undefined) {
    return { ...about, state: "missing", why: "is not there" };
  }
  if (field(snapshot, "metadata", "deletionTimestamp") !== undefined) {
    return { ...about, state: "missing", why: "is being deleted" };
  }
  const phase = text(field(snapshot, "status", "phase"));
  const said = lastWords(snapshot);
  if (phase === "Failed") {
    return { ...about, state: "failed", why: `has failed${said}` };
  }
  if (field(snapshot, "status", "readyToUse") !== true) {
    const state = phase === "" ? "nothing has worked on it" : `phase ${phase}`;
    return {
      ...about,
      state: "unready",
      why: `is not ready to use (${state})${said}`,
    };
  }
  return about.contentName === ""
    ? { ...about, state: "unready", why: "names no content" }
    : { ...about, state: "ready", why: "is ready to use" };
}

/** A machine that is known by its namespace and name. */
export interface MachinePlace {
  readonly namespace: string;
  readonly name: string;
  readonly role: NodeRole;
}

/** The machines of a session, as VirtualMachines say it by label, name or both. */
export function sessionMachines(
  machines: readonly unknown[],
  session: string,
): MachinePlace[] {
  return machines.flatMap((machine) => {
    const name = text(field(machine, "metadata", "name"));
    const role = roleOf(machine, name);
    return label(machine, SESSION_LABEL) === session && role !== undefined
      ? [
          {
            name,
            role,
            namespace: text(field(machine, "metadata", "namespace")),
          },
        ]
      : [];
  });
}

/**
 * What may be taken of a role's machines, as {@link newestFirst} says; when there is nothing, a finding
 * that says so. A machine that is gone may have left snapshots that carry the session's label themselves.
 */
export function snapshotsOfSession(
  role: NodeRole,
  session: string,
  machines: readonly MachinePlace[],
  snapshots: readonly unknown[],
): SnapshotFinding[] {
  const found = newestFirst(
    role,
    snapshots.filter((snapshot) =>
      isOfSession(snapshot, role, session, machines),
    ),
  );
  return found.length > 0
    ? found
    : [
        {
          role,
          state: "missing",
          namespace:
            machines.find((machine) => machine.role === role)?.namespace ?? "",
          name: `of the ${role} of session ${session}`,
          why: machines.some((machine) => machine.role === role)
            ? "is not there: the machine has none"
            : "is not there: no machine and no snapshot carries that session and role",
          createdAt: "",
          contentName: "",
        },
      ];
}

/**
 * Those that are ready to use, the newest first; when none is, the newest of all, so that what is in the
 * way can be said.
 */
export function newestFirst(
  role: NodeRole,
  snapshots: readonly unknown[],
): SnapshotFinding[] {
  const found = snapshots
    .map((snapshot) =>
      judgeSnapshot(
        role,
        {
          namespace: text(field(snapshot, "metadata", "namespace")),
          name: text(field(snapshot, "metadata", "name")),
        },
        snapshot,
      ),
    )
    .sort(byAge);
  const ready = found.filter(({ state }) => state === "ready");
  return ready.length > 0 ? ready : found.slice(0, 1);
}

function isOfSession(
  snapshot: unknown,
  role: NodeRole,
  session: string,
  machines: readonly MachinePlace[],
): boolean {
  const source = text(field(snapshot, "spec", "source", "name"));
  const namespace = field(snapshot, "metadata", "namespace");
  return (
    machines.some(
      (machine) =>
        machine.role === role &&
        machine.name === source &&
        machine.namespace === namespace,
    ) ||
    (label(snapshot, SESSION_LABEL) === session &&
      roleOf(snapshot, source) === role)
  );
}

function roleOf(object: unknown, machineName: string): NodeRole | undefined {
  const said = label(object, ROLE_LABEL);
  return said === "control-plane" || said === "worker"
    ? said
    : roleByName(machineName);
}

/** Times of the API are all of one form, so that their order is that of their texts. */
function byAge(one: SnapshotFinding, other: SnapshotFinding): number {
  return (
    compare(other.createdAt, one.createdAt) || compare(one.name, other.name)
  );
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/**
 * Reads the VirtualMachineSnapshotContent of a snapshot.
 *
 * @throws Error when it has no disk that can be cloned.
 */
export function readContent(
  content: unknown,
  snapshot: unknown,
): SnapshotContent {
  const backups = list(field(content, "spec", "volumeBackups"));
  const disks = backups.flatMap((backup) => {
    const claim = field(backup, "persistentVolumeClaim");
    const volumeSnapshot = text(field(backup, "volumeSnapshotName"));
    return volumeSnapshot === ""
      ? []
      : [
          {
            volume: text(field(backup, "volumeName")),
            volumeSnapshot,
            sizeBytes:
              parseQuantity(
                text(field(claim, "spec", "resources", "requests", "storage")),
              ) ?? 0,
          },
        ];
  });
  const root = disks.find(({ volume }) => volume === ROOT_VOLUME) ?? disks[0];
  if (root === undefined) {
    throw new Error(
      backups.length === 0
        ? "has no disk: its machine has none that can be snapshotted (a container disk is none)"
        : "has no disk with a VolumeSnapshot: is there a VolumeSnapshotClass for its storage?",
    );
  }
  const machine = field(content, "spec", "source", "virtualMachine");
  const told = (name: string) =>
    annotation(snapshot, name) ?? annotation(machine, name) ?? "";
  return {
    disks: [root, ...disks.filter((disk) => disk !== root)],
    kubernetesVersion: told(VERSION_ANNOTATION),
    clusterSet: told(SET_ANNOTATION),
  };
}

function lastWords(snapshot: unknown): string {
  const conditions = list(field(snapshot, "status", "conditions"));
  const failure = conditions.find(
    (condition) =>
      field(condition, "type") === "Failure" &&
      field(condition, "status") === "True",
  );
  const said = [
    field(snapshot, "status", "error", "message"),
    field(failure, "message"),
    field(failure, "reason"),
    field(
      conditions.find((condition) => field(condition, "type") === "Ready"),
      "reason",
    ),
  ].find((words) => isText(words) && words !== "");
  return said === undefined ? "" : `: ${String(said)}`;
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}
