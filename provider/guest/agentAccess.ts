import { agentExec } from "@corral-iac/corral/core/proxmox-client/agent";
import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import type { MachineAddress } from "@corral-iac/corral/core/proxmox-client/machines";

import { agentHostKey } from "./agentHostKey";
import { askCloudInit } from "./cloudInit";
import { failed, waiting } from "./probe";
import type { CloudInitOutcome, Finding, GuestAccess } from "./probe";
import { findingOf } from "./proxmoxFindings";

const commandSeconds = 60;
/** An agent that a small init system starts may have none. */
const path =
  "PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a guest's agent answers, through Proxmox VE; the network is asked through ssh. */
export class AgentAccess implements GuestAccess {
  constructor(
    private readonly client: ProxmoxClient,
    private readonly machine: MachineAddress,
    /** By the guest's host key. Left out: nothing beyond the agent is wanted. */
    private readonly ssh:
      ((hostKey: string | undefined) => GuestAccess) | undefined,
    /** The guest's host key, where it is known. Default: the guest tells it. */
    private readonly hostKey?: string,
  ) {}

  port(address: string, signal: AbortSignal): Promise<Finding<void>> {
    return this.ssh?.(this.hostKey).port(address, signal) ?? withoutSsh();
  }

  async login(address: string, signal: AbortSignal): Promise<Finding<void>> {
    if (this.ssh === undefined) {
      return withoutSsh();
    }
    try {
      const hostKey =
        this.hostKey ?? (await agentHostKey(this.client, this.machine, signal));
      return hostKey === undefined
        ? waiting("the guest has no ssh host key yet")
        : await this.ssh(hostKey).login(address, signal);
    } catch (error) {
      return findingOf(error, true);
    }
  }

  async cloudInit(
    _address: string,
    signal: AbortSignal,
  ): Promise<Finding<CloudInitOutcome>> {
    try {
      return await askCloudInit((command) =>
        agentExec(
          this.client,
          this.machine,
          ["/bin/sh", "-c", `${path}\n${command}`],
          { signal, timeoutSeconds: commandSeconds },
        ),
      );
    } catch (error) {
      // It comes after the agent has answered: a moment without is the server's or the guest's restart.
      return findingOf(error, true);
    }
  }
}

function withoutSsh(): Promise<Finding<void>> {
  return Promise.resolve(failed("nothing says how the guest is logged in to"));
}
