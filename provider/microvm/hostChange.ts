import { hostPaths } from "@corral-iac/corral/core/microvm/paths";
import { hasMachineScript } from "@corral-iac/corral/core/microvm/scripts/arriving";
import { Type } from "@sinclair/typebox";

import type { OperationContext } from "../frame/context";
import { choice } from "../frame/define";
import type { MaybeUnknown } from "../frame/define";
import { RefusedError } from "../frame/errors";
import { Unknown } from "../frame/value";
import type { Connection } from "../guest/connectionFields";
import { isOutOfReach } from "../guest/rootShell";
import { HostShell } from "./hostShell";

const LOOK_SECONDS = 60;

/** What another host means: the same for every part of a machine. */
export const onHostChangeField = () =>
  choice(["refuse", "move"], {
    title: "MicroVmOnHostChange",
    default: "refuse",
    policy: true,
    description:
      "Whether a connection that leads to another host is an error, or moves the machine there.",
  });

/** The id of the host that something is on, as an output of every part of a machine. */
export const hostIdField = () =>
  Type.Optional(
    Type.String({
      description: "The host that it is on, as machine-id(5) knows it.",
    }),
  );

/** A part of a machine, or the machine itself, as its host is concerned. */
export interface OnHost {
  readonly connection: Connection;
  /** Of the host that it is on; undefined: an older version has made it. */
  readonly hostId?: string | undefined;
}

/** Where a part of a machine shall be. */
export interface Wanted {
  readonly connection: Connection;
  readonly onHostChange: "refuse" | "move";
  /** Of the machine. */
  readonly stamp: { readonly id: string; readonly name: string };
}

export interface HostChange {
  /** Whether it is another host: not only another address of the same one. */
  readonly isOther: boolean;
  /** Id of the host that is wanted. */
  readonly hostId: string;
  /** Id of the host that it is on; undefined where nobody answers there. */
  readonly before: string | undefined;
}

/**
 * Finds out what a changed connection means, by what the hosts say of themselves: another address, port
 * or user of the same host changes nothing.
 *
 * @throws RefusedError where it is another host, and the machine shall not move.
 */
export async function hostChange(
  ctx: OperationContext,
  old: OnHost,
  wanted: Wanted,
): Promise<HostChange | undefined> {
  if (isSamePlace(old.connection, wanted.connection)) {
    return undefined;
  }
  const next = await look(ctx, wanted.connection, wanted);
  const before = old.hostId ?? (await idAt(ctx, old.connection, wanted));
  const isOther =
    before === undefined ? !next.hasMachine : before !== next.hostId;
  if (isOther && next.hostId === "") {
    throw new RefusedError(
      `${next.where} has no /etc/machine-id, by which hosts are told apart: run systemd-machine-id-setup there`,
    );
  }
  // One that is there already comes home: its move was given up.
  if (isOther && wanted.onHostChange !== "move" && !next.hasMachine) {
    throw new RefusedError(
      `${wanted.stamp.name} is on ${new HostShell(old.connection, ctx.signal).where}, and its new host ${next.where} is another one: ` +
        'give onHostChange: "move" to move it there with its volumes, or set host back. Nothing was changed',
    );
  }
  return { isOther, hostId: next.hostId, before };
}

/**
 * Makes sure that the machine is on what counts for the same host: clones of one host may have the same
 * id.
 */
export async function sameMachine(
  ctx: OperationContext,
  wanted: Pick<Wanted, "connection" | "stamp">,
): Promise<void> {
  const { hasMachine, where, hostId } = await look(
    ctx,
    wanted.connection,
    wanted,
  );
  if (!hasMachine) {
    throw new RefusedError(
      `${where} has the /etc/machine-id of the host that ${wanted.stamp.name} was made on (${hostId}), and ${wanted.stamp.name} is not there: ` +
        "is one a clone of the other? Then give the clone an id of its own (remove the file, run systemd-machine-id-setup). Nothing was changed",
    );
  }
}

/** Whether two connections lead to the same server of ssh, whoever logs in. */
export function isSamePlace(one: Connection, other: Connection): boolean {
  return routeOf(one) === routeOf(other);
}

/** Like {@link isSamePlace}, of inputs that may not be known yet. */
export function isStill(
  before: Connection,
  connection: MaybeUnknown<Connection>,
): boolean {
  return isKnown<Connection>(connection) && isSamePlace(before, connection);
}

/** Whether all of a value, as a preview has it, is known. */
export function isKnown<T>(value: MaybeUnknown<T> | T): value is T {
  return !hasUnknown(value);
}

function hasUnknown(value: unknown): boolean {
  return (
    value instanceof Unknown ||
    (typeof value === "object" &&
      value !== null &&
      Object.values(value).some(hasUnknown))
  );
}

interface Hop {
  readonly host: string;
  readonly port: number;
  readonly bastion?: Hop | undefined;
}

function routeOf({ host, port, bastion }: Hop): string {
  return `${host}:${port}${bastion === undefined ? "" : ` ${routeOf(bastion)}`}`;
}

/** The host's id, and whether the machine is there for good. */
async function look(
  ctx: OperationContext,
  connection: Connection,
  { stamp }: Pick<Wanted, "stamp">,
) {
  const shell = new HostShell(connection, ctx.signal);
  const answer = await shell.run({
    what: "looking which host that is",
    script: hasMachineScript(stamp, hostPaths),
    timeoutSeconds: LOOK_SECONDS,
  });
  return {
    where: shell.where,
    hostId: answer.must("host"),
    hasMachine: answer.get("machine") === "there",
  };
}

/** Undefined: nobody answers there any more. */
async function idAt(
  ctx: OperationContext,
  connection: Connection,
  wanted: Wanted,
): Promise<string | undefined> {
  try {
    return (await look(ctx, connection, wanted)).hostId;
  } catch (error) {
    if (!isOutOfReach(error)) {
      throw error;
    }
    return undefined;
  }
}
