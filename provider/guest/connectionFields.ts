import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { fields } from "../frame/define";
import type { Fault, MaybeUnknown } from "../frame/define";
import { Unknown } from "../frame/value";
import { readFaults } from "../resources/readFaults";
import { parseHostKeys } from "../ssh/hostKey";

/** A port of an ssh server; made anew each time, since a schema stands in one place only. */
export const port = (description = "TCP port of the ssh server.") =>
  Type.Integer({ minimum: 1, maximum: 65535, default: 22, description });
/** A key to log in with. */
export const privateKey = () =>
  Type.String({
    minLength: 1,
    secret: true,
    description:
      "Private key in a format that ssh2 reads (OpenSSH, PEM, PPK), no passphrase.",
  });

/** Fields of a host that is gone through. */
const hop = () => ({
  host: Type.String({ minLength: 1, description: "IP address or host name." }),
  port: port(),
  user: Type.String({ minLength: 1, description: "User to log in as." }),
  privateKey: privateKey(),
  hostKey: Type.String({
    minLength: 1,
    description:
      "Its public host key, `ssh-ed25519 AAAA...`, which it has to show.",
  }),
});

/** A host that is gone through to reach a guest, or a host of guests. */
export const bastionFields = fields(
  {
    ...hop(),
    bastion: Type.Optional(
      fields(hop(), {
        title: "GuestOuterBastion",
        description: "A host to go through to the bastion. Default: none.",
      }),
    ),
  },
  {
    title: "GuestBastion",
    secretParts: true,
    description: "A host to go through. Default: none.",
  },
);

/** How a guest is reached, for every resource that works inside it. */
export const connectionFields = fields(
  {
    host: Type.String({
      minLength: 1,
      allowed:
        "an IP address or a host name; it is empty for a machine that was not waited for (ready.until)",
      description: "IP address or host name.",
    }),
    port: port(),
    user: Type.String({
      minLength: 1,
      description:
        "User to log in as: root, or one that may run everything by sudo without a password.",
    }),
    privateKey: privateKey(),
    hostKey: Type.String({
      minLength: 1,
      description:
        "The guest's public host key, `ssh-ed25519 AAAA...`, which it has to show.",
    }),
    bastion: Type.Optional(bastionFields),
    instanceId: Type.Optional(
      Type.String({
        description:
          "Another one means a machine that was made anew: what was done in the former is done again.",
      }),
    ),
  },
  {
    title: "GuestConnection",
    description: "How the guest is reached over ssh.",
  },
);

export type Connection = Static<typeof connectionFields>;

/** What has a host key, and perhaps a way to it. */
interface Hop {
  readonly hostKey?: MaybeUnknown<string> | undefined;
  readonly bastion?: MaybeUnknown<Hop> | undefined;
}

/** Faults of a connection and of the way to it that its schema cannot see. */
export function connectionFaults(
  path: string,
  connection: MaybeUnknown<Hop> | undefined,
): Fault[] {
  return connection === undefined || connection instanceof Unknown
    ? []
    : [
        ...readFaults(`${path}.hostKey`, connection.hostKey, parseHostKeys),
        ...connectionFaults(`${path}.bastion`, connection.bastion),
      ];
}
