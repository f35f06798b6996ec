import { messageOf } from "@corral-iac/corral/core/errors";
import {
  MODE_ALLOWED,
  MODE_PATTERN,
  OWNER_ALLOWED,
  OWNER_PATTERN,
  destinationProblem,
  nestedDestinations,
} from "@corral-iac/corral/core/guestFiles";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { asset, choice, defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck, State } from "../frame/define";
import { PartialFailure } from "../frame/errors";
import { Asset, Unknown } from "../frame/value";
import { connectionFaults, connectionFields } from "../guest/connectionFields";
import { converse } from "../guest/files/dialogue";
import { fourDigits, hasGroup, hasOwner } from "../guest/files/found";
import type { Found } from "../guest/files/found";
import { lookAt, work } from "../guest/files/write";
import type { Outcome, Work } from "../guest/files/write";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import { RootShell } from "../guest/rootShell";
import { sshPool } from "../ssh/shared";

/** Where the records of all GuestFiles lie in a guest. */
const STORE = "/var/lib/corral/files";

const guestFile = fields(
  {
    content: asset({ description: "What stands in the file." }),
    owner: Type.String({
      pattern: OWNER_PATTERN,
      allowed: OWNER_ALLOWED,
      default: "root",
      description: "User that owns the file, by name or number.",
    }),
    group: Type.String({
      pattern: OWNER_PATTERN,
      allowed: OWNER_ALLOWED,
      default: "root",
      description: "Group of the file, by name or number.",
    }),
    mode: Type.String({
      pattern: MODE_PATTERN,
      allowed: MODE_ALLOWED,
      default: "0644",
      description: "Permissions in octal.",
    }),
  },
  { title: "GuestFilesFile", description: "A file in the guest." },
);

const inputs = fields({
  connection: connectionFields,
  ownerId: Type.String({
    pattern: "^[0-9a-f]{16}$",
    allowed: "16 lowercase hexadecimal digits",
    replaces: true,
    description:
      "Id of a Stamp: names the folder in the guest that keeps what was there before.",
  }),
  files: Type.Record(Type.String(), guestFile, {
    description: "The files, by their absolute paths in the guest.",
  }),
  onDelete: choice(["restore", "remove"], {
    title: "GuestFilesOnDelete",
    default: "restore",
    description:
      "What becomes of a file that is no longer wanted: `restore` brings back what was there before, `remove` keeps nothing of that and removes the file.",
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 300,
    description: "Longest time without any progress, in seconds.",
  }),
});

const outputs = fields({
  destinations: Type.Array(Type.String(), {
    description: "Paths of all files that are there by this resource.",
  }),
  unfinished: Type.Array(Type.String(), {
    description:
      "Paths of files that an update could not write; the next update does. Empty if all is well.",
  }),
});

type Inputs = Static<typeof inputs>;
type Outputs = Static<typeof outputs>;
type Connection = Inputs["connection"];

/** Files in a guest, written over one ssh connection. */
export const guestFiles = defineResource({
  token: "corral-ops:index:GuestFiles",
  description:
    "Files in a guest, all of them written in one go over one ssh connection, each by a temporary " +
    "file in the same folder that is renamed. Files that are as wanted are not touched. A refresh " +
    "looks at content, owner, group and mode.",
  deleteBeforeReplace: true,
  inputs,
  outputs,

  checks: checkFiles,

  async create(ctx, args) {
    const files = Object.keys(args.files);
    const done = await write(ctx, args, files, []);
    return {
      id: args.ownerId,
      outputs: settled(args.ownerId, done, [], files),
    };
  },

  preview(args) {
    return args.files instanceof Unknown
      ? {}
      : { destinations: Object.keys(args.files), unfinished: [] };
  },

  async read(ctx, _id, state) {
    const paths = Object.keys(state.inputs.files);
    return keptIfOutOfReach(
      ctx,
      state,
      async () => {
        const found = await talk(ctx, "looking at", state.inputs, (dialogue) =>
          lookAt(dialogue, paths),
        );
        return { ...state, inputs: asFound(state.inputs, found) };
      },
      (why) =>
        `${why}. What the files are is not known; the state is kept as it was.`,
    );
  },

  async update(ctx, id, old, args) {
    const files = dueFiles(old, args);
    const removed = old.outputs.destinations.filter(
      (path) => !Object.hasOwn(args.files, path),
    );
    if (files.length === 0 && removed.length === 0) {
      return { destinations: old.outputs.destinations, unfinished: [] };
    }
    const done = await write(ctx, args, files, removed);
    return settled(id, done, old.outputs.destinations, files);
  },

  async delete(ctx, id, { inputs: args, outputs: { destinations } }) {
    await removedOrGone(
      ctx,
      async () => {
        const { fault } = await talk(ctx, "removing", args, (dialogue) =>
          work(dialogue, {
            ...{ store: STORE, id, files: [], removed: destinations },
            ...{ onDelete: args.onDelete, forget: true, log: ctx.log },
          }),
        );
        if (fault !== undefined) {
          throw fault;
        }
      },
      (why) =>
        `${why}. The guest counts as gone: if it comes back, it still has the files.`,
    );
  },
});

