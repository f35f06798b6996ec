import assert from "node:assert/strict";

import {
  RootShell,
  RootShellError,
} from "@corral-iac/corral-ops/guest/rootShell";
import { SshError } from "@corral-iac/corral-ops/ssh/errors";
import type { ExecOptions } from "@corral-iac/corral-ops/ssh/exec";
import type { SshSession } from "@corral-iac/corral-ops/ssh/pool";
import type { SshTarget } from "@corral-iac/corral-ops/ssh/target";

describe("root shell", () => {
  const signal = new AbortController().signal;
  const work = { what: "mounting /srv", script: "true", signal };

  /** A guest that notes what it was asked, and answers or refuses. */
  function guest(user: string, refusal?: SshError) {
    const asked: ExecOptions[] = [];
    const session = {
      exec: async (_command: string, options: ExecOptions) => {
        asked.push(options);
        if (refusal) {
          throw refusal;
        }
        return { code: 0, exitSignal: undefined, stdout: "", stderr: "" };
      },
    } as Partial<SshSession> as SshSession;
    const pool = {
      use: <T>(
        _target: SshTarget,
        _signal: AbortSignal,
        use: (session: SshSession) => Promise<T>,
      ) => use(session),
    };
    const target = { host: "10.1.2.3", port: 22, user, privateKey: "k" };
    return { shell: new RootShell(pool, target), asked };
  }

  it("goes by sudo, unless root has logged in", async () => {
    for (const [user, sudo] of [
      ["root", false],
      ["corral", true],
    ] as const) {
      const { shell, asked } = guest(user);
      await shell.run({ ...work, timeoutSeconds: 7 });
      assert.deepEqual(
        asked.map(({ sudo, timeoutSeconds }) => [sudo, timeoutSeconds]),
        [[sudo, 7]],
      );
    }
  });

  it("tells how root rights are given, when they are refused", async () => {
    const { shell } = guest("corral", new SshError("root", "no sudo"));
    await assert.rejects(
      shell.run({ ...work, timeoutSeconds: 7 }),
      (error) =>
        error instanceof RootShellError &&
        error.fault === "root" &&
        error.message ===
          "mounting /srv failed on corral@10.1.2.3:22: corral may not act as root: no sudo. Allow it " +
            'by a line "corral ALL=(ALL) NOPASSWD:ALL" in /etc/sudoers.d (in cloudInit: sudo: true ' +
            "for the user), or log in as root.",
    );
  });

  it("shows the end of what a script had said that took too long", async () => {
    const said = Array.from({ length: 12 }, (_, line) => `line ${line}`);
    const { shell } = guest(
      "root",
      new SshError("timeout", "took too long", `${said.join("\n")}\n`),
    );
    await assert.rejects(
      shell.run({ ...work, timeoutSeconds: 7 }),
      ({ message }: Error) =>
        /: took too long\n {2}\.\.\.\n {2}line 2\n/.test(message) &&
        message.endsWith("\n  line 11"),
    );
  });
});
