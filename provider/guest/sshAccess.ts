import { openSocket } from "../ssh/connect";
import { SshError } from "../ssh/errors";
import type { SshPool, SshSession } from "../ssh/pool";
import type { SshTarget } from "../ssh/target";

import { failed, ready, waiting } from "./probe";
import type { CloudInitOutcome, Finding, GuestAccess } from "./probe";

const portSeconds = 5;
const commandSeconds = 60;

/**
 * Waits in the guest, for some seconds and without costing it anything (`cloud-init status` starts
 * Python: seconds of an emulated guest's time), and asks cloud-init only when it has finished.
 * Exit codes of the whole: 90 it still runs, 91 there is no cloud-init, else that of cloud-init.
 */
export const cloudInitCommand = [
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

/** What a guest answers by itself, over the network. */
export class SshAccess implements GuestAccess {
  constructor(
    private readonly pool: SshPool,
    private readonly settings: Omit<SshTarget, "host">,
  ) {}

  private target(address: string): SshTarget {
    return { ...this.settings, host: address };
  }

  async port(address: string, signal: AbortSignal): Promise<Finding<void>> {
    const { port, bastion } = this.settings;
    try {
      if (bastion) {
        await this.pool.use(bastion, signal, async (session) => {
          const options = { signal, timeoutSeconds: portSeconds };
          (await session.forward(address, port, options)).destroy();
        });
      } else {
        (await openSocket(address, port, portSeconds, signal)).destroy();
      }
      return ready(undefined);
    } catch (error) {
      return whenNotThere(error);
    }
  }

  async login(address: string, signal: AbortSignal): Promise<Finding<void>> {
    return this.withSession(address, signal, async (session) => {
      // While a system boots, a login may succeed and still be turned away (pam_nologin).
      const result = await session.exec("true", {
        signal,
        timeoutSeconds: commandSeconds,
      });
      return result.code === 0
        ? ready(undefined)
        : waiting(
            `the login is turned away: ${oneLine(result.stdout + result.stderr)}`,
          );
    });
  }

  async cloudInit(
    address: string,
    signal: AbortSignal,
  ): Promise<Finding<CloudInitOutcome>> {
    return this.withSession(address, signal, async (session) => {
      const options = { signal, timeoutSeconds: commandSeconds };
      const { code, stdout, stderr } = await session.exec(
        cloudInitCommand,
        options,
      );
      const finding = judgeCloudInit(code, stdout, stderr);
      if (finding.is !== "failed" || code === 91) {
        return finding;
      }
      const log = await session
        .exec(cloudInitLogCommand, options)
        .catch(() => undefined);
      const tail = log?.stdout.trim();
      return tail
        ? failed(
            `${finding.reason}\nThe end of /var/log/cloud-init-output.log:\n${indent(tail)}`,
          )
        : finding;
    });
  }

  private async withSession<T>(
    address: string,
    signal: AbortSignal,
    work: (session: SshSession) => Promise<Finding<T>>,
  ): Promise<Finding<T>> {
    try {
      return await this.pool.use(this.target(address), signal, work);
    } catch (error) {
      return whenNotThere(error);
    }
  }
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

/**
 * A guest that boots refuses and breaks off in every way: only a key that cannot be read is final. A
 * look that we stopped ourselves has seen nothing.
 */
function whenNotThere(error: unknown): Finding<never> {
  if (error instanceof SshError) {
    if (error.fault === "aborted") {
      return waiting("");
    }
    return error.fault === "privateKey"
      ? failed(
          error.message,
          "Give a private key in OpenSSH's format, without a passphrase.",
        )
      : waiting(error.message);
  }
  throw error;
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ") || "no reason given";
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
