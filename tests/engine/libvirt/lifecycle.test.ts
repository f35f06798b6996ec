import assert from "node:assert/strict";
import { type Census, census, diffCensus } from "@corral-iac/tools/lab/census";
import { withClone } from "../../support/clone";
import { blankMachine, fleetOf } from "../../support/fleets";
import { domains, TestPool, virsh, volumes } from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

const NO_CHANGES = /\bunchanged\b/;

// One stack through its life; each step stands on the one before, so a failed one fails the rest.
describe("a LibvirtVm through the real engine and provider", function () {
  this.bail(true);
  let pool: TestPool;
  let stack: TestStack;
  let censusBefore: Census;

  before(async () => {
    censusBefore = await census();
    pool = await TestPool.make();
    stack = await TestStack.make("life");
    stack.declare(fleetOf({ web: blankMachine(pool) }));
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
    // Others may come and go on this machine meanwhile.
    const difference = diffCensus(censusBefore, await census());
    assert.deepEqual(
      difference.filter(
        (line) =>
          line.startsWith("left behind") &&
          (line.includes("corral-life") || line.includes(pool.name)),
      ),
      [],
    );
  });

  it("makes the machine, its disks and its network, all with the owner's stamp", async () => {
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);

    assert.deepEqual(await domains("life"), ["corral-life-web"]);
    const xml = await virsh("dumpxml", "corral-life-web");
    const id = /<corral:stamp [^>]*id="([0-9a-f]{16})"/.exec(xml)?.[1];
    assert.ok(id, `no stamp in\n${xml}`);
    assert.match(
      xml,
      /project="corral" stack="life" component="LibvirtVm" name="web"/,
    );
    assert.doesNotMatch(xml, /<graphics/);
    const names = await volumes(pool.name);
    for (const kind of ["root", "cloudinit"]) {
      assert.ok(
        names.some((name) =>
          name.startsWith(`corral-life-web-${kind}-${id.slice(0, 8)}`),
        ),
        `${kind} among ${names.join(", ")}`,
      );
    }
    assert.match(
      await virsh("net-dumpxml", "corral-life-host-lan"),
      /<corral:stamp [^>]*component="LibvirtNetwork"/,
    );
    assert.match(
      await virsh("dominfo", "corral-life-web"),
      /Autostart:\s+enable/,
    );
  });

  it("exports the machine's name, id, MAC address and connection", async () => {
    const { machines } = await stack.outputs<{
      machines: Record<string, Record<string, unknown>>;
    }>();
    const { web } = machines;
    assert.equal(web?.name, "corral-life-web");
    assert.equal(web?.id, await virsh("domuuid", "corral-life-web"));
    assert.match(String(web?.macAddress), /^52(:[0-9a-f]{2}){5}$/);
    assert.ok(
      (await virsh("domiflist", "corral-life-web")).includes(
        String(web?.macAddress),
      ),
    );
    assert.match(JSON.stringify(web?.connection), /"hostKey":"ssh-ed25519 /);
  });

  it("has nothing to change at a second preview", async () => {
    const { exitCode, output } = await stack.preview("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.match(output, NO_CHANGES);
  });

  it("has nothing to change seen from a second clone", async () => {
    await withClone(async (clone) => {
      const other = await TestStack.make("life", clone, stack);
      const { exitCode, output } = await other.preview("--expect-no-changes");
      assert.equal(exitCode, 0, output);
    });
  });

  it("changes memory by a new domain on the same root disk, with the same MAC address", async () => {
    const root = (await volumes(pool.name)).find((name) =>
      name.includes("-root-"),
    );
    const inode = await diskInode(pool, root);
    const mac = await virsh("domiflist", "corral-life-web");
    stack.declare(fleetOf({ web: blankMachine(pool, { memoryMib: 96 }) }));
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.match(
      await virsh("dominfo", "corral-life-web"),
      /Max memory:\s+98304 KiB/,
    );
    assert.equal(await diskInode(pool, root), inode);
    assert.equal(
      macOf(await virsh("domiflist", "corral-life-web")),
      macOf(mac),
    );
  });

  it("stops a machine that shall not run, and starts it again, without making it anew", async () => {
    const uuid = await virsh("domuuid", "corral-life-web");
    stack.declare(
      fleetOf({
        web: blankMachine(pool, {
          memoryMib: 96,
          running: false,
          ready: undefined,
        }),
      }),
    );
    const stopped = await stack.up();
    assert.equal(stopped.exitCode, 0, stopped.output);
    assert.equal(await virsh("domstate", "corral-life-web"), "shut off");

    stack.declare(fleetOf({ web: blankMachine(pool, { memoryMib: 96 }) }));
    const started = await stack.up();
    assert.equal(started.exitCode, 0, started.output);
    assert.equal(await virsh("domstate", "corral-life-web"), "running");
    assert.equal(await virsh("domuuid", "corral-life-web"), uuid);
  });

  it("changes autostart of a machine that is off, and leaves it off", async () => {
    const off = (autostart: boolean) =>
      fleetOf({
        web: blankMachine(pool, {
          memoryMib: 96,
          running: false,
          autostart,
          ready: undefined,
        }),
      });
    const info = () => virsh("dominfo", "corral-life-web");
    stack.declare(off(false));
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.match(await info(), /State:\s+shut off\n[^]*Autostart:\s+disable/);

    await virsh("autostart", "corral-life-web");
    const refreshed = await stack.refresh();
    assert.match(refreshed.output, /LibvirtPower web-power updated/);
    const mended = await stack.up();
    assert.equal(mended.exitCode, 0, mended.output);
    assert.match(await info(), /State:\s+shut off\n[^]*Autostart:\s+disable/);

    stack.declare(fleetOf({ web: blankMachine(pool, { memoryMib: 96 }) }));
    assert.equal((await stack.up()).exitCode, 0);
    assert.match(await info(), /State:\s+running\n[^]*Autostart:\s+enable/);
  });

  it("brings back a machine that was stopped by hand", async () => {
    await virsh("destroy", "corral-life-web");
    const { exitCode, output } = await stack.up("--refresh");
    assert.equal(exitCode, 0, output);
    assert.equal(await virsh("domstate", "corral-life-web"), "running");
  });

  it("brings back a domain that was destroyed and undefined by hand", async () => {
    await virsh("destroy", "corral-life-web");
    await virsh("undefine", "corral-life-web", "--nvram");
    const refreshed = await stack.refresh();
    assert.equal(refreshed.exitCode, 0, refreshed.output);
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.equal(await virsh("domstate", "corral-life-web"), "running");
    const again = await stack.preview("--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });

  it("shows a change of cloud-init only when the user wants the machine replaced for it", async () => {
    const cloudInit = { packages: ["htop"] };
    stack.declare(
      fleetOf({ web: blankMachine(pool, { memoryMib: 96, cloudInit }) }),
    );
    const ignored = await stack.preview();
    // The component's own line tells the reviewer; none of its resources changes.
    assert.match(ignored.output, /LibvirtVm web update \[diff: \+cloudInit\]/);
    assert.match(
      ignored.output,
      /AppliedRevision web-made-from update \[diff: ~revision\]/,
    );
    assert.match(ignored.output, /~ 2 to update\n\s+14 unchanged/);
    assert.equal((await stack.up()).exitCode, 0);

    stack.declare(
      fleetOf({
        web: blankMachine(pool, {
          memoryMib: 96,
          cloudInit,
          onCloudInitChange: "replace",
        }),
      }),
    );
    const replaced = await stack.preview();
    assert.match(replaced.output, /web-root replace/);
    assert.match(replaced.output, /web-domain replace/);
  });

  it("destroys everything that it made", async () => {
    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await domains("life"), []);
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
  });
});

async function diskInode(
  pool: TestPool,
  volume: string | undefined,
): Promise<number> {
  const { statSync } = await import("node:fs");
  return statSync(`${pool.path}/${volume}`).ino;
}

function macOf(interfaces: string): string | undefined {
  return /([0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(interfaces)?.[0];
}
