import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  cloudInitFiles,
  netmask,
} from "@corral-iac/tools/lab/proxmox/cloudInit/files";

const dns = { nameservers: ["10.141.0.1"], searchDomains: [] };

const machine = {
  name: "web",
  ciuser: "ops",
  cipassword: "$5$salt$hash",
  sshkeys: encodeURIComponent("ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n"),
  net0: "virtio=BC:24:11:00:00:01,bridge=vmbr0",
  net1: "virtio=BC:24:11:00:00:02,bridge=vmbr0",
  ipconfig0: "ip=10.141.0.10/24,gw=10.141.0.1,ip6=auto",
  ipconfig1: "ip=dhcp",
  searchdomain: "lab.test",
};

describe("the cloud-init drive of the simulated Proxmox VE", () => {
  it("has Proxmox's own user data", () => {
    assert.equal(
      cloudInitFiles(machine, 101, {}, dns).userData,
      `#cloud-config
hostname: web
manage_etc_hosts: true
fqdn: web.lab.test
user: ops
password: $5$salt$hash
ssh_authorized_keys:
  - ssh-ed25519 AAAA one
  - ssh-ed25519 BBBB two
chpasswd:
  expire: False
users:
  - default
package_upgrade: true
`,
    );
  });

  it("names an unnamed machine by its id, and upgrades nothing when told so", () => {
    const { userData } = cloudInitFiles({ ciupgrade: "0" }, 101, {}, dns);
    assert.match(userData, /^hostname: VM101$/m);
    assert.doesNotMatch(userData, /package_upgrade|ssh_authorized_keys|user:/);
  });

  it("sets each device up by its MAC address, and the node's name server", () => {
    assert.equal(
      cloudInitFiles(machine, 101, {}, dns).networkConfig,
      `version: 1
config:
    - type: physical
      name: eth0
      mac_address: 'bc:24:11:00:00:01'
      subnets:
      - type: static
        address: '10.141.0.10'
        netmask: '255.255.255.0'
        gateway: '10.141.0.1'
      - type: ipv6_slaac
    - type: physical
      name: eth1
      mac_address: 'bc:24:11:00:00:02'
      subnets:
      - type: dhcp4
    - type: nameserver
      address:
      - '10.141.0.1'
      search:
      - 'lab.test'
`,
    );
  });

  it("is a new instance with every byte of user data and network", () => {
    const files = cloudInitFiles(machine, 101, {}, dns);
    const sha1 = createHash("sha1")
      .update(files.userData + files.networkConfig)
      .digest("hex");
    assert.equal(files.metaData, `instance-id: ${sha1}\n`);
    const custom = cloudInitFiles(
      machine,
      101,
      { user: "#cloud-config\n" },
      dns,
    );
    assert.equal(custom.userData, "#cloud-config\n");
    assert.notEqual(custom.metaData, files.metaData);
    assert.equal(custom.networkConfig, files.networkConfig);
  });

  it("takes the four kinds of own files", () => {
    const own = { user: "u", network: "n", meta: "m", vendor: "v" };
    assert.deepEqual(cloudInitFiles(machine, 101, own, dns), {
      userData: "u",
      networkConfig: "n",
      metaData: "m",
      vendorData: "v",
    });
  });

  it("refuses more than 3 MiB, and an address without a prefix", () => {
    assert.throws(
      () =>
        cloudInitFiles(machine, 101, { user: "x".repeat(3 * 1024 ** 2) }, dns),
      /Cloud-Init sum of snippets too big/,
    );
    const bare = { ...machine, ipconfig0: "ip=10.141.0.10" };
    assert.throws(
      () => cloudInitFiles(bare, 101, {}, dns),
      /not a CIDR: 10\.141\.0\.10/,
    );
  });

  it("writes prefixes as netmasks", () => {
    assert.deepEqual([0, 8, 16, 20, 24, 30, 32].map(netmask), [
      ...["0.0.0.0", "255.0.0.0", "255.255.0.0", "255.255.240.0"],
      ...["255.255.255.0", "255.255.255.252", "255.255.255.255"],
    ]);
  });
});
