import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { hostPaths, volumePaths } from "@corral-iac/corral/core/microvm/paths";
import * as images from "@corral-iac/corral/core/microvm/scripts/images";
import * as leases from "@corral-iac/corral/core/microvm/scripts/leases";
import {
  applyScript,
  removeMachineScript,
} from "@corral-iac/corral/core/microvm/scripts/machineScripts";
import * as networks from "@corral-iac/corral/core/microvm/scripts/network";
import * as volumes from "@corral-iac/corral/core/microvm/scripts/volumes";
import { leaseRange } from "@corral-iac/corral/core/microvm/subnet";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { ensureTinyGuest } from "@corral-iac/tools/lab/host/images";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { CutScripts } from "../../support/cutScripts";
import { type HostCensus, hostCensus } from "../../support/labHost";
import { planWith } from "../../unit/microvm/plans";

/** Something on a host that one script makes and another one removes. */
interface Thing {
  readonly make: string;
  readonly remove: string;
  /** What the making finds on its standard input. */
  readonly input?: string;
  /** Others do not need it. */
  readonly isMachine?: boolean;
  /** The first program at which it is cut off. Default 1. */
  readonly from?: number;
}

const subnet = "10.63.0.0/24";
const gateway = "10.63.0.1";
const range = leaseRange(subnet, gateway) ?? assert.fail();
const { stamp } = planWith();
const machine = "corral-dev-web";
const seed = "documents";
const content = "a kernel";
const use = {
  sha256: createHash("sha256").update(content).digest("hex"),
  user: `${stamp.id}-12345678`,
};
const volume = {
  stamp,
  machine,
  volume: "data",
  sizeBytes: 8 * 1024 ** 2,
  keep: false,
};
const network = {
  name: "default",
  stamp,
  token: "0011223344556677",
  subnet,
  gateway,
  nat: true,
};
const holder = { stamp, machine, nic: 0 };
const plan = planWith({
  kernel: "/srv/vmlinuz",
  initrd: "/srv/initrd",
  memoryMib: 96,
  stopTimeoutSeconds: 1,
  disks: [
    {
      name: "data",
      path: volumePaths(machine, "data", hostPaths).file,
      readOnly: false,
      grows: true,
      revision: "1",
    },
  ],
  interfaces: [
    {
      network: "default",
      address: "10.63.0.2",
      gateway,
      prefix: 24,
      mac: "52:54:00:12:34:56",
    },
  ],
});

/** In the order in which they are made. */
const things: Readonly<Record<string, Thing>> = {
  network: {
    make: networks.networkApplyScript(network, hostPaths),
    remove: networks.networkRemoveScript(network, hostPaths),
  },
  lease: {
    make: leases.leaseScript({ network: "default", range, holder }, hostPaths),
    remove: leases.freeScript("default", "10.63.0.2", holder, hostPaths),
  },
  image: {
    make: `( ${images.claimScript(use, hostPaths)} )\n${images.uploadScript(use, hostPaths)}`,
    remove: images.releaseScript(use, hostPaths),
    input: content,
  },
  volume: {
    make: volumes.makeScript(volume, hostPaths),
    remove: volumes.removeScript(volume, hostPaths),
  },
  "machine that is off": {
    make: applyScript(
      plan,
      { running: false, seedBytes: seed.length },
      hostPaths,
    ),
    remove: removeMachineScript(machine, stamp, hostPaths),
    input: seed,
    isMachine: true,
  },
  // It is made like one that is off, and then started.
  machine: {
    make: applyScript(
      plan,
      { running: true, seedBytes: seed.length },
      hostPaths,
    ),
    remove: removeMachineScript(machine, stamp, hostPaths),
    input: seed,
    isMachine: true,
    from: 28,
  },
};

// What a plugin, a connection or a host leaves that goes away in the middle of a step.
describe("the scripts on a host of microVMs, cut off at each program that they run", function () {
  this.timeout(1_200_000);
  let host: LabHost;
  let scripts: CutScripts;

  before(async () => {
    host = await LabHost.start();
    scripts = new CutScripts(host);
    await scripts.install();
    const guest = await ensureTinyGuest();
    host.put(guest.kernel, plan.kernel);
    host.put(guest.initrd, plan.initrd ?? "");
  });
  after(async () => {
    await host.remove();
  });

  for (const [place, [kind, thing]] of Object.entries(things).entries()) {
    const { make, remove, input, from = 1 } = thing;
    it(`make the ${kind} at the second try, and take away what there is of it`, async () => {
      const census = async (): Promise<HostCensus> => hostCensus(host);
      const run = async (script: string, data?: string) => {
        const { code, output, programs } = await scripts.run(script, 0, data);
        assert.equal(code, 0, output);
        return programs;
      };
      const same = async (wanted: HostCensus, what: string) =>
        assert.deepEqual(diffCensus(wanted, await census()), [], what);

      for (const needed of Object.values(things).slice(0, place)) {
        await (needed.isMachine
          ? run(needed.remove)
          : run(needed.make, needed.input));
      }
      const without = await census();
      const programs = await run(make, input);
      const whole = await census();
      const programsToRemove = await run(remove);
      await same(without, "made and removed");
      console.log(
        `      ${kind}: ${programs} programs to make it, ${programsToRemove} to remove it`,
      );
      for (
        let at = from;
        at <= Math.max(programs, from - 1 + programsToRemove);
        at += 1
      ) {
        if (at <= programs) {
          await scripts.run(make, at, input);
          await run(remove);
          await same(without, `cut off at ${at}, and removed`);
        }
        await scripts.run(make, at, input);
        await run(make, input);
        await same(whole, `cut off at ${at}, and made again`);
        await scripts.run(remove, at - from + 1);
        await run(remove);
        await same(without, `its removal cut off at ${at}, and done again`);
      }
    });
  }

  it("leave nothing of all that", async () => {
    for (const { remove } of Object.values(things).reverse()) {
      const { code, output } = await scripts.run(remove);
      assert.equal(code, 0, output);
    }
    assert.equal(
      await host.exec(
        "find /var/lib/corral /run/corral-microvm /etc/systemd/system -name '*corral*' -o -path '*/corral/*' 2>/dev/null || true",
      ),
      "",
    );
  });
});
