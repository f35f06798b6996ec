import { Type } from "@sinclair/typebox";
import type { Static } from "@sinclair/typebox";

import { fields } from "../frame/define";
import type { Fault, MaybeUnknown } from "../frame/define";
import { Unknown } from "../frame/value";
import { readFaults } from "../resources/readFaults";
import { parseHostKeys } from "../ssh/hostKey";

/** How a guest is reached, for every resource that works inside it. */
export const connectionFields = fields(
  {
    host: Type.String({
      minLength: 1,
      allowed:
        "an IP address or a host name; it is empty for a machine that was not waited for (ready.until)",
      description: "IP address or host name.",
    }),
    port: Type.Integer({
      minimum: 1,
      maximum: 65535,
      default: 22,
      description: "TCP port of the ssh server.",
    }),
    user: Type.String({
      minLength: 1,
      description:
        "User to log in as: root, or one that may run everything by sudo without a password.",
    }),
    privateKey: Type.String({
      minLength: 1,
      secret: true,
      description:
        "Private key in a format that ssh2 reads (OpenSSH, PEM, PPK), no passphrase.",
    }),
    hostKey: Type.String({
      minLength: 1,
      description:
        "The guest's public host key, `ssh-ed25519 AAAA...`, which it has to show.",
    }),
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

/** Faults of a connection that its schema cannot see. */
export function connectionFaults(
  path: string,
  connection: MaybeUnknown<Connection>,
): Fault[] {
  return connection instanceof Unknown
    ? []
    : readFaults(`${path}.hostKey`, connection.hostKey, parseHostKeys);
}
