import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link SshKeyPair}. */
export interface SshKeyPairArgs {
  /**
   * Stands at the end of the public key; says what the key is for. One line of at most 200
   * characters, default none. A change keeps the key.
   */
  comment?: pulumi.Input<string>;
}

/**
 * An ed25519 key pair for ssh, made once and kept in the state, the private half encrypted. Used as a
 * guest's host key, made beforehand so that it can be pinned, or as a login.
 */
export class SshKeyPair extends pulumi.CustomResource {
  /** As in an authorized_keys file: `ssh-ed25519 AAAA... comment`. */
  declare readonly publicKey: pulumi.Output<string>;
  /** A secret, in OpenSSH's own PEM format, without a passphrase and without the comment. */
  declare readonly privateKey: pulumi.Output<string>;

  constructor(
    name: string,
    args: SshKeyPairArgs = {},
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:SshKeyPair",
      name,
      { ...args, publicKey: undefined, privateKey: undefined },
      opsOptions(opts, { additionalSecretOutputs: ["privateKey"] }),
    );
  }
}
