import * as assert from "node:assert/strict";
import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import { validateLibvirtVm } from "@corral-iac/corral/libvirt/validation";
import { checkArgs } from "@corral-iac/corral/shared/checkArgs";
import * as pulumi from "@pulumi/pulumi";
import { known, mockEngine, unknownOutput } from "./outputs";

const IMAGE = { image: { name: "debian12" } };

const check = (args: object) => checkArgs("VM", args, validateLibvirtVm);

/** Paths and problems of the faults that a late check ends with. */
async function lateFaults(args: object): Promise<string> {
  const error: unknown = await known(check(args)).then(
    () => assert.fail("no fault was found"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof InvalidArgumentsError, String(error));
  assert.equal(error.subject, "VM");
  return error.faults
    .map(({ path, problem }) => `${path} ${problem}`)
    .join("\n");
}

describe("checkArgs", () => {
  before(() => mockEngine());
  after(() => mockEngine());

  it("throws for plain values, all at once, before anything is made", () => {
    assert.throws(
      () => check({ vcpus: 0, uri: "nowhere", macAddress: pulumi.output("x") }),
      (error) =>
        error instanceof InvalidArgumentsError &&
        error.faults.map(({ path }) => path).join() === "image,vcpus,uri",
    );
  });

  it("passes over arguments that are left out", async () => {
    assert.equal(await known(check({ ...IMAGE, pool: undefined })), true);
  });

  it("is true once all late values are right", async () => {
    const args = {
      image: { name: pulumi.output("debian12") },
      vcpus: Promise.resolve(2),
      cloudInit: { users: pulumi.output([{ name: "bob" }]) },
    };
    assert.equal(await known(check(args)), true);
  });

  it("fails with the faults of late values, all at once", async () => {
    const faults = await lateFaults({
      ...IMAGE,
      vcpus: Promise.resolve(0),
      macAddress: pulumi.output("nonsense"),
      cloudInit: { users: pulumi.output([{ name: "Bob" }]) },
    });
    assert.match(faults, /^vcpus is 0, must be a whole number from 1 to 512$/m);
    assert.match(faults, /^macAddress is "nonsense", must be a unicast/m);
    assert.match(faults, /^cloudInit\.users\[0\]\.name is "Bob"/m);
  });

  it("checks late values together with plain ones", async () => {
    assert.match(
      await lateFaults({
        ...IMAGE,
        running: false,
        ready: { until: pulumi.output("ssh") },
      }),
      /^ready\.until is "ssh" for a machine with running: false/,
    );
  });

  it("shows no text of a secret Output", async () => {
    const faults = await lateFaults({
      ...IMAGE,
      macAddress: pulumi.secret("hunter2"),
      cloudInit: pulumi.secret({ users: [{ name: "Hunter2" }] }),
      ssh: { hostKey: pulumi.output("shown") },
    });
    assert.doesNotMatch(faults, /hunter2/i);
    assert.match(faults, /^macAddress is a secret, must be a unicast MAC/m);
    assert.match(faults, /^cloudInit\.users\[0\]\.name is a secret, must be/m);
    assert.match(faults, /^ssh\.hostKey is "shown", must be a public key/m);
  });

  it("stays unknown in a preview while a value is", async () => {
    mockEngine({ preview: true });
    const unknown = unknownOutput<string>();
    for (const args of [
      { ...IMAGE, macAddress: unknown },
      { image: { name: unknown } },
      { ...IMAGE, vcpus: unknown, macAddress: pulumi.output("nonsense") },
      { ...IMAGE, cloudInit: { users: [{ name: unknown }] } },
    ]) {
      const checked = check(args) as unknown as { isKnown: Promise<boolean> };
      assert.equal(await checked.isKnown, false);
    }
  });
});
