import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

import { hostPaths, volumePaths } from "@corral-iac/corral/core/microvm/paths";
import { formatBytes } from "@corral-iac/corral/core/units";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck, State } from "../frame/define";
import { connectionFaults } from "../guest/connectionFields";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import {
  hostField,
  hostPath,
  machineField,
  stampField,
} from "../microvm/fields";
import {
  hostChange,
  hostIdField,
  isSamePlace,
  onHostChangeField,
} from "../microvm/hostChange";
import { HostShell } from "../microvm/hostShell";
import { hasMachineScript } from "@corral-iac/corral/core/microvm/scripts/arriving";
import type { Answer } from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  lookScript,
  makeScript,
  missingText,
  removeScript,
  updateScript,
} from "@corral-iac/corral/core/microvm/scripts/volumes";
import type { VolumeWish } from "@corral-iac/corral/core/microvm/scripts/volumes";

const STEP_SECONDS = 150;

const inputs = fields({
  connection: hostField(),
  stamp: stampField(),
  machine: machineField(),
  volume: Type.String({
    pattern: "^[a-z][a-z0-9-]{0,15}$",
    allowed:
      "up to 16 lower-case letters, digits and hyphens, starting with a letter",
    replaces: true,
    description: "Name of the volume, and label of its file system.",
  }),
  sizeBytes: Type.Optional(
    Type.Integer({
      minimum: 1024 ** 2,
      description:
        "At least this many bytes. It can only grow. Default: the size of the image.",
    }),
  ),
  keep: Type.Boolean({
    description: "Whether the volume stays when the resource is deleted.",
  }),
  image: Type.Optional(
    hostPath(
      "An image on the host whose copy the volume becomes. Default: an empty ext4 file system.",
      { replaces: true },
    ),
  ),
  adopt: Type.Optional(
    Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]*/[a-z][a-z0-9-]{0,15}$",
      allowed: "MACHINE/VOLUME, as `corral orphans` shows it",
      description:
        "A volume that was kept, to take up instead of making one. Says nothing to a volume that exists.",
    }),
  ),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 1800,
    description: "Longest time that making it may take, in seconds.",
  }),
  onHostChange: onHostChangeField(),
  present: Type.Boolean({
    default: true,
    description:
      "Leave it out: a refresh makes it false where the volume's file is missing.",
  }),
});

const outputs = fields({
  path: Type.String({ description: "The volume's file on the host." }),
  volumeId: Type.String({
    description: "Another one says that the volume was made anew.",
  }),
  hostId: hostIdField(),
});

type Inputs = Static<typeof inputs>;
type VolumeState = State<Inputs, Static<typeof outputs>>;

/** A disk of a microVM. */
export const microVmVolume = defineResource({
  token: "corral-ops:index:MicroVmVolume",
  description:
    "A disk of a microVM, a raw file on its host: made with a file system or as a copy of an image, " +
    "or taken up with what is on it. It grows and never shrinks; one whose file was lost is an error " +
    "and never made anew on its own. One to keep is left on the host when the resource is deleted.",
  deleteBeforeReplace: true,
  inputs,
  outputs,

  checks: checkVolume,
  refusals: refuseVolume,

  async create(ctx, args) {
    const shell = new HostShell(args.connection, ctx.signal);
    const answer = await shell.run({
      what: `making the volume ${args.volume} of ${args.machine}`,
      script: makeScript(wishOf(args), hostPaths),
      timeoutSeconds: args.timeoutSeconds,
    });
    return {
      id: `${args.machine}/${args.volume}`,
      outputs: {
        path: answer.must("file"),
        volumeId: newId(),
        hostId: answer.must("host"),
      },
    };
  },

  preview({ machine, volume }, old) {
    if (old) {
      const { volumeId: _ofTheLost, ...same } = old.outputs;
      // One that is missing is made anew, or an error.
      return old.inputs.present ? old.outputs : same;
    }
    return typeof machine === "string" && typeof volume === "string"
      ? { path: volumePaths(machine, volume, hostPaths).file }
      : {};
  },

  async read(ctx, _id, state) {
    const args = state.inputs;
    const shell = new HostShell(args.connection, ctx.signal);
    return keptIfOutOfReach(ctx, state, async () => {
      const found = await look(ctx, args);
      const hostId = found.must("host");
      // A move that has not come so far leaves it where it was.
      const isElsewhere =
        !isHere(found) &&
        found.get("machine") === undefined &&
        ![undefined, hostId].includes(state.outputs.hostId);
      const present = isElsewhere || found.must("volume") === "there";
      const size = Number(
        (isElsewhere ? undefined : found.get("size")) ?? args.sizeBytes,
      );
      if (!present) {
        const paths = volumePaths(args.machine, args.volume, hostPaths);
        ctx.log.warn(`${shell.where}: ${missingText(paths)}`);
      }
      return {
        ...state,
        outputs: {
          ...state.outputs,
          ...(isHere(found) && { hostId }),
        },
        inputs: {
          ...args,
          present,
          // One that was grown by hand has what was asked for, and more.
          ...(args.sizeBytes !== undefined && {
            sizeBytes: Math.min(args.sizeBytes, size),
          }),
        },
      };
    });
  },

  async update(ctx, _id, old, args) {
    const away = await whereElse(ctx, old, args);
    if (away !== undefined) {
      // Its data goes with the machine; until then it is as it shall be where it is.
      if (!isDeepStrictEqual(wishOf(old.inputs), wishOf(args))) {
        await setRight(ctx, { ...args, connection: old.inputs.connection });
      }
      return { ...old.outputs, hostId: away };
    }
    const answer = await setRight(ctx, args);
    return {
      ...old.outputs,
      ...(answer.get("anew") === "yes" && { volumeId: newId() }),
      hostId: answer.must("host"),
    };
  },

  async delete(ctx, _id, { inputs: args, outputs: { path } }) {
    if (args.keep) {
      ctx.log.info(`left on the host: ${path}`);
      return;
    }
    await removedOrGone(
      ctx,
      () =>
        new HostShell(args.connection, ctx.signal).run({
          what: `removing the volume ${args.volume} of ${args.machine}`,
          script: removeScript(args, hostPaths),
          timeoutSeconds: STEP_SECONDS,
        }),
      (why) =>
        `${why}. The host counts as gone: if it comes back, ${path} is still there.`,
    );
  },
});

