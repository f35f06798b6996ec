import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { corral } from "../../support/corralCommand";
import { blankMachine, fleetOf } from "../../support/fleets";
import { domains, TestPool, virsh } from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

const NAME = "look";
const WEB = `corral-${NAME}-web`;
const DB = `corral-${NAME}-db`;
const CIDR = "10.61.0.0/24";
const DEPLOYED = { "corral:deployed": true };

// One stack through its life; each step stands on the one before, so a failed one fails the rest.
describe("corral gate and corral drift on a real stack", function () {
  this.bail(true);
  let pool: TestPool;
  let stack: TestStack;
  let scratch: string;

  const fleet = (changes: Record<string, unknown> = {}) =>
    fleetOf({ web: blankMachine(pool, changes), db: blankMachine(pool) }, CIDR);
  const run = (...args: string[]) => corral(stack, NAME, ...args);

  /** Asserts that the body changes neither the state nor the machines. */
  async function changingNothing(body: () => Promise<void>): Promise<void> {
    const look = async () => ({
      state: (await stack.exportedState()).text,
      domains: await domains(NAME),
      web: await virsh("dumpxml", "--inactive", WEB),
    });
    const before = await look();
    await body();
    assert.deepEqual(await look(), before);
  }

  before(async () => {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-look-"));
    pool = await TestPool.make();
    stack = await TestStack.make(NAME);
    stack.declare(fleet(), DEPLOYED);
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  it("passes a stack without a change, and finds no drift", async () => {
    await changingNothing(async () => {
      const gate = await run("gate");
      assert.equal(gate.exitCode, 0, gate.stdout + gate.stderr);
      assert.match(gate.stdout, /Preview of `look`: passed/);
      const drift = await run("drift");
      assert.equal(drift.exitCode, 0, drift.stdout + drift.stderr);
      assert.match(drift.stdout, /^No drift: 27 resources/);
    });
  });

  it("blocks a machine's replacement until a label names it", async () => {
    stack.declare(fleet({ memoryMib: 96 }), DEPLOYED);
    await changingNothing(async () => {
      const markdown = path.join(scratch, "report.md");
      const blocked = await run("gate", "--markdown", markdown);
      assert.equal(blocked.exitCode, 3, blocked.stdout + blocked.stderr);
      const report = fs.readFileSync(markdown, "utf8");
      assert.equal(report.trim(), blocked.stdout.trim());
      const label = /the label `([^`]+)`/.exec(report)?.[1] ?? "";
      assert.equal(label, `allow-replace:${NAME}/web-domain`);
      const allowed = await run("gate", "--labels", JSON.stringify([label]));
      assert.equal(allowed.exitCode, 0, allowed.stdout + allowed.stderr);
    });
  });

  it("fails on a faulty fleet, with its faults", async () => {
    stack.declare(fleet({ memoryMib: -1 }), DEPLOYED);
    const { exitCode, stdout } = await run("gate");
    assert.equal(exitCode, 1, stdout);
    assert.match(stdout, /memoryMib is -1, must be a whole number/);
    stack.declare(fleet(), DEPLOYED);
  });

  it("fails when the state of a deployed stack is lost, or the backend does not know it", async () => {
    const lost = await TestStack.make(NAME);
    try {
      lost.declare(fleet(), DEPLOYED);
      const empty = await corral(lost, NAME, "gate");
      assert.equal(empty.exitCode, 1, empty.stdout);
      assert.match(empty.stdout, /marked as deployed.*its state is empty/);
      const drift = await corral(lost, NAME, "drift");
      assert.equal(drift.exitCode, 1, drift.stdout);
      assert.match(drift.stderr, /its state is empty/);
      const unknown = await corral(lost, "elsewhere", "gate");
      assert.equal(unknown.exitCode, 1, unknown.stdout);
      assert.match(unknown.stdout, /backend has no stack of that name/);
      lost.declare(fleet());
      const before = await corral(lost, NAME, "gate");
      assert.equal(before.exitCode, 0, before.stdout);
      assert.match(before.stdout, /27 to create/);
    } finally {
      await lost.remove();
    }
  });

  it("finds what was changed and removed behind its back, and mends nothing", async () => {
    await virsh("autostart", "--disable", WEB);
    await virsh("destroy", WEB);
    await virsh("setmaxmem", WEB, "98304", "--config");
    await virsh("destroy", DB);
    await virsh("undefine", DB);
    await changingNothing(async () => {
      const { exitCode, stdout, stderr } = await run("drift");
      assert.equal(exitCode, 3, stdout + stderr);
      for (const row of [
        /LibvirtPower web-power +│ autostart +│ true +│ false/,
        /│ memory +│ 64 +│ 96/,
        /│ running +│ true +│ false/,
        /Domain db-domain +│ gone from the hypervisor/,
      ]) {
        assert.match(stdout, row);
      }
      const json = await run("drift", "--json");
      assert.equal(json.exitCode, 3, json.stderr);
      const { drifts } = JSON.parse(json.stdout) as {
        drifts: { name: string; isGone: boolean }[];
      };
      assert.deepEqual(
        drifts.filter(({ isGone }) => isGone).map(({ name }) => name),
        ["db-domain", "db-power"],
      );
    });
  });

  it("leaves a stack alone that is not marked, when only deployed ones are asked for", async () => {
    stack.declare(fleet());
    const { exitCode, stdout } = await run("drift", "--if-deployed");
    assert.equal(exitCode, 0, stdout);
    assert.match(stdout, /not marked as deployed.*not compared/);
  });

  it("fails when the backend cannot be asked", async () => {
    const { env, configFile } = stack.access;
    const nowhere = { ...env, PULUMI_BACKEND_URL: `file://${scratch}/none` };
    const { exitCode, stderr } = await corral(
      { access: { env: nowhere, configFile } },
      NAME,
      "drift",
    );
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /could not be compared: pulumi refresh failed/);
  });
});
