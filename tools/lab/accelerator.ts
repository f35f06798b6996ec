import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import execa from "execa";

import { corralHome } from "@corral-iac/corral/core/home";

import { run, whichSystem } from "../toolchain/commands";

export type Accelerator = "kvm" | "tcg";

/** What a machine's answer depends on: it holds for this boot, kernel and QEMU. */
export interface TrialConditions {
  readonly bootId: string;
  readonly hostKernel: string;
  readonly qemu: string;
}

/** How a trial boot under KVM ended. */
export interface TrialOutcome {
  /** What the guest wrote on its serial console. */
  readonly console: string;
  readonly timedOut: boolean;
}

export interface TrialFiles {
  readonly kernel: string;
  readonly initrd: string;
}

/** A guest that came this far runs its own programs. */
const marker = "Run /init as init process";
const trialSeconds = 8;

/** KVM is usable only if a guest started under it: /dev/kvm may exist and hang every guest. */
export function judge(outcome: TrialOutcome): Accelerator {
  return outcome.console.includes(marker) ? "kvm" : "tcg";
}

/**
 * Finds out by a bounded trial boot whether guests run under KVM here. The answer is kept until the
 * machine reboots or its QEMU changes.
 *
 * @returns the accelerator and why, in words for people.
 */
export async function findAccelerator(
  files: TrialFiles,
): Promise<{ accelerator: Accelerator; why: string }> {
  if (!isUsableDevice("/dev/kvm")) {
    return {
      accelerator: "tcg",
      why: "there is no /dev/kvm that this user may open",
    };
  }
  const conditions = await currentConditions();
  const known = readKnown(conditions);
  if (known !== undefined) {
    return { accelerator: known, why: "as found by an earlier trial boot" };
  }
  const outcome = await trialBoot(files);
  const accelerator = judge(outcome);
  const file = cacheFile();
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(
    `${file}.tmp-${process.pid}`,
    JSON.stringify({ conditions, accelerator }),
  );
  fs.renameSync(`${file}.tmp-${process.pid}`, file);
  const failure = outcome.timedOut
    ? `did not start within ${trialSeconds} s`
    : "failed";
  return {
    accelerator,
    why:
      accelerator === "kvm"
        ? "a trial boot worked"
        : `a trial boot under KVM ${failure}`,
  };
}

async function trialBoot(files: TrialFiles): Promise<TrialOutcome> {
  const qemu = execa(
    "qemu-system-x86_64",
    [
      ...[
        "-machine",
        "pc",
        "-accel",
        "kvm",
        "-m",
        "256",
        "-nodefaults",
        "-display",
        "none",
      ],
      ...[
        "-no-reboot",
        "-serial",
        "stdio",
        "-kernel",
        files.kernel,
        "-initrd",
        files.initrd,
      ],
      // No root disk: the kernel panics after the marker, and QEMU ends.
      ...["-append", "console=ttyS0 panic=-1 root=none rootwait=0"],
    ],
    {
      reject: false,
      stdin: "ignore",
      timeout: trialSeconds * 1000,
      killSignal: "SIGKILL",
    },
  );
  let seen = "";
  qemu.stdout?.on("data", (data: Buffer) => {
    seen += data.toString("latin1");
    if (seen.includes(marker)) {
      qemu.kill("SIGKILL");
    }
  });
  const { timedOut } = await qemu;
  return { console: seen, timedOut };
}

async function currentConditions(): Promise<TrialConditions> {
  const version = await run("qemu-system-x86_64", ["--version"], {
    timeoutSeconds: 20,
  });
  return {
    bootId: fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    hostKernel: os.release(),
    qemu: version.split("\n")[0] ?? "",
  };
}

function cacheFile(): string {
  return path.join(corralHome(), "accelerator.json");
}

function readKnown(conditions: TrialConditions): Accelerator | undefined {
  try {
    return knownAnswer(fs.readFileSync(cacheFile(), "utf8"), conditions);
  } catch {
    return undefined;
  }
}

/** The answer in the text of the cache, if it was found under the same conditions. */
export function knownAnswer(
  text: string,
  conditions: TrialConditions,
): Accelerator | undefined {
  try {
    const kept = JSON.parse(text) as {
      conditions?: Partial<TrialConditions>;
      accelerator?: unknown;
    };
    const holds = (Object.keys(conditions) as (keyof TrialConditions)[]).every(
      (key) => kept.conditions?.[key] === conditions[key],
    );
    return holds && (kept.accelerator === "kvm" || kept.accelerator === "tcg")
      ? kept.accelerator
      : undefined;
  } catch {
    return undefined;
  }
}

function isUsableDevice(device: string): boolean {
  try {
    fs.accessSync(device, fs.constants.R_OK | fs.constants.W_OK);
    return whichSystem("qemu-system-x86_64") !== undefined;
  } catch {
    return false;
  }
}
