import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";
import type { ProxmoxApi } from "./proxmox";

/** Arguments of {@link ProxmoxVmId}. */
export interface ProxmoxVmIdArgs extends ProxmoxApi {
  /** What the id is for: the search for a free one starts at a number derived from it. */
  key: pulumi.Input<string>;
}

/**
 * A VM id that was free when it was chosen, kept in the state: a machine that is replaced has the
 * same one again. Nothing is reserved at Proxmox VE.
 */
export class ProxmoxVmId extends pulumi.CustomResource {
  /** 10000 to 99999. */
  declare readonly vmId: pulumi.Output<number>;

  constructor(
    name: string,
    args: ProxmoxVmIdArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:ProxmoxVmId",
      name,
      { ...args, apiToken: pulumi.secret(args.apiToken), vmId: undefined },
      opsOptions(opts),
    );
  }
}
