import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type { GuestConnection } from "../args";
import { opsOptions } from "./plugin";

/** A file in the guest. */
export interface GuestFilesFile {
  /** What stands in it: a FileAsset or a StringAsset; a secret where it is one. */
  content: pulumi.Input<pulumi.asset.Asset>;
  /** User that owns it, by name or number. Default `root`. */
  owner?: pulumi.Input<string>;
  /** Its group, by name or number. Default `root`. */
  group?: pulumi.Input<string>;
  /** Permissions in octal. Default `0644`. */
  mode?: pulumi.Input<string>;
}

/** Arguments of {@link GuestFiles}. */
export interface GuestFilesArgs {
  /** How the guest is reached. */
  connection: pulumi.Input<GuestConnection>;
  /** Id of a Stamp: names the folder in the guest that keeps what was there before. */
  ownerId: pulumi.Input<string>;
  /** The files, by their absolute paths in the guest. */
  files: pulumi.Input<Record<string, pulumi.Input<GuestFilesFile>>>;
  /**
   * What becomes of a file that is no longer wanted: `restore`, the default, brings back what was
   * there before, `remove` keeps nothing of that and removes the file.
   */
  onDelete?: pulumi.Input<string>;
  /** Longest time without any progress, in seconds: 1 to 86400, default 300. */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * Files in a guest, all of them written in one go over one ssh connection. Files that are as wanted
 * are not touched; a refresh looks at content, owner, group and mode.
 */
export class GuestFiles extends pulumi.CustomResource {
  /** Paths of all files that are there by this resource. */
  declare readonly destinations: pulumi.Output<string[]>;
  /** Paths of files that an update could not write; the next update does. Empty if all is well. */
  declare readonly unfinished: pulumi.Output<string[]>;

  constructor(
    name: string,
    args: GuestFilesArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:GuestFiles",
      name,
      {
        ...args,
        connection: withSecrets(args.connection, ["privateKey"]),
        destinations: undefined,
        unfinished: undefined,
      },
      opsOptions(opts),
    );
  }
}
