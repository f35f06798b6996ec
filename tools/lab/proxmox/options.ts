import type { SimulatedGuests } from "./guests/none";

/** A token that may call the API. */
export interface TokenOption {
  /** `USER@REALM!NAME`. */
  readonly id: string;
  /** Default: a random one. */
  readonly secret?: string;
  /**
   * Privileges by path of Proxmox's access control list, for instance
   * `{ "/": ["VM.Audit"], "/vms/100": ["VM.Audit", "VM.PowerMgmt"] }`. The entry of the nearest path
   * counts. Default: all privileges everywhere.
   */
  readonly privileges?: Readonly<Record<string, readonly string[]>>;
}

/** How a simulated Proxmox VE is made. All have defaults. */
export interface ProxmoxOptions {
  /**
   * `none`: machines run in the books only, for tests of seconds. `libvirt`: real guests on the
   * lab's libvirt daemon; the lab has to be up. Default `none`.
   */
  readonly guests?: "none" | "libvirt";
  /**
   * Folder of books, logs and storages; one of an earlier simulator is taken up. `stop` removes it.
   * Default: a new one.
   */
  readonly folder?: string;
  /** TCP port on 127.0.0.1. Default: one that is free. */
  readonly port?: number;
  /** TCP port of the node's ssh server on 127.0.0.1. Default: one that is free. */
  readonly sshPort?: number;
  /** Milliseconds that a task takes, for all types or by type (`qmclone`, `qmstart`, ...). Default 50. */
  readonly taskMs?: number | Readonly<Record<string, number>>;
  /** Tokens. Default: one, `corral@pve!lab`, with all privileges. */
  readonly tokens?: readonly TokenOption[];
  /** Nodes. Default: `pve`. The template is on the first. */
  readonly nodes?: readonly string[];
  /** Bridges of the nodes. Default: `vmbr0`. */
  readonly bridges?: readonly string[];
  /**
   * Network of the first bridge with real guests, with a prefix of 16 to 28. DHCP gives away the upper
   * half. Default: a free one, `10.141.N.0/24`.
   */
  readonly cidr?: string;
  /** Pools that are there. Default: none. */
  readonly pools?: readonly string[];
  /** Whether template 9000 `debian12` is there. Default true. */
  readonly template?: boolean;
  /** What `GET version` answers. Default `9.0.10`. */
  readonly version?: string;
  /** How machines behave that run in the books only. */
  readonly simulated?: Partial<SimulatedGuests>;
}
