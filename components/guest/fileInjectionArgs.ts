import type * as pulumi from "@pulumi/pulumi";
import type { GuestConnection } from "./args";

/** A file, or all files of a folder, to be put into a guest. Has either `source` or `content`. */
export interface InjectedFile {
  /**
   * File or folder on the machine that runs the program; a relative path starts at the folder of
   * Pulumi.yaml. Of a folder all files are taken, at any depth.
   */
  source?: string;
  /** The text of the file. */
  content?: pulumi.Input<string>;
  /**
   * Absolute path in the guest: of the file, or of the folder where `source` is a folder. Folders
   * that are missing are made, with mode 0755, and belong to the file's owner and group.
   */
  destination: string;
  /** User that owns it, by name or number. Must exist in the guest. Default `root`. */
  owner?: pulumi.Input<string>;
  /** Its group, by name or number. Must exist in the guest. Default `root`. */
  group?: pulumi.Input<string>;
  /**
   * Permissions in octal, for example `0640`. Default `0644`, with x where the source may be executed
   * by its owner; of a secret without any rights for group and others.
   */
  mode?: pulumi.Input<string>;
  /**
   * Whether the content is a secret: it and its hash are encrypted in the state and shown nowhere.
   * Default: whether `content` is a secret Output.
   */
  secret?: boolean;
}

/** What becomes of a file that is no longer declared, or whose FileInjection is deleted. */
export enum FileInjectionOnDelete {
  /** What was there before comes back; where nothing was, the file is removed. */
  Restore = "restore",
  /** The file is removed; what was there before is not kept. */
  Remove = "remove",
}

/** Arguments of FileInjection. */
export interface FileInjectionArgs {
  /** How the guest is reached: the `connection` of a machine. Its user must be root or have sudo. */
  connection: pulumi.Input<GuestConnection>;
  /** The files. */
  files: InjectedFile[];
  /**
   * What becomes of a file that is no longer declared. Default `restore`. A change counts for files
   * that are put in later.
   */
  onDelete?: FileInjectionOnDelete;
  /**
   * Longest time that the guest may show no progress, in seconds. Default 300.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}
