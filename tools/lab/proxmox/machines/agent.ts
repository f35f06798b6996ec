import type { Cluster } from "../cluster";
import { parseProperties } from "../config/propertyString";
import { AgentError } from "../guests/backend";
import { failure } from "../http/apiError";
import type { MachineState } from "../state/model";

/** Whether the configuration says that the guest has an agent. */
export function agentEnabled(
  config: Readonly<Record<string, string>>,
): boolean {
  const value = config.agent;
  return (
    value !== undefined &&
    parseProperties(value, "enabled").get("enabled") === "1"
  );
}

/**
 * Runs a command of the guest agent, after the checks that Proxmox makes.
 *
 * @throws ApiError 500 in Proxmox's words.
 */
export async function agentCommand(
  cluster: Cluster,
  machine: MachineState,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  if (!agentEnabled(machine.config)) {
    throw failure("No QEMU guest agent configured");
  }
  if (!(await cluster.isRunning(machine))) {
    throw failure(`VM ${machine.vmId} is not running`);
  }
  try {
    if (command !== "ping") {
      await cluster.guests.agent(machine, "ping", {}, 3);
    }
  } catch {
    throw failure("QEMU guest agent is not running");
  }
  try {
    return await cluster.guests.agent(machine, command, args);
  } catch (error) {
    if (error instanceof AgentError) {
      throw failure(
        command === "ping"
          ? "QEMU guest agent is not running"
          : `Agent error: ${error.message}`,
      );
    }
    throw error;
  }
}
