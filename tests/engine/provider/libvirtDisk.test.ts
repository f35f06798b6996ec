import assert from "node:assert/strict";
import execa from "execa";
import * as path from "node:path";

import { TestPool, URI, virsh, volumes } from "../../support/hypervisor";
import { OpsProgram } from "./opsProgram";

const KEPT = "corral-ops-disk-data-db-kept-01234567.qcow2";
const PASSING = "corral-ops-disk-data-tmp-01234567.qcow2";
const MIB = 1024 ** 2;

// One program through its life; each step stands on the one before, so a failed one fails the rest.
describe("LibvirtDisk on the real libvirt daemon", function () {
  this.bail(true);
  let pool: TestPool;
  let program: OpsProgram;

  before(async () => {
    pool = await TestPool.make();
    program = await OpsProgram.make();
  });

  after(async () => {
    await program.remove();
    await pool.remove();
  });

  const declare = (mib: number, keep: boolean) =>
    program.declare(
      ...[KEPT, PASSING].map((name) => ({
        type: "LibvirtDisk",
        name: name === KEPT ? "db" : "tmp",
        args: {
          uri: URI,
          pool: pool.name,
          name,
          sizeBytes: mib * MIB,
          keep: keep && name === KEPT,
        },
      })),
    );
  const succeeds = async (...args: string[]): Promise<string> => {
    const { exitCode, output } = await program.run(
      ...args,
      "--skip-preview",
      "--non-interactive",
      "--yes",
    );
    assert.equal(exitCode, 0, output);
    return output;
  };
  const capacity = async (name: string) =>
    /Capacity: +(.*)/.exec(await virsh("vol-info", name, pool.name))?.[1];

  it("takes up what a cut-off run made and nothing was written into", async () => {
    const size = ["--capacity", "8M", "--format", "qcow2"];
    await virsh("vol-create-as", pool.name, KEPT, ...size);
    declare(8, true);
    assert.match(await succeeds("up"), /\+ 3 created/);
    assert.equal(await capacity(PASSING), "8.00 MiB");
    assert.match(await succeeds("refresh"), /3 unchanged/);
    assert.match(await succeeds("up"), /3 unchanged/);
  });

  it("grows where no machine has it", async () => {
    declare(12, true);
    assert.match(await succeeds("up"), /~ 2 updated/);
    assert.deepEqual(
      [await capacity(KEPT), await capacity(PASSING)],
      ["12.00 MiB", "12.00 MiB"],
    );
  });

  it("leaves one as it is that somebody grew by hand", async () => {
    const grown = ["vol-resize", PASSING, "16M", "--pool", pool.name];
    await virsh(...grown);
    assert.match(await succeeds("refresh"), /3 unchanged/);
    declare(14, true);
    await succeeds("up");
    assert.equal(await capacity(PASSING), "16.00 MiB");
  });

  it("makes one again that was removed by hand", async () => {
    await virsh("vol-delete", PASSING, "--pool", pool.name);
    assert.match(await succeeds("refresh"), /- 1 deleted/);
    await succeeds("up");
    assert.equal(await capacity(PASSING), "14.00 MiB");
  });

  it("does not lose one to keep out of sight when its pool is off or missing", async () => {
    const target = ["dir", "--target", pool.path];
    const seesNothing = async (why: RegExp) => {
      const { exitCode, output } = await program.run(
        ...["refresh", "--yes", "--skip-preview", "--non-interactive"],
      );
      assert.notEqual(exitCode, 0);
      assert.match(output, why);
    };
    await virsh("pool-destroy", pool.name);
    await seesNothing(/has no pool "corral-test-/);
    await virsh("pool-define-as", pool.name, ...target);
    await seesNothing(/is not active; start it by: virsh .* pool-start/);
    await virsh("pool-undefine", pool.name);
    await virsh("pool-create-as", pool.name, ...target);
    assert.doesNotMatch(await succeeds("up"), /LibvirtDisk db/);
    assert.match(await succeeds("refresh"), /3 unchanged/);
  });

  it("leaves the one to keep where it is, and removes the other", async () => {
    await execa("qemu-io", [
      ...["-c", "write -P 0x5a 0 64k", path.join(pool.path, KEPT)],
    ]);
    await succeeds("destroy");
    assert.deepEqual((await volumes(pool.name)).sort(), [TestPool.IMAGE, KEPT]);
  });

  it("never takes it up again by itself", async () => {
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, new RegExp(`exists already .*adopt: ${KEPT}`));
    assert.ok((await volumes(pool.name)).includes(KEPT));
  });
});
