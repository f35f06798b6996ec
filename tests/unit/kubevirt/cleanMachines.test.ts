import assert from "node:assert/strict";
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

  beforeEach(async () => {
    api = await KubeApi.start();
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
    done = [];
    failing = "";
    for (const name of ["cp", "wn"]) {
      api.put(MACHINES, { metadata: { namespace: "t", name } });
      api.put(INSTANCES, { metadata: { namespace: "t", name } });
    }
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  const clean = () =>
    cleanMachines(NODES, {
      namespace: "t",
      client,
      shells: {
        async reach() {},
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

  it("goes on after a run that was cut off, and does not enter what nobody can enter again", async () => {
    failing = "clean the machine's identity";
    await assert.rejects(clean(), /said no/);
    assert.ok(isMarked("cp") && !isMarked("wn"));
    failing = "";
    done = [];
    await clean();
    assert.deepEqual(done, [
      "wn: clean logs",
      "wn: clean leases",
      "wn: clean the machine's identity",
    ]);
  });

  it("leaves machines alone that are off", async () => {
    api.objects.delete(`${INSTANCES}/t/cp`);
    api.objects.delete(`${INSTANCES}/t/wn`);
    await clean();
    assert.deepEqual(done, []);
  });

  it("goes on when a step failed that may", async () => {
    failing = "clean logs";
    await clean();
    assert.equal(done.length, 9);
  });
});
