import assert from "node:assert/strict";
import { setMaxListeners } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { PassThrough } from "node:stream";

import { SshError } from "@corral-iac/corral-ops/ssh/errors";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import { SshPool } from "@corral-iac/corral-ops/ssh/pool";
import type { SshTarget } from "@corral-iac/corral-ops/ssh/target";
import { listenOnLoopback } from "@corral-iac/tools/lab/loopback";
import execa from "execa";

import { CLOSED_PORT, SshServer, eventually, isAlive } from "./sshServer";

const bounds = { connectSeconds: 5, handshakeSeconds: 20 };

describe("ssh pool against OpenSSH's server", () => {
  let server: SshServer;
  let pool: SshPool;
  const never = new AbortController().signal;
  setMaxListeners(0, never);

  before(async () => {
    server = await SshServer.start();
  });
  after(() => server.stop());
  beforeEach(() => {
    pool = new SshPool(10, bounds);
  });
  afterEach(() => pool.close());

  const run = (
    command: string,
    stdin = "",
    target: SshTarget = server.target(),
  ) =>
    pool.use(target, never, (session) =>
      session.exec(command, { signal: never, timeoutSeconds: 20, stdin }),
    );

  async function fault(target: SshTarget, used = pool): Promise<SshError> {
    const error: unknown = await used
      .use(target, never, async () => undefined)
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof SshError, String(error));
    return error;
  }

  it("runs commands: output, errors, input, exit code", async () => {
    assert.deepEqual(await run("cat; echo err >&2; exit 3", "grüße\n"), {
      code: 3,
      exitSignal: undefined,
      stdout: "grüße\n",
      stderr: "err\n",
    });
    const killed = await run("kill -9 $$");
    assert.equal(killed.code, undefined);
    assert.equal(killed.exitSignal, "SIGKILL");
  });

  it("carries large input and output unharmed", async () => {
    const text = "0123456789abcdef".repeat(64 * 1024);
    assert.equal((await run("cat", text)).stdout, text);
  });

  it("hands a command's output to another one, no faster than that takes it", async () => {
    const pipe = new PassThrough();
    let waiting = 0;
    const bytes = 32 * 1024 * 1024;
    const options = { signal: never, timeoutSeconds: 60 };
    const [, taken] = await pool.use(server.target(), never, (session) =>
      Promise.all([
        session.exec(`head -c ${bytes} /dev/zero`, {
          ...options,
          stdoutTo: pipe,
        }),
        session.exec("sleep 1; wc -c", { ...options, stdin: () => pipe }),
        (async () => {
          for (let time = 0; time < 8; time++) {
            await new Promise((resolve) => setTimeout(resolve, 100));
            waiting = Math.max(
              waiting,
              pipe.readableLength + pipe.writableLength,
            );
          }
        })(),
      ]),
    );
    assert.equal(Number(taken.stdout), bytes);
    assert.ok(waiting < 4 * 1024 * 1024, `${waiting} bytes were waiting`);
  });

  it("ends with a command whose reader had enough before it ended", async () => {
    const pipe = new PassThrough();
    await pool.use(server.target(), never, async (session) => {
      const options = { signal: never, timeoutSeconds: 20 };
      const [written, read] = await Promise.all([
        session.exec("seq 20000; sleep 1; seq 500000", {
          ...options,
          stdoutTo: pipe,
        }),
        session.exec("head -n 3 >&2", { ...options, stdin: () => pipe }),
      ]);
      assert.equal(written.code, 0);
      assert.equal(read.stderr, "1\n2\n3\n");
    });
  });

  it("ends the stream of a command that fails to end well, and keeps nothing of it for itself", async () => {
    const pipe = new PassThrough();
    const closed = new Promise((resolve) => pipe.once("close", resolve));
    const controller = new AbortController();
    const command = pool.use(server.target(), never, (session) =>
      session.exec("echo begun; sleep 300", {
        signal: controller.signal,
        timeoutSeconds: 60,
        stdoutTo: pipe,
      }),
    );
    await new Promise((resolve) => pipe.once("data", resolve));
    controller.abort();
    await assert.rejects(command, /stopped/);
    await closed;
  });

  it("shares one connection between many operations at the same time", async () => {
    const before = server.logins();
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, i) => run(`echo ${i}`)),
    );
    assert.deepEqual(
      results.map(({ stdout }) => stdout.trim()),
      results.map((_, i) => String(i)),
    );
    assert.equal(server.logins() - before, 1);
    assert.equal(pool.size, 1);
  });

  it("waits for its turn at a server that allows few commands at a time", async () => {
    const strict = await SshServer.start(undefined, ["MaxSessions 2"]);
    try {
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          run(`sleep 0.2; echo ${i}`, "", strict.target()),
        ),
      );
      assert.deepEqual(
        results.map(({ stdout }) => stdout.trim()),
        results.map((_, i) => String(i)),
      );
      assert.equal(strict.logins(), 1);
    } finally {
      await strict.stop();
    }
  });

  for (const how of ["time-out", "abort"] as const) {
    it(`ends the command on the server, with all that it started, at a ${how}`, async () => {
      const file = path.join(server.folder, `pids-${how}`);
      const controller = new AbortController();
      const command = `echo "halfway there" >&2; sleep 300 & echo $! > ${file}.part; echo $$ >> ${file}.part; mv ${file}.part ${file}; wait`;
      const started = pool.use(server.target(), controller.signal, (session) =>
        session.exec(command, {
          signal: controller.signal,
          timeoutSeconds: how === "time-out" ? 2 : 60,
        }),
      );
      const ended = assert.rejects(
        started,
        how === "abort"
          ? /stopped/
          : (error: SshError) =>
              /took longer than 2 s/.test(error.message) &&
              error.stderr === "halfway there\n",
      );
      await eventually("the command has started", () => fs.existsSync(file));
      const pids = fs.readFileSync(file, "utf8").trim().split("\n").map(Number);
      assert.ok(pids.length === 2 && pids.every(isAlive));
      if (how === "abort") {
        controller.abort();
      }
      await ended;
      await eventually("its processes are gone", () => !pids.some(isAlive));
    });
  }

  it("refuses a host key that is not the pinned one, and shows both fingerprints", async () => {
    const pinned = generateEd25519();
    const error = await fault(server.target({ hostKey: pinned.publicKey }));
    assert.equal(error.fault, "hostKey");
    assert.ok(error.message.includes(pinned.fingerprint), error.message);
    assert.ok(
      error.message.includes(server.hostKey.fingerprint),
      error.message,
    );
  });

  it("refuses a host that is neither pinned nor in known_hosts", async () => {
    const error = await fault(server.target({ hostKey: undefined }));
    assert.equal(error.fault, "hostKey");
    assert.match(
      error.message,
      /not known, so it is not trusted: give hostKey, or put the host/,
    );
  });

  it("tells a refused login from everything else", async () => {
    const error = await fault(
      server.target({ privateKey: generateEd25519().privateKey }),
    );
    assert.equal(error.fault, "auth");
    assert.match(error.message, /the login as .* was refused/);
  });

  it("says when a private key cannot be read, without showing it", async () => {
    const error = await fault(server.target({ privateKey: "no-key-at-all" }));
    assert.equal(error.fault, "privateKey");
    assert.ok(!error.message.includes("no-key-at-all"));
  });

  it("says when nothing listens", async () => {
    const error = await fault(server.target({ port: CLOSED_PORT }));
    assert.equal(error.fault, "refused");
    assert.equal(error.message, "connection refused");
  });

  it("is not held up by a server that accepts and then says nothing", async () => {
    const silent = net.createServer((socket) =>
      socket.on("error", () => undefined),
    );
    const port = await listenOnLoopback(silent);
    const quick = new SshPool(1, { connectSeconds: 1, handshakeSeconds: 0.3 });
    try {
      const error = await fault(server.target({ port }), quick);
      assert.equal(error.fault, "timeout");
      assert.equal(quick.size, 0);
    } finally {
      quick.close();
      silent.close();
    }
  });

  it("goes through a bastion, whose key is pinned as well", async () => {
    const through = server.target({ bastion: server.target() });
    assert.equal((await run("echo through", "", through)).stdout, "through\n");
    assert.equal(pool.size, 2);
    const stranger = server.target({ hostKey: generateEd25519().publicKey });
    assert.equal(
      (await fault(server.target({ bastion: stranger }))).fault,
      "hostKey",
    );
    const closed = server.target({
      port: CLOSED_PORT,
      bastion: server.target(),
    });
    assert.equal((await fault(closed)).fault, "refused");
  });

  it("notices a connection that broke off, and makes a new one", async () => {
    const broken = run("sleep 300");
    const rejected = assert.rejects(broken, (error) => {
      return error instanceof SshError && error.fault === "closed";
    });
    await run("true");
    server.breakConnections();
    await rejected;
    assert.equal((await run("echo again")).stdout, "again\n");
  });

  it("closes a connection that nobody uses any more", async () => {
    const brief = new SshPool(0.05, bounds);
    const use = () => brief.use(server.target(), never, async () => undefined);
    await use();
    assert.equal(brief.size, 1);
    await eventually("the connection is closed", () => brief.size === 0);
    await use();
    brief.close();
    assert.equal(brief.size, 0);
  });

  it("gives up connecting as soon as it is told to", async () => {
    const silent = net.createServer((socket) =>
      socket.on("error", () => undefined),
    );
    const port = await listenOnLoopback(silent);
    const controller = new AbortController();
    const work = pool.use(
      server.target({ port }),
      controller.signal,
      async () => undefined,
    );
    const began = Date.now();
    controller.abort();
    await assert.rejects(work, /stopped/);
    assert.ok(Date.now() - began < 8000);
    await eventually("nothing is left", () => pool.size === 0);
    silent.close();
  });

  it("makes keys that OpenSSH's own tools read", async () => {
    const file = path.join(server.folder, "made");
    const pair = generateEd25519();
    fs.writeFileSync(file, pair.privateKey, { mode: 0o600 });
    const { stdout } = await execa("ssh-keygen", ["-y", "-f", file]);
    assert.equal(stdout.trim(), pair.publicKey);
    fs.writeFileSync(`${file}.pub`, `${pair.publicKey} a comment\n`);
    const shown = await execa("ssh-keygen", ["-l", "-f", `${file}.pub`]);
    assert.ok(shown.stdout.includes(pair.fingerprint), shown.stdout);
  });
});
