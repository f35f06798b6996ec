import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as fc from "fast-check";
import {
  isLeasable,
  leaseRange,
  lowestFree,
  netmask,
  roomOf,
} from "@corral-iac/corral/core/microvm/subnet";
import { machinePaths } from "@corral-iac/corral/core/microvm/paths";
import {
  Answer,
  recordText,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  freeScript,
  leaseScript,
  lookScript,
} from "@corral-iac/corral/core/microvm/scripts/leases";
import type { Leaseholder } from "@corral-iac/corral/core/microvm/scripts/leases";

import { ScratchHost } from "./scratchHost";

const range = leaseRange("10.9.0.0/29", "10.9.0.1") ?? assert.fail();

function holder(number: number): Leaseholder {
  const name = `m${number}`;
  return {
    stamp: {
      id: number.toString(16).padStart(16, "0"),
      project: "corral",
      stack: "test",
      component: "MicroVm",
      name,
    },
    machine: `corral-test-${name}`,
    nic: 0,
  };
}

describe("the addresses of a subnet", () => {
  it("are all but its first and last one, and the gateway", () => {
    assert.equal(roomOf(range), 5);
    assert.deepEqual(
      ["10.9.0.0", "10.9.0.1", "10.9.0.2", "10.9.0.6", "10.9.0.7"].map(
        (address) => isLeasable(address, range),
      ),
      [false, false, true, true, false],
    );
    assert.deepEqual([8, 24, 29].map(netmask), [
      "255.0.0.0",
      "255.255.255.0",
      "255.255.255.248",
    ]);
  });

  it("have no more room than addresses that can be leased one after the other", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 24, max: 30 }),
        fc.nat(255),
        (prefix, gateway) => {
          const some = leaseRange(`10.9.0.0/${prefix}`, `10.9.0.${gateway}`);
          const taken = new Set<string>();
          for (
            let next = some && lowestFree(some, taken);
            some && next !== undefined;
            next = lowestFree(some, taken)
          ) {
            assert.ok(isLeasable(next, some) && !taken.has(next));
            taken.add(next);
          }
          assert.equal(taken.size, some && roomOf(some));
        },
      ),
    );
  });
});

