import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link KubeadmSecrets}. */
export interface KubeadmSecretsArgs {
  /** A change makes new secrets: 1, the default, or more. */
  generation?: pulumi.Input<number>;
}

/**
 * A bootstrap token, a certificate key and a certificate authority for kubeadm, made once and kept in the
 * state, encrypted.
 */
export class KubeadmSecrets extends pulumi.CustomResource {
  /** Bootstrap token, `abcdef.0123456789abcdef`. A secret. */
  declare readonly token: pulumi.Output<string>;
  /** 64 hexadecimal digits. A secret. */
  declare readonly certificateKey: pulumi.Output<string>;
  /** Certificate of the cluster's authority, PEM. */
  declare readonly authorityCertificate: pulumi.Output<string>;
  /** Its private key, PEM. A secret. */
  declare readonly authorityKey: pulumi.Output<string>;

  constructor(
    name: string,
    args: KubeadmSecretsArgs = {},
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:KubeadmSecrets",
      name,
      {
        ...args,
        token: undefined,
        certificateKey: undefined,
        authorityCertificate: undefined,
        authorityKey: undefined,
      },
      opsOptions(opts, {
        additionalSecretOutputs: ["token", "certificateKey", "authorityKey"],
      }),
    );
  }
}
