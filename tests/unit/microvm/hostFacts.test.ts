import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  type HostFacts,
  hostFaults,
  type HostWishes,
  NEEDED_PROGRAMS,
  networkAround,
  newWishes,
} from "@corral-iac/corral/core/microvm/hostFacts";
import { formatIpv4 } from "@corral-iac/corral/core/microvm/subnet";
import {
  factsScript,
  readFacts,
} from "@corral-iac/corral/core/microvm/scripts/hostFacts";
import { Answer } from "@corral-iac/corral/core/microvm/scripts/hostScript";

import { ScratchHost } from "./scratchHost";

const good: HostFacts = {
  architecture: "x86_64",
  init: "systemd",
  missingPrograms: [],
  devices: ["/dev/net/tun", "/dev/kvm"],
  firewallFault: undefined,
  hypervisors: [
    {
      kind: "cloudHypervisor",
      path: "/usr/bin/cloud-hypervisor",
      version: "44.0",
    },
  ],
  freeMemoryMib: 4096,
  freeDiskMib: 20_480,
  networks: [{ cidr: "192.0.2.7/24", what: "the address of eth0" }],
  machineId: "0123",
};
const wishes: HostWishes = {
  subnet: "10.0.0.0/24",
  acceleration: "kvm",
  hypervisors: [],
  freeMemoryMib: 0,
  freeDiskGib: 0,
};

