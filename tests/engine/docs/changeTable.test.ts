import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { blankMachine, fleetOf } from "../../support/fleets";
import { TestPool, URI } from "../../support/hypervisor";
import { readPage, section, tableRows } from "../../support/markdown";
import { TestStack } from "../../support/testStack";

type Args = Record<string, unknown>;

/** A machine's arguments before and after the change. */
interface Change {
  readonly before?: Args;
  readonly after: Args;
}

const SAME_DAEMON = "qemu+unix:///system?socket=/var/run/libvirt/libvirt-sock";
const packages = { packages: ["htop"] };
const disk = (mib: number) => ({
  name: "db",
  sizeGib: mib / 1024,
  keep: false,
});

/** For each line of the page's table, by its first cell, a change of that argument. */
const CHANGES: Record<string, Change> = {
  "`vcpus`": { after: { vcpus: 2 } },
  "`memoryMib`": { after: { memoryMib: 96 } },
  "`accelerator`": { after: { accelerator: "kvm" } },
  "`uri`": { before: { hypervisor: "far" }, after: { hypervisor: "far" } },
  "`image`": { after: { image: { name: "other.qcow2" } } },
  "`pool`": { after: { pool: { name: "other" } } },
  "`rootDisk`": { after: { rootDisk: { sizeGib: 1 } } },
  "`dataDisks`, one more or one less": { after: { dataDisks: [disk(8)] } },
  "`dataDisks[].sizeGib`": {
    before: { dataDisks: [disk(8)] },
    after: { dataDisks: [disk(12)] },
  },
  "`dataDisks[].keep`": {
    before: { dataDisks: [{ ...disk(8), keep: true }] },
    after: { dataDisks: [disk(8)] },
  },
  "`cloudInit`": { after: { cloudInit: packages } },
  "`cloudInit` with `onCloudInitChange: replace`": {
    before: { onCloudInitChange: "replace" },
    after: { onCloudInitChange: "replace", cloudInit: packages },
  },
  "`onCloudInitChange`": { after: { onCloudInitChange: "replace" } },
  "`network`": { after: { network: { name: "default" } } },
  "`macAddress`": { after: { macAddress: "52:54:00:12:34:56" } },
  "`autostart`": { after: { autostart: false } },
  "`running`": { after: { running: true, ready: { until: "none" } } },
  "`ready`": { after: { ready: { timeoutSeconds: 20 } } },
  "`ssh`": { after: { ssh: { user: "me", port: 2222 } } },
  "`shutdownTimeoutSeconds`": { after: { shutdownTimeoutSeconds: 5 } },
};

/** A step of `pulumi preview --json`. */
interface Step {
  readonly op: string;
  readonly urn: string;
}

const PLAIN = Object.keys(CHANGES).filter((name) => !CHANGES[name]?.before);
const SPECIAL = Object.keys(CHANGES).filter((name) => CHANGES[name]?.before);
/** Machines on which the plain changes are previewed, one change each at a time. */
const PLAIN_MACHINES = 4;

