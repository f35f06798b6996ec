import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { startProxmox } from "../lab/proxmox";
import type { RequestRecord } from "../lab/proxmox";
import type { Toolchain } from "../toolchain";
import { measure } from "./measure";
import {
  bareProxmox,
  corralProxmox,
  PROXMOX_OPERATIONS,
  type ProxmoxOperation,
  type ProxmoxSideName,
} from "./proxmoxSides";

/** What the API was asked during one command. */
export interface Calls {
  readonly all: number;
  /** Those that change something. */
  readonly changing: number;
}

/** One command of one side. */
export interface ProxmoxFigure {
  readonly side: ProxmoxSideName;
  readonly machines: number;
  readonly operation: ProxmoxOperation;
  readonly calls: Calls;
  readonly seconds: number;
}

export interface ProxmoxBenchOptions {
  readonly repository: string;
  readonly toolchain: Toolchain;
  /** Numbers of machines, and how often each is measured. */
  readonly rounds: readonly { machines: number; runs: number }[];
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * Makes, leaves alone, refreshes and destroys machines on a simulated Proxmox VE, by Corral and by
 * the bare provider in turn, and counts what its API is asked.
 */
export async function benchProxmox(
  options: ProxmoxBenchOptions,
): Promise<ProxmoxFigure[]> {
  const figures: ProxmoxFigure[] = [];
  for (const { machines, runs } of options.rounds) {
    for (let run = 0; run < runs; run += 1) {
      figures.push(...(await runSide(corralProxmox, machines, options)));
      figures.push(...(await runSide(bareProxmox, machines, options)));
    }
  }
  return figures;
}

/** One side from nothing to nothing, on a Proxmox VE of its own. */
async function runSide(
  prepare: typeof corralProxmox,
  machines: number,
  { repository, toolchain, signal, log }: ProxmoxBenchOptions,
): Promise<ProxmoxFigure[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-pve-"));
  // Tasks end at once: how often their end is asked for is then no matter of the clock.
  const proxmox = await startProxmox({ taskMs: 0 });
  try {
    const place = { repository, folder, toolchain, proxmox, machines };
    const { name: side, commands } = await prepare(place);
    const figures: ProxmoxFigure[] = [];
    for (const operation of PROXMOX_OPERATIONS) {
      const before = proxmox.requests.length;
      const limits = { timeoutSeconds: 120 + 20 * machines, signal };
      const { seconds } = await measure(commands[operation], limits);
      const calls = callsOf(proxmox.requests.slice(before));
      figures.push({ side, machines, operation, calls, seconds });
      log(
        `  Proxmox VE, ${side}, machines: ${machines}: ${operation} ` +
          `${calls.all} calls, ${calls.changing} of them changing, ${seconds.toFixed(1)} s`,
      );
    }
    const clones = proxmox.tasks.filter(({ type }) => type === "qmclone");
    if (clones.length !== machines) {
      throw new Error(
        `${side} cloned ${clones.length} machines instead of ${machines}: the sides cannot be compared`,
      );
    }
    if (proxmox.unknownCalls.length > 0) {
      throw new Error(
        `the simulator does not know ${proxmox.unknownCalls.join(", ")}: nothing is measured with it`,
      );
    }
    return figures;
  } finally {
    await proxmox.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** How often the API was asked. */
export function callsOf(requests: readonly RequestRecord[]): Calls {
  const changing = requests.filter(({ method }) => method !== "GET").length;
  return { all: requests.length, changing };
}
