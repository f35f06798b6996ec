import assert from "node:assert/strict";
import { validateFleet } from "@corral-iac/corral/fleet/check";
import { makeMicroVms } from "@corral-iac/corral/fleet/microVm";
import type { Fleet } from "@corral-iac/corral/fleet/types";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

import { byName, recordResources } from "../shared/mockedEngine";
import { known, mockEngine } from "../shared/outputs";

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
  after(() => mockEngine());

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

  it("have further interfaces in other networks of their host, and of no other", () => {
    const faultsOf = (...interfaces: object[]) =>
      validateFleet({
        ...fleet({ web: { ...machine, interfaces } }),
        microVmHosts: {
          edge: host,
          storage: { ...host, subnet: "10.1.0.0/24" },
          far: { ...host, host: "192.0.2.11", subnet: "10.2.0.0/24" },
        },
      });
    assert.deepEqual(faultsOf({ host: "storage" }), []);
    assert.deepEqual(
      faultsOf(
        { host: "storage" },
        { host: "storage" },
        { host: "far" },
        { host: "none" },
      ),
      [
        {
          path: "microVms.web.interfaces[3].host",
          problem:
            'is "none", must be a host of this fleet: edge, storage, far',
        },
        {
          path: "microVms.web.interfaces[1].host",
          problem:
            'is the network "storage", must be another than those of the interfaces before',
        },
        {
          path: "microVms.web.interfaces[2].host",
          problem:
            "is on 192.0.2.11:22, must be a network of the machine's own host 192.0.2.10:22",
        },
      ],
    );
  });

  it("lease an address in each of their networks", async () => {
    const { privateKey, publicKey } = generateEd25519();
    const server = { ...host, privateKey, hostKey: publicKey };
    const made = recordResources({
      outputs: {
        "corral-ops:index:MicroVmNetwork": () => ({
          unitName: "corral-microvm-network.service",
          versions: {},
        }),
      },
    });
    const { web } = makeMicroVms({
      microVmHosts: {
        edge: server,
        storage: { ...server, subnet: "10.1.0.0/24" },
      },
      microVms: { web: { ...machine, interfaces: [{ host: "storage" }] } },
    } as Fleet);
    await known(web?.connection as never);
    const { network, subnet, gateway } = byName(made, "web-address-1").inputs;
    assert.deepEqual(
      [network, subnet, gateway],
      ["storage", "10.1.0.0/24", "10.1.0.1"],
    );
    assert.equal(byName(made, "web-address").inputs.network, "edge");
  });

  it("are not called like another machine", () => {
    const other = { libvirt: { hypervisor: "x", image: { name: "y" } } };
    const faults = validateFleet(fleet({ web: machine }, { web: other }));
    assert.ok(faults.some(({ path }) => path === "microVms.web"));
  });
});
