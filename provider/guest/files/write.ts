import { posix } from "node:path";

import { foldersAbove } from "@corral-iac/corral/core/guestFiles";

import type { Asset } from "../../frame/value";
import { withContent } from "./content";
import { GuestRefusal } from "./dialogue";
import type { Dialogue } from "./dialogue";
import { fourDigits, parseFound, taskFor } from "./found";
import type { Found, Task, Wanted } from "./found";
import { keyOf, line } from "./words";

export type OnDelete = "restore" | "remove";

/** A file as it shall be. */
export interface WantedFile extends Omit<Wanted, "hash"> {
  readonly destination: string;
  readonly content: Asset;
}

export interface Work {
  /** Folder in the guest with a record of what was done, for root alone. */
  readonly store: string;
  /** Name of our own record in it. */
  readonly id: string;
  readonly files: readonly WantedFile[];
  /** Destinations that are ours no more. */
  readonly removed: readonly string[];
  readonly onDelete: OnDelete;
  /** Nothing stays: the record of all that was done goes as well. */
  readonly forget: boolean;
  readonly log: { status(text: string): void; warn(text: string): void };
}

/** How far the work came. Without a fault all is done. */
export interface Outcome {
  readonly written: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  readonly fault?: unknown;
}

/** So many paths stand in one line, so many files are received before they are put in their places. */
const MOST_AT_ONCE = 200;
/** When so much has been received, it is put in its places. */
const MOST_BYTES_AT_ONCE = 16 * 1024 * 1024;
const STATUS_MS = 1000;

/** What is at the paths. Touches nothing. */
export async function lookAt(
  dialogue: Dialogue,
  paths: readonly string[],
): Promise<Found[]> {
  const found: Found[] = [];
  for (const some of portions(paths)) {
    const lines = await dialogue.ask(line("look", ...some));
    found.push(...parseFound(some.length, lines));
  }
  return found;
}

/**
 * Makes the files as wanted and removes others, in one go.
 *
 * @throws Error with all faults when nothing was touched.
 * @returns how far it came, as soon as something may have been touched.
 */
export async function work(dialogue: Dialogue, job: Work): Promise<Outcome> {
  const written = new Set<string>();
  const removed = new Set<string>();
  dialogue.tell(line("begin", job.store, job.id));
  const tasks = await tasksFor(dialogue, job.files);
  const due = tasks.filter(({ task }) => task !== "nothing");
  const right = tasks.filter(({ task }) => task === "nothing");
  right.forEach(({ file }) => written.add(file.destination));
  try {
    dialogue.tell("open_store");
    await checkOwners(
      dialogue,
      due.map(({ file }) => file),
    );
  } catch (error) {
    throw explained(error, job);
  }
  try {
    if (job.onDelete === "remove") {
      dialogue.tell(...right.map((one) => before(one, job)));
    }
    await makeFolders(dialogue, due);
    for (const [folder, group] of byFolder(due)) {
      await writeInto(dialogue, job, folder, group, written);
    }
    await remove(dialogue, job, removed);
    return { written, removed };
  } catch (error) {
    return { written, removed, fault: explained(error, job) };
  }
}

interface Due {
  readonly index: number;
  readonly file: WantedFile;
  readonly task: Task;
}

/** What is to be done, by what is there. Throws at once what cannot be. */
async function tasksFor(
  dialogue: Dialogue,
  files: readonly WantedFile[],
): Promise<Due[]> {
  const found = await lookAt(
    dialogue,
    files.map(({ destination }) => destination),
  );
  const taken = files.flatMap(({ destination }, index) => {
    const is = found[index]?.is;
    return is === "folder" || is === "other"
      ? [
          `${destination} is ${is === "folder" ? "a folder" : "no regular file"} in the guest`,
        ]
      : [];
  });
  if (taken.length > 0) {
    throw new Error(`${taken.join("\n")}\nNothing was written.`);
  }
  return files.map((file, index) => ({
    index,
    file,
    task: taskFor(
      { ...file, hash: file.content.hash },
      found[index] ?? { is: "none" },
    ),
  }));
}

async function checkOwners(
  dialogue: Dialogue,
  files: readonly WantedFile[],
): Promise<void> {
  const owners = [...new Set(files.map(({ owner }) => owner))];
  const groups = [...new Set(files.map(({ group }) => group))];
  const names = [...owners, ...groups.map((group) => `:${group}`)];
  const faults: string[] = [];
  for (const some of portions(names)) {
    const answers = await dialogue.ask(line("who", ...some));
    some.forEach((name, index) => {
      if (answers[index] !== "yes") {
        faults.push(
          name.startsWith(":")
            ? `the guest has no group "${name.slice(1)}"`
            : `the guest has no user "${name}"`,
        );
      }
    });
  }
  if (faults.length > 0) {
    await dialogue.ask("leave_store");
    throw new Error(
      `${faults.join("\n")}\nNothing was written. Make it first (in cloudInit: users), or name another one.`,
    );
  }
}

/** The folders that are missing above the files, from the top; the first file's owner gets them. */
async function makeFolders(
  dialogue: Dialogue,
  due: readonly Due[],
): Promise<void> {
  const owners = new Map<string, string>();
  for (const { file } of due) {
    for (const folder of foldersAbove(file.destination)) {
      if (!owners.has(folder)) {
        owners.set(folder, `${file.owner}:${file.group}`);
      }
    }
  }
  // A folder's path is shorter than that of anything in it.
  const sorted = [...owners].sort(([a], [b]) => a.length - b.length);
  for (const some of portions(sorted)) {
    await dialogue.ask(
      ...some.map(([folder, owner]) =>
        line("folder", keyOf(folder), folder, owner),
      ),
    );
  }
}

