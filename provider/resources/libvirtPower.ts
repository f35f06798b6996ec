import type { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import {
  isFault,
  LibvirtError,
} from "@corral-iac/corral/core/libvirt-client/errors";
import { Type } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { CancelledError } from "../frame/errors";
import { defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import type { Clock } from "../guest/wait";
import { libvirtAt, uriFaults, uriField } from "./libvirtFields";

/** Whether a libvirt domain runs, and starts with its host. */
export const libvirtPower = defineResource({
  token: "corral-ops:index:LibvirtPower",
  description:
    "Whether a libvirt domain runs, and starts with its host. Shuts a running one down cleanly when " +
    "it shall stop, and before it is replaced or deleted. A domain that was started or stopped by " +
    "hand shows as drift on a refresh.",
  deleteBeforeReplace: true,
  inputs: fields({
    uri: uriField({ replaces: true }),
    domain: Type.String({ minLength: 1, description: "Name of the domain." }),
    domainId: Type.String({
      minLength: 1,
      replaces: true,
      description: "UUID of the domain: a new one means another machine.",
    }),
    running: Type.Boolean({
      default: true,
      description: "Whether the domain shall run.",
    }),
    autostart: Type.Optional(
      Type.Boolean({
        description:
          "Whether the domain starts with the hypervisor. Default: left as it is.",
      }),
    ),
    shutdownTimeoutSeconds: Type.Integer({
      minimum: 0,
      maximum: 3600,
      default: 60,
      description:
        "Longest time that the guest is given to shut down, in seconds; then it is powered off.",
    }),
  }),
  outputs: fields({
    running: Type.Boolean({ description: "Whether the domain runs." }),
    autostart: Type.Optional(
      Type.Boolean({
        description:
          "Whether the domain starts with the hypervisor, where that was asked for.",
      }),
    ),
  }),

  checks: ({ uri }) => uriFaults("uri", uri),

  async create(ctx, args) {
    await bringTo(ctx, args);
    return { id: args.domainId, outputs: settled(args) };
  },

  preview: ({ running, autostart }) => ({
    ...(typeof running === "boolean" && { running }),
    ...(typeof autostart === "boolean" && { autostart }),
  }),

  async read(ctx, _id, { inputs }) {
    try {
      const info = await libvirtAt(inputs.uri).domainInfo(inputs.domainId, {
        signal: ctx.signal,
      });
      const found = {
        ...inputs,
        running: isOn(info.state),
        ...(inputs.autostart !== undefined && { autostart: info.autostart }),
      };
      return { inputs: found, outputs: settled(found) };
    } catch (error) {
      if (isGone(error)) {
        return undefined;
      }
      throw error;
    }
  },

  async update(ctx, _id, _old, args) {
    await bringTo(ctx, args);
    return settled(args);
  },

  async delete(ctx, _id, { inputs }) {
    try {
      await shutDown(ctx, libvirtAt(inputs.uri), inputs, systemClock);
    } catch (error) {
      if (!isGone(error)) {
        throw error;
      }
    }
  },
});

export interface PowerInputs {
  readonly uri: string;
  readonly domain: string;
  readonly domainId: string;
  readonly running: boolean;
  readonly autostart?: boolean;
  readonly shutdownTimeoutSeconds: number;
}

function settled({ running, autostart }: PowerInputs) {
  return { running, ...(autostart !== undefined && { autostart }) };
}

async function bringTo(
  ctx: OperationContext,
  args: PowerInputs,
): Promise<void> {
  const client = libvirtAt(args.uri);
  const { signal } = ctx;
  const { state, autostart } = await client.domainInfo(args.domainId, {
    signal,
  });
  if (args.autostart !== undefined && args.autostart !== autostart) {
    const off = args.autostart ? [] : ["--disable"];
    await client.virsh.run(["autostart", args.domainId, ...off], { signal });
  }
  if (!args.running) {
    await shutDown(ctx, client, args, systemClock);
    return;
  }
  if (state === "paused") {
    throw new Error(
      `the domain ${args.domain} at ${args.uri} is paused; resume it: virsh -c ${args.uri} resume ${args.domain}`,
    );
  }
  if (!isOn(state)) {
    await client.virsh.run(["start", args.domainId], {
      signal,
      timeoutSeconds: 120,
    });
    ctx.log.debug(`started ${args.domain}`);
  }
}

/** Asks the guest to shut down, waits, and powers it off if it does not. */
export async function shutDown(
  ctx: Pick<OperationContext, "log" | "signal">,
  client: LibvirtClient,
  args: PowerInputs,
  clock: Clock,
): Promise<void> {
  const { signal, log } = ctx;
  const { domain, domainId, shutdownTimeoutSeconds } = args;
  const start = clock.now();
  let asked = -Infinity;
  let reported = start;
  while (isOn(await stateOf(client, domainId, signal))) {
    const waited = clock.now() - start;
    if (signal.aborted) {
      throw signal.reason instanceof Error
        ? signal.reason
        : new CancelledError("stopped");
    }
    if (waited >= shutdownTimeoutSeconds * 1000) {
      if (shutdownTimeoutSeconds > 0) {
        log.warn(
          `${domain} did not shut down within ${shutdownTimeoutSeconds} s: powered off`,
        );
      }
      await client.virsh
        .run(["destroy", domainId], { signal })
        .catch(unlessOff);
      return;
    }
    // A guest that is still booting misses the first request.
    if (clock.now() - asked >= 10_000) {
      asked = clock.now();
      await client.virsh
        .run(["shutdown", domainId], { signal })
        .catch(unlessOff);
    }
    if (clock.now() - reported >= 5000) {
      reported = clock.now();
      log.status(
        `${domain}: waiting for it to shut down: ${Math.round(waited / 1000)} of ${shutdownTimeoutSeconds} s`,
      );
    }
    await clock.sleep(500, signal);
  }
}

async function stateOf(
  client: LibvirtClient,
  domain: string,
  signal: AbortSignal,
) {
  return (await client.domainState(domain, { signal })).state;
}

function isOn(state: string): boolean {
  return !["shut off", "crashed"].includes(state);
}

/** It may have gone off between two looks. */
function unlessOff(error: unknown): void {
  if (!(
    error instanceof LibvirtError &&
    /domain is not running/i.test(error.message)
  )) {
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return isFault(error, "noDomain");
}
