import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  isDnsLabel,
  isLabelName,
  isLabelValue,
  ownerAnnotations,
  ownerOf,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  clusterMachines,
  diskName,
  machineNameFaults,
  machineUuid,
  roleByName,
} from "@corral-iac/corral/core/kubevirt/names";
import {
  bytesQuantity,
  parseQuantity,
} from "@corral-iac/corral/core/kubevirt/quantity";
import { guestNetwork } from "@corral-iac/corral/core/kubevirt/nodeNetwork";

describe("KubeVirt: names", () => {
  it("are those of the requirements", () => {
    assert.deepEqual(
      clusterMachines("web", 2).map(({ name, nodeName, part }) => [
        name,
        nodeName,
        part,
      ]),
      [
        ["cks-control-plane-web", "cks-control-plane", "control-plane"],
        ["cks-worker-node-web", "cks-worker-node", "worker"],
        ["cks-worker-node-web-2", "cks-worker-node-2", "worker-2"],
      ],
    );
  });

  it("tell the role of machines that others made", () => {
    assert.equal(
      roleByName("cks-control-plane-user-session-76c3ac1b"),
      "control-plane",
    );
    assert.equal(roleByName("cks-worker-node-base"), "worker");
    assert.equal(roleByName("web"), undefined);
  });

  it("of machines keep their place when workers come and go", () => {
    const session = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(session, fc.nat(20), fc.nat(20), (name, few, more) => {
        const small = clusterMachines(name, few);
        const large = clusterMachines(name, few + more);
        assert.deepEqual(large.slice(0, small.length), small);
        for (const key of ["name", "nodeName", "part", "index"] as const) {
          const values = large.map((machine) => machine[key]);
          assert.equal(new Set(values).size, large.length, key);
        }
        assert.ok(large.every((machine) => isDnsLabel(machine.name)));
      }),
    );
  });

  it("that come out too long are a fault", () => {
    const machines = clusterMachines("x".repeat(50), 1);
    const [fault] = machineNameFaults(machines, "session", "x".repeat(50));
    assert.match(fault?.problem ?? "", /at most 63/);
  });

  it("of disks differ between generations", () => {
    assert.equal(diskName("vm", "root", 1), "vm-root");
    assert.equal(diskName("vm", "root", 2), "vm-root-g2");
  });

  it("give UUIDs of their own, the same each time", () => {
    const uuid = machineUuid("stamp", "vm", 1);
    assert.match(
      uuid,
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(machineUuid("stamp", "vm", 1), uuid);
    const others = [
      machineUuid("stamp", "vm", 2),
      machineUuid("stamp", "vm2", 1),
      machineUuid("other", "vm", 1),
    ];
    assert.equal(new Set([uuid, ...others]).size, 4);
  });
});

describe("KubeVirt: labels", () => {
  it("are what Kubernetes takes", () => {
    assert.ok(isLabelValue("") && isLabelValue("a.B_c-1"));
    assert.ok(!isLabelValue("-a") && !isLabelValue("a b"));
    assert.ok(!isLabelValue("a".repeat(64)));
    assert.ok(isLabelName("team") && isLabelName("example.org/team"));
    assert.ok(!isLabelName("/team") && !isLabelName("a/b/c"));
  });

  it("say whose something is, readable again for all names", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (project, name) => {
        const stamp = {
          id: "0123456789abcdef",
          project: Buffer.from(project).toString(),
          stack: "dev",
          component: "KubevirtCluster",
          name: Buffer.from(name).toString(),
        };
        const metadata = { annotations: ownerAnnotations(stamp) };
        assert.deepEqual(ownerOf({ metadata }), stamp);
      }),
    );
    assert.equal(ownerOf({ metadata: {} }), undefined);
  });
});

describe("KubeVirt: quantities", () => {
  it("are read in all their forms", () => {
    const values = ["1Gi", "1.5G", "500m", "3e3", "12", "1E", "x", "", "1 Gi"];
    assert.deepEqual(values.map(parseQuantity), [
      2 ** 30,
      1.5e9,
      0.5,
      3000,
      12,
      1e18,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("come back as they were written", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 45), (bytes) => {
        assert.equal(parseQuantity(bytesQuantity(bytes)), bytes);
      }),
    );
    assert.equal(bytesQuantity(20 * 2 ** 30), "20Gi");
  });
});

describe("KubeVirt: the networks of a cluster's machines", () => {
  it("are each another, within the one given, and never change", () => {
    assert.deepEqual(guestNetwork("10.250.0.0/16", 1), {
      cidr: "10.250.1.0/24",
      gateway: "10.250.1.1",
      address: "10.250.1.2",
    });
    const all = Array.from(
      { length: 256 },
      (_, index) => guestNetwork("10.250.0.0/16", index).cidr,
    );
    assert.equal(new Set(all).size, 256);
    assert.ok(all.every((cidr) => cidr.startsWith("10.250.")));
  });

  it("are refused outside", () => {
    assert.throws(() => guestNetwork("10.250.0.0/16", 256), /no network 256/);
    assert.throws(() => guestNetwork("10.250.0.0/24", 0), /10.250.0.0\/24/);
  });
});