describe("the lease of an address, by the real shell", function () {
  this.timeout(60_000);
  let host: ScratchHost;
  let leases: string;

  beforeEach(() => {
    host = new ScratchHost();
    leases = host.makeNetwork("default");
  });
  afterEach(() => host.remove());

  const lease = async (number: number, address?: string) => {
    const wish = { network: "default", range, address, holder: holder(number) };
    const run = await host.run(leaseScript(wish, host.paths));
    return { ...run, address: new Answer(run.stdout).get("address") };
  };
  const free = (number: number, address: string) =>
    host.run(freeScript("default", address, holder(number), host.paths));
  const leased = () => (fs.existsSync(leases) ? fs.readdirSync(leases) : []);

  it("is the lowest free one, in any sequence of leasing and setting free", async () => {
    const step = fc.record({
      machine: fc.nat(6),
      frees: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        fs.rmSync(leases, { recursive: true, force: true });
        const model = new Map<number, string>();
        for (const { machine, frees } of steps) {
          const has = model.get(machine);
          if (frees && has !== undefined) {
            assert.equal((await free(machine, has)).code, 0);
            model.delete(machine);
          } else {
            const wanted = has ?? lowestFree(range, new Set(model.values()));
            const { code, address, stderr } = await lease(machine);
            assert.equal(address, wanted);
            if (wanted === undefined) {
              assert.equal(code, 65);
              assert.match(stderr, /all 5 are leased/);
            } else {
              model.set(machine, wanted);
            }
          }
          assert.deepEqual(leased().sort(), [...model.values()].sort());
        }
      }),
      { numRuns: 15 },
    );
  });

  it("is nobody else's, and none is lost, when all ask at the same moment", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(20), { minLength: 2, maxLength: 5 }),
        fc.subarray([0, 1, 2, 3, 4]),
        async (machines, leaving) => {
          fs.rmSync(leases, { recursive: true, force: true });
          const first = await Promise.all(machines.map((one) => lease(one)));
          const got = first.map(({ address }) => address ?? "");
          assert.deepEqual(
            [...got].sort(),
            ["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"].slice(
              0,
              machines.length,
            ),
          );
          // Some go while others ask again: who has one keeps it.
          const again = await Promise.all(
            machines.map(async (one, index) => {
              if (leaving.includes(index)) {
                await free(one, got[index] ?? "");
                return undefined;
              }
              return (await lease(one)).address;
            }),
          );
          assert.deepEqual(
            again,
            got.map((address, index) =>
              leaving.includes(index) ? undefined : address,
            ),
          );
          assert.equal(
            leased().length,
            again.filter((address) => address !== undefined).length,
          );
        },
      ),
      { numRuns: 8 },
    );
  });

  it("is unique and low at every moment of any sequences of clients that run side by side", async () => {
    const steps = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 2, maxLength: 4 }),
        async (clients) => {
          fs.rmSync(leases, { recursive: true, force: true });
          const held = new Map<string, number>();
          // With as many holders, one of the first so many addresses is free.
          const low = new Set(
            [2, 3, 4, 5].slice(0, clients.length).map((n) => `10.9.0.${n}`),
          );
          await Promise.all(
            clients.map(async (asks, client) => {
              let has: string | undefined;
              for (const ask of asks) {
                if (ask) {
                  const { address = "" } = await lease(client);
                  assert.ok(low.has(address), address);
                  assert.equal(address, has ?? address);
                  assert.equal(held.get(address) ?? client, client);
                  held.set(address, client);
                  has = address;
                } else if (has !== undefined) {
                  held.delete(has);
                  assert.equal((await free(client, has)).code, 0);
                  has = undefined;
                }
              }
            }),
          );
          assert.deepEqual(leased().sort(), [...held.keys()].sort());
        },
      ),
      { numRuns: 10 },
    );
  });

  it("is the wanted one, and another one than before sets that free", async () => {
    assert.equal((await lease(1)).address, "10.9.0.2");
    assert.equal((await lease(1, "10.9.0.5")).address, "10.9.0.5");
    assert.deepEqual(leased(), ["10.9.0.5"]);
    const other = await lease(2, "10.9.0.5");
    assert.equal(other.code, 75);
    assert.match(other.stdout, /"name": "m1"/);
  });

  it("is one again where its change was cut off between the new one and the old one", async () => {
    await lease(1);
    for (const wanted of ["10.9.0.5", undefined]) {
      fs.copyFileSync(`${leases}/${leased()[0]}`, `${leases}/10.9.0.5`);
      const { code, address = "" } = await lease(1, wanted);
      assert.equal(code, 0);
      assert.deepEqual(leased(), [address]);
    }
  });

  it("stands after a kill at any moment, once it is asked for again", async () => {
    const wish = { network: "default", range, holder: holder(3) };
    for (const killAfter of [2, 6, 10, 15, 25]) {
      await host.run(leaseScript(wish, host.paths), { killAfter });
      assert.equal((await lease(3)).address, "10.9.0.2");
      assert.deepEqual(leased(), ["10.9.0.2"]);
      await free(3, "10.9.0.2");
    }
  });

  it("is looked at, and set free only by its holder", async () => {
    await lease(1);
    const look = async (number: number, address: string) => {
      const script = lookScript("default", address, holder(number), host.paths);
      return (await host.run(script)).stdout.trim();
    };
    assert.equal(await look(1, "10.9.0.2"), "lease ours");
    assert.equal(await look(2, "10.9.0.2"), "lease other");
    assert.equal(await look(1, "10.9.0.3"), "lease none");
    await free(2, "10.9.0.2");
    assert.equal(await look(1, "10.9.0.2"), "lease ours");
  });

  it("is the preferred one where that is free and in the subnet, else the lowest", async () => {
    const preferring = async (number: number, preferred: string) => {
      const wish = {
        network: "default",
        range,
        preferred,
        holder: holder(number),
      };
      const run = await host.run(leaseScript(wish, host.paths));
      return new Answer(run.stdout).must("address");
    };
    assert.equal(await preferring(1, "10.9.0.5"), "10.9.0.5");
    assert.equal(await preferring(2, "10.9.0.5"), "10.9.0.2");
    assert.equal(await preferring(3, "10.88.0.5"), "10.9.0.3");
    // Who has one keeps it.
    assert.equal(await preferring(2, "10.9.0.6"), "10.9.0.2");
  });

  it("stays while its holder's machine is there with it", async () => {
    await lease(1);
    const { stamp, machine } = holder(1);
    const { folder, record } = machinePaths(machine, host.paths);
    fs.mkdirSync(folder, { recursive: true });
    const write = (address: string) =>
      fs.writeFileSync(
        record,
        recordText(stamp, { interfaces: [{ address }] }),
      );
    write("10.9.0.2");
    await free(1, "10.9.0.2");
    assert.deepEqual(leased(), ["10.9.0.2"]);
    write("10.9.0.3");
    await free(1, "10.9.0.2");
    assert.deepEqual(leased(), []);
  });

  it("is given up for the lowest free one where the subnet or the gateway has become another", async () => {
    const leaseIn = async (number: number, subnet: string, gateway: string) => {
      const next = leaseRange(subnet, gateway) ?? assert.fail();
      const wish = { network: "default", range: next, holder: holder(number) };
      const run = await host.run(leaseScript(wish, host.paths));
      return new Answer(run.stdout).must("address");
    };
    await lease(1);
    await lease(2);
    // Both are in the larger subnet, and stay.
    assert.equal(await leaseIn(1, "10.9.0.0/24", "10.9.0.1"), "10.9.0.2");
    // What the gateway has now is no machine's any more.
    assert.equal(await leaseIn(1, "10.9.0.0/29", "10.9.0.2"), "10.9.0.1");
    assert.equal(await leaseIn(2, "10.9.0.0/29", "10.9.0.2"), "10.9.0.3");
    assert.equal(await leaseIn(2, "10.88.0.0/24", "10.88.0.1"), "10.88.0.2");
    assert.equal(await leaseIn(1, "10.88.0.0/24", "10.88.0.1"), "10.88.0.3");
    assert.deepEqual(leased().sort(), ["10.88.0.2", "10.88.0.3"]);
    assert.equal(await leaseIn(2, "10.88.0.0/24", "10.88.0.1"), "10.88.0.2");
  });

  it("needs the network", async () => {
    const wish = { network: "other", range, holder: holder(1) };
    const { code, stderr } = await host.run(leaseScript(wish, host.paths));
    assert.equal(code, 65);
    assert.match(
      stderr,
      /there is no network other; it is made by MicroVmHost/,
    );
  });
});
