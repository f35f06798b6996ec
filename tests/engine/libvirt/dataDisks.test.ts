import assert from "node:assert/strict";
import * as path from "node:path";
import execa from "execa";
import type { PulumiRun } from "@corral-iac/tools/stack/pulumiStack";
import { blankMachine, fleetOf } from "../../support/fleets";
import {
  domains,
  removeDomains,
  TestPool,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

const CIDR = "10.140.1.0/24";
const WEB = "corral-data-web";
const DB_FORM = /^corral-data-web-data-db-kept-[0-9a-f]{8}\.qcow2$/;
const MIB_IN_GIB = 1 / 1024;

/** What a domain has for disks: serial number and volume by device. */
async function disksOf(domain: string): Promise<Record<string, string>> {
  const xml = await virsh("dumpxml", domain);
  const disks = [...xml.matchAll(/<disk type='volume'[\s\S]*?<\/disk>/g)];
  return Object.fromEntries(
    disks.map(([disk]) => [
      /target dev='(\w+)'/.exec(disk)?.[1] ?? "",
      `${/<serial>(.*)<\/serial>/.exec(disk)?.[1] ?? ""} ${/volume='([^']+)'/.exec(disk)?.[1] ?? ""}`,
    ]),
  );
}

async function succeeds(run: Promise<PulumiRun>): Promise<string> {
  const { exitCode, output } = await run;
  assert.equal(exitCode, 0, output);
  return output;
}

async function fails(run: Promise<PulumiRun>, why: RegExp): Promise<void> {
  const { exitCode, output } = await run;
  assert.notEqual(exitCode, 0, output);
  assert.match(output, why);
}

// One stack through its life; each step stands on the one before, so a failed one fails the rest.
describe("data disks of a LibvirtVm", function () {
  this.bail(true);
  let pool: TestPool;
  let stack: TestStack;
  let other: TestStack;
  /** Name of the volume of the disk `db`. */
  let db: string;
  let root: string;
  let machine: string;

  const disk = (mib: number, changes: object = {}) => ({
    name: "db",
    sizeGib: mib * MIB_IN_GIB,
    ...changes,
  });
  const scratch = { name: "scratch", sizeGib: 4 * MIB_IN_GIB, keep: false };
  const machineWith = (...dataDisks: object[]) =>
    blankMachine(pool, { dataDisks });
  const declare = (machines: Record<string, unknown>) =>
    stack.declare(fleetOf(machines, CIDR));
  const file = (volume: string) => path.join(pool.path, volume);
  const capacity = async (volume: string) =>
    /Capacity: +(.*)/.exec(await virsh("vol-info", volume, pool.name))?.[1];
  const reported = async () => {
    const { exitCode, stdout } = await stack.corralOutput("orphans", "--json");
    assert.equal(exitCode, 0, stdout);
    const { kept } = JSON.parse(stdout) as {
      kept: { name: string; usedBy?: string }[];
    };
    return kept.map(({ name, usedBy }) => [name, usedBy]);
  };

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("data");
    other = await TestStack.make("data2");
  });

  after(async () => {
    await removeDomains("data");
    await removeDomains("data2");
    await stack.remove();
    await other.remove();
    await pool.remove();
  });

  it("are made with their size, and known to the guest by their names", async () => {
    declare({ web: machineWith(disk(20), scratch) });
    await succeeds(stack.up());
    const disks = await disksOf(WEB);
    db = disks.vdb?.replace(/^db /, "") ?? "";
    root = disks.vda?.trim() ?? "";
    machine = await virsh("domuuid", WEB);
    assert.match(db, DB_FORM);
    assert.match(
      disks.vdc ?? "",
      /^scratch corral-data-web-data-scratch-[0-9a-f]{8}\.qcow2$/,
    );
    assert.equal(await capacity(db), "20.00 MiB");
    await succeeds(stack.refresh());
    await succeeds(stack.preview("--expect-no-changes"));
  });

  it("grow in place, under the running machine", async () => {
    declare({ web: machineWith(disk(40), scratch) });
    await succeeds(stack.up());
    assert.equal(await virsh("domuuid", WEB), machine);
    assert.match(await virsh("domblkinfo", WEB, "vdb"), /Capacity: +41943040/);
    assert.equal(await capacity(db), "40.00 MiB");
    await succeeds(stack.refresh());
    await succeeds(stack.preview("--expect-no-changes"));
  });

  it("are not made smaller", async () => {
    declare({ web: machineWith(disk(30), scratch) });
    await fails(
      stack.preview(),
      /sizeBytes is 30\.0 MiB, must be at least 40\.0 MiB, which the disk has/,
    );
  });

  it("stay where they are when one is taken out, and the one to keep outlives it", async () => {
    declare({ web: machineWith(scratch) });
    await succeeds(stack.up());
    assert.notEqual(await virsh("domuuid", WEB), machine);
    const { vda, vdb, vdc } = await disksOf(WEB);
    assert.deepEqual(
      [vda?.trim(), vdb?.split(" ")[0], vdc],
      [root, "scratch", undefined],
    );
    assert.deepEqual(await reported(), [[db, undefined]]);
    // Nobody has it now: data is put on it, by which it is known again.
    await execa("qemu-io", ["-c", "write -P 0x5a 0 64k", file(db)]);
  });

  it("are not taken up by a disk that only has their name", async () => {
    declare({ web: machineWith(scratch, disk(40)) });
    await fails(stack.up(), new RegExp(`exists already .* adopt: ${db}`));
    await holdsData();
  });

  it("are taken up with their data by another machine that names them", async () => {
    declare({
      web: machineWith(scratch),
      app: machineWith(disk(50, { adopt: db })),
    });
    await succeeds(stack.up());
    assert.equal((await disksOf("corral-data-app")).vdb, `db ${db}`);
    assert.equal(await capacity(db), "50.00 MiB");
    await holdsData();
    declare({ web: machineWith(scratch), app: machineWith(disk(50)) });
    await succeeds(stack.up());
    assert.equal((await disksOf("corral-data-app")).vdb, `db ${db}`);
    await succeeds(stack.preview("--expect-no-changes"));
  });

  it("are not taken out of a machine that uses them", async () => {
    other.declare(
      fleetOf({ thief: machineWith(disk(50, { adopt: db })) }, "10.140.2.0/24"),
    );
    await fails(
      other.up(),
      /is in use by the domain "corral-data-app" of LibvirtVm "app" of corral\/data/,
    );
  });

  it("stay when their stack is destroyed, but for those that are not to be kept", async () => {
    await succeeds(stack.destroy());
    assert.deepEqual(await domains("data"), []);
    const own = (await volumes(pool.name)).filter((name) =>
      name.startsWith("corral-data-"),
    );
    assert.deepEqual(own, [db]);
    await holdsData();
    assert.deepEqual(await reported(), [[db, undefined]]);
  });

  it("are taken up by another stack, and are told to be in use then", async () => {
    await succeeds(other.up());
    assert.equal((await disksOf("corral-data2-thief")).vdb, `db ${db}`);
    await holdsData();
    assert.deepEqual(await reported(), [[db, "domain corral-data2-thief"]]);
  });

  async function holdsData(): Promise<void> {
    const read = ["-r", "-U", "-c", "read -P 0x5a 0 64k", file(db)];
    const { stdout } = await execa("qemu-io", read);
    assert.doesNotMatch(stdout, /Pattern verification failed/);
  }
});
