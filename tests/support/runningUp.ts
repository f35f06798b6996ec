import execa from "execa";
import type { TestStack } from "./testStack";

/** A `pulumi up` that a test watches while it runs. */
export class RunningUp {
  private text = "";
  private readonly listeners = new Set<() => void>();
  /** Resolves when the engine has ended, however. */
  readonly ended: Promise<{ exitCode: number | undefined; output: string }>;

  private constructor(private readonly engine: execa.ExecaChildProcess) {
    const note = (chunk: Buffer) => {
      this.text += chunk.toString("utf8");
      this.listeners.forEach((listener) => listener());
    };
    engine.stdout?.on("data", note);
    engine.stderr?.on("data", note);
    this.ended = new Promise((resolve) => {
      // Plugins that outlive a killed engine hold its pipes open: its exit is what counts.
      engine.once("exit", (code) => {
        resolve({ exitCode: code ?? undefined, output: this.text });
      });
    });
    engine.catch(() => undefined);
  }

  static start(stack: TestStack, ...flags: string[]): RunningUp {
    const command = stack.command("up", "--yes", "--skip-preview", ...flags);
    const engine = execa(command.file, [...command.args], {
      cwd: command.cwd,
      env: command.env,
      stdin: "ignore",
      buffer: false,
    });
    return new RunningUp(engine);
  }

  /** The engine's process. */
  get pid(): number {
    const { pid } = this.engine;
    if (pid === undefined) {
      throw new Error("the engine did not start");
    }
    return pid;
  }

  get output(): string {
    return this.text;
  }

  /** Resolves as soon as the engine has written something; rejects when it ends without. */
  written(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (pattern.test(this.text)) {
          this.listeners.delete(look);
          resolve();
        }
      };
      this.listeners.add(look);
      look();
      void this.ended.then(({ output }) =>
        reject(
          new Error(`the run ended and never wrote ${pattern}\n${output}`),
        ),
      );
    });
  }

  /** Kills the engine and nothing else, as the kernel does when memory is short. */
  async kill(): Promise<void> {
    this.engine.kill("SIGKILL");
    await this.ended;
  }

  /** Asks the engine to stop, as Ctrl+C does, and waits until it has. */
  async interrupt(): Promise<void> {
    this.engine.kill("SIGINT");
    await this.ended;
  }
}
