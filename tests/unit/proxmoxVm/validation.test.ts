import * as assert from "node:assert/strict";
import { LATER } from "@corral-iac/corral/core/later";
import {
  machineNameFaults,
  validateProxmoxVm,
} from "@corral-iac/corral/proxmox/validation";
import { GOOD, KEY, MINIMAL } from "./vmArgs";

/** Each case: what the fault says of which argument, and what the user wrote. */
function cases(
  list: readonly (readonly [path: string, problem: RegExp, given: object])[],
): void {
  for (const [path, problem, given] of list) {
    it(`${path} ${problem.source}: ${JSON.stringify(given)}`, () => {
      const faults = validateProxmoxVm({ ...MINIMAL, ...given });
      assert.equal(faults.length, 1, JSON.stringify(faults));
      assert.equal(faults[0]?.path, path);
      assert.match(faults[0]?.problem ?? "", problem);
    });
  }
}

describe("arguments of ProxmoxVm", () => {
  it("that are right have no fault", () => {
    assert.deepEqual(validateProxmoxVm(GOOD), []);
    assert.deepEqual(validateProxmoxVm(MINIMAL), []);
    const { account, template, ...rest } = GOOD;
    assert.ok(account && template);
    assert.deepEqual(
      validateProxmoxVm({
        ...rest,
        template: { name: "debian12" },
        cloudInit: { users: [{ name: "ops" }], packages: ["curl"] },
      }),
      [],
    );
    assert.deepEqual(
      validateProxmoxVm({
        node: "pve",
        image: { fileId: "local:import/debian-12.qcow2" },
        rootDisk: { sizeGib: 8 },
      }),
      [],
    );
  });

  it("are of a machine whose whole name is a DNS name", () => {
    assert.deepEqual(machineNameFaults("shop-prod-web"), []);
    for (const name of ["my_shop-prod-web", "shop.x-dev-web", "a".repeat(64)]) {
      const [fault] = machineNameFaults(name);
      assert.equal(fault?.path, "name");
      assert.match(
        fault?.problem ?? "",
        /must with project and stack be a DNS name/,
      );
    }
  });

  it("that are known later have no fault yet", () => {
    for (const name of ["node", "cores", "memoryMib", "tags", "apiToken"]) {
      assert.deepEqual(validateProxmoxVm({ ...MINIMAL, [name]: LATER }), []);
    }
  });

  it("that decide what is made have to be known", () => {
    const names = ["template", "dataDisks", "networks", "rootDisk", "account"];
    for (const name of names) {
      const paths = validateProxmoxVm({ ...MINIMAL, [name]: LATER }).map(
        ({ path }) => path,
      );
      assert.deepEqual(paths, [name]);
    }
  });

  it("are refused all at once", () => {
    const paths = validateProxmoxVm({
      node: "pve/1",
      cores: 0,
      memoryMib: "1G",
      tags: ["Web"],
      networks: [{ vlan: 5000 }],
    }).map(({ path }) => path);
    assert.deepEqual(paths.sort(), [
      "",
      "cores",
      "memoryMib",
      "networks[0].vlan",
      "node",
      "tags[0]",
    ]);
  });

  it("that are secret are never shown", () => {
    const shown = JSON.stringify(
      validateProxmoxVm({
        ...MINIMAL,
        apiToken: "planted-1",
        account: { name: "Wrong Name", password: 5 },
        nodeSsh: { privateKey: "planted-2" },
        ssh: { privateKey: "planted-3" },
      }),
    );
    assert.doesNotMatch(shown, /planted/);
    assert.match(shown, /apiToken.*is no API token/);
  });

  describe("of access", () => {
    const address = /must be an address like https:\/\//;
    cases([
      ["endpoint", address, { endpoint: "http://pve:8006" }],
      ["endpoint", address, { endpoint: "pve:8006" }],
      [
        "apiToken",
        /^is no API token, must be USER@REALM!ID=UUID$/,
        { apiToken: "root" },
      ],
      ["node", /must be the name of a node$/, { node: "pve.local" }],
      [
        "nodeSsh.privateKey",
        /is no private key/,
        { nodeSsh: { privateKey: "x" } },
      ],
      ["nodeSsh.privateKey", /is missing/, { nodeSsh: { user: "root" } }],
      ["vmId", /is 99, must be a whole number from 100/, { vmId: 99 }],
    ]);
  });

  describe("of what the machine is made from", () => {
    const image = {
      template: undefined,
      image: { fileId: "local:import/a.qcow2" },
    };
    cases([
      [
        "",
        /has none, must have exactly one of template, image/,
        { template: undefined },
      ],
      [
        "",
        /has template and image/,
        { ...image, template: { vmId: 9000 }, rootDisk: { sizeGib: 8 } },
      ],
      [
        "template",
        /has none, must have exactly one of vmId, name/,
        { template: {} },
      ],
      [
        "template",
        /has vmId and name/,
        { template: { vmId: 9000, name: "a" } },
      ],
      ["rootDisk", /must stand beside image/, image],
      [
        "image.fileId",
        /must be a volume id like/,
        {
          ...image,
          image: { fileId: "debian.qcow2" },
          rootDisk: { sizeGib: 8 },
        },
      ],
    ]);
  });

  describe("of hardware", () => {
    const rootDisk = { sizeGib: 8 };
    cases([
      ["machineType", /must be pc, q35 or a version/, { machineType: "q36" }],
      ["cpuType", /must be a model like/, { cpuType: "host,hidden=1" }],
      ["osType", /must be one of l24, l26/, { osType: "debian" }],
      ["bios", /must be one of "seabios", "ovmf"/, { bios: "uefi" }],
      [
        "balloonMib",
        /is 2048, must be at most memoryMib: 1024/,
        { memoryMib: 1024, balloonMib: 2048 },
      ],
      ["efiDisk", /with bios "seabios"/, { bios: "seabios", efiDisk: {} }],
      [
        "pciDevices[0].pcie",
        /with machineType "pc"/,
        { machineType: "pc", pciDevices: [{ mapping: "gpu", pcie: true }] },
      ],
      [
        "pciDevices[0].mapping",
        /is "", must be a name/,
        { pciDevices: [{ mapping: "" }] },
      ],
      [
        "tpm.version",
        /must be one of "v1.2", "v2.0"/,
        { tpm: { version: "2" } },
      ],
      ["rootDisk.sizeGib", /is missing/, { rootDisk: {} }],
      [
        "rootDisk.sizeGib",
        /is 1.5, must be a whole number/,
        { rootDisk: { sizeGib: 1.5 } },
      ],
      [
        "rootDisk.interface",
        /must be one of scsi0/,
        { rootDisk: { ...rootDisk, interface: "scsi1" } },
      ],
      [
        "rootDisk.storage",
        /must be the name of a storage/,
        { rootDisk: { ...rootDisk, storage: "a:b" } },
      ],
      [
        "rootDisk.ssd",
        /has no such option/,
        { rootDisk: { ...rootDisk, interface: "virtio0", ssd: true } },
      ],
      [
        "rootDisk.ioThread",
        /has no such option/,
        { rootDisk: { ...rootDisk, interface: "sata0", ioThread: true } },
      ],
      [
        "rootDisk",
        /must stand beside dataDisks/,
        { dataDisks: [{ name: "data", sizeGib: 1 }] },
      ],
      [
        "dataDisks[0].name",
        /1 to 20 lower-case letters/,
        { rootDisk, dataDisks: [{ name: "Data", sizeGib: 1 }] },
      ],
      [
        "dataDisks[1].name",
        /as of another data disk/,
        {
          rootDisk,
          dataDisks: [
            { name: "data", sizeGib: 1 },
            { name: "data", sizeGib: 1 },
          ],
        },
      ],
      [
        "dataDisks[1].interface",
        /is "scsi2", as of another/,
        {
          rootDisk,
          dataDisks: [
            { name: "a", sizeGib: 1, interface: "scsi2" },
            { name: "b", sizeGib: 1 },
          ],
        },
      ],
      [
        "shutdownTimeoutSeconds",
        /from 5 to 3600/,
        { shutdownTimeoutSeconds: 0 },
      ],
    ]);
  });

  describe("of networks", () => {
    const network = (given: object) => ({ networks: [given] });
    cases([
      [
        "networks[0].bridge",
        /must be the name of a bridge/,
        network({ bridge: "vm br" }),
      ],
      [
        "networks[0].macAddress",
        /must be a unicast MAC/,
        network({ macAddress: "01:00:00:00:00:01" }),
      ],
      [
        "networks[0].ipv4.address",
        /must be dhcp or an address/,
        network({ ipv4: { address: "10.0.0.5" } }),
      ],
      [
        "networks[0].ipv4.address",
        /must be dhcp or/,
        network({ ipv4: { address: "10.0.0.5/33" } }),
      ],
      [
        "networks[0].ipv4.address",
        /must be dhcp or/,
        network({ ipv4: { address: "auto" } }),
      ],
      [
        "networks[0].ipv6.address",
        /must be auto, dhcp/,
        network({ ipv6: { address: "10.0.0.5/24" } }),
      ],
      [
        "networks[0].ipv4.gateway",
        /must be left out/,
        network({ ipv4: { address: "dhcp", gateway: "10.0.0.1" } }),
      ],
      [
        "networks[0].ipv4.gateway",
        /must be an IPv4 address/,
        network({ ipv4: { address: "10.0.0.5/24", gateway: "::1" } }),
      ],
      [
        "dns.servers[0]",
        /must be an IP address/,
        { dns: { servers: ["dns.example"] } },
      ],
    ]);
  });

  describe("of the steps", () => {
    const share = { server: "nfs", hostPath: "/srv", guestPath: "/data" };
    cases([
      [
        "nfsMounts[0].guestPath",
        /must be/,
        { nfsMounts: [{ ...share, guestPath: "data" }] },
      ],
      [
        "nfsMounts[0].server",
        /is missing/,
        { nfsMounts: [{ hostPath: "/a", guestPath: "/b" }] },
      ],
      [
        "files[0]",
        /has none, must have exactly one of source, content/,
        { files: [{ destination: "/etc/a" }] },
      ],
      ["features[0].name", /is missing/, { features: [{ script: "true" }] }],
      [
        "finalForm.name",
        /must be 2 to 40 letters/,
        { finalForm: { name: "1st" } },
      ],
      [
        "finalForm.name",
        /Proxmox VE's own/,
        { finalForm: { name: "current" } },
      ],
      [
        "nfsMounts",
        /are given with ready.until "agent", which does not wait for ssh/,
        { ready: { until: "agent" }, nfsMounts: [share] },
      ],
      [
        "networks[0].ipv4.address",
        /with ready.through "ssh"/,
        {
          ready: { through: "ssh" },
          ssh: { hostKey: "ssh-ed25519 AAAA" },
        },
      ],
      [
        "ssh.hostKey",
        /is missing with ready.through "ssh"/,
        {
          ready: { through: "ssh" },
          networks: [{ ipv4: { address: "10.0.0.5/24" } }],
        },
      ],
    ]);

    it("have shares whose paths in the guest are known: they name resources", () => {
      const faults = validateProxmoxVm({
        ...MINIMAL,
        nfsMounts: [{ ...share, guestPath: LATER }],
      });
      assert.deepEqual(
        faults.map(({ path }) => path),
        ["nfsMounts[0].guestPath"],
      );
    });
  });

  describe("of cloud-init", () => {
    cases([
      ["", /has account and cloudInit/, { account: {}, cloudInit: {} }],
      [
        "account",
        /with cloudInitDrive: false/,
        { cloudInitDrive: false, account: {} },
      ],
      [
        "dns",
        /with cloudInitDrive: false/,
        { cloudInitDrive: false, dns: { domain: "a" } },
      ],
      [
        "networks[0]",
        /has addresses with cloudInitDrive: false/,
        { cloudInitDrive: false, networks: [{ ipv4: { address: "dhcp" } }] },
      ],
      ["account.name", /must be a login name/, { account: { name: "Me" } }],
      [
        "account.sshAuthorizedKeys[0]",
        /must be one line/,
        { account: { sshAuthorizedKeys: ["ssh-ed25519 AAAA\nssh-rsa BBBB"] } },
      ],
      [
        "cloudInit.hostname",
        /must be a host name/,
        { cloudInit: { hostname: "a b" } },
      ],
      ["ssh.privateKey", /is no private key/, { ssh: { privateKey: "x" } }],
    ]);
    it("takes a key", () => {
      assert.deepEqual(
        validateProxmoxVm({ ...MINIMAL, ssh: { privateKey: KEY } }),
        [],
      );
    });
  });
});
