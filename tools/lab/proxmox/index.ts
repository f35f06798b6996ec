/**
 * A simulated Proxmox VE for tests and for trying: the API as clients see it, over HTTPS on
 * 127.0.0.1. See README.md for what it stands in for and where it differs.
 *
 *     const proxmox = await startProxmox({ taskMs: 0 });
 *     const faults = proxmox.faults;
 *     faults.add({ on: "task", type: "qmclone", outcome: "fails" });
 *     ... proxmox.endpoint, proxmox.apiToken, insecure: true ...
 *     assert.deepEqual(proxmox.unknownCalls, []);
 *     assert.deepEqual(proxmox.leftovers(), []);
 *     await proxmox.stop();
 */
import type { ProxmoxOptions } from "./options";
import { ProxmoxSimulator } from "./simulator";

export type {
  Fault,
  FaultAnswer,
  RequestFault,
  ShellFault,
  TaskFault,
} from "./faults";
export type { Bridge } from "./guests/libvirt/make";
export type { SimulatedExec, SimulatedGuests } from "./guests/none";
export type { RequestRecord } from "./http/requestLog";
export type { ProxmoxOptions, TokenOption } from "./options";
export { ProxmoxSimulator, type NodeAccess } from "./simulator";
export type {
  ClusterState,
  MachineState,
  SnapshotState,
  TaskState,
  VolumeState,
} from "./state/model";
export type { ShellRecord } from "./ssh/server";

/**
 * Starts a simulated Proxmox VE with one node `pve`, template 9000 `debian12`, storages `local`
 * (files) and `local-lvm` (disk images), and bridge `vmbr0`.
 *
 * @throws Error when real guests are wanted and the lab for libvirt is not up.
 */
export function startProxmox(
  options: ProxmoxOptions = {},
): Promise<ProxmoxSimulator> {
  return ProxmoxSimulator.start(options);
}
