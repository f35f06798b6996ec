import assert from "node:assert/strict";
import { killPoints, titleOf } from "../../support/killHarness/killPoint";
import { tableOf } from "../../support/killHarness/report";
import { madeObject, servedBy, stepOf } from "../../support/killHarness/steps";

const STACK = stepOf("urn:pulumi:s::corral::pulumi:pulumi:Stack::corral-s");
const MACHINE = "urn:pulumi:s::corral::corral:index:LibvirtVm";
const STAMP = stepOf(`${MACHINE}$corral-ops:index:Stamp::web-stamp`);
const ROOT = stepOf(`${MACHINE}$libvirt:index/volume:Volume::web-root`);
const STEPS = [STACK, STAMP, ROOT];

describe("the kill points of a stack", () => {
  it("are read from the URNs that the preview announces", () => {
    assert.deepEqual(
      [ROOT.type, ROOT.name],
      ["libvirt:index/volume:Volume", "web-root"],
    );
    assert.deepEqual(STEPS.map(servedBy), ["none", "corral-ops", "libvirt"]);
  });

  it("are every step's start, and the inside of calls that make something", () => {
    assert.deepEqual(
      killPoints("engine killed", STEPS, "corral-s").map(titleOf),
      [
        "engine killed at the start of pulumi:pulumi:Stack corral-s",
        "engine killed at the start of corral-ops:index:Stamp web-stamp",
        "engine killed at the start of libvirt:index/volume:Volume web-root",
        "engine killed inside libvirt:index/volume:Volume web-root",
      ],
    );
  });

  it("leave out steps that have no such process to kill", () => {
    const names = (fault: "provider killed" | "bridge killed") =>
      killPoints(fault, STEPS, "corral-s").map(({ step }) => step.name);
    assert.deepEqual(names("provider killed"), [
      "web-stamp",
      "web-root",
      "web-root",
    ]);
    assert.deepEqual(names("bridge killed"), ["web-root", "web-root"]);
  });

  it("know the files and names of what is made", () => {
    const volume = madeObject(ROOT, "corral-s");
    assert.match("corral-s-web-root-0123abcd.qcow2", volume?.file ?? /$^/);
    assert.doesNotMatch("corral-s-web2-root-0123abcd", volume?.file ?? /$^/);
    const pool = stepOf(
      "urn:pulumi:s::corral::libvirt:index/pool:Pool::h-p-pool",
    );
    assert.match(
      "corral-s-h-p-0123abcd.xml",
      madeObject(pool, "corral-s")?.file ?? /$^/,
    );
    assert.equal(madeObject(STAMP, "corral-s"), undefined);
  });

  it("are counted in a table by fault", () => {
    const results = killPoints("disk full", STEPS, "corral-s").map((point) => ({
      point,
      cutOff: true,
      orphaned: point.where === "inside",
      takenBack: false,
      hung: false,
      recoverySeconds: 1,
    }));
    const table = tableOf(results).replace(/[│ ]+/g, " ");
    assert.match(table, / disk full 4 3 1 4 1 0 0 /);
    assert.match(table, / all 4 3 1 4 1 0 0 /);
  });
});