function newId(): string {
  return randomBytes(8).toString("hex");
}

/** The host that the volume is on, where that is not the wanted one. */
async function whereElse(
  ctx: OperationContext,
  { inputs: { connection }, outputs }: VolumeState,
  args: Inputs,
): Promise<string | undefined> {
  const found = await look(ctx, args);
  const here = found.must("host");
  if (isHere(found)) {
    return undefined;
  }
  // Where it has moved to since it was looked at, only a look tells.
  const hostId = outputs.hostId === here ? undefined : outputs.hostId;
  if (isSamePlace(connection, args.connection)) {
    if (hostId !== undefined && found.get("machine") === undefined) {
      throw new Error(
        `the volume ${args.volume} of ${args.machine} has not come from its former host yet: let the machine move, with nothing else changed, and change it then`,
      );
    }
    return undefined;
  }
  const change = await hostChange(ctx, { connection, hostId }, args);
  return change?.isOther === true ? (change.before ?? "") : undefined;
}

function look(ctx: OperationContext, args: Inputs): Promise<Answer> {
  return new HostShell(args.connection, ctx.signal).run({
    what: `looking at the volume ${args.volume} of ${args.machine}`,
    script: `${lookScript(args, hostPaths)}${hasMachineScript(args.stamp, hostPaths)}`,
    timeoutSeconds: STEP_SECONDS,
  });
}

/** Whole, and not only a copy that a move has brought so far. */
function isHere(found: Answer): boolean {
  return (
    found.must("volume") === "there" &&
    (found.get("moving") === undefined || found.get("machine") === "there")
  );
}

async function setRight(ctx: OperationContext, args: Inputs): Promise<Answer> {
  return new HostShell(args.connection, ctx.signal).run({
    what: `changing the volume ${args.volume} of ${args.machine}`,
    script: updateScript(wishOf(args), hostPaths),
    timeoutSeconds: args.timeoutSeconds,
  });
}

function wishOf(args: Inputs): VolumeWish {
  const { stamp, machine, volume, keep, sizeBytes, image, adopt } = args;
  return { stamp, machine, volume, keep, sizeBytes, image, adopt };
}

function checkVolume(args: InputsToCheck<Inputs>): Fault[] {
  const faults = connectionFaults("connection", args.connection);
  if (args.sizeBytes === undefined && args.image === undefined) {
    faults.push({
      path: "sizeBytes",
      reason: "is missing; a volume without an image needs it",
    });
  }
  return faults;
}

function refuseVolume(
  { inputs: before }: VolumeState,
  { sizeBytes, image }: InputsToCheck<Inputs>,
): Fault[] {
  return typeof sizeBytes === "number" &&
    before.sizeBytes !== undefined &&
    sizeBytes < before.sizeBytes &&
    image === before.image
    ? [
        {
          path: "sizeBytes",
          reason: `is ${formatBytes(sizeBytes)}, and the volume has ${formatBytes(before.sizeBytes)}: it can only grow`,
        },
      ]
    : [];
}
