import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";
import { openStackLocks } from "@corral-iac/cli/recovery/locks/open";
import { becomes } from "@corral-iac/tools/lab/processes";
import { blankMachine, fleetOf } from "../../support/fleets";
import { domains, TestPool, virsh, volumes } from "../../support/hypervisor";
import { REPOSITORY, TestStack } from "../../support/testStack";

const SILENT = { ready: { until: "ssh", timeoutSeconds: 90 } };

describe("the command corral on a stack", () => {
  let pool: TestPool;
  let stack: TestStack;

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("command");
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
  });

  const declare = (changes: Record<string, unknown> = {}) =>
    stack.declare(
      fleetOf({ web: blankMachine(pool, changes) }, "10.68.0.0/24"),
    );

  it("ends at Ctrl-C with the engine, and goes on the next time with what was made", async () => {
    declare(SILENT);
    const { file, args, cwd, env } = stack.corralCommand("up", "--yes");
    const up = execa(file, [...args], {
      cwd,
      env,
      stdin: "ignore",
      all: true,
      reject: false,
      // A terminal sends Ctrl-C to the whole group of the command in its foreground.
      detached: true,
    });
    let shown = "";
    up.all?.on("data", (chunk: Buffer) => {
      shown += chunk.toString("utf8");
    });
    assert.ok(await becomes(() => /web-ready creating/.test(shown), 90), shown);
    process.kill(-(up.pid ?? 0), "SIGINT");
    const { exitCode } = await up;
    assert.notEqual(exitCode, 0, shown);
    const uuid = await virsh("domuuid", "corral-command-web");

    declare();
    const next = await stack.corral("up", "--yes");
    assert.equal(next.exitCode, 0, next.output);
    assert.doesNotMatch(next.output, /Leftovers|Broke the lock/);
    assert.equal(await virsh("domuuid", "corral-command-web"), uuid);
  });

  it("shows the machines as they are right now", async () => {
    const running = await stack.corral("status");
    assert.equal(running.exitCode, 0, running.output);
    assert.match(running.output, /web +running .* 64 MiB .*qemu:\/\/\/system/);
    await virsh("destroy", "corral-command-web");
    const off = await stack.corralOutput("status", "--json");
    const [machine] = JSON.parse(off.stdout) as Record<string, unknown>[];
    assert.equal(machine?.machine, "web");
    assert.equal(machine?.state, "shut off");
    await virsh("start", "corral-command-web");
  });

  it("refuses while another works on the stack, and says who", async () => {
    const locks = await openStackLocks({
      backendUrl: stack.backendUrl,
      project: "corral",
      stack: "command",
    });
    const held = await locks?.hold();
    try {
      const { exitCode, output } = await stack.corral("up", "--yes");
      assert.equal(exitCode, 1, output);
      assert.match(
        output,
        new RegExp(`locked.*process ${process.pid}\\b`, "s"),
      );
      assert.deepEqual((await locks?.list())?.length, 1);
    } finally {
      await held?.release();
    }
  });

  it("never breaks the lock of a run on another host", async () => {
    const folder = path.join(
      stack.folder,
      "state/.pulumi/locks/organization/corral/command",
    );
    const file = path.join(folder, "11111111-2222-3333-4444-555555555555.json");
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(
      file,
      JSON.stringify({
        pid: 1,
        username: "ops",
        hostname: "hv9",
        timestamp: new Date(),
      }),
    );
    try {
      const { exitCode, output } = await stack.corral("up", "--yes");
      assert.equal(exitCode, 1, output);
      assert.match(output, /ops@hv9/);
      assert.match(output, /pulumi cancel/);
      assert.ok(fs.existsSync(file));
    } finally {
      fs.rmSync(file, { force: true });
    }
  });

  it("mends a state that its engine was killed in writing", async () => {
    const attributes = path.join(
      stack.folder,
      "state/.pulumi/stacks/corral/command.json.attrs",
    );
    assert.ok(fs.existsSync(attributes));
    fs.writeFileSync(attributes, "");
    const plain = await stack.preview();
    assert.notEqual(plain.exitCode, 0);
    assert.match(plain.output, /EOF/);
    const { exitCode, output } = await stack.corral("up", "--yes");
    assert.equal(exitCode, 0, output);
    assert.match(output, /the state itself is whole/);
  });

  it("says what is wrong with its folder and flags", async () => {
    const elsewhere = await execa(
      process.execPath,
      [
        path.join(REPOSITORY, "cli/bin/main.js"),
        "up",
        "--cwd",
        stack.folder + "/state",
      ],
      { reject: false, all: true },
    );
    assert.equal(elsewhere.exitCode, 1);
    assert.match(elsewhere.all ?? "", /has no Pulumi\.yaml.*--cwd/);
    const both = await stack.corral("orphans", "--remove", "--adopt");
    assert.equal(both.exitCode, 1);
    assert.match(both.output, /exclude each other/);
  });

  it("destroy takes leftovers along, which nobody could tell afterwards", async () => {
    const { resources } = await stack.exportedState();
    const stampId = String(
      resources.find(({ urn }) => urn.endsWith("::web-stamp"))?.outputs
        ?.stampId,
    );
    const leftover = `corral-command-web-old-${stampId.slice(0, 8)}.qcow2`;
    await virsh(
      "vol-create-as",
      pool.name,
      leftover,
      "1M",
      "--format",
      "qcow2",
    );
    const { exitCode, output } = await stack.corral(
      "destroy",
      "--yes",
      "--",
      "--skip-preview",
    );
    assert.equal(exitCode, 0, output);
    assert.match(output, new RegExp(`removed volume ${leftover}`));
    assert.deepEqual(await domains("command"), []);
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
  });
});