// Few machines and several previews, which act on nothing.
describe("the table of changes in docs/libvirt-vm.md", () => {
  let pool: TestPool;
  let stack: TestStack;
  let images: string[];
  /** What each change does to the children of its machine. */
  const found: Record<string, Record<string, string>> = {};
  const rows = tableRows(
    section(readPage("docs/libvirt-vm.md"), "What a change does"),
  );

  before(async function () {
    this.timeout(240_000);
    pool = await TestPool.make();
    stack = await TestStack.make("change");
    images = ["one", "two"].map((name) =>
      path.join(stack.folder, `${name}.qcow2`),
    );
    images.forEach((image) =>
      fs.copyFileSync(path.join(pool.path, TestPool.IMAGE), image),
    );
    stack.declare(fleet([], "before"));
    const made = await stack.up();
    assert.equal(made.exitCode, 0, made.output.slice(-3000));
    for (let first = 0; first < PLAIN.length; first += PLAIN_MACHINES) {
      const changes = PLAIN.slice(first, first + PLAIN_MACHINES);
      // The special ones come along with the first.
      const steps = await preview(fleet(changes, first ? "before" : "after"));
      changes.forEach((argument, index) => {
        found[argument] = opsOf(steps, `plain-${index}`);
      });
      if (first === 0) {
        SPECIAL.forEach((argument, index) => {
          found[argument] = opsOf(steps, `special-${index}`);
        });
        for (const name of ["of-pool", "of-image"]) {
          found[name] = opsOf(steps, name);
        }
      }
    }
  });

  after(async function () {
    this.timeout(120_000);
    await stack.remove();
    await pool.remove();
  });

  /** The plain machines with a change each, and the special ones before or after theirs. */
  function fleet(
    changes: readonly string[],
    special: "before" | "after",
  ): Args {
    const version = special === "after" ? 1 : 0;
    const machines: Record<string, Args> = {
      "of-pool": offMachine(pool, {
        image: { name: TestPool.IMAGE, pool: pool.name },
        pool: { create: { path: path.join(pool.path, `pool-${version}`) } },
      }),
      "of-image": offMachine(pool, { image: { path: images[version] } }),
    };
    for (let index = 0; index < PLAIN_MACHINES; index += 1) {
      const change = CHANGES[changes[index] ?? ""];
      machines[`plain-${index}`] = offMachine(pool, change?.after);
    }
    SPECIAL.forEach((argument, index) => {
      machines[`special-${index}`] = offMachine(
        pool,
        CHANGES[argument]?.[special],
      );
    });
    const declared = fleetOf(machines, "10.96.0.0/24") as { hypervisors: Args };
    declared.hypervisors.far = {
      libvirt: {
        uri: special === "before" ? URI : SAME_DAEMON,
        networks: { lan: { cidr: "10.96.1.0/24" } },
      },
    };
    return declared;
  }

  async function preview(declared: Args): Promise<Step[]> {
    stack.declare(declared);
    const { exitCode, output } = await stack.preview("--json");
    assert.equal(exitCode, 0, output.slice(-3000));
    const digest = JSON.parse(output.slice(output.indexOf("{"))) as {
      steps: Step[];
    };
    return digest.steps;
  }

  it("has a line for each change that is tried here, and no other", () => {
    assert.deepEqual(
      rows.map(([argument]) => argument).sort(),
      Object.keys(CHANGES).sort(),
    );
  });

  for (const argument of Object.keys(CHANGES)) {
    it(`tells what a change of ${argument} does`, () => {
      const told = rows.find(([first]) => first === argument)?.[1] ?? "";
      const ops = found[argument] ?? {};
      assert.equal(meaningOf(ops), told, JSON.stringify(ops));
    });
  }

  it("tells of new disks with a new pool or image", () => {
    for (const name of ["of-pool", "of-image"]) {
      const ops = found[name] ?? {};
      assert.equal(
        meaningOf(ops),
        "new machine, new root disk",
        JSON.stringify(ops),
      );
    }
  });
});

/** Defined and powered off, so that they cost nothing. */
function offMachine(pool: TestPool, changes: Args = {}): Args {
  return blankMachine(pool, { running: false, ready: undefined, ...changes });
}

/** What happens to each child of a machine: its operation by the child's last name. */
function opsOf(
  steps: readonly Step[],
  machine: string,
): Record<string, string> {
  return Object.fromEntries(
    steps
      .map(({ op, urn }) => [urn.split("::").at(-1) ?? "", op] as const)
      .filter(([name, op]) => name.startsWith(`${machine}-`) && op !== "same")
      .map(([name, op]) => [name.slice(machine.length + 1), op]),
  );
}

/** The operations in the words of the page. */
function meaningOf({
  root,
  domain,
  "made-from": _noted,
  ...others
}: Record<string, string>): string {
  if (root === "replace" && domain === "replace") {
    return "new machine, new root disk";
  }
  if (domain === "replace" && root === undefined) {
    return "new machine, same root disk";
  }
  const all = [root, domain, ...Object.values(others)].filter(
    (op) => op !== undefined,
  );
  return all.length === 0
    ? "nothing"
    : all.every((op) => op === "update")
      ? "in place"
      : `unclear: ${all.join()}`;
}
