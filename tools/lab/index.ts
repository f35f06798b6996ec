import * as fs from "node:fs";
import * as path from "node:path";

import { ensureDebianPackages } from "../toolchain";
import { withLock } from "../toolchain/lock";
import { stepLine } from "../toolchain/report";
import { corralHome } from "@corral-iac/corral/core/home";
import { findAccelerator } from "./accelerator";
import {
  daemonAnswers,
  endDaemons,
  markedDaemons,
  noteHost,
  restoreHost,
  startDaemons,
  uri,
} from "./daemons";
import { cachedImage, ensureImage, type GuestImage } from "./image";
import { imagesFolder } from "./imageCache";
import {
  activatePool,
  describeUsers,
  ensurePool,
  type LabVolumes,
  poolFolder,
  poolHas,
  poolName,
  removePool,
  removeUsers,
  usersOfLab,
  volumesOf,
} from "./pool";
import { isRunning, type KnownProcess } from "./processes";
import { readRecipe } from "./recipe";
import {
  hostNotesFile,
  labFile,
  labFolder,
  type LibvirtLab,
  readHostNotes,
  readLab,
  writeJson,
} from "./state";

export type { LibvirtLab } from "./state";

/** Hypervisors that have a lab. */
export type LabKind = "libvirt";

export interface LabOptions {
  /** Takes one line of progress. Default: standard output. */
  readonly log?: (line: string) => void;
}

export interface LabDownOptions extends LabOptions {
  /** Removes machines that still use the lab, instead of refusing. Default false. */
  readonly force?: boolean;
  /** Removes the built images too. Default false. */
  readonly purge?: boolean;
}

export interface LabStatus {
  /** Whether machines can be made now. */
  readonly up: boolean;
  /** Each part, its state in words, and whether it is as it should be. */
  readonly parts: readonly {
    readonly part: string;
    readonly state: string;
    readonly ok: boolean;
  }[];
}

const guest = "debian12";

/**
 * Brings the lab up: daemon, guest image, storage pool. Takes what is there already; a second call
 * takes under a second.
 *
 * @throws Error with the step that failed and its remedy.
 */
export function labUp(
  kind: LabKind,
  options: LabOptions = {},
): Promise<LibvirtLab> {
  const log = options.log ?? ((line: string) => console.log(line));
  return exclusively(log, () => up(log));
}

async function up(log: (line: string) => void): Promise<LibvirtLab> {
  const began = Date.now();
  const recipe = readRecipe(guest);
  const known = readLab();
  const cached = cachedImage(recipe);
  if (
    known !== undefined &&
    cached !== undefined &&
    (await isComplete(known, cached))
  ) {
    log(
      stepLine(
        "Lab for libvirt",
        `ok (${known.accelerator})`,
        (Date.now() - began) / 1000,
      ),
    );
    return known;
  }
  await ensureDebianPackages("libvirt", { log });
  const startedDaemons = await ensureDaemon(known, log);
  const image = await ensureImage(recipe, log);
  const { accelerator, why } = await timed(
    "Accelerator",
    (found) => found.accelerator,
    log,
    () => findAccelerator(image),
  );
  log(`  ${accelerator}: ${why}`);
  const volumes = await timed(
    "Storage pool",
    () => poolName,
    log,
    () => ensurePool(image),
  );
  const lab = describe(image, volumes, accelerator, startedDaemons);
  writeJson(labFile(), lab);
  log(
    stepLine(
      "Lab for libvirt",
      `up (${accelerator})`,
      (Date.now() - began) / 1000,
    ),
  );
  return lab;
}

/** The state describes the image as it is now, and everything it names is there. */
async function isComplete(
  lab: LibvirtLab,
  image: GuestImage,
): Promise<boolean> {
  const volumes = volumesOf(image);
  return (
    lab.image === volumes.image &&
    lab.imageFile === image.disk &&
    lab.startedDaemons.every(isRunning) &&
    (await poolHas(volumes))
  );
}

function describe(
  image: GuestImage,
  volumes: LabVolumes,
  accelerator: LibvirtLab["accelerator"],
  startedDaemons: readonly KnownProcess[],
): LibvirtLab {
  return {
    uri,
    accelerator,
    pool: poolName,
    image: volumes.image,
    imageFile: image.disk,
    kernel: image.kernel,
    initrd: image.initrd,
    directBoot: {
      kernel: path.join(poolFolder, volumes.kernel),
      initrd: path.join(poolFolder, volumes.initrd),
      arguments: image.kernelArguments,
    },
    startedDaemons: [...startedDaemons],
  };
}

