import type * as pulumi from "@pulumi/pulumi";
import { ProxmoxClient } from "../core/proxmox-client/client";
import { guarded, type NewInputs } from "../shared/beforeCreate";
import type { ProxmoxHypervisor } from "./hypervisor";
import { checkMachine, checkSnippet } from "./preflightChecks";

type Api = ProxmoxHypervisor["api"];
type Check = (client: ProxmoxClient, inputs: NewInputs) => Promise<void>;

/** Resource options that look at Proxmox VE before a machine is made. */
export function guardMachine(api: Api): pulumi.CustomResourceOptions {
  return guard(api, checkMachine);
}

/**
 * Resource options that look at Proxmox VE before the holder of a disk is made.
 *
 * @param disk argument that the disk is declared by: `dataDisks[0]`.
 */
export function guardHolder(
  api: Api,
  disk: string,
): pulumi.CustomResourceOptions {
  return guard(api, (client, inputs) => checkMachine(client, inputs, disk));
}

/** Resource options that look at Proxmox VE before a snippet is stored. */
export function guardSnippet(api: Api): pulumi.CustomResourceOptions {
  return guard(api, checkSnippet);
}

function guard(api: Api, check: Check): pulumi.CustomResourceOptions {
  return guarded(api, async (known, inputs) => {
    const client = new ProxmoxClient(known);
    try {
      await check(client, inputs);
    } finally {
      client.close(); // An open connection would keep the program from ending.
    }
  });
}
