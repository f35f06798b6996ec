import type * as pulumi from "@pulumi/pulumi";
import type { GuestConnection } from "./args";

/** An NFS share, and where a machine has it: an entry of a machine's `nfsMounts`. */
export interface NfsShareArgs {
  /** The NFS server: a host name, an IPv4 or an IPv6 address, as the guest reaches it. */
  server: pulumi.Input<string>;
  /** What the server exports: an absolute path; for NFSv4 below the server's pseudo root. */
  hostPath: pulumi.Input<string>;
  /** Where it is mounted in the guest: an absolute path; made if it is missing. */
  guestPath: pulumi.Input<string>;
  /**
   * Mount options (https://man7.org/linux/man-pages/man5/nfs.5.html), for instance `ro` or `vers=4.2`,
   * beside `nofail` and `_netdev`, which are always set. Default: none.
   */
  options?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Longest time that one attempt to mount may take, in seconds. Default 60. Installing the NFS client
   * has a bound of its own, 600 s.
   * @minimum 1
   * @maximum 3600
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/** Arguments of NfsMount. */
export interface NfsMountArgs {
  /**
   * How the guest is reached: the `connection` of a machine. Its user is root, or may run everything by
   * sudo without a password.
   */
  connection: pulumi.Input<GuestConnection>;
  /** The NFS server: a host name, an IPv4 or an IPv6 address, as the guest reaches it. */
  server: pulumi.Input<string>;
  /** What the server exports: an absolute path; for NFSv4 below the server's pseudo root. */
  hostPath: pulumi.Input<string>;
  /** Where it is mounted in the guest: an absolute path; made if it is missing. */
  guestPath: pulumi.Input<string>;
  /**
   * Mount options (https://man7.org/linux/man-pages/man5/nfs.5.html), for instance `ro` or `vers=4.2`,
   * beside `nofail` and `_netdev`, which are always set. Default: none.
   */
  options?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Longest time that one attempt to mount may take, in seconds. Default 60. Installing the NFS client
   * has a bound of its own, 600 s.
   * @minimum 1
   * @maximum 3600
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}
