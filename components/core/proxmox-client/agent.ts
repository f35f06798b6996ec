import { setTimeout as delay } from "node:timers/promises";
import type { InterfaceAddress } from "../addresses";
import type { ProxmoxClient } from "./client";
import { ProxmoxError } from "./errors";
import { type MachineAddress, machinePath } from "./machines";
import type { RequestBounds } from "../boundedHttps";

/** What a command in the guest has done. */
export interface AgentResult {
  /** undefined: a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface AgentExecOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the command to end; it is not stopped then. */
  readonly timeoutSeconds: number;
}

const POLL_MILLISECONDS = 250;

/** Whether the guest agent answers. @throws ProxmoxError of what keeps it from that. */
export async function agentPing(
  client: ProxmoxClient,
  machine: MachineAddress,
  options?: RequestBounds,
): Promise<void> {
  resultOf(
    await client.post<AgentAnswer<unknown>>(
      machinePath(machine, "agent", "ping"),
      {},
      options,
    ),
  );
}

/** The addresses of the guest's network interfaces, as its agent tells them. */
export async function agentAddresses(
  client: ProxmoxClient,
  machine: MachineAddress,
  options?: RequestBounds,
): Promise<InterfaceAddress[]> {
  const interfaces = resultOf(
    await client.get<AgentAnswer<readonly GuestInterface[] | undefined>>(
      machinePath(machine, "agent", "network-get-interfaces"),
      {},
      options,
    ),
  );
  return (interfaces ?? []).flatMap((guestInterface) =>
    (guestInterface["ip-addresses"] ?? []).flatMap((entry) => {
      const family = entry["ip-address-type"];
      const mac = guestInterface["hardware-address"]?.toLowerCase();
      return family === "ipv4" || family === "ipv6"
        ? [{ mac: mac ?? "", family, address: entry["ip-address"] }]
        : [];
    }),
  );
}

/**
 * Runs a command in the guest, as root, and waits until it has ended.
 *
 * @param command program and arguments; no shell is between.
 */
export async function agentExec(
  client: ProxmoxClient,
  machine: MachineAddress,
  command: readonly string[],
  { signal, timeoutSeconds }: AgentExecOptions,
): Promise<AgentResult> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  const { pid } = await client.post<{ pid: number }>(
    machinePath(machine, "agent", "exec"),
    { command },
    { signal },
  );
  for (;;) {
    const status = await client.get<ExecStatus>(
      machinePath(machine, "agent", "exec-status"),
      { pid },
      { signal },
    );
    if (status.exited) {
      return {
        code: status.exitcode,
        stdout: status["out-data"] ?? "",
        stderr: status["err-data"] ?? "",
      };
    }
    if (Date.now() >= deadline) {
      throw new ProxmoxError(
        "timeout",
        `${command[0] ?? ""} in the guest of VM ${machine.vmId} did not end within ${timeoutSeconds} s`,
      );
    }
    await delay(POLL_MILLISECONDS, undefined, { signal }).catch(
      () => undefined,
    );
    if (signal?.aborted) {
      throw new ProxmoxError(
        "aborted",
        `the wait for a command in the guest of VM ${machine.vmId} was stopped`,
      );
    }
  }
}

/** The agent's own refusal comes as an answer, where Proxmox VE hands it on as it is. */
function resultOf<T>({ result }: AgentAnswer<T>): T {
  const { error } = (result ?? {}) as { error?: { desc?: string } };
  if (error !== undefined) {
    const said = `Agent error: ${error.desc ?? "no reason given"}`;
    throw new ProxmoxError("agent", said, { said });
  }
  return result;
}

interface AgentAnswer<T> {
  readonly result: T;
}

interface GuestInterface {
  readonly name: string;
  readonly "hardware-address"?: string;
  readonly "ip-addresses"?: readonly {
    readonly "ip-address-type": string;
    readonly "ip-address": string;
  }[];
}

interface ExecStatus {
  /** 0, 1, or a truth value. */
  readonly exited: number | boolean;
  readonly exitcode?: number;
  readonly "out-data"?: string;
  readonly "err-data"?: string;
}
