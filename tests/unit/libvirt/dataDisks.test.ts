import * as assert from "node:assert/strict";
import { keepsByDefault } from "@corral-iac/corral/core/keep";
import { LATER } from "@corral-iac/corral/core/later";
import {
  dataDiskVolume,
  keptInOwnPool,
} from "@corral-iac/corral/libvirt/dataDiskRules";
import {
  isKeptName,
  markInName,
} from "@corral-iac/corral/libvirt/inventory/nameMark";
import { validateLibvirtVm } from "@corral-iac/corral/libvirt/validation";
import { MINIMAL } from "./vmArgs";
import { cases } from "./vmFaults";

describe("data disks", () => {
  cases([
    [
      "dataDisks",
      /^is a list, must be a list of at most 16 items$/,
      {
        dataDisks: Array.from({ length: 17 }, (_, index) => ({
          name: `disk-${index}`,
          sizeGib: 1,
        })),
      },
    ],
    ["dataDisks[0].sizeGib", /is missing/, { dataDisks: [{ name: "db" }] }],
    [
      "dataDisks[1].sizeGib",
      /is 0, must be a number from 0\.001 to 65536/,
      {
        dataDisks: [
          { name: "db", sizeGib: 1 },
          { name: "logs", sizeGib: 0 },
        ],
      },
    ],
    [
      "dataDisks[2].name",
      /^is "db", must be another than that of dataDisks\[0\]$/,
      {
        dataDisks: ["db", "logs", "db"].map((name) => ({ name, sizeGib: 1 })),
      },
    ],
    [
      "dataDisks[1].adopt",
      /^is "old\.qcow2", must be another than that of dataDisks\[0\]$/,
      {
        dataDisks: ["db", "logs"].map((name) => ({
          name,
          sizeGib: 1,
          adopt: "old.qcow2",
        })),
      },
    ],
    ...["", "Db", "my_db", "db-", "abcdefghijklmnopqrstu"].map(
      (wrong) =>
        [
          "dataDisks[0].name",
          /must be 1 to 20 lower-case letters, digits and hyphens/,
          { dataDisks: [{ name: wrong, sizeGib: 1 }] },
        ] as const,
    ),
    [
      "dataDisks[0].adopt",
      /is "\/srv\/old\.qcow2", must be the name of a volume in the machine's pool/,
      { dataDisks: [{ name: "db", sizeGib: 1, adopt: "/srv/old.qcow2" }] },
    ],
  ]);

  it("say in the program itself which data disks there are", () => {
    const faults = validateLibvirtVm({
      ...MINIMAL,
      dataDisks: [{ name: LATER, sizeGib: LATER, keep: LATER }, LATER],
    });
    assert.deepEqual(faults.map(({ path }) => path).sort(), [
      "dataDisks[0].keep",
      "dataDisks[0].name",
      "dataDisks[1]",
    ]);
  });

  it("outlive their machine everywhere but in the stack dev, unless the stack says otherwise", () => {
    const keeps = (stack: string, configured?: boolean) =>
      keepsByDefault({ stack }, configured);
    assert.deepEqual(
      [keeps("prod"), keeps("test-eu"), keeps("dev"), keeps("acme/shop/dev")],
      [true, true, false, false],
    );
    assert.deepEqual([keeps("ci", false), keeps("dev", true)], [false, true]);
  });

  it("have names by which the inventory knows the stack's, and those to keep", () => {
    const identity = {
      domain: "shop-prod-web",
      disk: "db",
      shortId: "01234567",
    };
    const kept = dataDiskVolume({ ...identity, keep: true });
    const passing = dataDiskVolume({ ...identity, keep: false });
    assert.equal(kept, "shop-prod-web-data-db-kept-01234567.qcow2");
    assert.equal(passing, "shop-prod-web-data-db-01234567.qcow2");
    const stack = { project: "shop", stack: "prod" };
    const mark = { stampId: "01234567", namesThisStack: true };
    assert.deepEqual(markInName(kept, stack), { ...mark, kept: true });
    assert.deepEqual(markInName(passing, stack), mark);
    assert.deepEqual([isKeptName(kept), isKeptName(passing)], [true, false]);
  });

  it("to keep are refused in a pool that goes with the machine", () => {
    const args = (keep?: boolean) => ({
      pool: { create: { path: "/srv/web" } },
      dataDisks: [
        { name: "db", sizeGib: 1, ...(keep !== undefined && { keep }) },
      ],
    });
    const problems = (given: object, byDefault: boolean) =>
      keptInOwnPool(given, byDefault).map(({ problem }) => problem);
    assert.match(
      problems(args(), true)[0] ?? "",
      /^is true by default, must be false with pool\.create/,
    );
    assert.match(
      problems(args(true), false)[0] ?? "",
      /^is true, must be false/,
    );
    for (const fine of [
      problems(args(false), true),
      problems(args(), false),
      problems({ ...args(), pool: { name: "machines" } }, true),
    ]) {
      assert.deepEqual(fine, []);
    }
  });
});
