import assert from "node:assert/strict";
import * as fc from "fast-check";
import { clonePermission } from "@corral-iac/corral/core/kubevirt/clonePermission";
import {
  clonedSize,
  dataVolumeSpec,
  diskProgress,
  type DiskSource,
} from "@corral-iac/corral/core/kubevirt/disks";
import { machineSpec } from "@corral-iac/corral/core/kubevirt/machine";
import {
  explainMachine,
  machineAddress,
  machineStage,
} from "@corral-iac/corral/core/kubevirt/trouble";
import { field } from "@corral-iac/corral/core/argumentRules";

const GIB = 2 ** 30;
const SNAPSHOT: DiskSource = {
  kind: "snapshot",
  namespace: "vm-templates",
  name: "vmsnapshot-volume-root",
};
const MACHINE = {
  name: "cks-worker-node-web",
  labels: { team: "a" },
  disks: [
    { name: "d1", volume: "root", source: SNAPSHOT, sizeBytes: 20 * GIB },
    { name: "d2", volume: "data", source: SNAPSHOT, sizeBytes: 5 * GIB },
  ],
  cores: 2,
  memoryMib: 4096,
  uuid: "u",
  macAddress: "52:54:00:00:00:01",
  nodeName: "cks-worker-node",
  guestNetwork: "10.250.1.0/24",
  cloudInitSecret: "s",
  runStrategy: "Always",
  shutdownSeconds: 60,
};

describe("KubeVirt: the spec of a machine", () => {
  const spec = machineSpec(MACHINE);
  const template = field(spec, "template", "spec");

  it("has a DataVolume for every disk, on the VolumeSnapshot of the other namespace", () => {
    assert.deepEqual(field(spec, "dataVolumeTemplates"), [
      {
        metadata: { name: "d1" },
        spec: {
          source: {
            snapshot: {
              namespace: "vm-templates",
              name: "vmsnapshot-volume-root",
            },
          },
          storage: { resources: { requests: { storage: "20Gi" } } },
        },
      },
      {
        metadata: { name: "d2" },
        spec: {
          source: {
            snapshot: {
              namespace: "vm-templates",
              name: "vmsnapshot-volume-root",
            },
          },
          storage: { resources: { requests: { storage: "5Gi" } } },
        },
      },
    ]);
  });

  it("has a volume for every disk of its devices, and the other way round", () => {
    const names = (value: unknown) =>
      (value as { name: string }[]).map(({ name }) => name).sort();
    assert.deepEqual(
      names(field(template, "domain", "devices", "disks")),
      names(field(template, "volumes")),
    );
  });

  it("is masqueraded in a network of its own, with its own UUID and MAC", () => {
    assert.deepEqual(field(template, "networks"), [
      { name: "default", pod: { vmNetworkCIDR: "10.250.1.0/24" } },
    ]);
    assert.deepEqual(field(template, "domain", "devices", "interfaces"), [
      { name: "default", masquerade: {}, macAddress: "52:54:00:00:00:01" },
    ]);
    assert.equal(field(template, "domain", "firmware", "uuid"), "u");
  });

  it("carries its labels into its pod, where its Service finds it", () => {
    assert.deepEqual(field(spec, "template", "metadata", "labels"), {
      team: "a",
      "corral-iac.dev/machine": "cks-worker-node-web",
    });
  });
});

