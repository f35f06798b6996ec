import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import { opsOptions } from "./plugin";
import type { ProxmoxMachine } from "./proxmox";

/** Arguments of {@link ProxmoxSnapshot}. */
export interface ProxmoxSnapshotArgs {
  /** The machine. Another VM id is another machine, and renews the snapshot. */
  machine: pulumi.Input<ProxmoxMachine>;
  /**
   * Name of the snapshot, unique for its machine: 2 to 40 letters, digits, `-` and `_`, that start
   * with a letter. A changed name renews it.
   */
  name: pulumi.Input<string>;
  /** What the snapshot is, for people. */
  description?: pulumi.Input<string>;
  /** Whether a running guest's memory is in it. Default false. */
  includeMemory?: pulumi.Input<boolean>;
  /** Any text: a change renews the snapshot. Default: it is taken once. */
  revision?: pulumi.Input<string>;
  /**
   * Longest time to wait for a locked machine and for the snapshot itself, in seconds: 1 to 86400,
   * default 600.
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * A snapshot of a machine on Proxmox VE (https://pve.proxmox.com/pve-docs/chapter-qm.html#qm_snapshots),
 * made when the resource is: what it depends on is in it. Renewed, the old one is deleted and a new
 * one taken. A machine that something else works on, such as a backup, is waited for.
 */
export class ProxmoxSnapshot extends pulumi.CustomResource {
  /** When it was taken, by the node's clock: ISO 8601, UTC. */
  declare readonly takenAt: pulumi.Output<string>;

  constructor(
    name: string,
    args: ProxmoxSnapshotArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:ProxmoxSnapshot",
      name,
      {
        ...args,
        machine: withSecrets(args.machine, ["apiToken"]),
        takenAt: undefined,
      },
      opsOptions(opts),
    );
  }
}
