import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  RootShell,
  RootShellError,
} from "@corral-iac/corral-ops/guest/rootShell";
import type { RootScript } from "@corral-iac/corral-ops/guest/rootShell";
import { SshPool } from "@corral-iac/corral-ops/ssh/pool";
import type { SshTarget } from "@corral-iac/corral-ops/ssh/target";

import { CLOSED_PORT, SshServer, eventually, isAlive } from "./sshServer";

/** Stands in for sudo: passes on to what follows `-n`, or refuses, as its file says. */
const sudo = (refusal: string) => `#!/bin/sh
[ "$1" = -n ] || { echo "asked for a password" >&2; exit 9; }
shift
${refusal}
exec "$@"
`;

describe("root shell against OpenSSH's server", () => {
  const bin = fs.mkdtempSync(path.join(os.tmpdir(), "corral-sudo-"));
  let server: SshServer;
  const pool = new SshPool(10, { connectSeconds: 5, handshakeSeconds: 20 });
  const never = new AbortController().signal;
  setMaxListeners(0, never);

  before(async () => {
    server = await SshServer.start(`${bin}:/usr/sbin:/usr/bin:/sbin:/bin`);
  });
  after(async () => {
    pool.close();
    await server.stop();
    fs.rmSync(bin, { recursive: true, force: true });
  });

  const run = (
    work: Partial<RootScript>,
    target: SshTarget = server.target(),
  ) =>
    new RootShell(pool, target).run({
      what: "the test's work",
      script: "true",
      signal: never,
      timeoutSeconds: 30,
      ...work,
    });

  async function fault(
    work: Partial<RootScript>,
    target?: SshTarget,
  ): Promise<RootShellError> {
    const error: unknown = await run(work, target).catch(
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof RootShellError, String(error));
    return error;
  }

  it("runs a script with its data on standard input, each to the byte", async () => {
    const script = "echo \"grüße: '$(id -u)'\"; cat; exit 0";
    const { stdout } = await run({ script, data: "a\n\0b" });
    assert.equal(stdout, `grüße: '${process.getuid?.()}'\na\n\0b`);
  });

  it("streams data that is larger than any buffer", async () => {
    const chunk = Buffer.alloc(1024 * 1024, 7);
    const file = path.join(server.folder, "large");
    fs.writeFileSync(file, Buffer.concat(Array<Buffer>(24).fill(chunk)));
    const { stdout } = await run({
      script: "head -c 3; wc -c",
      data: ["abc", () => fs.createReadStream(file), Buffer.from("end")],
    });
    assert.equal(stdout.replace(/ /g, ""), `abc${24 * 1024 * 1024 + 3}\n`);
  });

  it("does not wait for data that the script does not want", async () => {
    const endless = fs.createReadStream("/dev/zero");
    const { stdout } = await run({
      script: "echo done",
      data: [() => endless],
    });
    assert.equal(stdout, "done\n");
    await eventually("the stream is closed", () => endless.destroyed);
  });

  it("says when the data cannot be read, and ends the script", async () => {
    const missing = () =>
      fs.createReadStream(path.join(server.folder, "missing"));
    const error = await fault({ script: "cat", data: ["x", missing] });
    assert.equal(error.fault, "input");
    assert.match(error.message, /ENOENT.*missing/);
  });

  it("shows neither script nor data in a process list", async () => {
    const { stdout } = await run({
      script:
        'word=$(cat); tr "\\0" " " </proc/$$/cmdline; echo; tr "\\0" " " </proc/$PPID/cmdline; echo "$word" | wc -c',
      data: "secret-of-the-test",
    });
    assert.match(stdout, /dd bs=\d+/);
    assert.ok(!stdout.includes("secret-of-the-test"), stdout);
    assert.ok(!stdout.includes("word="), stdout);
  });

  it("speaks English and finds the system's programs", async () => {
    const { stdout } = await run({ script: 'echo "$LC_ALL $PATH"; umask' });
    assert.match(stdout, /^C .*:\/usr\/sbin:\/sbin:.*\n0022\n$/);
  });

  it("gives back exit codes that are expected, and explains all others", async () => {
    const script = "echo one >&2; echo two >&2; exit 3";
    const { code, stderr } = await run({ script, expectedCodes: [0, 3] });
    assert.deepEqual([code, stderr], [3, "one\ntwo\n"]);
    const error = await fault({ script });
    assert.equal(error.fault, "exit");
    assert.equal(error.ended?.code, 3);
    const { user, port } = server.target();
    assert.equal(
      error.message,
      `the test's work failed on ${user}@127.0.0.1:${port}: exit code 3\n  one\n  two`,
    );
    const long = await fault({ script: "seq 1000 >&2; exit 1" });
    assert.match(
      long.message,
      /exit code 1\n {2}\.\.\.\n {2}991\n(.*\n)*.*1000$/,
    );
    const killed = await fault({ script: "kill -9 $$" });
    assert.match(killed.message, /ended by SIGKILL/);
  });

  it("says when nothing listens", async () => {
    const error = await fault({}, server.target({ port: CLOSED_PORT }));
    assert.deepEqual([error.fault, error.sshFault], ["connection", "refused"]);
    assert.match(
      error.message,
      /^the test's work failed on .*@127.0.0.1:1: connection refused$/,
    );
  });

  it("says when the connection breaks off", async () => {
    const started = path.join(server.folder, "started");
    const work = fault({ script: `touch ${started}; sleep 300` });
    await eventually("the script runs", () => fs.existsSync(started));
    server.breakConnections();
    assert.equal((await work).fault, "connection");
  });

  for (const how of ["timeout", "aborted"] as const) {
    it(`ends the script and all that it started: ${how}`, async () => {
      const file = path.join(server.folder, `pids-${how}`);
      const stop = new AbortController();
      const work = fault({
        script: `sleep 300 & echo $! $$ >${file}.part; mv ${file}.part ${file}; wait`,
        signal: stop.signal,
        timeoutSeconds: how === "timeout" ? 2 : 60,
      });
      await eventually("the script runs", () => fs.existsSync(file));
      const pids = fs.readFileSync(file, "utf8").trim().split(" ").map(Number);
      assert.ok(pids.every(isAlive));
      if (how === "aborted") {
        stop.abort();
      }
      assert.equal((await work).fault, how);
      await eventually("its processes are gone", () => !pids.some(isAlive));
    });
  }

  describe("by sudo", () => {
    const program = path.join(bin, "sudo");
    const asUser = (command: string, stdin = "", timeoutSeconds = 20) =>
      pool.use(server.target(), never, (session) =>
        session.exec(command, {
          signal: never,
          timeoutSeconds,
          stdin,
          sudo: true,
        }),
      );
    const install = (refusal = "") =>
      fs.writeFileSync(program, sudo(refusal), { mode: 0o755 });

    it("runs the command", async () => {
      install('echo "$LC_ALL" >&2');
      const { code, stdout, stderr } = await asUser("cat; exit 4", "input");
      assert.deepEqual([code, stdout, stderr], [4, "input", "C\n"]);
    });

    it("tells a refusal from a command that failed", async () => {
      install('echo "sudo: a password is required" >&2; exit 1');
      await assert.rejects(asUser("true"), {
        fault: "root",
        message:
          "sudo does not allow it without a password (sudo: a password is required)",
      });
    });

    it("says when it is not installed", async () => {
      fs.rmSync(program, { force: true });
      const real = ["/usr/bin/sudo", "/bin/sudo"].some(fs.existsSync);
      if (real) {
        install("exit 127");
      }
      await assert.rejects(asUser("true"), {
        fault: "root",
        message: "sudo is not installed there",
      });
    });

    it("ends what runs in a session of its own, as sudo with a terminal makes it", async () => {
      fs.writeFileSync(program, '#!/bin/sh\nshift\nexec setsid -w "$@"\n', {
        mode: 0o755,
      });
      const file = path.join(server.folder, "pids-sudo");
      const work = asUser(`sleep 300 & echo $! $$ >${file}; wait`, "", 3);
      await assert.rejects(work, { fault: "timeout" });
      const pids = fs.readFileSync(file, "utf8").trim().split(" ").map(Number);
      assert.equal(pids.length, 2);
      await eventually("its processes are gone", () => !pids.some(isAlive));
    });
  });
});
