import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { withLock } from "../../toolchain/lock";
import { stepLine } from "../../toolchain/report";
import type { LabOptions, LabStatus } from "..";
import { KubevirtLab } from "./lab";
import { partNames } from "./parts";
import { readState } from "./state";

/** Folder of the lab that `up` starts and tests share; `down` removes it. */
export function kubevirtFolder(home = corralHome()): string {
  return path.join(home, "kubevirt-lab");
}

/**
 * Starts the lab for KubeVirt in the background, unless it runs. Takes under 30 s once its programs
 * are built.
 */
export function kubevirtUp(options: LabOptions = {}): Promise<KubevirtLab> {
  const log = options.log ?? console.log;
  return exclusively(log, async () => {
    const began = Date.now();
    const took = () => (Date.now() - began) / 1000;
    const folder = kubevirtFolder();
    const running = KubevirtLab.open(folder);
    if (running !== undefined) {
      log(stepLine("Lab for KubeVirt", "ok", took()));
      return running;
    }
    // Part of it may have died: machines are only in its books, so it starts anew.
    await KubevirtLab.remove(folder);
    const lab = await KubevirtLab.start({ folder, log });
    log(stepLine("Lab for KubeVirt", "up", took()));
    return lab;
  });
}

/** Ends the lab and removes all that it kept. The built programs stay. */
export function kubevirtDown(options: LabOptions = {}): Promise<void> {
  const log = options.log ?? console.log;
  return exclusively(log, async () => {
    const began = Date.now();
    await KubevirtLab.remove(kubevirtFolder());
    log(stepLine("Lab for KubeVirt", "down", (Date.now() - began) / 1000));
  });
}

/** What there is, without changing anything. */
export function kubevirtStatus(): LabStatus {
  const folder = kubevirtFolder();
  const state = readState(folder);
  if (state === undefined) {
    return { up: false, parts: [{ part: "lab", state: "none", ok: false }] };
  }
  const lab = fs.existsSync(folder) ? KubevirtLab.open(folder) : undefined;
  const parts = partNames.map((part) => {
    const known = state.parts[part]?.process;
    const ok = lab?.isRunning(part) ?? false;
    return {
      part,
      state:
        known === undefined
          ? "none"
          : `${ok ? "runs" : "has ended"} (${known.pid})`,
      ok,
    };
  });
  const access = {
    part: "kubeconfig",
    state: path.join(folder, "kubeconfigs", "admin"),
    ok: lab !== undefined,
  };
  return { up: lab !== undefined, parts: [...parts, access] };
}

function exclusively<T>(
  log: (line: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  return withLock(path.join(corralHome(), "kubevirt-lab.lock"), body, {
    onWait: ({ pid }) =>
      log(
        `Another command of the lab (process ${pid}) is at work; waiting ...`,
      ),
  });
}
