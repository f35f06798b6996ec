import assert from "node:assert/strict";
import { validateFleet } from "@corral-iac/corral/fleet/check";

const host = {
  host: "192.0.2.10",
  privateKey: { fromConfig: "hostKey" },
  hostKey: "ssh-ed25519 AAAA",
  accelerator: "tcg",
};
const machine = {
  host: "edge",
  hypervisor: "qemu",
  kernel: { path: "/srv/vmlinuz" },
};
const fleet = (microVms: object, machines: object = {}) => ({
  hypervisors: {},
  machines,
  microVmHosts: { edge: host },
  microVms,
});

describe("microVMs of a fleet", () => {
  it("are right as they are documented", () => {
    assert.deepEqual(validateFleet(fleet({ web: machine })), []);
  });

  it("are on a host of the fleet, and do what it can", () => {
    const faults = validateFleet(
      fleet({
        lost: { ...machine, host: "elsewhere" },
        fast: { ...machine, hypervisor: "firecracker" },
      }),
    );
    assert.deepEqual(faults, [
      {
        path: "microVms.lost.host",
        problem: 'is "elsewhere", must be a host of this fleet: edge',
      },
      {
        path: "microVms.fast.hypervisor",
        problem:
          'is "firecracker" on a host that only emulates (accelerator tcg), must be "qemu" there: Firecracker needs /dev/kvm',
      },
    ]);
  });

  it("are not called like another machine", () => {
    const other = { libvirt: { hypervisor: "x", image: { name: "y" } } };
    const faults = validateFleet(fleet({ web: machine }, { web: other }));
    assert.ok(faults.some(({ path }) => path === "microVms.web"));
  });
});
