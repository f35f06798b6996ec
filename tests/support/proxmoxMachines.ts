import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import type { OwnershipStamp } from "@corral-iac/corral/core/stamp";
import { renderDescription } from "@corral-iac/corral/proxmox/owner";
import type { ProxmoxSimulator } from "@corral-iac/tools/lab/proxmox/index";

/** A client of a simulator, with its first token or the one given. */
export function clientOf(
  simulator: ProxmoxSimulator,
  apiToken: string = simulator.apiToken,
): ProxmoxClient {
  const { endpoint, insecure } = simulator;
  return new ProxmoxClient({ endpoint, apiToken, insecure });
}

/** A stamp of the stack corral/dev. */
export function stampOf(name: string, id = "0123456789abcdef"): OwnershipStamp {
  return { id, project: "corral", stack: "dev", component: "ProxmoxVm", name };
}

export interface CloneRequest {
  readonly vmId: number;
  readonly name?: string;
  readonly stamp?: OwnershipStamp;
}

/** Begins to clone the simulator's template. Returns the task's id. */
export function beginClone(
  client: ProxmoxClient,
  { vmId, name = `corral-dev-${vmId}`, stamp }: CloneRequest,
): Promise<string> {
  return client.post("nodes/pve/qemu/9000/clone", {
    newid: vmId,
    name,
    full: true,
    description: stamp && renderDescription(stamp, vmId, undefined),
  });
}

/** Clones the simulator's template. */
export async function clone(
  client: ProxmoxClient,
  request: CloneRequest,
): Promise<void> {
  await client.waitForTask(await beginClone(client, request));
}
