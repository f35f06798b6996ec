import { agentExec } from "@corral-iac/corral/core/proxmox-client/agent";
import type { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import type { MachineAddress } from "@corral-iac/corral/core/proxmox-client/machines";

import { parseHostKeys } from "../ssh/hostKey";

const commandSeconds = 30;
/** Kinds of host keys, best first. */
const kinds = ["ed25519", "ecdsa", "rsa"];
const script = `for kind in ${kinds.join(" ")}; do cat "/etc/ssh/ssh_host_\${kind}_key.pub" 2>/dev/null && exit 0; done; exit 0`;

/**
 * The guest's ssh host key, as the guest itself tells it through its agent: a way that nobody on the
 * network stands in.
 *
 * @returns undefined when it has none that can be read.
 */
export async function agentHostKey(
  client: ProxmoxClient,
  machine: MachineAddress,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { stdout } = await agentExec(
    client,
    machine,
    ["/bin/sh", "-c", script],
    { signal, timeoutSeconds: commandSeconds },
  );
  return firstKey(stdout);
}

/** The first line that is a host key, without its comment. */
export function firstKey(text: string): string | undefined {
  for (const line of text.split("\n")) {
    const [type, base64] = line.trim().split(/\s+/);
    const key = `${type} ${base64}`;
    if (type && base64 && isKey(key)) {
      return key;
    }
  }
  return undefined;
}

function isKey(text: string): boolean {
  try {
    return parseHostKeys(text).length === 1;
  } catch {
    return false;
  }
}
