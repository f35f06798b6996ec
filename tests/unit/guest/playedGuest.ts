import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  featureCommand,
  renderFeatureProgram,
  type FeatureMode,
  type FeatureProgram,
} from "@corral-iac/corral/guest/guestFeatureScript";

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A guest that is this machine: programs run by its own shell, records in a folder of the test. */
export class PlayedGuest {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-feature-"));

  /** @param searchPath where programs are looked for that are not played. */
  constructor(private readonly searchPath = process.env.PATH ?? "") {
    // Whoever runs the tests: what they ask of the machine, every user may.
    this.play("id", "echo 0");
    fs.mkdirSync(this.at("temporary"));
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true });
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  /** Puts a program of the test in the place of the machine's. */
  play(name: string, body: string): void {
    fs.mkdirSync(this.at("bin"), { recursive: true });
    fs.writeFileSync(path.join(this.at("bin"), name), `#!/bin/sh\n${body}\n`, {
      mode: 0o755,
    });
  }

  /** Where the guest keeps which script ran last. */
  get record(): string {
    return this.at("records/web-proxy");
  }

  program(changes: Partial<FeatureProgram>): string {
    const feature: FeatureProgram = {
      key: "web-proxy",
      script: "true",
      timeoutSeconds: 20,
      ...changes,
    };
    return renderFeatureProgram(feature, {
      records: this.at("records"),
      lock: this.at("lock"),
    });
  }

  run(
    changes: Partial<FeatureProgram>,
    mode: FeatureMode = "create",
  ): Promise<Run> {
    return this.start(this.program(changes), mode).ended;
  }

  start(
    program: string,
    mode: FeatureMode,
  ): { readonly ended: Promise<Run>; readonly stderr: () => string } {
    const [file = "", ...args] = featureCommand("proxy", mode).split(" ");
    const child = spawn(file, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: `${this.at("bin")}:${this.searchPath}`,
        TMPDIR: this.at("temporary"),
      },
    });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    child.stdin.end(program);
    const ended = new Promise<Run>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) =>
        resolve({ code, stdout: stdout(), stderr: stderr() }),
      );
    });
    return { ended, stderr };
  }

  /** A script that counts its runs. */
  counting(more = "true"): string {
    return `echo x >>${this.at("ran")}\n${more}`;
  }

  /** How often such scripts ran. */
  get runs(): number {
    return fs.existsSync(this.at("ran"))
      ? fs.readFileSync(this.at("ran"), "utf8").split("\n").length - 1
      : 0;
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
