import assert from "node:assert/strict";
import { RootShellError } from "@corral-iac/corral-ops/guest/rootShell";
import type { SshFault } from "@corral-iac/corral-ops/ssh/errors";
import { cleanMachines } from "@corral-iac/corral-ops/kubevirt/cleanMachines";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import {
  annotation,
  CLEANED_ANNOTATION,
} from "@corral-iac/corral/core/kubevirt/labels";
import { KubeApi } from "./kubeApi";

const MACHINES = "virtualmachines.kubevirt.io";
const INSTANCES = "virtualmachineinstances.kubevirt.io";
const NODES = ["cp", "wn"].map((machine, index) => ({
  machine,
  nodeName: machine,
  index,
  instanceId: `uid-${machine}`,
}));

describe("cleaning of base machines", () => {
  let api: KubeApi;
  let client: KubeClient;
  let done: string[];
  let failing: string;
  /** What ssh says of machines that one does not get into. */
  const closed = new Map<string, SshFault>();

  beforeEach(async () => {
    api = await KubeApi.start();
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
    done = [];
    failing = "";
    closed.clear();
    for (const name of ["cp", "wn"]) {
      api.put(MACHINES, { metadata: { namespace: "t", name } });
      start(name, `${name} first`);
    }
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  const start = (name: string, uid: string, phase = "Running") =>
    api.put(INSTANCES, {
      metadata: { namespace: "t", name, uid },
      status: { phase },
    });
  const clean = () =>
    cleanMachines(NODES, {
      namespace: "t",
      client,
      shells: {
        async reach({ nodeName }) {
          const fault = closed.get(nodeName);
          if (fault !== undefined) {
            throw new Error("not reached", {
              cause: new RootShellError("connection", "refused", fault),
            });
          }
        },
        async run({ nodeName }, { name, script }) {
          done.push(`${nodeName}: ${name}`);
          if (name === failing) {
            throw new Error(`${name} said no: ${script.length}`);
          }
          return "";
        },
      },
      ctx: {
        log: { debug() {}, info() {}, warn() {}, error() {}, status() {} },
        signal: new AbortController().signal,
      },
      timeoutSeconds: 60,
    });
  const isMarked = (name: string) =>
    annotation(api.objects.get(`${MACHINES}/t/${name}`), CLEANED_ANNOTATION) !==
    undefined;

  it("waits until the cluster is at rest, then cleans both", async () => {
    await clean();
    assert.deepEqual(done, [
      "cp: wait until all nodes are Ready",
      "cp: wait until the system's deployments are complete",
      "cp: wait until all pods are Ready",
      ...["cp", "wn"].flatMap((name) => [
        `${name}: clean logs`,
        `${name}: clean leases`,
        `${name}: clean the machine's identity`,
        `${name}: remove the keys`,
      ]),
    ]);
    assert.ok(isMarked("cp") && isMarked("wn"));
  });

  it("cleans nothing before the cluster is at rest", async () => {
    failing = "wait until all pods are Ready";
    await assert.rejects(clean(), /said no/);
    assert.equal(done.length, 3);
    assert.ok(!isMarked("cp"));
  });

  const STEPS = [
    "clean logs",
    "clean leases",
    "clean the machine's identity",
    "remove the keys",
  ];
  const stepsOf = (...names: string[]) =>
    names.flatMap((name) => STEPS.map((step) => `${name}: ${step}`));

  it("does again what failed, and does not count it as clean", async () => {
    for (const step of STEPS.slice(2)) {
      failing = step;
      await assert.rejects(clean(), /said no/);
      assert.ok(!isMarked("cp") && !isMarked("wn"), step);
      failing = "";
      done = [];
    }
    await clean();
    assert.deepEqual(done, stepsOf("cp", "wn"));
    assert.ok(isMarked("cp") && isMarked("wn"));
  });

  it("does not enter what was cleaned, and not what lets nobody in since its keys were removed", async () => {
    for (const fault of ["auth", "closed"] as const) {
      failing = "remove the keys";
      await assert.rejects(clean(), /said no/);
      failing = "";
      closed.set("cp", fault);
      done = [];
      await clean();
      assert.deepEqual(done, stepsOf("wn"));
      assert.ok(isMarked("cp"));
      done = [];
      await clean();
      assert.deepEqual(done, []);
      closed.clear();
      start("cp", `again ${fault}`);
      start("wn", `again ${fault}`);
    }
  });

  it("fails when nobody can say whether the keys were removed, or when they were not", async () => {
    closed.set("cp", "auth");
    await assert.rejects(clean(), /not reached/);
    closed.clear();
    failing = "remove the keys";
    await assert.rejects(clean(), /said no/);
    failing = "";
    for (const fault of ["refused", "unreachable"] as const) {
      closed.set("cp", fault);
      await assert.rejects(clean(), /not reached/);
    }
    assert.ok(!isMarked("cp"));
  });

  it("cleans again what was started since it was cleaned", async () => {
    await clean();
    done = [];
    start("wn", "wn second");
    await clean();
    assert.deepEqual(done, stepsOf("wn"));
  });

  it("takes machines that are off for clean when they were cleaned, and for nothing else", async () => {
    start("wn", "wn first", "Succeeded");
    await assert.rejects(
      clean(),
      /machine t\/wn is off and was not cleaned.*virtctl start wn -n t/,
    );
    assert.deepEqual(done, []);
    start("wn", "wn second");
    await clean();
    api.objects.delete(`${INSTANCES}/t/cp`);
    start("wn", "wn second", "Succeeded");
    done = [];
    await clean();
    assert.deepEqual(done, []);
  });

  it("leaves it to the snapshot to say that a machine is not there", async () => {
    api.objects.delete(`${MACHINES}/t/cp`);
    api.objects.delete(`${INSTANCES}/t/cp`);
    await clean();
    assert.deepEqual(done, stepsOf("wn"));
  });

  it("goes on when a step failed that may", async () => {
    failing = "clean logs";
    await clean();
    assert.equal(done.length, 11);
  });
});
