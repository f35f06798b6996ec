import { isProxmoxFault } from "@corral-iac/corral/core/proxmox-client/errors";
import type { ProxmoxError } from "@corral-iac/corral/core/proxmox-client/errors";

import { failed, waiting } from "./probe";
import type { Finding } from "./probe";

/**
 * What it means for a wait that Proxmox VE refused to answer. What no time will mend fails at once.
 *
 * @param answered whether the server has answered before: then it is waited for when it is away for a
 *   moment.
 */
export function findingOf(error: unknown, answered: boolean): Finding<never> {
  if (isProxmoxFault(error, "aborted")) {
    return waiting(""); // A look that we stopped ourselves has seen nothing.
  }
  if (isProxmoxFault(error, "agent")) {
    return agentFinding(error);
  }
  if (
    isProxmoxFault(error, "timeout", "locked", "notRunning") ||
    (isProxmoxFault(error, "unreachable") && answered)
  ) {
    return waiting(error.said || error.reason);
  }
  if (isProxmoxFault(error, "permission", "unauthorized", "certificate")) {
    return failed(error.reason, error.remedy && `${error.remedy}.`);
  }
  throw error;
}

function agentFinding({ said }: ProxmoxError): Finding<never> {
  if (/no qemu guest agent configured/i.test(said)) {
    return failed(
      `the machine has no guest agent: Proxmox VE says "${said}"`,
      "Switch its option on (agent of the machine, or qm set ID --agent enabled=1), or set through " +
        "to ssh and give address.",
    );
  }
  if (/disabled|not allowed|has not been found/i.test(said)) {
    return failed(
      `the guest agent refuses: ${said}`,
      "Allow the command in the agent's own configuration in the guest (Red Hat and its kin block " +
        "guest-exec in /etc/sysconfig/qemu-ga), or set through to ssh.",
    );
  }
  return waiting(said);
}
