import { reachableAddresses } from "@corral-iac/corral/core/addresses";
import {
  agentAddresses,
  agentPing,
} from "@corral-iac/corral/core/proxmox-client/agent";
import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import { isProxmoxFault } from "@corral-iac/corral/core/proxmox-client/errors";
import {
  findMachine,
  machineState,
} from "@corral-iac/corral/core/proxmox-client/machines";
import type {
  MachineAddress,
  MachineState,
} from "@corral-iac/corral/core/proxmox-client/machines";

import { failed, ready, waiting } from "./probe";
import type { Finding, GuestProbe } from "./probe";
import { findingOf } from "./proxmoxFindings";

export interface ProxmoxGuest extends MachineAddress {
  readonly macAddress?: string | undefined;
}

/** For the agent, which Proxmox VE itself gives three seconds to answer. */
const agentSeconds = 10;

/** What a Proxmox VE server knows of a guest. */
export class ProxmoxProbe implements GuestProbe {
  /** A server that has answered before is waited for when it is away for a moment. */
  private answered = false;

  constructor(
    private readonly client: ProxmoxClient,
    private readonly guest: ProxmoxGuest,
  ) {}

  machine(signal: AbortSignal): Promise<Finding<void>> {
    return this.look(async () => {
      try {
        const state = await machineState(this.client, this.guest, { signal });
        return judgeMachine(this.guest.vmId, state);
      } catch (error) {
        if (isProxmoxFault(error, "notFound")) {
          return this.whereElse(signal);
        }
        throw error;
      }
    });
  }

  agent(signal: AbortSignal): Promise<Finding<void>> {
    return this.look(async () => {
      await agentPing(this.client, this.guest, {
        signal,
        timeoutSeconds: agentSeconds,
      });
      return ready(undefined);
    });
  }

  addresses(signal: AbortSignal): Promise<Finding<readonly string[]>> {
    const { vmId, macAddress } = this.guest;
    return this.look(async () => {
      const found = reachableAddresses(
        await agentAddresses(this.client, this.guest, {
          signal,
          timeoutSeconds: agentSeconds,
        }),
        macAddress,
      );
      const whose = macAddress ?? `VM ${vmId}`;
      return found.length > 0
        ? ready(found)
        : waiting(`the guest agent tells no address of ${whose} yet`);
    });
  }

  /** Proxmox VE keeps nothing of what a guest writes there. */
  console(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  private async whereElse(signal: AbortSignal): Promise<Finding<void>> {
    const { node, vmId } = this.guest;
    const found = await findMachine(this.client, vmId, { signal });
    return found === undefined || found.node === node
      ? failed(
          `there is no VM ${vmId} on node ${node} at ${this.client.server}`,
          "Run pulumi up --refresh: the machine was removed behind Pulumi's back.",
        )
      : failed(
          `VM ${vmId} is on node ${found.node} of ${this.client.server} now, no longer on ${node}`,
          "Run pulumi up --refresh, so that the state knows where it is.",
        );
  }

  private async look<T>(work: () => Promise<Finding<T>>): Promise<Finding<T>> {
    try {
      const finding = await work();
      this.answered = true;
      return finding;
    } catch (error) {
      const finding = findingOf(error, this.answered);
      // A refusal is an answer too.
      this.answered ||= !isProxmoxFault(
        error,
        "unreachable",
        "timeout",
        "aborted",
      );
      return finding;
    }
  }
}

/** Whether a machine in this state can still get ready. */
export function judgeMachine(
  vmId: number,
  {
    status,
    qmpStatus,
    lock,
  }: Pick<MachineState, "status" | "qmpStatus" | "lock">,
): Finding<void> {
  const locked = lock === undefined ? "" : `, locked (${lock})`;
  const text = `VM ${vmId} is ${qmpStatus ?? status}${locked}`;
  if (status !== "running") {
    return lock === undefined || lock === "suspended"
      ? failed(text)
      : waiting(text);
  }
  switch (qmpStatus) {
    case undefined:
    case "running":
      return ready(undefined);
    case "io-error":
      return failed(
        text,
        `Its disk or the storage below is full or broken: mend that, then qm resume ${vmId}.`,
      );
    case "internal-error":
    case "guest-panicked":
      return failed(text, `Look at its console, then qm reset ${vmId}.`);
    case "paused":
    case "suspended":
      return lock === undefined
        ? failed(text, `Resume it: qm resume ${vmId}`)
        : waiting(text);
    default:
      return waiting(text);
  }
}
