import assert from "node:assert/strict";

import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

import { OpsProgram, pluginsOf } from "./opsProgram";
import type { Declared } from "./opsProgram";
import { CLOSED_PORT, SshServer, eventually, isAlive } from "./sshServer";

const unchanged = (output: string, count: number) =>
  assert.match(output, new RegExp(`Resources:\\s+${count} unchanged`), output);

describe("corral-ops in the real engine", () => {
  let program: OpsProgram;
  let server: SshServer;

  before(async () => {
    server = await SshServer.start();
  });
  after(() => server.stop());
  beforeEach(async () => {
    program = await OpsProgram.make();
  });
  afterEach(() => program.remove());

  /** A guest that is this machine, on libvirt's test driver. */
  function guest(changes: Record<string, unknown> = {}): Declared {
    const { port, user, privateKey, hostKey } = server.target();
    const args = {
      timeoutSeconds: 4,
      address: "127.0.0.1",
      machine: {
        id: "m1",
        name: "web",
        libvirt: { uri: "test:///default", domain: "test" },
      },
      ssh: { port, user, privateKey, hostKey },
      ...changes,
    };
    return { type: "GuestReady", name: "ready", args };
  }
  const stamp: Declared = {
    type: "Stamp",
    name: "stamp",
    args: { project: "p", stack: "s", component: "LibvirtVm", name: "web" },
  };
  const keyPair = (comment: string): Declared => ({
    type: "SshKeyPair",
    name: "key",
    args: { comment },
  });

  async function up(...flags: string[]): Promise<string> {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  }

  async function upFails(): Promise<string> {
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0, output);
    return output;
  }

  it("makes its resources, changes them in place, and has nothing to do the second time", async () => {
    program.declare(stamp, keyPair("one"), guest());
    await up();
    const before = await program.state();
    unchanged((await program.run("preview", "--non-interactive")).output, 4);
    unchanged(await up("--refresh"), 4);

    program.declare(
      { ...stamp, args: { ...(stamp.args as object), name: "db" } },
      keyPair("two"),
      guest(),
    );
    assert.match(await up(), /~ 2 updated/);
    const after = await program.state();
    const id = (state: string) =>
      /"stampId": "([0-9a-f]{16})"/.exec(state)?.[1];
    const key = (state: string) =>
      /"publicKey": "ssh-ed25519 (\S+)/.exec(state)?.[1];
    assert.ok(id(before) && key(before));
    assert.deepEqual([id(after), key(after)], [id(before), key(before)]);
    assert.match(after, /"publicKey": "ssh-ed25519 \S+ two"/);
  });

  it("keeps private keys out of the state and of everything that is shown", async () => {
    program.declare(keyPair("k"), guest());
    const shown =
      (await up("--diff")) + (await program.run("preview", "--diff")).output;
    const texts = [shown, await program.state()];
    const lines = server.target().privateKey.split("\n").slice(1, 3);
    for (const secret of ["BEGIN OPENSSH", ...lines]) {
      assert.ok(texts.every((text) => !text.includes(secret)));
    }
  });

  it("names every fault of the arguments and makes nothing", async () => {
    program.declare(guest({ timeoutSeconds: 0, until: "later", adress: "x" }));
    const output = await upFails();
    for (const part of [
      "timeoutSeconds is 0; it must be a whole number from 1 to 86400",
      'until is "later"; it must be one of "none", "agent", "address", "ssh", "cloudInit"',
    ]) {
      assert.ok(output.includes(part), output);
    }
  });

  it("creates no GuestReady while the guest is away, and waits again at the next update", async () => {
    const target = server.target();
    program.declare(
      stamp,
      guest({ ssh: { ...target, port: CLOSED_PORT, host: undefined } }),
    );
    const output = await upFails();
    assert.match(output, /stage "port".*did not come within 4 s/);
    assert.match(output, /Last seen: connection refused/);
    assert.ok(
      !(await program.state()).includes("corral-ops:index:GuestReady::ready"),
    );

    program.declare(stamp, guest());
    assert.match(await up(), /\+ 1 created\s+2 unchanged/);
  });

  it("says which key it got when the guest's host key is another", async () => {
    const other = generateEd25519();
    const { port, user, privateKey } = server.target();
    program.declare(
      guest({ ssh: { port, user, privateKey, hostKey: other.publicKey } }),
    );
    const output = await upFails();
    assert.match(output, /stage "login"/);
    assert.ok(
      output.includes(other.fingerprint) &&
        output.includes(server.hostKey.fingerprint),
      output,
    );
  });

  it("fails at once for a domain that is not there, and for a daemon that is not", async () => {
    const on = (uri: string, domain: string) =>
      guest({ machine: { id: "m", name: "web", libvirt: { uri, domain } } });
    program.declare(on("test:///default", "nobody"));
    assert.match(
      await upFails(),
      /there is no domain nobody at test:\/\/\/default/,
    );
    program.declare({
      type: "ConsoleLog",
      name: "console",
      args: {
        uri: "qemu+unix:///system?socket=/nonexistent/sock",
        pool: "p",
        fileName: "f.log",
      },
    });
    assert.match(await upFails(), /cannot be reached\. Check that/);
  });

  it("finds a console's path by its pool, and lists the pools when there is no such one", async () => {
    const log = (pool: string): Declared => ({
      type: "ConsoleLog",
      name: "console",
      args: { uri: "test:///default", pool, fileName: "web.log" },
    });
    program.declare(log("nopool"));
    assert.match(
      await upFails(),
      /has no pool "nopool"; the pools there are: default-pool/,
    );
    program.declare(log("default-pool"));
    await up();
    assert.match(await program.state(), /"path": "\/default-pool\/web.log"/);
  });

  it("stops waiting when the update is interrupted", async () => {
    program.declare(
      guest({
        timeoutSeconds: 300,
        address: "127.0.0.1",
        ssh: { ...server.target(), host: undefined, port: CLOSED_PORT },
      }),
    );
    const { engine, output } = program.spawnUp();
    const exit = new Promise<void>((resolve) =>
      engine.once("exit", () => resolve()),
    );
    await eventually(
      "it waits",
      () => output().includes("waiting for the ssh port"),
      60,
    );
    const began = Date.now();
    engine.kill("SIGINT");
    await exit;
    assert.ok(Date.now() - began < 20_000, `took ${Date.now() - began} ms`);
    assert.match(output(), /the update was cancelled/);
  });

  it("leaves no plugin behind when the engine is killed", async () => {
    program.declare(
      guest({
        timeoutSeconds: 300,
        ssh: { ...server.target(), host: undefined, port: CLOSED_PORT },
      }),
    );
    const { engine, output } = program.spawnUp();
    await eventually(
      "it waits",
      () => output().includes("waiting for the ssh port"),
      60,
    );
    const plugins = pluginsOf(engine.pid ?? 0);
    assert.equal(plugins.length, 1);
    engine.kill("SIGKILL");
    await eventually("the plugin has ended", () => !plugins.some(isAlive), 8);
  });
});
