import type * as pulumi from "@pulumi/pulumi";
import { ProxmoxClient } from "../core/proxmox-client/client";
import { guarded, type NewInputs } from "../shared/beforeCreate";
import type { ProxmoxHypervisor } from "./hypervisor";
import { checkMachine, checkSnippet } from "./preflightChecks";

type Api = ProxmoxHypervisor["api"];
type Check = (client: ProxmoxClient, inputs: NewInputs) => Promise<void>;

/** Resource options that look at Proxmox VE before a machine is made, or the holder of a disk. */
export const guardMachine = guard(checkMachine);
/** Resource options that look at Proxmox VE before a snippet is stored. */
export const guardSnippet = guard(checkSnippet);

function guard(check: Check): (api: Api) => pulumi.CustomResourceOptions {
  return (api) =>
    guarded(api, async (known, inputs) => {
      const client = new ProxmoxClient(known);
      try {
        await check(client, inputs);
      } finally {
        client.close(); // An open connection would keep the program from ending.
      }
    });
}
