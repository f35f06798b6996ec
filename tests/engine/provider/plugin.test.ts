import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

import {
  FakeEngine,
  PluginProcess,
  firstLine,
  pluginProgram,
  urn,
} from "./pluginProcess";
import type { Properties } from "./pluginProcess";
import { CLOSED_PORT, eventually, isAlive } from "./sshServer";

const unknownText = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const secret = (value: string) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  value,
});

describe("plugin corral-ops, spoken to as the engine does", () => {
  let engine: FakeEngine;
  let plugin: PluginProcess;
  let folder: string;
  const key = generateEd25519();

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-plugin-"));
    engine = await FakeEngine.start();
    plugin = await PluginProcess.start(engine.address, {
      PATH: `${folder}:${process.env.PATH}`,
    });
  });
  afterEach(async () => {
    await plugin.stop();
    engine.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** A guest that nothing answers for, as nothing listens at its port. */
  async function guest(changes: Properties = {}): Promise<Properties> {
    return {
      until: "ssh",
      timeoutSeconds: 60,
      address: "127.0.0.1",
      machine: { id: "m", name: "web" },
      ssh: {
        user: "u",
        port: CLOSED_PORT,
        privateKey: secret(key.privateKey),
        hostKey: key.publicKey,
      },
      ...changes,
    };
  }

  /** Puts a virsh in the way that never ends, and notes its processes. */
  function hangingVirsh(): () => number[] {
    const pids = path.join(folder, "pids");
    const script = `#!/bin/sh\nsleep 300 &\necho $$ $! >> ${pids}\nwait\n`;
    fs.writeFileSync(path.join(folder, "virsh"), script, { mode: 0o755 });
    return () =>
      fs.existsSync(pids)
        ? fs.readFileSync(pids, "utf8").trim().split(/\s+/).map(Number)
        : [];
  }
  const onLibvirt = {
    id: "m",
    name: "web",
    libvirt: { uri: "test:///default", domain: "test" },
  };

  it("starts quickly and serves its schema", async () => {
    assert.ok(
      plugin.startMilliseconds < 5000,
      `${plugin.startMilliseconds} ms`,
    );
    const schema = JSON.parse((await plugin.schema()).getSchema()) as {
      name: string;
    };
    assert.equal(schema.name, "corral-ops");
  });

  it("answers a check with every fault and its property", async () => {
    const response = await plugin.check("GuestReady", {
      until: "later",
      machine: { id: "m" },
    });
    const failures = response
      .getFailuresList()
      .map((failure) => failure.getProperty());
    assert.deepEqual(failures.sort(), ["machine.name", "until"]);
  });

  it("keeps secrets and unknown values through a check", async () => {
    const inputs = await guest({ address: unknownText });
    const checked = (await plugin.check("GuestReady", inputs))
      .getInputs()
      ?.toJavaScript() as Properties;
    assert.equal(checked.address, unknownText);
    assert.deepEqual(
      (checked.ssh as Properties).privateKey,
      secret(key.privateKey),
    );
  });

  it("makes a private key secret", async () => {
    const made = await plugin.create("SshKeyPair", { comment: "c" });
    const outputs = made.getProperties()?.toJavaScript() as Properties;
    assert.match(String(outputs.publicKey), /^ssh-ed25519 \S+ c$/);
    assert.equal(
      (outputs.privateKey as Properties)["4dabf18193072939515e22adb298388d"],
      "1b47061264138c4ac30d75fd1eb44270",
    );
  });

  it("does not act in a preview, nor wait in a read", async () => {
    const inputs = await guest();
    const preview = await plugin.create("GuestReady", inputs, {
      preview: true,
    });
    assert.equal(preview.getId(), "");
    const outputs = {
      address: "127.0.0.1",
      cloudInitStatus: unknownText,
      hostKey: (inputs.ssh as Properties).hostKey,
      waitedFor: unknownText,
    };
    assert.deepEqual(preview.getProperties()?.toJavaScript(), outputs);
    const state = {
      address: "127.0.0.1",
      cloudInitStatus: "",
      waitedFor: "ssh",
    };
    const read = await plugin.read("GuestReady", inputs, state);
    assert.equal(read.getId(), "x");
    assert.deepEqual(read.getProperties()?.toJavaScript(), state);
  });

  it("tells what replaces from what updates", async () => {
    const olds = await guest();
    const other = await plugin.diff("GuestReady", olds, {
      ...olds,
      timeoutSeconds: 61,
    });
    assert.deepEqual(other.getReplacesList(), []);
    assert.deepEqual(other.getDiffsList(), ["timeoutSeconds"]);
    const machine = { id: "n", name: "web" };
    const replaced = await plugin.diff("GuestReady", olds, {
      ...olds,
      machine,
    });
    assert.deepEqual(replaced.getReplacesList(), ["machine"]);
    assert.ok(replaced.getDetaileddiffMap().has("machine.id"));
  });

  it("reports on its waiting, and fails within customTimeouts, saying where it stood", async () => {
    const work = plugin.create("GuestReady", await guest(), { timeout: 20 });
    await assert.rejects(work, /stage "port".*Last seen: connection refused/s);
    const reports = engine.lines.filter(({ ephemeral }) => ephemeral);
    assert.ok(reports.length >= 1);
    assert.match(
      reports[0]?.text ?? "",
      /waiting for the ssh port at 127.0.0.1.*connection refused.*: \d+ s of \d+ s/,
    );
    assert.equal(reports[0]?.urn, urn("GuestReady"));
  });

  it("stops at once when it is cancelled, with what it had started, and starts nothing more", async () => {
    const pids = hangingVirsh();
    const work = plugin.create(
      "GuestReady",
      await guest({ machine: onLibvirt }),
    );
    const rejected = assert.rejects(
      work,
      /stage "machine".*the update was cancelled/s,
    );
    await eventually("virsh runs", () => pids().length >= 2);
    const began = Date.now();
    await plugin.cancel();
    await rejected;
    assert.ok(Date.now() - began < 8000);
    await eventually(
      "virsh and its children are gone",
      () => !pids().some(isAlive),
    );
    await assert.rejects(
      plugin.create("Stamp", {}),
      /the update was cancelled/,
    );
  });

  it("ends at once when the engine interrupts it", async () => {
    const began = Date.now();
    plugin.child.kill("SIGINT");
    assert.equal(await plugin.exit(), 0);
    assert.ok(Date.now() - began < 5000);
  });

  it("answers what is under way before it ends", async () => {
    const pids = hangingVirsh();
    const work = plugin.create(
      "GuestReady",
      await guest({ machine: onLibvirt }),
    );
    const rejected = assert.rejects(work, /the engine is shutting down/);
    await eventually("virsh runs", () => pids().length >= 2);
    plugin.child.kill("SIGTERM");
    await rejected;
    assert.equal(await plugin.exit(), 0);
    await eventually(
      "virsh and its children are gone",
      () => !pids().some(isAlive),
    );
  });

  it("ends when the engine is gone: its input is closed", async () => {
    const pids = hangingVirsh();
    plugin
      .create("GuestReady", await guest({ machine: onLibvirt }))
      .catch(() => undefined);
    await eventually("virsh runs", () => pids().length >= 2);
    plugin.child.stdin?.end();
    await eventually("the plugin has ended", () => plugin.ended, 6);
    await eventually(
      "virsh and its children are gone",
      () => !pids().some(isAlive),
    );
  });

  it("ends when the engine is gone: its parent was killed", async () => {
    const starter = `
      const { spawn } = require("node:child_process");
      const child = spawn(${JSON.stringify(pluginProgram)}, ["127.0.0.1:1"], { stdio: ["ignore", "pipe", "ignore"], detached: true });
      child.stdout.once("data", () => console.log(child.pid));
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ["-e", starter], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = Number(await firstLine(parent));
    assert.ok(isAlive(pid));
    parent.kill("SIGKILL");
    await eventually("the plugin has ended", () => !isAlive(pid), 6);
  });
});
