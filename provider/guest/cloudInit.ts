import { failed, ready, waiting } from "./probe";
import type { CloudInitOutcome, Finding } from "./probe";

/**
 * Waits in the guest, for some seconds and without costing it anything (`cloud-init status` starts
 * Python: seconds of an emulated guest's time), and asks cloud-init only when it has finished.
 * Exit codes of the whole: 90 it still runs, 91 there is no cloud-init, else that of cloud-init.
 */
const cloudInitCommand = [
  "command -v cloud-init >/dev/null 2>&1 || exit 91",
  "n=0",
  "until [ -e /run/cloud-init/result.json ] || [ -e /run/cloud-init/disabled ] || [ -e /etc/cloud/cloud-init.disabled ]; do",
  '  n=$((n+1)); [ "$n" -gt 8 ] && exit 90',
  "  sleep 0.5",
  "done",
  "LC_ALL=C cloud-init status --long",
].join("\n");

const cloudInitLogCommand =
  "tail -n 15 /var/log/cloud-init-output.log 2>/dev/null || " +
  "sudo -n tail -n 15 /var/log/cloud-init-output.log 2>/dev/null";

/** Runs a shell command in the guest. */
export type GuestShell = (command: string) => Promise<{
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}>;

/** One look at cloud-init, by whatever way into the guest. What it says of a failure has its log's end. */
export async function askCloudInit(
  shell: GuestShell,
): Promise<Finding<CloudInitOutcome>> {
  const { code, stdout, stderr } = await shell(cloudInitCommand);
  const finding = judgeCloudInit(code, stdout, stderr);
  if (finding.is !== "failed" || code === 91) {
    return finding;
  }
  const log = await shell(cloudInitLogCommand).catch(() => undefined);
  const tail = log?.stdout.trim();
  return tail
    ? failed(
        `${finding.reason}\nThe end of /var/log/cloud-init-output.log:\n${indent(tail)}`,
      )
    : finding;
}

/**
 * What cloud-init's exit code and words mean. Codes: 0 fine, 1 error, 2 done with recoverable errors
 * (since 23.4). Source: cloudinit.readthedocs.io/en/latest/explanation/return_codes.html
 */
export function judgeCloudInit(
  code: number | undefined,
  stdout: string,
  stderr: string,
): Finding<CloudInitOutcome> {
  const text = stdout.trim();
  const state = /^status:\s*(.*)$/m.exec(text)?.[1]?.trim() ?? "";
  if (code === 91) {
    return failed(
      "cloud-init is not installed in the guest",
      "Set until to ssh for a guest without cloud-init.",
    );
  }
  if (
    code === 90 ||
    state === "running" ||
    state === "not started" ||
    state === "not run"
  ) {
    return waiting(`cloud-init: ${state || "running"}`);
  }
  if (state === "disabled") {
    return failed(
      `cloud-init does nothing in this guest:\n${indent(text)}`,
      "It found no data source, or it is switched off: attach one, or set until to ssh.",
    );
  }
  if (code === 2 || (code === 0 && state.startsWith("degraded"))) {
    return ready({ status: text, degraded: true });
  }
  if (code === 0) {
    return ready({ status: text, degraded: false });
  }
  const said = [text, stderr.trim()].filter((part) => part !== "").join("\n");
  return failed(
    `cloud-init ended with an error (exit code ${code}):\n${indent(said)}`,
  );
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
