import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StackCommand } from "../stack/pulumiStack";
import {
  isAlive,
  ProcessWatch,
  proportionalKib,
  type TrackedProcess,
} from "./processTable";

/** How often memory is looked at, in milliseconds. */
const SAMPLE_MS = 100;

/** How long a process may take to end after the command, in milliseconds, before it is a survivor. */
const GRACE_MS = 1000;

/** A command did not end within its limit. */
export class HungError extends Error {}

/** What one run of a command cost. */
export interface Measurement {
  readonly seconds: number;
  /** Most memory that all its processes had at one time, in MiB, shared pages counted once. */
  readonly peakMib: number;
  /** Processes that were there when the command had ended. */
  readonly lingering: readonly TrackedProcess[];
  /** Those of them that were still there a second later. They are ended then. */
  readonly survivors: readonly TrackedProcess[];
  /** What the command wrote, both streams. */
  readonly output: string;
}

export interface MeasureOptions {
  /** Longest time, in seconds; the command and all that it started is ended then. */
  readonly timeoutSeconds: number;
  /** Ends the command as Ctrl-C does. */
  readonly signal: AbortSignal;
}

/**
 * Runs a command and measures it with all processes that it starts.
 *
 * @throws Error with the command's last lines when it fails, and when it was interrupted.
 */
export async function measure(
  command: StackCommand,
  { timeoutSeconds, signal }: MeasureOptions,
): Promise<Measurement> {
  signal.throwIfAborted();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-log-"));
  const log = path.join(folder, "output");
  const marker = `CORRAL_BENCH_RUN=${randomBytes(8).toString("hex")}`;
  const watch = new ProcessWatch(marker);
  try {
    const run = await runMarked(command, {
      marker,
      watch,
      log,
      timeoutSeconds,
      signal,
    });
    const lingering = watch.list();
    const survivors = await remaining(lingering);
    survivors.forEach(kill);
    signal.throwIfAborted();
    const what = `${path.basename(command.file)} ${command.args[0] ?? ""}`;
    if (run.timedOut) {
      throw new HungError(
        `${what} did not end within ${timeoutSeconds} s and was ended`,
      );
    }
    if (run.code !== 0) {
      throw new Error(`${what} ended with code ${run.code}\n${lastLines(log)}`);
    }
    return {
      seconds: run.seconds,
      peakMib: run.peakKib / 1024,
      lingering,
      survivors,
      output: fs.readFileSync(log, "utf8"),
    };
  } finally {
    watch.list().forEach(kill);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

interface MarkedRun extends MeasureOptions {
  readonly marker: string;
  readonly watch: ProcessWatch;
  readonly log: string;
}

async function runMarked(
  command: StackCommand,
  { marker, watch, log, timeoutSeconds, signal }: MarkedRun,
): Promise<{
  code: number;
  seconds: number;
  peakKib: number;
  timedOut: boolean;
}> {
  const [name = "", value = ""] = marker.split("=");
  // A file, not a pipe: a pipe stays open as long as any survivor lives.
  const output = fs.openSync(log, "w");
  let peakKib = 0;
  const begun = performance.now();
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env, [name]: value },
    stdio: ["ignore", output, output],
    // A Ctrl-C on the terminal reaches it by `signal` alone, and once.
    detached: true,
  });
  fs.closeSync(output);
  const sampler = setInterval(() => {
    const kib = watch.list().map(proportionalKib);
    peakKib = Math.max(
      peakKib,
      kib.reduce((sum, one) => sum + one, 0),
    );
  }, SAMPLE_MS);
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    watch.list().forEach(kill);
  }, timeoutSeconds * 1000);
  const interrupt = () => child.kill("SIGINT");
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (exitCode) => {
        resolve(exitCode ?? -1);
      });
    });
    const seconds = (performance.now() - begun) / 1000;
    return { code, seconds, peakKib, timedOut };
  } finally {
    clearInterval(sampler);
    clearTimeout(limit);
    signal.removeEventListener("abort", interrupt);
  }
}

/** Which of the processes are still there after the grace; returns as soon as all have ended. */
async function remaining(
  processes: readonly TrackedProcess[],
): Promise<TrackedProcess[]> {
  const until = performance.now() + GRACE_MS;
  let alive = processes.filter(isAlive);
  while (alive.length > 0 && performance.now() < until) {
    await sleep(50);
    alive = alive.filter(isAlive);
  }
  return alive;
}

function kill(survivor: TrackedProcess): void {
  if (isAlive(survivor)) {
    try {
      process.kill(survivor.pid, "SIGKILL");
    } catch {
      // It has ended by itself in this moment.
    }
  }
}

function lastLines(file: string): string {
  return fs.readFileSync(file, "utf8").trim().split("\n").slice(-25).join("\n");
}
