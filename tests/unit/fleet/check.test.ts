import * as assert from "node:assert/strict";
import type { Fault } from "@corral-iac/corral/core/faults";
import { isFromConfig, validateFleet } from "@corral-iac/corral/fleet/check";
import { parse } from "yaml";

const GOOD = `
hypervisors:
  lab:
    libvirt:
      embeddedLab: true
      networks:
        lan: { cidr: 10.77.0.0/24 }
  kvm1:
    libvirt:
      uri: qemu+ssh://operator@kvm1.example.org/system
      accelerator: kvm
      pools:
        fast: { path: /srv/fast }
      networks:
        front: { cidr: 10.78.0.0/24 }
      images:
        debian12: { url: "https://images.example.org/debian12.qcow2", pool: fast }
        golden: { path: images/golden.qcow2 }
machines:
  hello:
    libvirt:
      hypervisor: lab
      network: { name: lan }
  web-1:
    libvirt:
      hypervisor: kvm1
      vcpus: 4
      memoryMib: 4096
      pool: { name: fast }
      image: { name: debian12 }
      rootDisk: { sizeGib: 20 }
      network: { name: front }
      macAddress: { fromConfig: webMac }
      cloudInit:
        hostname: { fromConfig: webHost }
        users:
          - name: { fromConfig: operatorName }
            sudo: true
            sshAuthorizedKeys: [{ fromConfig: operatorKey }, ssh-ed25519 AAAA me]
            passwordHash: { fromConfig: operatorHash }
        files:
          - path: /etc/token
            content: { fromConfig: token }
            mode: "0600"
      ssh:
        user: operator
        privateKey: { fromConfig: loginKey }
      ready: { until: cloudInit, timeoutSeconds: 900 }
  db:
    libvirt:
      hypervisor: kvm1
      image: { path: { fromConfig: imagePath } }
      network: { bridge: br0 }
      cloudInit:
        userData: { fromConfig: dbUserData }
`;

type Tree = Record<
  string,
  Record<string, { libvirt: Record<string, unknown> }>
>;

/** The faults of the good fleet after a change. */
function faultsAfter(change: (fleet: Tree) => void): Fault[] {
  const fleet = parse(GOOD) as Tree;
  change(fleet);
  return validateFleet(fleet);
}

/** The faults of the good fleet with another web server. */
const faultsOfWeb = (more: object) =>
  faultsAfter((fleet) =>
    Object.assign(fleet.machines?.["web-1"]?.libvirt ?? {}, more),
  );

function assertOne(faults: Fault[], path: string, problem: RegExp): void {
  assert.deepEqual(
    faults.map((fault) => fault.path),
    [path],
    JSON.stringify(faults),
  );
  assert.match(faults[0]?.problem ?? "", problem);
}

