import * as fs from "node:fs";
import * as path from "node:path";

import type { KnownProcess } from "../processes";
import type { Command, PartName, Ports } from "./parts";

/** A part that was started, and how, so that anybody can stop it and start it again. */
export interface PartState extends Command {
  readonly process: KnownProcess;
}

/** What a folder knows of its lab. Kept in `lab.json`. */
export interface LabState {
  readonly endpoint: string;
  readonly ports: Ports;
  readonly kubectl: string;
  /** Whether the parts end with the process that started the lab. */
  readonly isBound: boolean;
  /** Whether the whole lab came up. */
  readonly isReady: boolean;
  readonly parts: Partial<Record<PartName, PartState>>;
}

function stateFile(folder: string): string {
  return path.join(folder, "lab.json");
}

export function readState(folder: string): LabState | undefined {
  try {
    return JSON.parse(fs.readFileSync(stateFile(folder), "utf8")) as LabState;
  } catch {
    return undefined;
  }
}

/** Written in one step: a reader sees the old or the new one. */
export function writeState(folder: string, state: LabState): void {
  const draft = `${stateFile(folder)}.tmp-${process.pid}`;
  fs.writeFileSync(draft, JSON.stringify(state, null, 2), { mode: 0o600 });
  fs.renameSync(draft, stateFile(folder));
}