/** Which files an update has to do with: those that changed, and all of a machine that is another. */
function dueFiles(old: State<Inputs, Outputs>, args: Inputs): string[] {
  const all = Object.keys(args.files);
  if (machineOf(old.inputs.connection) !== machineOf(args.connection)) {
    return all;
  }
  return all.filter((path) => {
    const [before, after] = [old.inputs.files[path], args.files[path]];
    return (
      old.outputs.unfinished.includes(path) ||
      before?.content.hash !== after?.content.hash ||
      before?.owner !== after?.owner ||
      before?.group !== after?.group ||
      before?.mode !== after?.mode
    );
  });
}

/** What tells one machine from another; a new login alone is none. */
function machineOf({ host, port, hostKey, instanceId }: Connection): string {
  return JSON.stringify([host, port, hostKey, instanceId]);
}

function write(
  ctx: OperationContext,
  args: Inputs,
  files: readonly string[],
  removed: readonly string[],
): Promise<Outcome> {
  const job: Work = {
    ...{ store: STORE, id: args.ownerId, removed, forget: false, log: ctx.log },
    files: files.flatMap((destination) => {
      const file = args.files[destination];
      return file ? [{ destination, ...file }] : [];
    }),
    onDelete: args.onDelete,
  };
  return talk(ctx, "writing", args, (dialogue) => work(dialogue, job));
}

function talk<T>(
  ctx: OperationContext,
  doing: string,
  { connection, timeoutSeconds }: Inputs,
  work: Parameters<typeof converse<T>>[2],
): Promise<T> {
  const shell = new RootShell(sshPool(), connection);
  const what = `${doing} the files of ${ctx.name}`;
  return converse(shell, { what, timeoutSeconds, signal: ctx.signal }, work);
}

/** What the state says when the work is over; a fault keeps what was done in it. */
function settled(
  id: string,
  { written, removed, fault }: Outcome,
  before: readonly string[],
  due: readonly string[],
): Outputs {
  const there = [...new Set([...before, ...written])];
  const result = {
    destinations: there.filter((path) => !removed.has(path)),
    unfinished: due.filter((path) => !written.has(path)),
  };
  if (fault !== undefined) {
    const rest = `${written.size} of ${due.length} files are written; the next update goes on.`;
    throw new PartialFailure(id, result, [`${messageOf(fault)}\n${rest}`]);
  }
  return result;
}

/** The inputs that would have made what is there. A file that is gone, or is none, is not among them. */
function asFound(args: Inputs, found: readonly Found[]): Inputs {
  const files = Object.entries(args.files).flatMap(([path, file], index) => {
    const seen = found[index];
    if (seen?.is !== "file") {
      return [];
    }
    const { content, owner, group, mode } = file;
    return [
      [
        path,
        {
          content: seen.hash === content.hash ? content : new Asset(seen.hash),
          owner: hasOwner(seen, owner) ? owner : seen.owner,
          group: hasGroup(seen, group) ? group : seen.group,
          mode: seen.mode === fourDigits(mode) ? mode : seen.mode,
        },
      ] as const,
    ];
  });
  return { ...args, files: Object.fromEntries(files) };
}

function checkFiles(args: InputsToCheck<Inputs>): Fault[] {
  const faults = connectionFaults("connection", args.connection);
  if (args.files instanceof Unknown) {
    return faults;
  }
  const paths = Object.keys(args.files);
  for (const path of paths) {
    const problem = destinationProblem(path);
    if (problem !== undefined) {
      faults.push({ path: `files["${path}"]`, reason: problem });
    }
  }
  for (const { file, inside } of nestedDestinations(paths)) {
    faults.push({
      path: `files["${inside}"]`,
      reason: `lies in "${file}", which is a file of its own here`,
    });
  }
  return faults;
}