describe("KubeVirt: disks", () => {
  it("come from each kind of source", () => {
    const source = (given: DiskSource) => {
      const { storage, ...rest } = dataVolumeSpec({
        name: "d",
        volume: "root",
        source: given,
        sizeBytes: GIB,
        storageClass: "fast",
      });
      assert.deepEqual(storage, {
        resources: { requests: { storage: "1Gi" } },
        storageClassName: "fast",
      });
      return rest;
    };
    const place = { namespace: "n", name: "x" };
    assert.deepEqual(source({ kind: "registry", url: "docker://a/b" }), {
      source: { registry: { url: "docker://a/b" } },
    });
    assert.deepEqual(source({ kind: "http", url: "https://a/b" }), {
      source: { http: { url: "https://a/b" } },
    });
    assert.deepEqual(source({ kind: "pvc", ...place }), {
      source: { pvc: place },
    });
    assert.deepEqual(source({ kind: "dataSource", ...place }), {
      sourceRef: { kind: "DataSource", ...place },
    });
  });

  it("are never smaller than what is cloned into them", () => {
    fc.assert(
      fc.property(fc.nat(), fc.option(fc.nat()), (held, asked) => {
        const size = () => clonedSize("d", held, asked ?? undefined);
        if (asked !== null && asked < held) {
          assert.throws(size, /a clone can only be larger/);
        } else {
          assert.ok(size() >= held);
        }
      }),
    );
  });

  it("have come, are accepted, wait or have failed", () => {
    const state = (phase?: string) => diskProgress({ status: { phase } }).state;
    assert.equal(state("Succeeded"), "come");
    assert.equal(state("WaitForFirstConsumer"), "accepted");
    assert.equal(state("PendingPopulation"), "accepted");
    assert.equal(state("Failed"), "failed");
    assert.equal(state("CloneInProgress"), "waiting");
    assert.equal(state(), "waiting");
  });

  it("say what holds them up", () => {
    const { why } = diskProgress({
      status: {
        phase: "Pending",
        progress: "N/A",
        conditions: [
          { type: "Bound", status: "False", message: "exceeded quota: q" },
        ],
      },
    });
    assert.equal(why, "phase Pending (exceeded quota: q)");
  });
});

describe("KubeVirt: permission to clone", () => {
  it("is for these snapshots and this namespace's account, and no more", () => {
    assert.deepEqual(clonePermission("web", ["b", "a"]), {
      rules: [
        {
          apiGroups: ["cdi.kubevirt.io"],
          resources: ["datavolumes/source"],
          verbs: ["create"],
          resourceNames: ["a", "b"],
        },
      ],
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "web" }],
    });
  });

  it("without snapshots is for none, not for all", () => {
    const [rule] = clonePermission("web", []).rules;
    assert.deepEqual(rule?.resourceNames, ["none"]);
  });
});

describe("KubeVirt: a machine that is waited for", () => {
  const running = {
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
      interfaces: [{ ipAddress: "10.1.2.3" }],
    },
  };

  it("is starting, running, and then its agent answers", () => {
    const stage = (instance: unknown) =>
      machineStage({ machine: {}, instance, events: [] });
    assert.equal(stage(undefined), "starting");
    assert.equal(stage(running), "running");
    const { status } = running;
    const agent = { type: "AgentConnected", status: "True" };
    const conditions = [...status.conditions, agent];
    assert.equal(stage({ status: { ...status, conditions } }), "agent");
    assert.equal(machineAddress(running), "10.1.2.3");
  });

  it("has failed when KubeVirt says so and nothing runs", () => {
    const machine = {
      status: { conditions: [{ type: "Failure", status: "True" }] },
    };
    const sight = { machine, instance: undefined, events: [] };
    assert.equal(machineStage(sight), "failed");
  });

  it("is explained by status, conditions that say no, and the last events", () => {
    const machine = {
      status: {
        printableStatus: "Provisioning",
        conditions: [
          {
            type: "Failure",
            status: "True",
            reason: "FailedCreate",
            message: "not authorized to create DataVolume",
          },
          { type: "LiveMigratable", status: "True", message: "fine" },
        ],
      },
    };
    const event = (index: number) => ({
      reason: `R${index}`,
      message: "m",
      count: index,
      lastTimestamp: `2026-01-01T00:00:0${index}Z`,
    });
    const events = [3, 1, 7, 2, 5, 4, 6].map(event);
    assert.deepEqual(explainMachine({ machine, instance: undefined, events }), [
      "status Provisioning",
      "Failure is true: FailedCreate: not authorized to create DataVolume",
      "R3: m (3 times)",
      "R4: m (4 times)",
      "R5: m (5 times)",
      "R6: m (6 times)",
      "R7: m (7 times)",
    ]);
  });
});
