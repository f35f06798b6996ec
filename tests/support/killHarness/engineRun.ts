import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";
import {
  becomes,
  end,
  isRunning,
  type KnownProcess,
} from "@corral-iac/tools/lab/processes";
import type { TestStack } from "../testStack";
import { processesOf, RUN_VARIABLE } from "./markedProcesses";

/** How long an engine may take to end after it was interrupted. */
const INTERRUPT_SECONDS = 30;

/** How a run of the engine ended. */
export interface EngineEnd {
  /** Whether it had to be interrupted. */
  readonly hung: boolean;
  readonly seconds: number;
}

/** An `up` of the engine that something happens to. */
export class EngineRun {
  private constructor(
    private readonly engine: execa.ExecaChildProcess,
    private readonly mark: string,
    readonly eventLog: string,
    private readonly outputFile: string,
  ) {}

  /** @param number tells the files of one stack's runs apart. */
  static start(stack: TestStack, number: number): EngineRun {
    const mark = randomUUID();
    const eventLog = path.join(stack.folder, `events-${number}.json`);
    fs.writeFileSync(eventLog, ""); // To be watched from the start.
    // What a killed process leaves in its scratch folder goes with the stack's.
    const scratch = path.join(stack.folder, "scratch");
    fs.mkdirSync(scratch, { recursive: true });
    const outputFile = path.join(stack.folder, `output-${number}.txt`);
    const outputTo = fs.openSync(outputFile, "w");
    const command = stack.command(
      ...["up", "--yes", "--skip-preview", "--event-log", eventLog],
    );
    const engine = execa(command.file, [...command.args], {
      cwd: command.cwd,
      env: {
        ...command.env,
        // --event-log is one of the flags that only the Automation API uses.
        PULUMI_DEBUG_COMMANDS: "true",
        TMPDIR: scratch,
        [RUN_VARIABLE]: mark,
      },
      // Not a pipe: what outlives the engine would hold it open.
      stdio: ["ignore", outputTo, outputTo],
      reject: false,
    });
    fs.closeSync(outputTo);
    return new EngineRun(engine, mark, eventLog, outputFile);
  }

  /** Kills the engine alone, at once. */
  kill(): void {
    this.engine.kill("SIGKILL");
  }

  /** Kills those of its processes that run such a program. */
  killPlugins(program: RegExp): void {
    this.signal(program, "SIGKILL");
  }

  /** Stops such processes in their tracks. */
  freezePlugins(program: RegExp): void {
    this.signal(program, "SIGSTOP");
  }

  /** Lets such processes go on. */
  thawPlugins(program: RegExp): void {
    this.signal(program, "SIGCONT");
  }

  private signal(program: RegExp, signal: NodeJS.Signals): void {
    this.processes()
      .filter(({ name }) => program.test(name))
      .forEach(({ pid }) => {
        try {
          process.kill(pid, signal);
        } catch {
          // It ended by itself meanwhile.
        }
      });
  }

  /**
   * Waits for the engine's end, not for that of what it started. An engine that hangs is interrupted
   * as an operator would do it, and killed when that does not help.
   *
   * @param patienceSeconds how long it may take by itself.
   */
  async ended(patienceSeconds = 60): Promise<EngineEnd> {
    const began = Date.now();
    let isOver = false;
    void this.engine.then(() => {
      isOver = true;
    });
    const seconds = () => (Date.now() - began) / 1000;
    if (await becomes(() => isOver, patienceSeconds)) {
      return { hung: false, seconds: seconds() };
    }
    this.engine.kill("SIGINT");
    if (!(await becomes(() => isOver, INTERRUPT_SECONDS))) {
      this.kill();
      await this.engine;
    }
    return { hung: true, seconds: seconds() };
  }

  /** The engine and what it started, as far as it runs now. */
  processes(): KnownProcess[] {
    return processesOf(this.mark);
  }

  /** Waits until nothing of this run is left; what still runs when the time is over. */
  async waitUntilGone(seconds: number): Promise<KnownProcess[]> {
    await becomes(() => this.processes().length === 0, seconds);
    return this.processes();
  }

  /** Waits until none of its processes runs such a program. */
  async waitUntilGoneOf(program: RegExp, seconds: number): Promise<boolean> {
    return becomes(
      () => !this.processes().some(({ name }) => program.test(name)),
      seconds,
    );
  }

  /** Ends what is left of this run, after a test that failed. */
  async endAll(): Promise<void> {
    for (const each of this.processes().filter(isRunning)) {
      await end(each, 5);
    }
  }

  /** What the engine wrote. */
  get output(): string {
    return fs.readFileSync(this.outputFile, "utf8");
  }
}
