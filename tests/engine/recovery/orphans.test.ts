import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { blankMachine, fleetOf } from "../../support/fleets";
import {
  domains,
  removeDomains,
  TestPool,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

/** A section of what `corral orphans --json` prints. */
type Found = readonly { readonly name: string; readonly usedBy?: string }[];

interface Report {
  readonly leftovers: Found;
  readonly kept: Found;
  readonly unproven: Found;
  readonly missing: readonly { readonly type: string }[];
}

describe("corral orphans", () => {
  const domain = "corral-orphans-web";
  let pool: TestPool;
  let stack: TestStack;
  let stampId: string;

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("orphans");
    stack.declare(fleetOf({ web: blankMachine(pool) }, "10.67.0.0/24"));
    const { exitCode, output } = await stack.corral("up", "--yes");
    assert.equal(exitCode, 0, output);
    const { resources } = await stack.exportedState();
    stampId = String(
      resources.find(({ urn }) => urn.endsWith("::web-stamp"))?.outputs
        ?.stampId,
    );
  });

  after(async () => {
    await stack.remove();
    // What a failed test left out of the state.
    await removeDomains("orphans");
    await pool.remove();
  });

  it("finds nothing where state and hypervisor agree", async () => {
    const { exitCode, output } = await stack.corral("orphans");
    assert.equal(exitCode, 0, output);
    assert.match(output, /state and hypervisors agree/);
  });

  it("corral timeline tells how long each stage took, no stage longer than its run", async () => {
    const { exitCode, stdout, stderr } = await stack.corralOutput(
      "timeline",
      "--json",
    );
    assert.equal(exitCode, 0, stderr);
    const { runs, stages } = JSON.parse(stdout) as {
      runs: { kind: string; result: string; seconds: number }[];
      stages: { component: string; stage: string; seconds: number }[];
    };
    const [first] = runs;
    assert.ok(first);
    assert.deepEqual([first.kind, first.result], ["update", "succeeded"]);
    const machine = stages.find(({ stage }) => stage === "machine");
    assert.equal(machine?.component, "web", stdout);
    assert.ok(machine.seconds <= first.seconds, stdout);
  });

  it("tells leftovers of this stack from those of another of the same name, and of nobody", async () => {
    await plantDomain("corral-orphans-left", stampId);
    await plantDomain("corral-orphans-other", "0123456789abcdef");
    await plantDomain("corral-orphans-nobody", undefined);
    await plantVolume(`corral-orphans-web-data-${stampId.slice(0, 8)}.qcow2`);
    await plantVolume("corral-orphans-web-data-01234567.qcow2");
    await plantVolume(
      `corral-orphans-old-db-kept-${stampId.slice(0, 8)}.qcow2`,
    );
    await plantVolume("somebody.qcow2");

    const { exitCode, report } = await reported();
    assert.equal(exitCode, 3);
    assert.deepEqual(names(report.leftovers), [
      "corral-orphans-left",
      `corral-orphans-web-data-${stampId.slice(0, 8)}.qcow2`,
    ]);
    assert.deepEqual(names(report.unproven), [
      "corral-orphans-other",
      "corral-orphans-web-data-01234567.qcow2",
    ]);
    assert.deepEqual(names(report.kept), [
      `corral-orphans-old-db-kept-${stampId.slice(0, 8)}.qcow2`,
    ]);
    assert.deepEqual(report.missing, []);
  });

  it("shows them as a table, with what they were made for", async () => {
    const { exitCode, output } = await stack.corral("orphans");
    assert.equal(exitCode, 3);
    assert.match(
      output,
      /domain +corral-orphans-left +qemu:\/\/\/system +shut off +LibvirtVm "web" of corral\/orphans/,
    );
    assert.match(output, /Kept on purpose/);
  });

  it("does not remove without being told so", async () => {
    const { exitCode, output } = await stack.corral("orphans", "--remove");
    assert.equal(exitCode, 1, output);
    assert.match(output, /say --yes/);
    assert.ok((await domains()).includes("corral-orphans-left"));
  });

  it("up refuses to go on with leftovers when it may not remove them", async () => {
    const { exitCode, output } = await stack.corral("up");
    assert.equal(exitCode, 1, output);
    assert.match(output, /corral-orphans-left/);
    assert.match(output, /Nothing was removed: say --yes/);
  });

  it("removes the leftovers of this stack alone", async () => {
    const { exitCode, output } = await stack.corral(
      "orphans",
      "--remove",
      "--yes",
    );
    assert.equal(exitCode, 3, output); // The unproven ones are still there.
    assert.deepEqual((await domains("orphans")).sort(), [
      "corral-orphans-nobody",
      "corral-orphans-other",
      domain,
    ]);
    const left = await volumes(pool.name);
    assert.ok(
      !left.includes(`corral-orphans-web-data-${stampId.slice(0, 8)}.qcow2`),
    );
    assert.ok(left.includes("corral-orphans-web-data-01234567.qcow2"));
    assert.ok(left.includes("somebody.qcow2"));
    assert.ok(
      left.includes(`corral-orphans-old-db-kept-${stampId.slice(0, 8)}.qcow2`),
    );
  });

  it("takes a stamp for this stack's when the user says so", async () => {
    const { report } = await reported("--stamp", "0123456789abcdef");
    assert.deepEqual(names(report.leftovers), [
      "corral-orphans-other",
      "corral-orphans-web-data-01234567.qcow2",
    ]);
    assert.deepEqual(report.unproven, []);
  });

  it("up brings back what is in the state and not on the hypervisor", async () => {
    await virsh("destroy", domain).catch(() => undefined);
    await virsh("undefine", domain);
    const { exitCode, report } = await reported();
    assert.equal(exitCode, 3);
    assert.deepEqual(
      report.missing.map(({ type }) => type),
      ["libvirt:index/domain:Domain"],
    );
    const up = await stack.corral("up", "--yes");
    assert.equal(up.exitCode, 0, up.output);
    assert.match(up.output, /gone from the hypervisor/);
    assert.ok((await domains()).includes(domain));
  });

  it("adopts a machine and its disk that the state lost, without making them anew", async () => {
    const uuid = await virsh("domuuid", domain);
    const rootDisk = `corral-orphans-web-root-${stampId.slice(0, 8)}.qcow2`;
    await stack.forget("web-root");
    const { report } = await reported();
    assert.deepEqual(names(report.leftovers), [domain, rootDisk]);

    const adopted = await stack.corral("orphans", "--adopt", "--yes");
    assert.match(adopted.output, /adopting domain corral-orphans-web/);
    assert.equal(adopted.exitCode, 3, adopted.output);
    assert.deepEqual((await reported()).report.leftovers, []);
    const up = await stack.corral("up", "--yes");
    assert.equal(up.exitCode, 0, up.output);
    assert.equal(await virsh("domuuid", domain), uuid);
    const { exitCode, output } = await stack.preview("--expect-no-changes");
    assert.equal(exitCode, 0, output);
  });

  async function reported(
    ...flags: string[]
  ): Promise<{ exitCode: number; report: Report }> {
    const { exitCode, stdout } = await stack.corralOutput(
      "orphans",
      "--json",
      ...flags,
    );
    return { exitCode, report: JSON.parse(stdout) as Report };
  }

  async function plantDomain(
    name: string,
    id: string | undefined,
  ): Promise<void> {
    const stamp =
      id === undefined
        ? ""
        : `<metadata><c:stamp xmlns:c="https://corral-iac.dev/xmlns/stamp/1" id="${id}" project="corral" stack="orphans" component="LibvirtVm" name="web"/></metadata>`;
    const file = path.join(os.tmpdir(), `${name}.xml`);
    fs.writeFileSync(
      file,
      `<domain type="qemu"><name>${name}</name><uuid>${randomUUID()}</uuid>${stamp}<memory unit="MiB">16</memory><os><type>hvm</type></os></domain>`,
    );
    await virsh("define", file);
    fs.rmSync(file);
  }

  async function plantVolume(name: string): Promise<void> {
    await virsh("vol-create-as", pool.name, name, "1M", "--format", "qcow2");
  }
});

function names(found: Found): string[] {
  return found.map(({ name }) => name).sort();
}
