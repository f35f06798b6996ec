import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../../shared/secrets";
import { opsOptions } from "./plugin";
import type { ProxmoxMachine } from "./proxmox";

/** Arguments of {@link ProxmoxShutdown}. */
export interface ProxmoxShutdownArgs {
  /** The machine. */
  machine: pulumi.Input<ProxmoxMachine>;
  /**
   * Longest time that the guest is given to shut down, in seconds: 5 to 3600, default 60; then it
   * is powered off.
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/**
 * Shuts a machine down cleanly before it is replaced or deleted. One that is protected or locked
 * stays on, and the deletion ends before it begins.
 */
export class ProxmoxShutdown extends pulumi.CustomResource {
  /** Another one says that the machine was made anew, though its VM id is the same. */
  declare readonly instanceId: pulumi.Output<string>;

  constructor(
    name: string,
    args: ProxmoxShutdownArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:ProxmoxShutdown",
      name,
      {
        ...args,
        machine: withSecrets(args.machine, ["apiToken"]),
        instanceId: undefined,
      },
      opsOptions(opts),
    );
  }
}
