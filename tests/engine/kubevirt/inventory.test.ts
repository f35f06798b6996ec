import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import execa from "execa";
import { sharedKubevirt, simulatedGuests } from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

const NAMESPACE = "corral-kubeinv-web";

describe("KubeVirt in corral status, timeline and orphans", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    program = await KubevirtProgram.make("kubeinv");
  });
  after(() => program.remove());

  const web = () => ({
    ...simulatedGuests(lab),
    strategy: "bootstrap",
    worker: { cores: 2, memoryMib: 2048 },
  });
  const json = async <T>(command: string): Promise<T> => {
    const run = await program.stack.corralOutput(command, "--json");
    return JSON.parse(run.stdout) as T;
  };

  it("corral up leaves no kubeconfig in the temporary folder", async () => {
    program.declare({ web: web() });
    const temporary = path.join(program.folder, "tmp");
    fs.mkdirSync(temporary);
    const { file, args, cwd, env } = program.stack.corralCommand(
      ...(["up", "--yes", "--", "--skip-preview"] as const),
    );
    const run = await execa(file, [...args], {
      cwd,
      env: { ...env, TMPDIR: temporary },
      all: true,
      reject: false,
    });
    assert.equal(run.exitCode, 0, run.all);
    assert.deepEqual(fs.readdirSync(temporary), []);
  });

  it("shows each machine with its node, address, size and state", async () => {
    const rows =
      await json<
        { machine: string; state: string; node: string; addresses: string[] }[]
      >("status");
    assert.deepEqual(
      rows.map(({ machine, state }) => [machine, state]).sort(),
      [
        ["web-control-plane", "Running"],
        ["web-worker", "Running"],
      ],
    );
    for (const { node, addresses } of rows) {
      assert.match(node, /^node-[12]$/);
      assert.match(addresses.join(), /^127\./);
    }
    const { output } = await program.stack.corral("status");
    assert.match(
      output,
      /web-worker +Running +127\.\S+ +2 +2048 MiB +\d.*https:\/\/127\.0\.0\.1:\d+ \(node-/,
    );
  });

  it("tells how long each stage took, no stage longer than its run", async () => {
    interface Found {
      runs: { kind: string; result: string; seconds: number }[];
      stages: {
        component: string;
        machine: string;
        strategy: string;
        stage: string;
        seconds: number;
      }[];
      summary: { strategy: string; stage: string; count: number }[];
    }
    const { runs, stages, summary } = await json<Found>("timeline");
    assert.deepEqual([runs[0]?.kind, runs[0]?.result], ["update", "succeeded"]);
    const found = stages.map(({ component, machine, strategy, stage }) =>
      [component, machine, strategy, stage].join(" "),
    );
    for (const machine of ["control-plane", "worker"]) {
      for (const stage of ["disks", "start", "agent"]) {
        assert.ok(
          found.includes(`web ${machine} bootstrap ${stage}`),
          found.join("\n"),
        );
      }
    }
    assert.ok(found.includes("web  bootstrap decision"), found.join("\n"));
    const longest = (runs[0]?.seconds ?? 0) + 1;
    assert.ok(
      stages.every(({ seconds }) => seconds <= longest),
      JSON.stringify(stages),
    );
    assert.equal(
      summary.find(({ stage }) => stage === "disks")?.count,
      2,
      JSON.stringify(summary),
    );
  });

  it("finds what the state forgot, removes it, and says what is gone", async () => {
    await program.stack.forget("web-worker-vm");
    await lab.kubectl(
      ...["delete", "service", "-n", NAMESPACE, "cks-control-plane"],
    );
    const found = await json<{
      leftovers: { kind: string; name: string; madeFor: string }[];
      missing: { was: string }[];
    }>("orphans");
    assert.deepEqual(
      found.leftovers.map(({ kind, name }) => `${kind} ${name}`),
      [`VirtualMachine ${NAMESPACE}/cks-worker-node-web`],
    );
    assert.match(
      found.leftovers[0]?.madeFor ?? "",
      /^KubevirtCluster "web" of corral\/kubeinv /,
    );
    assert.deepEqual(
      found.missing.map(({ was }) => was),
      [`Service:${NAMESPACE}/cks-control-plane`],
    );
    const removed = await program.stack.corral("orphans", "--remove", "--yes");
    assert.match(removed.output, /removed VirtualMachine/);
    assert.equal(
      await lab
        .kubectl(...["get", "vm,dv,pvc", "-n", NAMESPACE, "-o", "name"])
        .then((text) => text.includes("worker")),
      false,
    );
    const again = await program.stack.corral("up", "--yes");
    assert.equal(again.exitCode, 0, again.output);
    const after = await program.stack.corral("orphans");
    assert.equal(after.exitCode, 0, after.output);
  });

  it("says of a machine that is gone, and of an API that is out of reach", async () => {
    await lab.kubectl("delete", "vm", "-n", NAMESPACE, "cks-worker-node-web");
    const status = await program.stack.corral("status");
    assert.match(status.output, /web-worker +gone/);
    const logs = await program.stack.corral(
      "logs",
      "web-worker",
      "--no-follow",
    );
    assert.equal(logs.exitCode, 1);
    assert.match(logs.output, /has no pod.*is not there/);
  });
});
