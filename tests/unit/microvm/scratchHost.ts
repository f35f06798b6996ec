import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { HostPaths } from "@corral-iac/corral/core/microvm/paths";
import { networkPaths } from "@corral-iac/corral/core/microvm/paths";
import { FUNCTIONS } from "@corral-iac/corral/core/microvm/scripts/hostScript";

/** A host's folders somewhere else, where its scripts are run by the real shell. */
export class ScratchHost {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-host-"));
  readonly paths: HostPaths = {
    root: path.join(this.folder, "root"),
    run: path.join(this.folder, "run"),
    units: path.join(this.folder, "units"),
  };

  /** A network, as far as machines look at it. */
  makeNetwork(name: string): string {
    const network = networkPaths(name, this.paths);
    fs.mkdirSync(network.folder, { recursive: true });
    fs.writeFileSync(network.record, "{}\n");
    return network.leases;
  }

  /**
   * Runs a step's script; `killAfter` ends it, and all that it started, after so many milliseconds. One
   * that is `abandoned` is told neither the end of its input nor that nobody listens.
   */
  run(
    script: string,
    options: { input?: string; killAfter?: number; abandoned?: boolean } = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(
      "/bin/sh",
      ["-c", `umask 022\n${FUNCTIONS}\n${script}`],
      {
        detached: true,
      },
    );
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined);
    child.stdin.write(options.input ?? "");
    if (options.abandoned !== true) {
      child.stdin.end();
    }
    const timer =
      options.killAfter === undefined
        ? undefined
        : setTimeout(() => {
            if (child.pid !== undefined && child.exitCode === null) {
              process.kill(-child.pid, "SIGKILL");
            }
          }, options.killAfter);
    return new Promise((resolve) =>
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ code, stdout, stderr });
      }),
    );
  }

  /** Everything below the root, as paths. */
  files(): string[] {
    return fs.existsSync(this.paths.root)
      ? (
          fs.readdirSync(this.paths.root, { recursive: true }) as string[]
        ).sort()
      : [];
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
