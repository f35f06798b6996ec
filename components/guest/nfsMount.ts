import * as pulumi from "@pulumi/pulumi";
import { checkArgs } from "../shared/checkArgs";
import { withSecrets } from "../shared/secrets";
import type { NfsMountArgs } from "./nfsMountArgs";
import { validateNfsMount } from "./nfsMountValidation";
import { openConnection } from "./openConnection";
import { GuestMount } from "./ops/guestMount";

/**
 * An NFS share that is mounted in a guest, now and at each boot: NFS client installed where it is
 * missing, folder made, one line in /etc/fstab, mounted, and seen in the kernel's mount table.
 *
 * Works with any machine that ssh reaches. Where the machine is made by the same program, give it as
 * `deletedWith` in the options: its end then needs no unmounting beforehand.
 */
export class NfsMount extends pulumi.ComponentResource {
  /** The share as mount(8) calls it: `server:/path`. */
  public readonly source: pulumi.Output<string>;
  /** Where it is mounted in the guest. */
  public readonly guestPath: pulumi.Output<string>;

  constructor(
    name: string,
    args: NfsMountArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const given = withSecrets(args, ["privateKey"]);
    super("corral:index:NfsMount", name, given, opts);
    const checked = checkArgs(`NfsMount "${name}"`, args, validateNfsMount);

    const mount = new GuestMount(
      `${name}-mount`,
      {
        ...given,
        connection: openConnection(given.connection, checked),
      },
      { parent: this, deletedWith: opts?.deletedWith },
    );

    this.source = mount.source;
    this.guestPath = pulumi.output(given.guestPath);
    this.registerOutputs({ source: this.source, guestPath: this.guestPath });
  }
}
