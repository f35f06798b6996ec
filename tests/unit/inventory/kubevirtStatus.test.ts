import assert from "node:assert/strict";
import { machineTimes } from "@corral-iac/corral/core/kubevirt/machineTimes";
import { machineStatus } from "@corral-iac/corral/kubevirt/inventory/status";

const at = (second: number) =>
  `2026-01-01T10:00:${String(second).padStart(2, "0")}Z`;
const MACHINE = {
  metadata: { creationTimestamp: at(2) },
  spec: {
    template: {
      spec: {
        domain: { cpu: { cores: 1, sockets: 2 }, memory: { guest: "4Gi" } },
      },
    },
  },
  status: { printableStatus: "Running", ready: true },
};
const INSTANCE = {
  metadata: { creationTimestamp: at(10) },
  status: {
    phase: "Running",
    nodeName: "node-1",
    phaseTransitionTimestamps: [
      { phase: "Pending", phaseTransitionTimestamp: at(10) },
      { phase: "Running", phaseTransitionTimestamp: at(20) },
    ],
    interfaces: [
      { ipAddress: "10.0.0.7", ipAddresses: ["10.0.0.7", "fd00::7"] },
    ],
    conditions: [
      { type: "AgentConnected", status: "True", lastProbeTime: at(35) },
    ],
  },
};

describe("KubeVirt machines: status", () => {
  it("is what KubeVirt says, with node, addresses and the time since it runs", () => {
    const now = Date.parse(at(50));
    assert.deepEqual(machineStatus("u", MACHINE, INSTANCE, now), {
      urn: "u",
      state: "Running",
      addresses: ["10.0.0.7", "fd00::7"],
      vcpus: 2,
      memoryMib: 4096,
      node: "node-1",
      uptimeSeconds: 30,
    });
  });

  it("tells a machine that runs and is not ready, one that is off, and one that is gone", () => {
    const lame = { ...MACHINE, status: { printableStatus: "Running" } };
    const off = { ...MACHINE, status: { printableStatus: "Stopped" } };
    assert.deepEqual(
      [
        machineStatus("u", lame, INSTANCE, 0),
        machineStatus("u", off, undefined, 0),
        machineStatus("u", undefined, undefined, 0),
      ].map(({ state, uptimeSeconds }) => [state, uptimeSeconds]),
      [
        ["Running, not ready", 0],
        ["Stopped", undefined],
        ["gone", undefined],
      ],
    );
  });
});

describe("KubeVirt machines: times", () => {
  const volume = (created: number, ready?: number) => ({
    metadata: { creationTimestamp: at(created) },
    status: {
      conditions: [
        {
          type: "Ready",
          status: ready === undefined ? "False" : "True",
          lastTransitionTime: at(ready ?? created),
        },
      ],
    },
  });
  const stages = (dataVolumes: object[], instance: object | undefined) =>
    machineTimes({ machine: MACHINE, instance, dataVolumes }).map(
      ({ stage, start, end }) => [stage, (end - start) / 1000],
    );

  it("are of its disks, its start and its agent", () => {
    // The first disk was cloned ahead of its machine.
    assert.deepEqual(stages([volume(1, 5), volume(2, 9)], INSTANCE), [
      ["disks", 8],
      ["start", 10],
      ["agent", 15],
    ]);
  });

  it("are left out as long as they are not known", () => {
    assert.deepEqual(stages([volume(1, 5), volume(2)], undefined), []);
  });
});
