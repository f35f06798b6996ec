import assert from "node:assert/strict";
import { blankMachine, fleetOf } from "../../support/fleets";
import { domains, TestPool, virsh, volumes } from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

describe("a guest that never answers", () => {
  let pool: TestPool;
  let stack: TestStack;

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("silent");
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
  });

  it("fails within its time-out and says at which stage, with the machine in the state", async () => {
    stack.declare(
      fleetOf({
        web: blankMachine(pool, { ready: { until: "ssh", timeoutSeconds: 6 } }),
      }),
    );
    const began = Date.now();
    const { exitCode, output } = await stack.up();
    const seconds = (Date.now() - began) / 1000;
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /address/);
    assert.match(output, /6 s/);
    assert.ok(seconds < 60, `took ${seconds} s`);

    const { resources } = await stack.exportedState();
    const domain = resources.find(
      ({ type }) => type === "libvirt:index/domain:Domain",
    );
    assert.equal(domain?.id, await virsh("domuuid", "corral-silent-web"));
  });

  it("continues with the cause mended, without making the machine again", async () => {
    const uuid = await virsh("domuuid", "corral-silent-web");
    const bootId = await virsh("domid", "corral-silent-web");
    stack.declare(fleetOf({ web: blankMachine(pool) }));
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.equal(await virsh("domuuid", "corral-silent-web"), uuid);
    assert.equal(await virsh("domid", "corral-silent-web"), bootId);
  });

  it("is destroyed with everything that belongs to it", async () => {
    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
  });
});

describe("a running machine whose network was removed by hand", () => {
  let pool: TestPool;
  let stack: TestStack;

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("cutoff");
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
  });

  it("can be destroyed all the same", async () => {
    stack.declare(fleetOf({ web: blankMachine(pool) }, "10.66.0.0/24"));
    const made = await stack.up();
    assert.equal(made.exitCode, 0, made.output);
    await virsh("net-destroy", "corral-cutoff-host-lan");
    await virsh("net-undefine", "corral-cutoff-host-lan");
    const refreshed = await stack.refresh();
    assert.match(refreshed.output, /Network not found/);

    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await domains("cutoff"), []);
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
    const { resources } = await stack.exportedState();
    assert.deepEqual(resources, []);
  });
});