describe("a fleet", () => {
  it("that is right has no fault", () => {
    assert.deepEqual(validateFleet(parse(GOOD)), []);
    assert.deepEqual(validateFleet({ hypervisors: {}, machines: {} }), []);
  });

  it("must be a mapping that says something", () => {
    assertOne(validateFleet(null), "", /is null, must be a mapping/);
    assertOne(validateFleet([]), "", /is an empty list, must be a mapping/);
    assertOne(validateFleet({}), "", /is empty, must declare something/);
    assert.deepEqual(validateFleet({ machines: {} }), []);
    assertOne(
      validateFleet({ hypervisors: {}, machines: null }),
      "machines",
      /is null, must be a mapping/,
    );
  });

  it("knows no other parts", () => {
    assertOne(
      validateFleet({ hypervisors: {}, machines: {}, machine: {} }),
      "machine",
      /is not known, did you mean machines\?; known here: hypervisors, machines/,
    );
  });

  describe("with machines", () => {
    it("refers to a hypervisor that it declares", () => {
      assertOne(
        faultsOfWeb({ hypervisor: "kvm2" }),
        "machines.web-1.libvirt.hypervisor",
        /is "kvm2", must be a libvirt hypervisor of this fleet: lab, kvm1$/,
      );
      const alone = validateFleet({
        hypervisors: {},
        machines: { web: { libvirt: { hypervisor: "kvm1" } } },
      });
      assertOne(
        alone,
        "machines.web.libvirt.hypervisor",
        /this fleet: none is declared$/,
      );
    });

    it("says which hypervisor", () => {
      assertOne(
        faultsOfWeb({ hypervisor: undefined }),
        "machines.web-1.libvirt.hypervisor",
        /is missing/,
      );
      assertOne(
        faultsOfWeb({ hypervisor: 1 }),
        "machines.web-1.libvirt.hypervisor",
        /is 1, must be text/,
      );
    });

    it("needs an image but on the lab", () => {
      assertOne(
        faultsOfWeb({ image: undefined }),
        "machines.web-1.libvirt.image",
        /is missing; only the embedded lab has an image of its own/,
      );
      assertOne(
        faultsOfWeb({ image: {} }),
        "machines.web-1.libvirt.image",
        /has none, must have exactly one of name, path, url/,
      );
    });

    it("has exactly one kind", () => {
      const machine = (value: object) =>
        validateFleet({ hypervisors: {}, machines: { web: value } });
      assertOne(machine({}), "machines.web", /has none, .* one of libvirt/);
      assertOne(
        machine({ libvrit: {} }),
        "machines.web.libvrit",
        /is not known, did you mean libvirt\?/,
      );
      assertOne(
        faultsAfter(({ machines }) =>
          Object.assign(machines?.["web-1"] ?? {}, { vmware: {} }),
        ),
        "machines.web-1.vmware",
        /is not known; known here: libvirt/,
      );
    });

    it("has names that go into names on hypervisors", () => {
      for (const name of ["Web", "web_1", "1web", "web-", "a".repeat(41), ""]) {
        const faults = faultsAfter(({ machines = {} }) => {
          machines[name] = machines["web-1"] ?? assert.fail();
        });
        assert.equal(faults.length, 1, name);
        assert.match(
          faults[0]?.problem ?? "",
          /is no good name, must be 1 to 40/,
        );
      }
    });

    it("knows its arguments, and says once which it knows", () => {
      const faults = faultsOfWeb({ vcpu: 2 });
      assertOne(
        faults,
        "machines.web-1.libvirt.vcpu",
        /did you mean vcpus\?; known here: .*hypervisor/,
      );
      assertOne(
        faultsOfWeb({ uri: "qemu:///system" }),
        "machines.web-1.libvirt.uri",
        /is not known/,
      );
    });

    it("has arguments of the right types, deep inside too, and says so once", () => {
      const at = "machines.web-1.libvirt";
      assertOne(
        faultsOfWeb({ vcpus: "2" }),
        `${at}.vcpus`,
        /is "2", must be a whole number from 1 to 512$/,
      );
      assertOne(
        faultsOfWeb({ macAddress: 5 }),
        `${at}.macAddress`,
        /is 5, must be text, or `fromConfig: KEY`$/,
      );
      assertOne(
        faultsOfWeb({
          cloudInit: { users: [{ name: "a", groups: ["b", 7] }] },
        }),
        `${at}.cloudInit.users[0].groups[1]`,
        /is 7, must be text, or `fromConfig: KEY`$/,
      );
      assertOne(
        faultsOfWeb({ ready: { until: { fromConfig: "x" } } }),
        `${at}.ready.until`,
        /is a mapping, must be one of "none"/,
      );
      assertOne(faultsOfWeb({ cloudInit: null }), `${at}.cloudInit`, /is null/);
    });

    it("obeys the rules of its kind, under its own path", () => {
      const at = "machines.web-1.libvirt";
      assertOne(
        faultsOfWeb({ cloudInit: { files: [{ path: "x", content: "" }] } }),
        `${at}.cloudInit.files[0].path`,
        /must be an absolute path/,
      );
      assertOne(
        faultsOfWeb({ network: { name: "a", bridge: "b" } }),
        `${at}.network`,
        /has name and bridge/,
      );
      assertOne(
        faultsOfWeb({
          cloudInit: { users: [], userData: { fromConfig: "k" } },
        }),
        `${at}.cloudInit.users`,
        /is given beside userData/,
      );
    });
  });

  describe("with hypervisors", () => {
    const faultsOfHost = (more: object) =>
      faultsAfter(({ hypervisors }) =>
        Object.assign(hypervisors?.kvm1?.libvirt ?? {}, more),
      );
    const at = "hypervisors.kvm1.libvirt";

    it("has connection URIs that libvirt knows", () => {
      assertOne(
        faultsOfHost({ uri: "ssh://kvm1" }),
        `${at}.uri`,
        /is "ssh:\/\/kvm1", must be a libvirt URI/,
      );
    });

    it("obeys the rules of pools, networks and images", () => {
      assertOne(
        faultsOfHost({ pools: { fast: { path: "fast" } } }),
        `${at}.pools.fast.path`,
        /is "fast", must be an absolute path/,
      );
      assertOne(
        faultsOfHost({ networks: { front: { cidr: "10.78.0.1/24" } } }),
        `${at}.networks.front.cidr`,
        /must be an IPv4 network/,
      );
      assertOne(
        faultsOfHost({ images: { debian12: { pool: "fast" } } }),
        `${at}.images.debian12`,
        /has none, must have exactly one of path, url/,
      );
      assertOne(
        faultsOfHost({ pools: { fast: {} } }),
        `${at}.pools.fast.path`,
        /is missing/,
      );
      assertOne(
        faultsOfHost({ pools: { Fast: { path: "/a" } } }),
        `${at}.pools.Fast`,
        /is no good name/,
      );
      assertOne(
        faultsOfHost({ images: { debian12: "debian.qcow2" } }),
        `${at}.images.debian12`,
        /is "debian\.qcow2", must be a mapping/,
      );
    });
  });

  it("is checked as a whole, at once", () => {
    const faults = faultsAfter(({ hypervisors = {}, machines = {} }) => {
      Object.assign(hypervisors.lab?.libvirt ?? {}, { embeddedLab: "yes" });
      Object.assign(hypervisors.kvm1?.libvirt ?? {}, { networks: { a: {} } });
      Object.assign(machines.db?.libvirt ?? {}, { vcpus: 0, hypervisor: "x" });
      Object.assign(machines, { Bad: { libvirt: { hypervisor: "kvm1" } } });
    });
    assert.deepEqual(faults.map(({ path }) => path).sort(), [
      "hypervisors.kvm1.libvirt.networks.a.cidr",
      "hypervisors.lab.libvirt.embeddedLab",
      "machines.Bad",
      "machines.Bad.libvirt.image",
      "machines.db.libvirt.hypervisor",
      "machines.db.libvirt.vcpus",
      "machines.hello.libvirt.image",
    ]);
  });

  it("shows no secret that somebody wrote into it", () => {
    const secret = "hunter2";
    const faults = faultsOfWeb({
      ssh: { privateKey: secret, user: 5 },
      cloudInit: {
        users: [{ name: "bob", passwordHash: { fromConfg: secret } }],
        userData: secret,
      },
    });
    assert.ok(faults.length >= 4);
    assert.ok(!JSON.stringify(faults).includes(secret));
  });
});

