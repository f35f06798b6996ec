import * as pulumi from "@pulumi/pulumi";
import { LOGIN_KEY_COMMENT } from "../core/cloudInit";
import { SSH_PORT } from "../core/sshPort";
import type { CloudInitArgs, GuestSshArgs } from "./args";
import { SshKeyPair } from "./ops/sshKeyPair";

/** Everything about coming into a guest over ssh: keys are made where the user brings none. */
export interface Access {
  readonly user: pulumi.Output<string>;
  readonly port: pulumi.Output<number>;
  readonly privateKey: pulumi.Output<string>;
  /** The pinned host key. */
  readonly hostKey: pulumi.Output<string>;
  /** Host key pair that cloud-init hands in; undefined when the user pins one of their own. */
  readonly hostKeyPair: SshKeyPair | undefined;
  /** Login key that cloud-init authorizes; undefined when the user brings one of their own. */
  readonly loginKeyPair: SshKeyPair | undefined;
}

const DEFAULT_USER = "corral";

/**
 * Makes the keys of a guest: its host key, made beforehand and pinned, and a login key.
 *
 * @param takesHostKey whether the guest is handed a host key; one that makes its own tells it later.
 */
export function guestAccess(
  parent: pulumi.ComponentResource,
  name: string,
  comment: string,
  cloudInit: Pick<CloudInitArgs, "users"> | undefined,
  ssh: GuestSshArgs | undefined,
  takesHostKey = true,
): Access {
  const hostKeyPair =
    ssh?.hostKey || !takesHostKey
      ? undefined
      : new SshKeyPair(
          `${name}-host-key`,
          { comment: `host key of ${comment}` },
          { parent },
        );
  const loginKeyPair = ssh?.privateKey
    ? undefined
    : new SshKeyPair(
        `${name}-login-key`,
        { comment: `${LOGIN_KEY_COMMENT} ${comment}` },
        { parent },
      );
  const firstUser = pulumi
    .output(cloudInit?.users)
    .apply((users) => users?.[0]?.name);

  return {
    user: pulumi
      .all([ssh?.user, firstUser])
      .apply(([given, first]) => given ?? first ?? DEFAULT_USER),
    port: pulumi.output(ssh?.port ?? SSH_PORT),
    privateKey: pulumi.secret(
      loginKeyPair?.privateKey ?? ssh?.privateKey ?? "",
    ),
    hostKey: pulumi.output(hostKeyPair?.publicKey ?? ssh?.hostKey ?? ""),
    hostKeyPair,
    loginKeyPair,
  };
}
