import { createHash } from "node:crypto";

import {
  nfsShareRules,
  nfsSource,
  parseNfsSource,
} from "@corral-iac/corral/core/nfsShare";
import { LATER } from "@corral-iac/corral/core/later";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck } from "../frame/define";
import type { OperationContext } from "../frame/context";
import { Unknown } from "../frame/value";
import { connectionFaults, connectionFields } from "../guest/connectionFields";
import type { Connection } from "../guest/connectionFields";
import { MountCommands } from "../guest/mountCommands";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import { RootShell } from "../guest/rootShell";
import { establish, remove } from "../guest/shareMount";
import type { MountedShare, Workplace } from "../guest/shareMount";
import { judge, placed } from "../guest/shareView";
import { sshPool } from "../ssh/shared";

const inputs = fields({
  connection: connectionFields,
  server: Type.String({
    minLength: 1,
    description:
      "The NFS server: a host name or an address, as the guest reaches it.",
  }),
  hostPath: Type.String({
    minLength: 1,
    description: "What the server exports: an absolute path.",
  }),
  guestPath: Type.String({
    minLength: 1,
    description: "Where the share is mounted in the guest: an absolute path.",
  }),
  options: Type.Array(Type.String(), {
    default: [],
    description:
      "Mount options (nfs(5)), beside `nofail` and `_netdev`, which are always set.",
  }),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 3600,
    default: 60,
    description:
      "Longest time that one attempt to mount may take, in seconds. Installing the NFS client has a " +
      "bound of its own, 600 s.",
  }),
  applied: Type.Boolean({
    default: true,
    description:
      "Whether the guest has the mount as declared: false when a refresh finds it unmounted, or its " +
      "line in fstab gone or changed.",
  }),
});

const outputs = fields({
  source: Type.String({
    description: "The share as mount(8) calls it: `server:/path`.",
  }),
  madeFolders: Type.Array(Type.String(), {
    description: "Folders that were made for the mount, the outermost first.",
  }),
});

type Inputs = Static<typeof inputs>;

/** An NFS share, mounted in a guest. */
export const guestMount = defineResource({
  token: "corral-ops:index:GuestMount",
  description:
    "An NFS share that is mounted in a guest, now and at each boot: NFS client installed, folder made, " +
    "one line in /etc/fstab, mounted and seen in the kernel's mount table. A refresh looks into the " +
    "guest; one that cannot be reached keeps its state, with a warning.",
  inputs,
  outputs,

  checks: checkMount,

  async create(ctx, args) {
    const id = idOf(ctx.urn);
    const madeFolders = await establish(workplace(ctx, id, args), args);
    return {
      id,
      outputs: { source: sourceOf(args), madeFolders: [...madeFolders] },
    };
  },

  preview: ({ server, hostPath }, old) => ({
    ...(typeof server === "string" &&
      typeof hostPath === "string" && { source: nfsSource(server, hostPath) }),
    ...(old && { madeFolders: old.outputs.madeFolders }),
  }),

  async read(ctx, id, state) {
    const { inputs: declared } = state;
    return keptIfOutOfReach(
      ctx,
      state,
      async () => {
        const survey = await guestAt(ctx, declared.connection).survey([]);
        const finding = judge(survey, id, declared);
        if (finding === undefined) {
          return undefined;
        }
        finding.faults.forEach((fault) =>
          ctx.log.warn(`${declared.connection.host}: ${fault}`),
        );
        const { source, guestPath, options } = finding.found;
        return {
          inputs: {
            ...declared,
            ...(source === placed(declared).source
              ? {}
              : parseNfsSource(source)),
            guestPath,
            options: [...options],
            applied: finding.faults.length === 0,
          },
          outputs: { ...state.outputs, source },
        };
      },
      (why) =>
        `${why}. What is mounted there is not known; the state is kept as it was.`,
    );
  },

  async update(ctx, id, old, args) {
    const before = { ...old.inputs, ...old.outputs };
    const madeFolders = await establish(workplace(ctx, id, args), args, before);
    return { source: sourceOf(args), madeFolders: [...madeFolders] };
  },

  async delete(ctx, id, { inputs: declared, outputs: made }) {
    const share: MountedShare = { ...declared, ...made };
    await removedOrGone(
      ctx,
      () => remove(workplace(ctx, id, declared), share),
      (why) =>
        `${why}. The guest counts as gone: if it comes back, it still has the mount of ` +
        `${made.source} at ${declared.guestPath} and its line in /etc/fstab.`,
    );
  },
});

/** By it our line is known: the same for every attempt to make the resource. */
function idOf(urn: string): string {
  return `corral-${createHash("sha256").update(urn).digest("hex").slice(0, 12)}`;
}

const sourceOf = ({ server, hostPath }: Inputs) => nfsSource(server, hostPath);

function guestAt(ctx: OperationContext, connection: Connection) {
  return new MountCommands(new RootShell(sshPool(), connection), ctx.signal);
}

function workplace(
  ctx: OperationContext,
  id: string,
  { connection, timeoutSeconds }: Inputs,
): Workplace {
  return {
    guest: guestAt(ctx, connection),
    id,
    timeoutSeconds,
    log: ctx.log,
  };
}

function checkMount(args: InputsToCheck<Inputs>): Fault[] {
  const known = Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, laterIfUnknown(value)]),
  );
  return [
    ...nfsShareRules("", known).map(({ path, problem }) => ({
      path,
      reason: problem,
    })),
    ...connectionFaults("connection", args.connection),
  ];
}

/** The rules of shares know values that come later by another name. */
function laterIfUnknown(value: unknown): unknown {
  if (value instanceof Unknown) {
    return LATER;
  }
  return Array.isArray(value) ? value.map(laterIfUnknown) : value;
}