/** Daemons that the lab started and that still run; an `up` that was killed has noted none. */
function ownDaemons(lab: LibvirtLab | undefined): KnownProcess[] {
  const found = [
    ...(lab?.startedDaemons ?? []).filter(isRunning),
    ...markedDaemons(),
  ];
  return [...new Map(found.map((daemon) => [daemon.pid, daemon])).values()];
}

/** The daemon that answers, else one of the lab's own. Returns those that the lab started. */
async function ensureDaemon(
  known: LibvirtLab | undefined,
  log: (line: string) => void,
): Promise<KnownProcess[]> {
  const ours = ownDaemons(known);
  if (await daemonAnswers()) {
    return ours;
  }
  const notes = readHostNotes() ?? (await noteHost());
  // Before the first change, so that an interrupted `up` can be taken back.
  writeJson(hostNotesFile(), notes);
  return timed(
    "libvirt daemon",
    () => "started",
    log,
    async () => [...ours, ...(await startDaemons(notes))],
  );
}

/**
 * Removes all that `up` made: pool, volumes, daemons that it started and what they left. The
 * built image stays in the cache.
 *
 * @throws Error with a list when machines still use the lab and `force` is not set.
 */
export function labDown(
  kind: LabKind,
  options: LabDownOptions = {},
): Promise<void> {
  const log = options.log ?? ((line: string) => console.log(line));
  return exclusively(log, () => down(options, log));
}

async function down(
  options: LabDownOptions,
  log: (line: string) => void,
): Promise<void> {
  const began = Date.now();
  const lab = readLab();
  const wasUp = lab !== undefined || readHostNotes() !== undefined;
  if (wasUp && !(await daemonAnswers())) {
    // Only a daemon can remove the pool; the lab's own has died.
    await ensureDaemon(lab, log);
  }
  const notes = readHostNotes();
  const ours = ownDaemons(lab);
  if (await daemonAnswers()) {
    await activatePool();
    const users = await usersOfLab(ours.length > 0);
    const lines = describeUsers(users);
    if (lines.length > 0 && !options.force) {
      throw new Error(
        "The lab for libvirt is still in use:\n" +
          lines.map((line) => `  - ${line}`).join("\n") +
          "\nRemove them first (npm stop removes those of the stack dev), or: " +
          "npm run lab -- down libvirt --force",
      );
    }
    await removeUsers(users);
    await removePool();
  }
  await endDaemons(ours);
  if (notes !== undefined) {
    if (await daemonAnswers()) {
      log(
        "A libvirt daemon of somebody else runs: its files and firewall stay as they are.",
      );
    } else {
      await restoreHost(notes);
    }
  }
  fs.rmSync(labFolder(), { recursive: true, force: true });
  if (options.purge) {
    fs.rmSync(imagesFolder(), { recursive: true, force: true });
    fs.rmSync(path.join(corralHome(), "accelerator.json"), { force: true });
  }
  log(stepLine("Lab for libvirt", "down", (Date.now() - began) / 1000));
}

/** What there is, without changing anything. */
export async function labStatus(kind: LabKind): Promise<LabStatus> {
  void kind;
  const recipe = readRecipe(guest);
  const image = cachedImage(recipe);
  const lab = readLab();
  const answers = await daemonAnswers();
  const inPool =
    answers && image !== undefined && (await poolHas(volumesOf(image)));
  const ours = ownDaemons(lab);
  const started = ours.map(({ name, pid }) => `${name} ${pid}`).join(", ");
  const parts = [
    {
      part: "libvirt daemon",
      state: answers
        ? `answers on ${uri}${started && `, started by the lab (${started})`}`
        : "none",
      ok: answers,
    },
    {
      part: "guest image",
      state: image?.name ?? `${guest}-${recipe.hash} is not built`,
      ok: image !== undefined,
    },
    {
      part: "storage pool",
      state: inPool ? `${poolName} with the image` : "not ready",
      ok: inPool,
    },
    {
      part: "accelerator",
      state: lab?.accelerator ?? "not known",
      ok: lab !== undefined,
    },
  ];
  return { up: parts.every(({ ok }) => ok), parts };
}

/** One `up` or `down` at a time. The lock stands beside the lab's folder, which `down` removes. */
function exclusively<T>(
  log: (line: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  return withLock(path.join(corralHome(), "lab.lock"), body, {
    onWait: ({ pid }) =>
      log(
        `Another command of the lab (process ${pid}) is at work; waiting ...`,
      ),
  });
}

async function timed<T>(
  what: string,
  outcome: (result: T) => string,
  log: (line: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  const began = Date.now();
  const result = await body();
  log(stepLine(what, outcome(result), (Date.now() - began) / 1000));
  return result;
}
