import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";
import type { ProxmoxApi } from "./proxmox";

/** Arguments of {@link ProxmoxTemplate}. */
export interface ProxmoxTemplateArgs extends ProxmoxApi {
  /** The template's name. Either this or `templateId`. */
  name?: pulumi.Input<string>;
  /** The template's VM id. Either this or `name`. */
  templateId?: pulumi.Input<number>;
  /** Node that it is on. Default: any. */
  node?: pulumi.Input<string>;
}

/**
 * A template that was found by its name or VM id, once: what is later called by that name, and a
 * template that moves to another node, change nothing.
 */
export class ProxmoxTemplate extends pulumi.CustomResource {
  /** The template's VM id. */
  declare readonly vmId: pulumi.Output<number>;
  /** Node that it is on. */
  declare readonly templateNode: pulumi.Output<string>;

  constructor(
    name: string,
    args: ProxmoxTemplateArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:ProxmoxTemplate",
      name,
      {
        ...args,
        apiToken: pulumi.secret(args.apiToken),
        vmId: undefined,
        templateNode: undefined,
      },
      opsOptions(opts),
    );
  }
}
