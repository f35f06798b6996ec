import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import { hostPaths, imagePaths } from "@corral-iac/corral/core/microvm/paths";
import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { asset, defineResource, fields } from "../frame/define";
import type { Fault, InputsToCheck } from "../frame/define";
import { Asset } from "../frame/value";
import { connectionFaults } from "../guest/connectionFields";
import { withContent } from "../guest/files/content";
import { keptIfOutOfReach, removedOrGone } from "../guest/outOfReach";
import { hostField, hostPath, stampField } from "../microvm/fields";
import {
  hostChange,
  hostIdField,
  onHostChangeField,
} from "../microvm/hostChange";
import { HostRefusal, HostShell } from "../microvm/hostShell";
import { inTurn } from "../microvm/inTurn";
import {
  claimScript,
  fetchScript,
  lookScript,
  presentScript,
  releaseScript,
  uploadScript,
} from "@corral-iac/corral/core/microvm/scripts/images";
import type { ImageUse } from "@corral-iac/corral/core/microvm/scripts/images";

const STEP_SECONDS = 150;

const inputs = fields({
  connection: hostField(),
  stamp: stampField(),
  file: Type.Optional(
    asset({
      replaces: true,
      description: "A file of the machine that runs the program.",
    }),
  ),
  path: Type.Optional(
    hostPath("A file that is on the host already; it is used where it is.", {
      replaces: true,
    }),
  ),
  url: Type.Optional(
    Type.String({
      pattern: "^https?://[^\\s/@]+(/\\S*)?$",
      allowed: "an http or https address without a user and a password",
      replaces: true,
      description: "An address that the host fetches the image from, once.",
    }),
  ),
  sha256: Type.Optional(
    Type.String({
      pattern: "^[0-9a-f]{64}$",
      allowed: "64 lower-case hexadecimal digits",
      replaces: true,
      description: "SHA-256 of what `url` gives.",
    }),
  ),
  timeoutSeconds: Type.Integer({
    minimum: 1,
    maximum: 86400,
    default: 1800,
    description: "Longest time that the transfer may take, in seconds.",
  }),
  onHostChange: onHostChangeField(),
  present: Type.Boolean({
    default: true,
    description:
      "Leave it out: a refresh makes it false where the image is not on the host.",
  }),
});

const outputs = fields({
  path: Type.String({ description: "Where it is on the host." }),
  hostId: hostIdField(),
});

type Inputs = Static<typeof inputs>;
type Outputs = Static<typeof outputs>;

/** A kernel, an initrd or a disk image on a host of microVMs. */
export const microVmImage = defineResource({
  token: "corral-ops:index:MicroVmImage",
  description:
    "A kernel, an initrd or a disk image on a host of microVMs: brought there once, known by the " +
    "SHA-256 of its content and shared by all machines that need it. The last one takes it away.",
  inputs,
  outputs,

  checks: checkImage,

  async create(ctx, args) {
    return { id: idOf(args, ctx), outputs: await bring(ctx, args) };
  },

  preview: (_args, old) => old?.outputs ?? {},

  async read(ctx, _id, state) {
    const { connection } = state.inputs;
    const sha256 = hashOf(state.inputs);
    return keptIfOutOfReach(ctx, state, async () => {
      const answer = await new HostShell(connection, ctx.signal).run({
        what: `looking at ${state.outputs.path}`,
        script:
          sha256 === undefined
            ? presentScript(state.outputs.path)
            : lookScript({ sha256, user: "" }, hostPaths),
        timeoutSeconds: STEP_SECONDS,
      });
      const present = answer.must("image") === "there";
      return { ...state, inputs: { ...state.inputs, present } };
    });
  },

  async update(ctx, _id, old, args) {
    const from = {
      connection: old.inputs.connection,
      hostId: old.outputs.hostId,
    };
    const change = await hostChange(ctx, from, args);
    const made = await bring(ctx, args);
    if (change?.isOther === true) {
      // A machine that is still there keeps what it starts with until it has left.
      await leave(ctx, old.inputs);
    }
    return made;
  },

  async delete(ctx, _id, { inputs: args }) {
    await leave(ctx, args);
  },
});

