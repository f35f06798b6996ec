import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { stepLine } from "../../toolchain/report";
import { becomes, end, isRunning, know, type KnownProcess } from "../processes";
import type { LabOptions, LabStatus } from "..";
import type { NodeAccess } from "./simulator";

/** What people and programs need to use the simulator that runs as a process of its own. */
export interface ProxmoxAccess {
  readonly process: KnownProcess;
  readonly guests: "none" | "libvirt";
  readonly endpoint: string;
  /** `USER@REALM!NAME=SECRET`. */
  readonly apiToken: string;
  readonly ssh: NodeAccess;
}

export interface ProxmoxUpOptions extends LabOptions {
  /** Default `libvirt`: real guests. */
  readonly guests?: "none" | "libvirt";
}

/** Folder of the process's books, logs and storages; `down` removes it. */
export function proxmoxFolder(home = corralHome()): string {
  return path.join(home, "proxmox-lab");
}

/** Written by the process when it answers. */
export function accessFile(): string {
  return path.join(proxmoxFolder(), "access.json");
}

/** Variables for the shell: what terraform-provider-proxmox reads. */
export function environmentFile(): string {
  return path.join(proxmoxFolder(), "access.env");
}

/** The simulator that was started and not taken down; its process may have died. */
export function readAccess(): ProxmoxAccess | undefined {
  try {
    return JSON.parse(fs.readFileSync(accessFile(), "utf8")) as ProxmoxAccess;
  } catch {
    return undefined;
  }
}

/**
 * Starts a simulated Proxmox VE as a process of its own, unless it runs. Machines of an earlier one
 * that died are taken up again.
 *
 * @throws Error with what the process said when it does not come up.
 */
export async function proxmoxUp(
  options: ProxmoxUpOptions = {},
): Promise<ProxmoxAccess> {
  const log = options.log ?? console.log;
  const began = Date.now();
  const known = readAccess();
  const guests = options.guests ?? "libvirt";
  if (known !== undefined && isRunning(known.process)) {
    if (known.guests !== guests) {
      throw new Error(
        `The simulated Proxmox VE runs already, with guests: ${known.guests}. Take it down first: npm run lab -- down proxmox`,
      );
    }
    log(stepLine("Lab for Proxmox VE", "ok", (Date.now() - began) / 1000));
    return known;
  }
  fs.mkdirSync(proxmoxFolder(), { recursive: true, mode: 0o700 });
  const logFile = path.join(proxmoxFolder(), "simulator.log");
  const pid = startProcess(guests, logFile);
  const own = () => readAccess()?.process.pid === pid;
  const came = await becomes(
    () => own() || know("simulator", pid) === undefined,
    60,
  );
  const access = readAccess();
  if (!came || !own() || access === undefined) {
    throw new Error(
      `The simulated Proxmox VE did not come up:\n${fs.readFileSync(logFile, "utf8").trim().slice(-2000)}`,
    );
  }
  log(stepLine("Lab for Proxmox VE", "up", (Date.now() - began) / 1000));
  return access;
}

function startProcess(guests: "none" | "libvirt", logFile: string): number {
  const output = fs.openSync(logFile, "w");
  const child = spawn(
    process.execPath,
    [path.join(__dirname, "serve.js"), guests],
    { detached: true, stdio: ["ignore", output, output] },
  );
  fs.closeSync(output);
  child.unref();
  if (child.pid === undefined) {
    throw new Error("The simulated Proxmox VE could not be started.");
  }
  return child.pid;
}

/** Ends the process and removes its machines, networks, disks and books. */
export async function proxmoxDown(options: LabOptions = {}): Promise<void> {
  const log = options.log ?? console.log;
  const began = Date.now();
  const known = readAccess();
  if (known !== undefined && !isRunning(known.process)) {
    // Only a simulator knows what the one that died has left: it takes that up and removes it.
    await proxmoxUp({ guests: known.guests, log: () => undefined });
  }
  const running = readAccess();
  if (running !== undefined) {
    await end(running.process, 60);
  }
  fs.rmSync(proxmoxFolder(), { recursive: true, force: true });
  log(stepLine("Lab for Proxmox VE", "down", (Date.now() - began) / 1000));
}

/** What there is, without changing anything. */
export function proxmoxStatus(): LabStatus {
  const known = readAccess();
  const runs = known !== undefined && isRunning(known.process);
  const parts = [
    {
      part: "process",
      state:
        known === undefined
          ? "none"
          : `${runs ? "runs" : "has died"} (${known.process.pid})`,
      ok: runs,
    },
    ...(known === undefined
      ? []
      : [
          { part: "API", state: known.endpoint, ok: runs },
          { part: "guests", state: known.guests, ok: runs },
          { part: "variables", state: environmentFile(), ok: runs },
        ]),
  ];
  return { up: runs, parts };
}
