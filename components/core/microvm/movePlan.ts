import { formatBytes } from "../units";
import { volumePaths } from "./paths";
import type { HostPaths } from "./paths";
import type { TargetFacts } from "./scripts/arriving";
import type { SourceFacts } from "./scripts/leaving";

/** What shall move. */
export interface MoveWish {
  /** Name of the machine. */
  readonly machine: string;
  /** The two hosts, for messages. */
  readonly from: string;
  readonly to: string;
  readonly memoryMib: number;
  readonly running: boolean;
  /** Names of the volumes that go along. */
  readonly volumes: readonly string[];
  /** Images that are used where they are, with the names of their disks. */
  readonly images: readonly NamedPath[];
}

interface NamedPath {
  readonly name: string;
  readonly path: string;
}

/** How a move begins, or goes on. */
export interface MovePlan {
  /** Everything that stands against it; nothing may be done then. */
  readonly faults: readonly string[];
  /** Whether the machine was started there already: there is no way back. */
  readonly isForward: boolean;
  /** Whether what is left there of another move has to be taken away first. */
  readonly hasLeftovers: boolean;
  /** The volumes whose data has yet to be copied. */
  readonly copies: readonly string[];
}

/** Free space that is to be left beside what is copied. */
const SPARE_BYTES = 32 * 1024 ** 2;

/**
 * What a move has to do, from what is found on both hosts. Pure.
 *
 * @param source undefined: nobody answers there.
 */
export function planMove(
  wish: MoveWish,
  source: SourceFacts | undefined,
  target: TargetFacts,
): MovePlan {
  if (hasGone(source, target)) {
    return { faults: [], isForward: true, hasLeftovers: false, copies: [] };
  }
  const copies = wish.volumes.filter((name) => source?.volumes.has(name));
  return {
    faults: [
      ...sourceFaults(wish, source, target),
      ...targetFaults(wish, target),
      ...roomFaults(wish, source, target, copies),
    ],
    isForward: false,
    hasLeftovers: target.machine !== undefined || target.wasLeft,
    copies,
  };
}

/** Whether the machine that is there already is the one that counts. */
function hasGone(
  source: SourceFacts | undefined,
  { machine }: TargetFacts,
): boolean {
  if (machine === undefined) {
    return false;
  }
  if (source === undefined) {
    return machine.isStarted || machine.move === "";
  }
  const { isThere, mark } = source;
  return (
    !isThere ||
    (mark?.phase === "handed" && mark.id === machine.move && machine.isStarted)
  );
}

function sourceFaults(
  { machine, from, volumes, images }: MoveWish,
  source: SourceFacts | undefined,
  target: TargetFacts,
): string[] {
  const fixed = images.map(
    ({ name, path }) =>
      `its volume ${name} is the image ${path} of that host, which is used where it is and cannot be moved: take it out of the program and run up; then move, and give it a volume or an image of the new host`,
  );
  if (source === undefined) {
    return [
      ...fixed,
      `${from} cannot be reached, and its data is there: bring that host back. Where it is lost for good, take the machine out of the program, run up, and put it in again`,
    ];
  }
  if (!source.isThere) {
    return [
      ...fixed,
      `it is not on ${from}: run up --refresh, which looks what there is`,
    ];
  }
  const { mark } = source;
  return [
    ...fixed,
    ...(mark?.phase === "handed" && mark.toId !== target.hostId
      ? [
          `it was told to start on ${mark.to}, and may run there: let it move there first`,
        ]
      : []),
    ...volumes
      .filter((name) => !source.volumes.has(name) && !target.volumes.has(name))
      .map((name) => `its volume ${name} is missing on ${from}`),
    ...volumes
      .filter(
        (name) =>
          source.volumes.has(name) &&
          target.volumes.get(name) === "" &&
          !target.wasLeft,
      )
      .map(
        (name) =>
          `its volume ${name} is on both hosts: remove the one that is not wanted, ${machine}/${name}`,
      ),
  ];
}

function targetFaults({ to }: MoveWish, target: TargetFacts): string[] {
  return [
    ...(target.hasForeignUnit
      ? [`${to} has a unit of its name that Corral did not make`]
      : []),
    ...(target.machine !== undefined && target.runs
      ? [
          `it runs on ${to} too, which no move has begun: stop it on one of them`,
        ]
      : []),
    ...target.missingNetworks.map(
      (network) => `${to} has no network ${network}; it is made by MicroVmHost`,
    ),
  ];
}

function roomFaults(
  { to, memoryMib, running }: MoveWish,
  source: SourceFacts | undefined,
  { freeMemoryMib, freeDiskBytes }: TargetFacts,
  copies: readonly string[],
): string[] {
  const bytes = copies.reduce(
    (sum, name) => sum + (source?.volumes.get(name)?.usedBytes ?? 0),
    0,
  );
  return [
    ...(running && freeMemoryMib < memoryMib
      ? [
          `${to} has ${freeMemoryMib} MiB of memory available, and it needs ${memoryMib}`,
        ]
      : []),
    ...(copies.length > 0 && freeDiskBytes < bytes + SPARE_BYTES
      ? [
          `${to} has ${formatBytes(freeDiskBytes)} of disk free, and its volumes take ${formatBytes(bytes)}, beside ${formatBytes(SPARE_BYTES)} to spare`,
        ]
      : []),
  ];
}

/** Names of the volumes among disks, and the images that are used where they are. */
export function splitDisks(
  machine: string,
  disks: readonly NamedPath[],
  host: HostPaths,
): { readonly volumes: readonly string[]; readonly images: NamedPath[] } {
  const isVolume = ({ name, path }: NamedPath) =>
    path === volumePaths(machine, name, host).file;
  return {
    volumes: disks.filter(isVolume).map(({ name }) => name),
    images: disks
      .filter((disk) => !isVolume(disk))
      .map(({ name, path }) => ({ name, path })),
  };
}