async function leave(ctx: OperationContext, args: Inputs): Promise<void> {
  const sha256 = hashOf(args);
  if (sha256 === undefined) {
    return;
  }
  await removedOrGone(
    ctx,
    () =>
      release(new HostShell(args.connection, ctx.signal), {
        sha256,
        user: userOf(ctx, args),
      }),
    (why) => `${why}. The host counts as gone.`,
  );
}

/** Brings the image to the host unless it is there. */
async function bring(ctx: OperationContext, args: Inputs): Promise<Outputs> {
  const shell = new HostShell(args.connection, ctx.signal);
  const sha256 = hashOf(args);
  if (sha256 === undefined) {
    const path = args.path ?? "";
    const answer = await shell.run({
      what: `looking at ${path}`,
      script: presentScript(path),
      timeoutSeconds: STEP_SECONDS,
    });
    if (answer.must("image") !== "there") {
      throw new Error(`${shell.where}: there is no file ${path}`);
    }
    return { path, hostId: answer.must("host") };
  }
  const use = { sha256, user: userOf(ctx, args) };
  // The second of two machines that need it finds it there.
  const hostId = await inTurn(`${shell.where} ${sha256}`, async () => {
    try {
      return await fetchOrUpload(shell, args, use);
    } catch (error) {
      // A failed creation is in no state, and nothing of it may stay on the host.
      if (error instanceof HostRefusal) {
        await release(shell, use).catch(() => undefined);
      }
      throw error;
    }
  });
  return { path: imagePaths(sha256, hostPaths).file, hostId };
}

/** Takes the user off, and the image with the last one. */
function release(shell: HostShell, use: ImageUse) {
  return shell.run({
    what: "taking an image away",
    script: releaseScript(use, hostPaths),
    timeoutSeconds: STEP_SECONDS,
  });
}

async function fetchOrUpload(
  shell: HostShell,
  { file, url, timeoutSeconds }: Inputs,
  use: ImageUse,
): Promise<string> {
  const claimed = await shell.run({
    what: "looking for an image",
    script: claimScript(use, hostPaths),
    timeoutSeconds: STEP_SECONDS,
  });
  if (claimed.must("image") === "missing") {
    if (file !== undefined) {
      await withContent(file, (_bytes, chunks) =>
        shell.run({
          what: "uploading an image",
          script: uploadScript(use, hostPaths),
          data: () => Readable.from(chunks),
          timeoutSeconds,
        }),
      );
    } else {
      await shell.run({
        what: `fetching ${url ?? ""}`,
        script: fetchScript(use, url ?? "", timeoutSeconds, hostPaths),
        timeoutSeconds: timeoutSeconds + STEP_SECONDS,
      });
    }
  }
  return claimed.must("host");
}

/** Undefined for a file that is somebody else's. */
function hashOf({ file, url, sha256 }: Inputs): string | undefined {
  return file?.hash ?? (url === undefined ? undefined : sha256);
}

function idOf(args: Inputs, ctx: OperationContext): string {
  return `${hashOf(args) ?? args.path ?? ""}/${userOf(ctx, args)}`;
}

/** The same for every attempt to make the resource. */
function userOf({ urn }: OperationContext, { stamp }: Inputs): string {
  const digest = createHash("sha256").update(urn).digest("hex").slice(0, 8);
  return `${stamp.id}-${digest}`;
}

function checkImage(args: InputsToCheck<Inputs>): Fault[] {
  const given = [args.file, args.path, args.url].filter(
    (value) => value !== undefined,
  );
  const faults = connectionFaults("connection", args.connection);
  if (given.length !== 1) {
    faults.push({
      path: "",
      reason: "must have exactly one of file, path, url",
    });
  }
  if (args.url !== undefined && args.sha256 === undefined) {
    faults.push({ path: "sha256", reason: "is missing; url needs it" });
  }
  if (args.file instanceof Asset && args.file.hash === "") {
    faults.push({ path: "file", reason: "cannot be read" });
  }
  return faults;
}
