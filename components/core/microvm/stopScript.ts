import { API_SOCKET } from "./cloudHypervisorArguments";
import { type HostPaths, machinePaths } from "./paths";
import type { MachinePlan } from "./plan";

/**
 * What systemd runs to stop a machine: asks the guest to shut down, by the hypervisor's own interface,
 * and waits for the process to end. What is there after that systemd kills.
 */
export function stopScript(plan: MachinePlan, host: HostPaths): string {
  const { run } = machinePaths(plan.name, host);
  return [
    "#!/bin/sh",
    "# Made by Corral. Argument: the process of the hypervisor; none if it has ended.",
    '[ -n "$1" ] || exit 0',
    ...(plan.stopTimeoutSeconds > 0
      ? [
          ask(plan, run),
          `timeout ${plan.stopTimeoutSeconds} tail --pid="$1" -f /dev/null`,
        ]
      : // No time is none: `timeout 0` would wait without end.
        []),
    "exit 0",
    "",
  ].join("\n");
}

/** Each of these may hang when the hypervisor does. */
const ASK_SECONDS = 5;

function ask({ hypervisor }: MachinePlan, run: string): string {
  switch (hypervisor.kind) {
    case "qemu":
      return (
        `timeout ${ASK_SECONDS} /bin/sh -c 'cat >"$1"' ask '${run}/monitor.in' <<'EOF'\n` +
        `${qmp("qmp_capabilities")}\n${qmp("system_powerdown")}\n${qmp("send-key", { keys: CTRL_ALT_DELETE })}\nEOF`
      );
    case "cloudHypervisor":
      return put(run, "/api/v1/vm.power-button");
    case "firecracker":
      return put(run, "/actions", { action_type: "SendCtrlAltDel" });
  }
}

/** A guest without ACPI knows this one; it restarts, which ends the hypervisor. */
const CTRL_ALT_DELETE = ["ctrl", "alt", "delete"].map((data) => ({
  type: "qcode",
  data,
}));

/** A command of the QEMU Machine Protocol. */
function qmp(execute: string, args?: object): string {
  return JSON.stringify({ execute, ...(args ? { arguments: args } : {}) });
}

function put(run: string, path: string, body?: object): string {
  const data =
    body === undefined
      ? ""
      : ` -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
  return `curl -sS -m ${ASK_SECONDS} --unix-socket '${run}/${API_SOCKET}' -X PUT${data} http://localhost${path}`;
}
