import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import {
  ProxmoxError,
  isProxmoxFault,
} from "@corral-iac/corral/core/proxmox-client/errors";
import {
  machineConfig,
  machinePath,
  machineState,
  type MachineAddress,
} from "@corral-iac/corral/core/proxmox-client/machines";

import type { OperationContext } from "../frame/context";

/** What Proxmox VE itself needs beyond the guest's time: to power off, to note it down. */
const REST_SECONDS = 60;

/**
 * Shuts a machine down; Proxmox VE powers it off when the guest does not do so in time.
 *
 * @throws Error if the machine is protected or locked: it would be off and not deleted.
 */
export async function shutDownBeforeDelete(
  { signal, log }: Pick<OperationContext, "log" | "signal">,
  client: ProxmoxClient,
  machine: MachineAddress,
  timeoutSeconds: number,
): Promise<void> {
  const { vmId } = machine;
  const { status, lock } = await machineState(client, machine, { signal });
  const { protection } = await machineConfig(client, machine, { signal });
  if (protection === 1) {
    throw new Error(
      `VM ${vmId} at ${client.server} is protected, so it is not deleted and goes on as it is; ` +
        "declare protection: false, run up, and delete it then",
    );
  }
  if (lock !== undefined) {
    throw new ProxmoxError(
      "locked",
      `VM ${vmId} at ${client.server} is locked (${lock})`,
      {
        remedy:
          "Wait until that is done and run the command again; a lock that nothing holds any " +
          `more is taken away on its node: qm unlock ${vmId}`,
      },
    );
  }
  if (status !== "running") {
    return;
  }
  try {
    const upid = await client.post<string>(
      machinePath(machine, "status", "shutdown"),
      { timeout: timeoutSeconds, forceStop: 1 },
      { signal },
    );
    await client.waitForTask(upid, {
      signal,
      timeoutSeconds: timeoutSeconds + REST_SECONDS,
      onProgress: ({ seconds }) => {
        log.status(
          `VM ${vmId}: waiting for it to shut down: ${seconds} of ${timeoutSeconds} s`,
        );
      },
    });
  } catch (error) {
    const isOff = await machineState(client, machine, { signal }).then(
      (state) => state.status === "stopped",
      () => false,
    );
    if (isOff) {
      return;
    }
    if (!isProxmoxFault(error, "task", "agent")) {
      throw error;
    }
    log.warn(
      `VM ${vmId} did not shut down, and is powered off: ${error.reason}`,
    );
    const upid = await client.post<string>(
      machinePath(machine, "status", "stop"),
      {},
      { signal },
    );
    await client.waitForTask(upid, { signal, timeoutSeconds: REST_SECONDS });
  }
}
