import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import type {
  GuestBastion,
  GuestConnection,
  ReadyThrough,
  ReadyUntil,
} from "../args";
import { opsOptions } from "./plugin";
import type { ProxmoxMachine } from "./proxmox";

/** How the guest is logged in to. */
export interface GuestReadySsh {
  /** User to log in as. */
  user: pulumi.Input<string>;
  /** TCP port of the guest's ssh server. Default 22. */
  port?: pulumi.Input<number>;
  /** Private key in a format that ssh2 reads (OpenSSH, PEM, PPK), without a passphrase. A secret. */
  privateKey: pulumi.Input<string>;
  /**
   * The guest's public host key, `ssh-ed25519 AAAA...`, which it has to show. Default: what the
   * user's known_hosts has; a key that is not known is refused.
   */
  hostKey?: pulumi.Input<string | undefined>;
  /** A host to go through. Default: none, the guest is reached from here. */
  bastion?: pulumi.Input<GuestBastion>;
}

/** Where a libvirt machine is looked at. */
export interface GuestReadyLibvirt {
  /** libvirt connection URI, for instance `qemu:///system`. */
  uri: pulumi.Input<string>;
  /** Name or UUID of the domain. */
  domain: pulumi.Input<string>;
  /** MAC address of the interface whose address is wanted. Default: any interface of the domain. */
  macAddress?: pulumi.Input<string>;
  /** Storage pool that the console's file lies in; with `consoleFile`. */
  consolePool?: pulumi.Input<string>;
  /** Name of the console's file in the pool: its end is shown when the guest does not get ready. */
  consoleFile?: pulumi.Input<string>;
}

/** Where a machine on Proxmox VE is looked at. */
export interface GuestReadyProxmox extends ProxmoxMachine {
  /** MAC address of the interface whose address is wanted. Default: any interface of the machine. */
  macAddress?: pulumi.Input<string>;
}

/** Where a microVM is looked at. */
export interface GuestReadyMicroVm {
  /** How its host is reached. */
  connection: pulumi.Input<GuestConnection>;
  /** Name of the machine on its host. */
  name: pulumi.Input<string>;
}

/** The machine that is waited for. */
export interface GuestReadyMachine {
  /** Id of the machine: when it changes, a new machine is there and is waited for anew. */
  id: pulumi.Input<string>;
  /** The machine's name, for messages. */
  name: pulumi.Input<string>;
  /** Given for a machine on libvirt. */
  libvirt?: pulumi.Input<GuestReadyLibvirt>;
  /** Given for a machine on Proxmox VE. */
  proxmox?: pulumi.Input<GuestReadyProxmox>;
  /** Given for a microVM: its unit and its journal are looked at. */
  microVm?: pulumi.Input<GuestReadyMicroVm>;
}

/** Arguments of {@link GuestReady}. */
export interface GuestReadyArgs {
  /** How far the guest must have come: `none`, `agent`, `address`, `ssh`, `cloudInit`. Default `ssh`. */
  until?: pulumi.Input<ReadyUntil>;
  /** The way into the guest: `ssh`, or its QEMU guest `agent` (Proxmox VE only). Default `ssh`. */
  through?: pulumi.Input<ReadyThrough>;
  /** Longest time to wait, in seconds: 1 to 86400, default 300. */
  timeoutSeconds?: pulumi.Input<number>;
  /** The machine that is waited for. */
  machine: pulumi.Input<GuestReadyMachine>;
  /** The guest's address, where it is known beforehand. Default: it is found out. */
  address?: pulumi.Input<string | undefined>;
  /** How the guest is logged in to; needed for `ssh`, and for `cloudInit` unless `through` is `agent`. */
  ssh?: pulumi.Input<GuestReadySsh>;
}

/**
 * A guest that is ready: waits, bounded, until it has come as far as asked. If it does not, the error
 * says which stage failed and shows the end of the guest's console; nothing is created, so that the
 * next update waits again. A refresh never waits.
 */
export class GuestReady extends pulumi.CustomResource {
  /** The guest's IP address; empty if nothing was waited for and none was given. */
  declare readonly address: pulumi.Output<string>;
  /** Output of `cloud-init status --long`; empty unless `until` is `cloudInit`. */
  declare readonly cloudInitStatus: pulumi.Output<string>;
  /**
   * The guest's public ssh host key: the pinned one, else what the guest told through its agent;
   * empty where neither is.
   */
  declare readonly hostKey: pulumi.Output<string>;
  /** How far the guest has been seen to come: `none`, `agent`, `address`, `ssh` or `cloudInit`. */
  declare readonly waitedFor: pulumi.Output<string>;

  constructor(
    name: string,
    args: GuestReadyArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:GuestReady",
      name,
      {
        until: args.until,
        through: args.through,
        timeoutSeconds: args.timeoutSeconds,
        // Secrets before they reach the engine, whatever the program made of them.
        machine: withSecrets(args.machine, ["apiToken", "privateKey"]),
        address: args.address,
        ssh: args.ssh && withSecrets(args.ssh, ["privateKey"]),
        cloudInitStatus: undefined,
        hostKey: undefined,
        waitedFor: undefined,
      },
      opsOptions(opts),
    );
  }
}