describe("what a host lacks", () => {
  it("is nothing where everything is there", () => {
    assert.deepEqual(hostFaults(good, wishes), []);
  });

  it("is said all at once, each with a remedy", () => {
    const bare: HostFacts = {
      ...good,
      architecture: "riscv64",
      init: "runit",
      missingPrograms: ["nft", "flock", "runuser", "curl"],
      devices: [],
      firewallFault: "nft: not found",
      hypervisors: [],
      freeMemoryMib: 100,
      freeDiskMib: 1024,
      networks: [{ cidr: "10.0.0.128/25", what: "a route by eth1" }],
    };
    const faults = hostFaults(bare, {
      ...wishes,
      freeMemoryMib: 200,
      freeDiskGib: 1.5,
    });
    assert.deepEqual(
      faults.map((fault) => fault.replace(/[,:;(].*/, "")),
      [
        "its architecture is riscv64",
        "its first process is runit",
        "it lacks nft",
        "it has no /dev/net/tun",
        "it has no /dev/kvm",
        "it has no hypervisor",
        "it has 100 MiB of memory available",
        "it has 1024 MiB of disk free at /var/lib",
        "the subnet 10.0.0.0/24 overlaps 10.0.0.128/25 ",
      ],
    );
    assert.match(faults[2] ?? "", /apt-get install nftables util-linux curl$/);
  });

  it("is a hypervisor that emulates, where there shall be emulation", () => {
    const emulation: HostWishes = { ...wishes, acceleration: "tcg" };
    assert.match(hostFaults(good, emulation).join(), /no hypervisor.*qemu/);
    assert.deepEqual(
      hostFaults(good, { ...emulation, hypervisors: ["firecracker"] }),
      ['Firecracker cannot emulate: it needs accelerator: "kvm"'],
    );
  });

  it("is a version that Corral can speak to", () => {
    const old = { ...good.hypervisors[0], version: "1.0" };
    assert.match(
      hostFaults(
        { ...good, hypervisors: [old as (typeof good.hypervisors)[0]] },
        { ...wishes, hypervisors: ["cloudHypervisor"] },
      ).join(),
      /cloud-hypervisor is version 1.0 there, must be at least/,
    );
  });

  it("is a subnet of its own: any network that shares an address with it is named", () => {
    const octets = fc.nat(2 ** 32 - 1);
    fc.assert(
      fc.property(
        octets,
        fc.integer({ min: 8, max: 32 }),
        (address, prefix) => {
          const cidr = `${formatIpv4(address)}/${prefix}`;
          const size = 2 ** (32 - prefix);
          const first = Math.floor(address / size) * size;
          const [low, high] = [10 * 2 ** 24, 10 * 2 ** 24 + 255];
          const shares = first <= high && first + size - 1 >= low;
          const faults = hostFaults(
            { ...good, networks: [{ cidr, what: "it" }] },
            wishes,
          );
          assert.equal(faults.length, shares ? 1 : 0, cidr);
        },
      ),
    );
    assert.equal(networkAround("default"), undefined);
  });
});

describe("what a network that is there asks of its host", () => {
  const asks: HostWishes & { subnet: string } = {
    ...wishes,
    subnet: "10.0.0.0/24",
    freeMemoryMib: 2048,
    freeDiskGib: 10,
  };
  /** A host that machines have filled, and that has got a route since. */
  const full: HostFacts = {
    ...good,
    freeMemoryMib: 100,
    freeDiskMib: 100,
    networks: [{ cidr: "10.0.0.0/8", what: "a route by wg0" }],
  };
  const faults = (changes: object) =>
    hostFaults(full, newWishes({ ...asks, ...changes }, asks));

  it("is not again what it asked for when it was made", () => {
    assert.deepEqual(faults({}), []);
    assert.deepEqual(faults({ nat: false, acceleration: "kvm" }), []);
    assert.equal(hostFaults(full, newWishes(asks, undefined)).length, 3);
  });

  it("is what has changed", () => {
    assert.match(
      faults({ freeMemoryMib: 512 }).join(),
      /^it has 100 MiB of memory available, must have 512 \(freeMemoryMib\)$/,
    );
    assert.match(
      faults({ freeDiskGib: 1 }).join(),
      /^it has 100 MiB of disk free at \/var\/lib, must have 1024 \(freeDiskGib\)$/,
    );
    assert.match(
      faults({ subnet: "10.1.0.0/24" }).join(),
      /^the subnet 10\.1\.0\.0\/24 overlaps 10\.0\.0\.0\/8 \(a route by wg0\)/,
    );
    assert.match(faults({ lan: "br0" }).join(), /^it has no interface br0/);
    // What every network needs is looked for each time.
    assert.match(
      hostFaults({ ...full, devices: [] }, newWishes(asks, asks)).join(),
      /no \/dev\/net\/tun/,
    );
  });
});

describe("the programs that a host is looked through for", () => {
  it("are told where they are missing, and the one that fetches images is among them", async () => {
    const host = new ScratchHost();
    try {
      const { stdout } = await host.run(
        `command() { return 1; }\n${factsScript("lan", host.paths)}`,
      );
      const missing = new Answer(stdout).all("missing");
      assert.deepEqual(missing, Object.keys(NEEDED_PROGRAMS));
      assert.ok(missing.includes("curl"));
    } finally {
      host.remove();
    }
  });
});

describe("a subnet in the network of one of the host's interfaces", () => {
  const facts: HostFacts = {
    ...good,
    networks: [
      {
        cidr: "192.168.1.5/24",
        what: "the address of br0",
        device: "br0",
        isOwn: true,
      },
      { cidr: "192.168.1.0/24", what: "a route by br0", device: "br0" },
      { cidr: "192.168.1.1/32", what: "a router of the host" },
      {
        cidr: "10.1.0.1/16",
        what: "the address of eth1",
        device: "eth1",
        isOwn: true,
      },
    ],
  };
  const faults = (subnet: string, lan = "br0") =>
    hostFaults(facts, { ...wishes, subnet, lan });

  it("is a part of that network, without the host itself and its router", () => {
    assert.deepEqual(faults("192.168.1.192/27"), []);
    assert.match(
      faults("192.168.1.0/28").join(),
      /overlaps 192\.168\.1\.5\/24 \(the address of br0\), 192\.168\.1\.1\/32 \(a router of the host\)/,
    );
  });

  it("is not all of it, and no part of another", () => {
    for (const subnet of ["192.168.1.0/24", "10.1.4.0/24", "172.16.0.0/24"]) {
      assert.match(
        faults(subnet).join(),
        /is no part of the network of br0 \(192\.168\.1\.5\/24\)/,
      );
    }
    // Without it the host's networks are left alone as a whole.
    assert.equal(
      hostFaults(facts, { ...wishes, subnet: "192.168.1.192/27" }).length,
      1,
    );
  });

  it("needs an interface that is there and has an address", () => {
    assert.match(
      faults("192.168.1.192/27", "br1").join(),
      /no interface br1 with an IPv4 address \(lan\): it has br0, eth1/,
    );
  });
});

describe("what a host tells of itself", () => {
  const told = [
    "architecture x86_64",
    "init systemd",
    "missing nft",
    "device /dev/net/tun",
    "firewall Operation not permitted",
    "hypervisor qemu /usr/bin/qemu-system-x86_64 7.2.22",
    "memory 2048000",
    "disk 1048576",
    "address lo 127.0.0.1/8",
    "address cv0123456789 10.0.0.1/32",
    "address eth0 192.0.2.7/24",
    "route default via 192.0.2.1 dev eth0",
    "route 192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.7",
    "route 10.0.0.2 dev cv0123456789 scope link",
    "route unreachable 10.0.0.0/24",
    "route unreachable 10.9.0.0/24",
    "route blackhole 172.16.0.0/12",
    "route local 192.0.2.7 dev eth0 table local proto kernel",
    "network other 10.9.0.0/24",
    "own 10.0.0.0/24",
    "id 0123",
    "",
  ].join("\n");

  it("is read with what Corral itself has made left out", () => {
    const facts = readFacts(new Answer(told));
    assert.deepEqual(facts.networks, [
      { cidr: "10.9.0.0/24", what: "the network other of Corral" },
      {
        cidr: "127.0.0.1/8",
        what: "the address of lo",
        device: "lo",
        isOwn: true,
      },
      {
        cidr: "192.0.2.7/24",
        what: "the address of eth0",
        device: "eth0",
        isOwn: true,
      },
      { cidr: "192.0.2.1/32", what: "a router of the host" },
      { cidr: "192.0.2.0/24", what: "a route by eth0", device: "eth0" },
      { cidr: "172.16.0.0/12", what: "a route" },
    ]);
    assert.deepEqual(facts.hypervisors, [
      { kind: "qemu", path: "/usr/bin/qemu-system-x86_64", version: "7.2.22" },
    ]);
    assert.equal(facts.freeMemoryMib, 2000);
    assert.equal(facts.freeDiskMib, 1024);
    assert.equal(facts.firewallFault, "Operation not permitted");
    assert.deepEqual(facts.missingPrograms, ["nft"]);
  });
});