describe("isFromConfig", () => {
  it("knows exactly the mapping with a key's name", () => {
    assert.ok(isFromConfig({ fromConfig: "key" }));
    for (const other of [
      { fromConfig: 5 },
      { fromConfig: "a", b: 1 },
      "a",
      null,
    ]) {
      assert.ok(!isFromConfig(other));
    }
  });
});

describe("a fleet on Proxmox VE", () => {
  const FLEET = `
hypervisors:
  pve:
    proxmox:
      endpoint: https://pve1.example.org:8006
      apiToken: { fromConfig: pveToken }
      insecure: true
      node: pve1
      nodeSsh: { privateKey: { fromConfig: nodeKey }, address: pve1.example.org }
  kvm: { libvirt: {} }
machines:
  web:
    proxmox:
      hypervisor: pve
      template: { name: debian12 }
      account: { password: { fromConfig: password } }
      networks: [{ vlan: 20, ipv4: { address: { fromConfig: webAddress } } }]
      nfsMounts: [{ server: nas, hostPath: /srv, guestPath: /srv }]
      files: [{ destination: /etc/token, content: { fromConfig: token } }]
      features: [{ docker: {} }]
      finalForm: {}
`;
  type Kinds = Record<string, Record<string, Record<string, unknown>>>;
  const faultsWith = (
    hypervisor: Record<string, unknown>,
    machine: Record<string, unknown> = {},
  ): Fault[] => {
    const fleet = parse(FLEET) as Record<string, Kinds>;
    Object.assign(fleet.hypervisors?.pve?.proxmox ?? {}, hypervisor);
    Object.assign(fleet.machines?.web?.proxmox ?? {}, machine);
    return validateFleet(fleet);
  };

  it("that is right has no fault", () => {
    assert.deepEqual(faultsWith({}), []);
  });

  it("has a node for each machine", () => {
    const paths = faultsWith({ node: undefined }).map(({ path }) => path);
    assert.deepEqual(paths, [
      "hypervisors.pve.proxmox.node",
      "machines.web.proxmox.node",
    ]);
    assert.deepEqual(
      faultsWith({ node: undefined, nodeSsh: undefined }, { node: "pve2" }),
      [],
    );
  });

  it("refers to a hypervisor of its own kind", () => {
    assertOne(
      faultsWith({}, { hypervisor: "kvm" }),
      "machines.web.proxmox.hypervisor",
      /is "kvm", must be a proxmox hypervisor of this fleet: pve$/,
    );
  });

  it("takes access from the hypervisor alone", () => {
    assertOne(
      faultsWith({}, { endpoint: "https://other:8006" }),
      "machines.web.proxmox.endpoint",
      /is not known/,
    );
  });

  it("is held to the rules of ProxmoxVm, with paths of the file", () => {
    assertOne(
      faultsWith({ endpoint: "http://pve" }),
      "hypervisors.pve.proxmox.endpoint",
      /must be an address like https/,
    );
    assertOne(
      faultsWith({}, { networks: [{ macAddress: "x" }] }),
      "machines.web.proxmox.networks[0].macAddress",
      /must be a unicast MAC address/,
    );
  });
});
