import assert from "node:assert/strict";
import { findSurvivors } from "@corral-iac/cli/recovery/survivors";
import { becomes } from "@corral-iac/tools/lab/processes";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";
import { RunningUp } from "../../support/runningUp";
import { REPOSITORY } from "../../support/testStack";

const NAME = "pvekilled";

describe("an engine that is killed while Proxmox VE clones", () => {
  let bench: ProxmoxStack;

  before(async () => {
    bench = await ProxmoxStack.make(NAME, { taskMs: { qmclone: 3000 } });
  });

  after(async () => {
    await bench.remove();
  });

  const clones = () =>
    bench.proxmox.tasks.filter(({ type }) => type === "qmclone");
  const machines = () =>
    bench.proxmox.machines.map(({ config }) => config.name ?? "");
  const survivors = () =>
    findSurvivors({
      programFolder: REPOSITORY,
      project: "corral",
      stack: NAME,
    }).map(({ name }) => name);

  /** Kills the engine in the middle of its next clone. */
  async function killInClone(): Promise<void> {
    const before = clones().length;
    const up = RunningUp.start(bench.stack);
    const isCloning = await becomes(() => clones().length > before, 90);
    assert.ok(isCloning, up.output);
    await up.kill();
    assert.equal(clones().at(-1)?.exitStatus, undefined, "it was too late");
  }

  it("leaves a provider and a clone behind that corral up ends and removes, and goes on", async () => {
    bench.declare({ web: bookMachine() });
    await killInClone();
    const names = survivors();
    assert.ok(
      names.some((name) => name.startsWith("terraform-provider-proxmox")),
      `${names}`,
    );

    const { exitCode, output } = await bench.stack.corral("up", "--yes");
    assert.equal(exitCode, 0, output);
    assert.match(output, /Ended terraform-provider-proxmox/);
    assert.match(output, /Waiting for https.*a clone of 9000/);
    assert.match(output, /removed vm corral-pvekilled-web/);
    assert.deepEqual(machines(), ["corral-pvekilled-web"]);
    assert.equal(clones().length, 2);
    assert.deepEqual(survivors(), []);
  });

  it("is told by corral orphans when its provider completes the machine", async () => {
    bench.declare({ web: bookMachine(), db: bookMachine() });
    await killInClone();
    const isComplete = () =>
      bench.proxmox.machines.filter(({ running }) => running).length === 2;
    assert.ok(await becomes(isComplete, 60), "the provider gave up");

    const found = await bench.stack.corralOutput("orphans", "--json");
    assert.equal(found.exitCode, 3, found.stderr);
    const { leftovers } = JSON.parse(found.stdout) as {
      leftovers: { kind: string; name: string; madeFor: string }[];
    };
    assert.deepEqual(
      leftovers.map(({ kind, name }) => [kind, name]),
      [["vm", "corral-pvekilled-db"]],
    );
    assert.match(
      leftovers[0]?.madeFor ?? "",
      /^ProxmoxVm "db" of corral\/pvekilled /,
    );

    const { exitCode, output } = await bench.stack.corral("up", "--yes");
    assert.equal(exitCode, 0, output);
    assert.match(output, /removed vm corral-pvekilled-db/);
    assert.deepEqual(machines().sort(), [
      "corral-pvekilled-db",
      "corral-pvekilled-web",
    ]);
  });

  it("has no leftovers then, and its machines are shown as they are", async () => {
    const orphans = await bench.stack.corral("orphans");
    assert.equal(orphans.exitCode, 0, orphans.output);
    const status = await bench.stack.corral("status");
    assert.equal(status.exitCode, 0, status.output);
    assert.match(
      status.output,
      /web +running +10\..* 1024 MiB .*https:\/\/127\.0\.0\.1:\d+ \(pve\)/,
    );
  });

  it("leaves nothing at Proxmox VE when all is destroyed", async () => {
    const { exitCode, output } = await bench.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(bench.proxmox.leftovers(), []);
    assert.deepEqual(bench.proxmox.unknownCalls, []);
  });
});
