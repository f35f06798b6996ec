import assert from "node:assert/strict";
import { RolloutRun } from "@corral-iac/corral-ops/kubevirt/rollout";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { FakeClock } from "../provider/fakeClock";
import { KubeApi } from "./kubeApi";

const MACHINES = "virtualmachines.kubevirt.io";
const INSTANCES = "virtualmachineinstances.kubevirt.io";
const NAMES = ["cp", "w1", "w2"];

describe("machines that were changed", () => {
  let api: KubeApi;
  let client: KubeClient;
  let done: string[];
  let failing: string;

  beforeEach(async () => {
    api = await KubeApi.start();
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
    done = [];
    failing = "";
    NAMES.forEach((name) => run(name, "old"));
    api.afterAction = (_namespace, name) => {
      done.push(`${name} restarts`);
      declare(name, []);
      run(name, "new");
    };
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  function declare(name: string, conditions: readonly string[]): void {
    api.put(MACHINES, {
      metadata: { namespace: "t", name },
      spec: { runStrategy: "Always" },
      status: {
        desiredGeneration: 2,
        observedGeneration: 2,
        conditions: conditions.map((type) => ({ type, status: "True" })),
      },
    });
  }
  function run(name: string, uid: string, conditions: readonly string[] = []) {
    api.put(INSTANCES, {
      metadata: { namespace: "t", name, uid },
      status: {
        phase: "Running",
        interfaces: [{ ipAddress: `address of ${uid} ${name}` }],
        conditions: ["Ready", ...conditions].map((type) => ({
          type,
          status: "True",
        })),
      },
    });
  }

  async function roll(clock = new FakeClock()): Promise<Map<string, string>> {
    const running = new RolloutRun(
      {
        namespace: "t",
        machines: NAMES.map((machine, index) => ({
          machine,
          nodeName: `node-${machine}`,
          index,
          instanceId: `uid-${machine}`,
          address: `address of old ${machine}`,
        })),
        until: "running",
        timeoutSeconds: 20,
        shells: {
          async reach() {},
          async run(_node, { name }) {
            done.push(name);
            if (name === failing) {
              throw new Error(`${name} said no`);
            }
            return "";
          },
        },
      },
      client,
      {
        log: { debug() {}, info() {}, warn() {}, error() {}, status() {} },
        signal: new AbortController().signal,
      },
      clock,
    ).run();
    return clock.runWithServer(running);
  }

  it("restart one after the other where they have to: workers first, drained", async () => {
    NAMES.forEach((name) => declare(name, ["RestartRequired"]));
    const addresses = await roll();
    assert.deepEqual(done, [
      ...["w1", "w2"].flatMap((name) => [
        `drain node-${name}`,
        `${name} restarts`,
        `wait for node-${name}`,
      ]),
      "cp restarts",
      "wait for node-cp",
    ]);
    assert.equal(addresses.get("w2"), "address of new w2");
    // virt-api refuses who wants JSON.
    const restart = api.asked.find(({ method }) => method === "PUT");
    assert.equal(restart?.headers.accept, "*/*");
  });

  it("do not restart where KubeVirt made the change live, and open what a former run closed", async () => {
    NAMES.forEach((name) => declare(name, []));
    assert.equal((await roll()).get("w2"), "address of old w2");
    assert.deepEqual(api.acted, []);
    assert.deepEqual(done, ["open node-w1", "open node-w2"]);
  });

  it("are waited for when somebody had stopped them", async () => {
    NAMES.forEach((name) => declare(name, []));
    api.objects.delete(`${INSTANCES}/t/w1`);
    const clock = new FakeClock();
    await assert.rejects(
      roll(clock),
      /machine t\/w1: it is not running within 20 s/,
    );
    run("w1", "new");
    assert.equal((await roll()).get("w1"), "address of new w1");
    assert.deepEqual(api.acted, []);
  });

  it("restart when the live change does not come to an end", async () => {
    NAMES.forEach((name) => declare(name, []));
    run("w1", "old", ["HotMemoryChange"]);
    await roll();
    assert.deepEqual(api.acted, ["t/w1: restart"]);
  });

  it("stay up when one does not come back: the next run goes on with it", async () => {
    NAMES.forEach((name) => declare(name, ["RestartRequired"]));
    const good = api.afterAction;
    api.afterAction = () => undefined;
    await assert.rejects(roll(), /t\/w1 has not restarted within 20 s/);
    assert.deepEqual(api.acted, ["t/w1: restart"]);
    api.afterAction = good;
    await roll();
    assert.deepEqual(api.acted, [
      "t/w1: restart",
      "t/w1: restart",
      "t/w2: restart",
      "t/cp: restart",
    ]);
  });

  it("are not restarted when their pods cannot be moved away", async () => {
    NAMES.forEach((name) => declare(name, ["RestartRequired"]));
    failing = "drain node-w1";
    await assert.rejects(roll(), /drain node-w1 said no/);
    assert.deepEqual(api.acted, []);
  });

  it("are waited for until KubeVirt has seen the change", async () => {
    NAMES.forEach((name) => declare(name, []));
    api.put(MACHINES, {
      metadata: { namespace: "t", name: "w1" },
      status: { desiredGeneration: 3, observedGeneration: 2 },
    });
    await roll();
    assert.deepEqual(api.acted, ["t/w1: restart"]);
  });
});
