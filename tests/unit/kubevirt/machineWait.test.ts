import assert from "node:assert/strict";
import { waitForMachine } from "@corral-iac/corral-ops/kubevirt/machineWait";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { FakeClock } from "../provider/fakeClock";
import { KubeApi } from "./kubeApi";

const MACHINES = "virtualmachines.kubevirt.io";
const INSTANCES = "virtualmachineinstances.kubevirt.io";

describe("KubevirtReady", () => {
  let api: KubeApi;
  let client: KubeClient;
  const place = { namespace: "web", name: "vm1" };

  beforeEach(async () => {
    api = await KubeApi.start();
    api.kinds.add(INSTANCES);
    api.kinds.add("events");
    api.put(MACHINES, {
      metadata: place,
      status: {
        printableStatus: "WaitingForVolumeBinding",
        desiredGeneration: 1,
        observedGeneration: 1,
      },
    });
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  const run = (agent = false) =>
    api.put(INSTANCES, {
      metadata: place,
      status: {
        phase: "Running",
        conditions: [
          { type: "Ready", status: "True" },
          { type: "AgentConnected", status: agent ? "True" : "False" },
        ],
        interfaces: [{ ipAddress: "10.1.2.3" }],
      },
    });

  function wait(until: "running" | "agent", looked: () => void = () => {}) {
    const clock = new FakeClock();
    let looks = 0;
    api.interfere = ({ path }) => {
      if (path.includes("instances") && ++looks === 3) {
        looked();
      }
      return undefined;
    };
    const log = { debug() {}, info() {}, warn() {}, error() {}, status() {} };
    const { signal } = new AbortController();
    const work = waitForMachine(
      { ...place, until, timeoutSeconds: 120 },
      client,
      { log, signal },
      clock,
    );
    return clock.runWithServer(work);
  }

  it("waits until it runs, and tells its address", async () => {
    assert.equal(await wait("running", run), "10.1.2.3");
  });

  it("waits until its agent answers", async () => {
    run();
    assert.equal(await wait("agent", () => run(true)), "10.1.2.3");
  });

  it("gives up with status and last events", async () => {
    api.put("events", {
      metadata: { namespace: "web", name: "e1" },
      reason: "FailedScheduling",
      message: "0/2 nodes are available",
    });
    await assert.rejects(wait("running"), (error: Error) => {
      assert.match(
        error.message,
        /^machine web\/vm1: it is not running within 120 s\n/,
      );
      assert.match(error.message, /status WaitingForVolumeBinding/);
      assert.match(error.message, /FailedScheduling: 0\/2 nodes/);
      return true;
    });
  });

  it("says of a disk that has not come what keeps it", async () => {
    api.put(MACHINES, {
      metadata: place,
      spec: {
        dataVolumeTemplates: [
          { metadata: { name: "vm1-root" } },
          { metadata: { name: "vm1-data" } },
        ],
      },
      status: { printableStatus: "Provisioning" },
    });
    api.put("datavolumes.cdi.kubevirt.io", {
      metadata: { namespace: "web", name: "vm1-root" },
      status: {
        phase: "ImportInProgress",
        conditions: [
          { type: "Running", status: "False", message: "no such host" },
        ],
      },
    });
    await assert.rejects(
      wait("running"),
      /disk vm1-root: phase ImportInProgress \(no such host\)/,
    );
  });

  it("says which of both is missing when only the agent is", async () => {
    run();
    await assert.rejects(wait("agent"), /is qemu-guest-agent installed\?/);
  });

  it("takes a status of before for nothing", async () => {
    run();
    api.put(MACHINES, {
      metadata: place,
      status: { desiredGeneration: 2, observedGeneration: 1 },
    });
    await assert.rejects(wait("running"), /not running within/);
  });
});
