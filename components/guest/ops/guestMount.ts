import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { GuestConnection } from "../args";
import { opsOptions } from "./plugin";

/** Arguments of {@link GuestMount}. */
export interface GuestMountArgs {
  /** How the guest is reached; its user is root, or may run everything by sudo without a password. */
  connection: pulumi.Input<GuestConnection>;
  /** The NFS server: a host name or an address, as the guest reaches it. */
  server: pulumi.Input<string>;
  /** What the server exports: an absolute path. */
  hostPath: pulumi.Input<string>;
  /** Where the share is mounted in the guest: an absolute path. */
  guestPath: pulumi.Input<string>;
  /** Mount options (nfs(5)), beside `nofail` and `_netdev`, which are always set. */
  options?: pulumi.Input<pulumi.Input<string>[]>;
  /** Longest time that one attempt to mount may take, in seconds: 1 to 3600, default 60. */
  timeoutSeconds?: pulumi.Input<number>;
  /** Leave it out: a refresh makes it false where the guest has the mount not as declared. */
  applied?: pulumi.Input<boolean>;
}

/**
 * An NFS share that is mounted in a guest, now and at each boot. A change of any argument changes the
 * mount in place. A refresh looks into the guest; one that cannot be reached keeps its state, with a
 * warning.
 */
export class GuestMount extends pulumi.CustomResource {
  /** The share as mount(8) calls it: `server:/path`. */
  declare readonly source: pulumi.Output<string>;
  /** Folders that were made for the mount, the outermost first. */
  declare readonly madeFolders: pulumi.Output<string[]>;

  constructor(
    name: string,
    args: GuestMountArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:GuestMount",
      name,
      {
        ...withSecrets(args, ["privateKey"]),
        source: undefined,
        madeFolders: undefined,
      },
      opsOptions(opts),
    );
  }
}
