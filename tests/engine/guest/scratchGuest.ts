import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { Asset } from "@corral-iac/corral-ops/frame/value";
import { converse } from "@corral-iac/corral-ops/guest/files/dialogue";
import { work } from "@corral-iac/corral-ops/guest/files/write";
import type {
  Outcome,
  WantedFile,
  Work,
} from "@corral-iac/corral-ops/guest/files/write";
import { RootShell } from "@corral-iac/corral-ops/guest/rootShell";
import { inputs } from "@corral-iac/corral-ops/ssh/exec";
import { SshPool } from "@corral-iac/corral-ops/ssh/pool";
import execa from "execa";

import { SshServer } from "../provider/sshServer";

export const ID = "0123456789abcdef";
export const OTHER_ID = "fedcba9876543210";

type Shell = Pick<RootShell, "run">;

interface RunOptions {
  readonly timeoutSeconds?: number;
  readonly shell?: Shell;
  /** Stops the work. */
  readonly stop?: { readonly signal: AbortController["signal"] };
}

/** A guest that is a scratch folder of this machine, reached through a sshd of its own. */
export class ScratchGuest {
  /** For what belongs to no guest. */
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-files-"));
  /** What the work told its user. */
  readonly lines: string[] = [];
  private readonly never = new AbortController().signal;
  /** Programs that go before the guest's own. */
  readonly tools = path.join(this.folder, "tools");
  private readonly pool = new SshPool(10);
  private started: SshServer | undefined;
  private root = "";

  get server(): SshServer {
    assert.ok(this.started);
    return this.started;
  }

  get store(): string {
    return this.at("records/files");
  }

  async start(): Promise<void> {
    setMaxListeners(0, this.never);
    fs.mkdirSync(this.tools);
    const searchPath = `${this.tools}:/usr/sbin:/usr/bin:/sbin:/bin`;
    this.started = await SshServer.start(searchPath);
  }

  async stop(): Promise<void> {
    this.pool.close();
    await this.started?.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** An empty guest, for the next test. */
  renew(): void {
    this.root = fs.mkdtempSync(path.join(this.folder, "guest-"));
    this.lines.length = 0;
    this.unwrap();
  }

  readonly at = (name: string) => path.join(this.root, name);
  readonly read = (name: string) => fs.readFileSync(this.at(name), "utf8");
  readonly put = (name: string, content: string) => {
    fs.mkdirSync(path.dirname(this.at(name)), { recursive: true });
    fs.writeFileSync(this.at(name), content);
  };
  readonly mode = (name: string) =>
    (fs.statSync(this.at(name)).mode & 0o7777).toString(8);
  readonly everything = (): string[] =>
    (fs.readdirSync(this.root, { recursive: true }) as string[]).sort();
  readonly leftovers = () =>
    this.everything().filter(
      (name) => name.includes(".corral-") || name.endsWith(".stage"),
    );
  readonly fault = ({ fault }: Outcome) =>
    (fault as Error | undefined)?.message;

  /** A file that belongs to this process's user. */
  readonly file = (
    name: string,
    content: string | Asset = `content of ${name}\n`,
    changes: Partial<WantedFile> = {},
  ): WantedFile => {
    const { uid, gid } = os.userInfo();
    return {
      destination: this.at(name),
      content: typeof content === "string" ? text(content) : content,
      owner: String(uid),
      group: String(gid),
      mode: "0644",
      ...changes,
    };
  };

  readonly run = (
    job: Partial<Work>,
    options: RunOptions = {},
  ): Promise<Outcome> => {
    const { timeoutSeconds = 30, shell = this.overSsh(), stop } = options;
    const signal = stop?.signal ?? this.never;
    const log = (line: string) => this.lines.push(line);
    return converse(
      shell,
      { what: "writing", timeoutSeconds, signal },
      (dialogue) =>
        work(dialogue, {
          ...{ store: this.store, id: ID, files: [], removed: [] },
          ...{ onDelete: "restore", forget: false },
          log: { status: log, warn: log },
          ...job,
        }),
    );
  };

  readonly write = async (...files: WantedFile[]): Promise<Outcome> => {
    const outcome = await this.run({ files });
    assert.equal(outcome.fault, undefined, String(outcome.fault));
    return outcome;
  };

  readonly remove = (job: Partial<Work>, ...names: string[]) =>
    this.run({ removed: names.map(this.at), forget: true, ...job });

  /** Puts a program before the guest's own of its name, which is `$real`. */
  readonly wrap = (program: string, script: string) =>
    fs.writeFileSync(
      path.join(this.tools, program),
      `#!/bin/sh\nreal=/usr/bin/${program}\n${script}\n`,
      { mode: 0o755 },
    );
  readonly unwrap = () =>
    fs
      .readdirSync(this.tools)
      .forEach((name) => fs.rmSync(path.join(this.tools, name)));

  /** @param before put before the script. */
  overSsh(before = ""): Shell {
    const shell = new RootShell(this.pool, this.server.target());
    return {
      run: (work) => shell.run({ ...work, script: before + work.script }),
    };
  }

  /** BusyBox's shell with BusyBox's programs, as Alpine Linux has them. */
  busyBox(): Shell {
    const programs = path.join(this.folder, "busybox");
    if (!fs.existsSync(programs)) {
      fs.mkdirSync(programs);
      execa.sync("busybox", ["--install", "-s", programs]);
    }
    return {
      run: async ({ script, data, onStdout }) => {
        const child = execa(path.join(programs, "sh"), ["-c", script], {
          env: { PATH: programs },
          extendEnv: false,
          reject: false,
        });
        child.stdout?.on("data", onStdout ?? (() => undefined));
        for (const input of inputs(data)) {
          if (typeof input === "function" && child.stdin) {
            input().pipe(child.stdin);
          }
        }
        const { exitCode, stdout, stderr } = await child;
        return { code: exitCode, stdout, stderr };
      },
    };
  }
}

export function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function text(content: string): Asset {
  return new Asset(sha256(content), { text: content });
}