function byFolder(due: readonly Due[]): Map<string, Due[]> {
  const groups = new Map<string, Due[]>();
  for (const one of due) {
    const folder = posix.dirname(one.file.destination);
    groups.set(folder, [...(groups.get(folder) ?? []), one]);
  }
  return groups;
}

/** Writes files of one folder beside their places, checks them there, and puts them in. */
async function writeInto(
  dialogue: Dialogue,
  job: Work,
  folder: string,
  group: readonly Due[],
  written: Set<string>,
): Promise<void> {
  let received: Due[] = [];
  let bytes = 0;
  dialogue.tell(line("stage", keyOf(folder), folder));
  for (const one of group) {
    received.push(one);
    bytes += await receive(dialogue, job, one);
    if (received.length >= MOST_AT_ONCE || bytes >= MOST_BYTES_AT_ONCE) {
      await putInPlace(dialogue, job, folder, received, written);
      received = [];
      bytes = 0;
    }
  }
  if (received.length > 0) {
    await putInPlace(dialogue, job, folder, received, written);
  }
  dialogue.tell("unstage");
}

/** Brings a file's content beside its place; returns how much went over the connection. */
async function receive(
  dialogue: Dialogue,
  { log }: Work,
  { index, file, task }: Due,
): Promise<number> {
  const { destination, content } = file;
  const name = posix.basename(destination);
  if (task === "copy") {
    dialogue.tell(line("copy", index, name, destination));
    return 0;
  }
  return withContent(content, async (bytes, chunks) => {
    dialogue.tell(line("put", index, name, bytes));
    let sent = 0;
    let said = Date.now();
    for await (const chunk of chunks) {
      await dialogue.send(chunk);
      sent += chunk.length;
      if (Date.now() - said >= STATUS_MS) {
        said = Date.now();
        log.status(`${destination}: ${inMib(sent)} of ${inMib(bytes)} MiB`);
      }
    }
    return bytes;
  });
}

async function putInPlace(
  dialogue: Dialogue,
  job: Work,
  folder: string,
  group: readonly Due[],
  written: Set<string>,
): Promise<void> {
  const names = (some: readonly Due[]) =>
    some.map(({ file }) => `./${posix.basename(file.destination)}`);
  const hashes = await dialogue.ask(line("sha256sum", ...names(group)));
  group.forEach(({ file }, position) => {
    if (!(hashes[position] ?? "").includes(file.content.hash)) {
      throw new Error(
        `${file.destination} did not arrive in the guest as it was sent`,
      );
    }
  });
  // chown takes the bits for set-user-id away, so chmod comes after it.
  for (const [owner, some] of groupedBy(
    group,
    ({ owner, group }) => `${owner}:${group}`,
  )) {
    dialogue.tell(line("try", "chown", "-h", "--", owner, ...names(some)));
  }
  for (const [mode, some] of groupedBy(group, ({ mode }) => fourDigits(mode))) {
    dialogue.tell(line("try", "chmod", mode, ...names(some)));
  }
  dialogue.tell("settle", ...group.map((one) => before(one, job)));
  const answer = await dialogue.ask(line("take", folder, ...names(group)));
  const isMoved = (_: Due, position: number) => answer[position] === "moved";
  const moved = group.filter(isMoved);
  moved.forEach(({ file }) => written.add(file.destination));
  if (moved.length < group.length) {
    throw new Error(answer.slice(group.length).join("; "));
  }
}

/** Keeps what is there before the first time that we put something in its place. */
function before({ index, file }: Due, { onDelete }: Work): string {
  const { destination } = file;
  return line("before", index, keyOf(destination), destination, onDelete);
}

function groupedBy(
  group: readonly Due[],
  property: (file: WantedFile) => string,
): Map<string, Due[]> {
  const groups = new Map<string, Due[]>();
  for (const one of group) {
    const key = property(one.file);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

async function remove(
  dialogue: Dialogue,
  job: Work,
  removed: Set<string>,
): Promise<void> {
  const { log, onDelete } = job;
  for (const some of portions([...job.removed.entries()])) {
    const lines = some.map(([position, path]) => {
      const index = job.files.length + position;
      return line(
        "drop",
        index,
        keyOf(path),
        path,
        posix.dirname(path),
        onDelete,
      );
    });
    for (const answer of await dialogue.ask(...lines)) {
      const index = Number(/^kept (\d+)$/.exec(answer)?.[1]);
      log.warn(
        `${pathOf(job, index)} is a folder in the guest by now: left as it is`,
      );
    }
    some.forEach(([, path]) => removed.add(path));
  }
  if (job.removed.length > 0) {
    await dialogue.ask("tidy");
  }
  if (job.forget) {
    await dialogue.ask("forget");
  }
}

/** Says which file a refusal was about. */
function explained(error: unknown, job: Work): unknown {
  if (!(error instanceof GuestRefusal)) {
    return error;
  }
  const path = error.index === undefined ? undefined : pathOf(job, error.index);
  return new Error(
    path === undefined
      ? `the guest refused: ${error.reason}`
      : `${path} cannot be changed in the guest: ${error.reason}\n` +
          "What was there before is as it was.",
  );
}

/** By the number that the guest knows it by: first the files, then the removed ones. */
function pathOf({ files, removed }: Work, index: number): string | undefined {
  return files[index]?.destination ?? removed[index - files.length];
}

function portions<T>(all: readonly T[]): T[][] {
  const some: T[][] = [];
  for (let start = 0; start < all.length; start += MOST_AT_ONCE) {
    some.push(all.slice(start, start + MOST_AT_ONCE));
  }
  return some;
}

function inMib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
