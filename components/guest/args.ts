import type * as pulumi from "@pulumi/pulumi";

/** How far a guest must have come before the machine counts as ready. */
export enum ReadyUntil {
  /** Do not wait. */
  None = "none",
  /** The QEMU guest agent answers; on Proxmox VE only. */
  Agent = "agent",
  /** The guest has an IP address. */
  Address = "address",
  /** The guest answers over ssh with its pinned host key and lets Corral log in. */
  Ssh = "ssh",
  /** cloud-init has finished; its status is kept as an output. */
  CloudInit = "cloudInit",
}

/** The way into a guest that is waited for. */
export enum ReadyThrough {
  /** ssh, which needs the guest's network. */
  Ssh = "ssh",
  /** The QEMU guest agent, which needs no network; on Proxmox VE only. */
  Agent = "agent",
}

/** What is waited for after a machine was made, and how long. */
export interface ReadyArgs {
  /** How far the guest must have come. Default `ssh`; `none` for a machine that is not running. */
  until?: pulumi.Input<ReadyUntil>;
  /**
   * Longest time to wait, in seconds. Default 300. After it the update fails and says what was
   * waited for; the machine stays, and the next update waits again.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/** How Corral logs in to the guest, to see that it is ready and to work inside it. */
export interface GuestSshArgs {
  /** User to log in as. Default: the first user of cloudInit, else `corral`. */
  user?: pulumi.Input<string>;
  /**
   * Private key in OpenSSH's PEM format. Default: a key made for this machine, kept in the state as
   * a secret, and authorized for the user by cloud-init.
   */
  privateKey?: pulumi.Input<string>;
  /**
   * The guest's ssh host key as a line `ssh-ed25519 AAAA...`. Default: a key made beforehand,
   * handed to the guest by cloud-init and pinned.
   */
  hostKey?: pulumi.Input<string>;
  /**
   * TCP port of the guest's ssh server. Default 22.
   * @minimum 1
   * @maximum 65535
   * @asType integer
   */
  port?: pulumi.Input<number>;
}

/** A host that is gone through to reach a bastion. */
export interface GuestOuterBastion {
  /** IP address or host name. */
  host: pulumi.Input<string>;
  /**
   * TCP port of the ssh server. Default 22.
   * @minimum 1
   * @maximum 65535
   * @asType integer
   */
  port?: pulumi.Input<number>;
  /** User to log in as. */
  user: pulumi.Input<string>;
  /** Private key in OpenSSH's PEM format. A secret. */
  privateKey: pulumi.Input<string>;
  /** The pinned host key, `ssh-ed25519 AAAA...`. */
  hostKey: pulumi.Input<string>;
}

/** A host that is gone through to reach a machine over ssh (ssh_config(5), ProxyJump). */
export interface GuestBastion {
  /** IP address or host name. */
  host: pulumi.Input<string>;
  /**
   * TCP port of the ssh server. Default 22.
   * @minimum 1
   * @maximum 65535
   * @asType integer
   */
  port?: pulumi.Input<number>;
  /** User to log in as; it needs no rights but to forward TCP. */
  user: pulumi.Input<string>;
  /** Private key in OpenSSH's PEM format. A secret. */
  privateKey: pulumi.Input<string>;
  /** The pinned host key, `ssh-ed25519 AAAA...`. */
  hostKey: pulumi.Input<string>;
  /** A host to go through to the bastion. Default: none. */
  bastion?: pulumi.Input<GuestOuterBastion>;
}

/** How a machine is reached over ssh: what NfsMount, FileInjection and your own programs take. */
export interface GuestConnection {
  /** IP address or host name. */
  host: pulumi.Input<string>;
  /**
   * TCP port of the ssh server.
   * @minimum 1
   * @maximum 65535
   * @asType integer
   */
  port: pulumi.Input<number>;
  /** User to log in as. */
  user: pulumi.Input<string>;
  /** Private key in OpenSSH's PEM format. A secret. */
  privateKey: pulumi.Input<string>;
  /** The pinned host key, `ssh-ed25519 AAAA...`. */
  hostKey: pulumi.Input<string>;
  /** A host to go through. Default: none, the machine is reached from here. */
  bastion?: pulumi.Input<GuestBastion>;
  /**
   * Another value means that the machine was made anew: what was done in the former one is done again.
   * Default: it never is.
   */
  instanceId?: pulumi.Input<string>;
}

/** A user that cloud-init makes in the guest. */
export interface CloudInitUser {
  /** Login name. */
  name: pulumi.Input<string>;
  /** Public keys that may log in, as lines of authorized_keys. */
  sshAuthorizedKeys?: pulumi.Input<pulumi.Input<string>[]>;
  /** Whether the user may run everything by sudo without a password. Default false. */
  sudo?: pulumi.Input<boolean>;
  /** Supplementary groups. */
  groups?: pulumi.Input<pulumi.Input<string>[]>;
  /** Login shell. Default `/bin/bash`. */
  shell?: pulumi.Input<string>;
  /** Password as a crypt(5) hash, for the console; ssh takes keys only. Default: locked. A secret. */
  passwordHash?: pulumi.Input<string>;
}

/** A file that cloud-init writes at first boot. */
export interface CloudInitFile {
  /** Absolute path in the guest. */
  path: pulumi.Input<string>;
  /** The text of the file. */
  content: pulumi.Input<string>;
  /** `user:group`. Default `root:root`. */
  owner?: pulumi.Input<string>;
  /** Permissions in octal, for example `0644`, the default. */
  mode?: pulumi.Input<string>;
}

/**
 * What happens in the guest at its first boot
 * (https://cloudinit.readthedocs.io/en/latest/reference/modules.html).
 */
export interface CloudInitArgs {
  /** Host name inside the guest. Default: the component's name. */
  hostname?: pulumi.Input<string>;
  /** Users to make. */
  users?: pulumi.Input<pulumi.Input<CloudInitUser>[]>;
  /** Packages to install with the guest's package manager. */
  packages?: pulumi.Input<pulumi.Input<string>[]>;
  /** Shell commands, run once in this order at the end of the first boot. */
  runCommands?: pulumi.Input<pulumi.Input<string>[]>;
  /** Files to write before packages and commands. */
  files?: pulumi.Input<pulumi.Input<CloudInitFile>[]>;
  /** Raw user-data in any of cloud-init's formats, instead of all fields above but `hostname`. */
  userData?: pulumi.Input<string>;
}

/** What a changed cloud-init means for a machine that exists. */
export enum OnCloudInitChange {
  /** The machine and its root disk stay as they are; the change is for machines yet to be made. */
  Ignore = "ignore",
  /** The machine and its root disk are replaced; what is on the root disk is lost. */
  Replace = "replace",
}
