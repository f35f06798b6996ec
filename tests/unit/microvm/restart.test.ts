import assert from "node:assert/strict";
import * as fs from "node:fs";
import { networkChainsGone } from "@corral-iac/corral/core/microvm/networkChains";
import {
  machinePaths,
  machineUser,
} from "@corral-iac/corral/core/microvm/paths";
import type {
  HypervisorKind,
  MachinePlan,
} from "@corral-iac/corral/core/microvm/plan";
import { stopScript } from "@corral-iac/corral/core/microvm/stopScript";
import { revision } from "@corral-iac/corral/core/microvm/unitFile";

import { NotingHost } from "./notingHost";
import { planWith } from "./plans";

describe("a machine whose plan changes", function () {
  this.timeout(30_000);
  let host: NotingHost;

  const hypervisor = (kind: HypervisorKind) =>
    ({ kind, version: "39.0", path: "/bin/true" }) as const;
  /** Without interfaces, which a kernel would have to make. */
  const plan = (changes: Partial<MachinePlan> = {}) =>
    planWith({
      kernel: host.kernel,
      initrd: host.kernel,
      disks: [],
      interfaces: [],
      hypervisor: hypervisor("qemu"),
      ...changes,
    });
  const base = planWith();
  const apply = async (next: MachinePlan, running = true) => {
    const { code, stderr } = await host.apply(next, running);
    assert.equal(code, 0, stderr);
  };
  const other = () => plan({ hypervisor: hypervisor("cloudHypervisor") });

  beforeEach(() => {
    host = new NotingHost(base.name);
  });
  afterEach(async () => {
    host.cutAtStop(false);
    await host.apply(plan(), false);
    host.remove();
  });

  it("is stopped by the script of the plan that it was started with", async () => {
    await apply(plan());
    assert.equal(host.noted("done"), "enable\nstart\n");
    await apply(other());
    assert.equal(host.noted("done"), "stop\nenable\nstart\n");
    assert.equal(host.noted("stopped-by"), stopScript(plan(), host.paths));
    const { unit } = machinePaths(base.name, host.paths);
    const text = fs.readFileSync(unit, "utf8");
    assert.ok(text.includes(revision(other(), host.paths)));
  });

  it("is stopped by it too where it shall be off", async () => {
    await apply(plan());
    host.noted("done");
    await apply(other(), false);
    assert.equal(host.noted("done"), "stop\ndisable\n");
    assert.equal(host.noted("stopped-by"), stopScript(plan(), host.paths));
    await apply(other(), false);
    assert.doesNotMatch(host.noted("done"), /start|stop|enable/);
  });

  it("runs on where nothing of it changes, or only what takes no restart", async () => {
    await apply(plan());
    host.noted("done");
    await apply(plan());
    await apply(plan({ stopTimeoutSeconds: 7 }));
    assert.equal(host.noted("done"), "enable\nenable\n");
  });

  it("is started by the next run where one was cut off behind the stop", async () => {
    await apply(plan());
    host.noted("done");
    host.cutAtStop(true);
    assert.equal((await host.apply(other())).code, null);
    host.cutAtStop(false);
    assert.equal(host.noted("done"), "stop\n");
    await apply(other());
    assert.equal(host.noted("done"), "enable\nstart\n");
  });

  it("loses the chains of an interface that it has no more, also while it is off", async () => {
    const [nic] = base.interfaces;
    const before = plan({ interfaces: nic ? [nic] : [] });
    await apply(before, false);
    assert.equal(host.noted("rules"), "");
    await apply(plan(), false);
    assert.equal(host.noted("rules"), networkChainsGone(before));
    await apply(before, false);
    host.noted("rules");
    await apply(plan());
    assert.equal(host.noted("rules"), networkChainsGone(before));
  });
});

describe("the disks of a machine", () => {
  it("are its user's for as long as it has them, and root's again afterwards", async () => {
    const host = new NotingHost(planWith().name);
    try {
      const [one, two] = [host.makeDisk("one"), host.makeDisk("two")];
      const plan = planWith({
        kernel: host.kernel,
        initrd: host.kernel,
        interfaces: [],
        disks: [one, two],
      });
      const owners = () => [host.ownerOf(one), host.ownerOf(two)];
      const user = machineUser(plan.name);
      await host.apply(plan);
      assert.deepEqual(owners(), [user, user]);
      await host.apply({ ...plan, disks: [two] });
      assert.deepEqual(owners(), ["root", user]);
      assert.equal((await host.takeDown(plan)).code, 0);
      assert.deepEqual(owners(), ["root", "root"]);
    } finally {
      host.remove();
    }
  });
});

describe("a look at a machine", function () {
  this.timeout(30_000);
  let host: NotingHost;
  let plan: MachinePlan;
  const look = async () => {
    const { code, stdout, stderr } = await host.look(plan);
    assert.equal(code, 0, stderr);
    return stdout.trim().split("\n");
  };

  beforeEach(async () => {
    host = new NotingHost(planWith().name);
    plan = planWith({
      kernel: host.kernel,
      initrd: host.kernel,
      disks: [],
      interfaces: [],
    });
    assert.equal((await host.apply(plan)).code, 0);
  });
  afterEach(async () => {
    await host.apply(plan, false);
    host.remove();
  });

  it("finds nothing where it runs as declared, also when it has ended once", async () => {
    assert.deepEqual(await look(), ["state active"]);
    host.says({ NRestarts: "1" });
    assert.deepEqual(await look(), ["state active"]);
  });

  it("does not take it for running between two starts", async () => {
    host.says({
      ActiveState: "activating",
      SubState: "auto-restart",
      NRestarts: "7",
    });
    assert.deepEqual(await look(), [
      "state restarting",
      "drift the hypervisor has ended, and systemd starts it again: 7 times so far",
    ]);
  });

  it("nor where it is active for the moment that it takes to end again", async () => {
    host.says({ NRestarts: "7", SubState: "running" });
    setTimeout(() => host.says({ SubState: "auto-restart" }), 700);
    assert.equal((await look())[0], "state restarting");
  });

  it("lets one be that systemd is starting for long", async () => {
    host.says({ ActiveState: "activating", SubState: "start-pre" });
    assert.deepEqual(await look(), ["state activating"]);
  });
});
