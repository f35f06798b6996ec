import assert from "node:assert/strict";
import {
  type KubeObject,
  type KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import { becomes } from "@corral-iac/tools/lab/processes";
import {
  everythingOf,
  namesIn,
  objectsOf,
  uidsOf,
} from "../../support/kubevirtCensus";
import { sharedKubevirt, simulatedGuests } from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

const STACK = "kubedrift";
const NAMESPACE = `corral-${STACK}-web`;
const WORKER = "cks-worker-node-web";
const ALL = ["cks-control-plane-web", WORKER, `${WORKER}-2`];

interface Instance extends KubeObject {
  readonly spec: { readonly domain: { readonly memory: { guest: string } } };
}

describe("a KubevirtCluster that changes, on a real control plane", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    program = await KubevirtProgram.make(STACK);
    await up();
  });

  after(() => program.remove());

  const cluster = (more: object = {}) => ({
    ...simulatedGuests(lab),
    strategy: "bootstrap",
    workers: 2,
    quota: { cores: 64, memoryMib: 65536, disks: 8 },
    ...more,
  });

  const up = (more: object = {}, ...flags: string[]) =>
    program.up({ web: cluster(more) }, ...flags);
  const refreshed = () => up({}, "--refresh");
  const kubectl = (...args: string[]) => lab.kubectl(...args, "-n", NAMESPACE);
  const uids = (kind: string) => uidsOf(lab, STACK, kind);

  async function instances(): Promise<Map<string, Instance>> {
    const { items } = JSON.parse(await kubectl("get", "vmi", "-o", "json")) as {
      items: Instance[];
    };
    return new Map(items.map((item) => [item.metadata.name, item]));
  }
  const uidOf = (object: KubeObject | undefined) =>
    (object?.metadata as { uid?: string } | undefined)?.uid;

  async function nothingToChange(): Promise<void> {
    const { exitCode, output } = await program.stack.preview(
      "--refresh",
      "--diff",
      "--expect-no-changes",
    );
    assert.equal(exitCode, 0, output);
  }

  it("has nothing to change, also after a refresh, and keeps to its quota", async () => {
    await nothingToChange();
    const [quota] = await objectsOf(lab, STACK, "resourcequota");
    assert.deepEqual(
      (quota as unknown as { spec: { hard: object } }).spec.hard,
      {
        "requests.cpu": "64",
        "requests.memory": "64Gi",
        persistentvolumeclaims: "8",
      },
    );
  });

  it("gets a machine back that somebody deleted, and touches no other", async () => {
    const before = await uids("vm");
    await kubectl("delete", "vm", WORKER);
    await refreshed();
    const after = await uids("vm");
    assert.deepEqual([...after.keys()].sort(), ALL);
    assert.notEqual(after.get(WORKER), before.get(WORKER));
    assert.equal(after.get(`${WORKER}-2`), before.get(`${WORKER}-2`));
    await nothingToChange();
  });

  it("starts a machine that somebody stopped", async () => {
    await kubectl(
      ...["patch", "vm", WORKER, "--type", "merge"],
      ...["-p", JSON.stringify({ spec: { runStrategy: "Halted" } })],
    );
    assert.ok(await becomes(async () => !(await instances()).has(WORKER), 60));
    await refreshed();
    const address = await kubectl(
      ...["get", "vmi", WORKER, "-o"],
      "jsonpath={.status.interfaces[0].ipAddress}",
    );
    assert.match(address, /^\d+\./);
    const machines =
      await program.output<{ name: string; address: string }[]>("web.machines");
    assert.equal(
      machines.find(({ name }) => name === WORKER)?.address,
      address,
    );
    await nothingToChange();
  });

  it("is as declared again when somebody changed it by hand", async () => {
    const memory = {
      template: { spec: { domain: { memory: { guest: "3Gi" } } } },
    };
    await kubectl(
      ...["patch", "vm", WORKER, "--type", "merge"],
      ...["-p", JSON.stringify({ spec: memory })],
    );
    await refreshed();
    assert.equal(
      await kubectl(
        ...["get", "vm", WORKER, "-o"],
        "jsonpath={.spec.template.spec.domain.memory.guest}",
      ),
      "1Gi",
    );
    await nothingToChange();
  });

  it("becomes larger one machine after the other, on the same disks", async () => {
    const disks = await diskUids();
    const machines = await uids("vm");
    const before = await instances();
    program.declare({
      web: cluster({
        controlPlane: { cores: 1, memoryMib: 2048 },
        worker: { cores: 2, memoryMib: 2048 },
        // In the lab nobody ends a change of a running machine: each is waited for as long.
        ready: { timeoutSeconds: 25 },
      }),
    });
    const running = program.stack.up();
    let done = false;
    void running.finally(() => (done = true));
    // Never more than one of them is away at a time.
    const away: string[][] = [];
    await becomes(async () => {
      const now = await instances();
      const missing = ALL.filter(
        (name) =>
          (now.get(name) as { status?: { phase?: string } } | undefined)?.status
            ?.phase !== "Running",
      );
      if (missing.length > 0) {
        away.push(missing);
      }
      return done;
    }, 240);
    const { exitCode, output } = await running;
    assert.equal(exitCode, 0, output);
    assert.ok(away.length > 0, "no machine was seen restarting");
    assert.ok(
      away.every((missing) => missing.length === 1),
      JSON.stringify(away),
    );
    assert.deepEqual(
      [...new Set(away.flat())],
      [WORKER, `${WORKER}-2`, "cks-control-plane-web"],
    );
    const after = await instances();
    for (const name of ALL) {
      assert.equal(after.get(name)?.spec.domain.memory.guest, "2Gi", name);
      assert.notEqual(uidOf(after.get(name)), uidOf(before.get(name)), name);
    }
    assert.deepEqual(await diskUids(), disks);
    assert.deepEqual(await uids("vm"), machines);
    // The addresses of the restarted machines are those that the outputs say.
    const { ["web.machines"]: told } =
      await program.stack.outputs<
        Record<string, { name: string; address: string }[]>
      >();
    for (const { name, address } of told ?? []) {
      const { status } = after.get(name) as unknown as {
        status: { interfaces: { ipAddress: string }[] };
      };
      assert.equal(address, status.interfaces[0]?.ipAddress, name);
    }
  });

  it("leaves nothing", async () => {
    await program.up({});
    assert.deepEqual(await everythingOf(lab, STACK), []);
  });

  async function diskUids(): Promise<string[]> {
    const names = await namesIn(lab, NAMESPACE, "pvc");
    const text = await kubectl(
      ...["get", "pvc", "-o", "jsonpath={.items[*].metadata.uid}"],
    );
    assert.equal(names.length, 3);
    return text.split(" ").sort();
  }
});
