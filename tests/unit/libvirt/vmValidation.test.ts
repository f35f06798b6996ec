import * as assert from "node:assert/strict";
import { LATER } from "@corral-iac/corral/core/later";
import { validateLibvirtVm } from "@corral-iac/corral/libvirt/validation";
import { GOOD, KEY, MINIMAL } from "./vmArgs";
import { assertFault, cases } from "./vmFaults";

describe("arguments of LibvirtVm", () => {
  it("that are right have no fault", () => {
    assert.deepEqual(validateLibvirtVm(GOOD), []);
    assert.deepEqual(validateLibvirtVm(MINIMAL), []);
  });

  describe("that the schema refuses", () => {
    const cpus = /^is .+, must be a whole number from 1 to 512$/;
    cases([
      ["vcpus", cpus, { vcpus: 0 }],
      ["vcpus", cpus, { vcpus: 1.5 }],
      ["vcpus", cpus, { vcpus: "2" }],
      [
        "memoryMib",
        /is 32, must be a whole number from 64 to/,
        { memoryMib: 32 },
      ],
      [
        "accelerator",
        /is "xen", must be one of "kvm", "tcg"$/,
        { accelerator: "xen" },
      ],
      [
        "rootDisk.sizeGib",
        /is -1, must be a number from 0\.001 to 65536/,
        { rootDisk: { sizeGib: -1 } },
      ],
      [
        "rootDisk.sizeGib",
        /is "20G", must be a number/,
        { rootDisk: { sizeGib: "20G" } },
      ],
      [
        "onCloudInitChange",
        /must be one of "ignore", "replace"$/,
        { onCloudInitChange: "yes" },
      ],
      [
        "ready.until",
        /must be one of "none", "agent", "address", "ssh", "cloudInit"$/,
        { ready: { until: "boot" } },
      ],
      [
        "ready.until",
        /is "agent", which is for machines on Proxmox VE, must be "address"/,
        { ready: { until: "agent" } },
      ],
      [
        "ready.timeoutSeconds",
        /is 0, must be a whole number from 1 to 86400/,
        { ready: { timeoutSeconds: 0 } },
      ],
      [
        "ssh.port",
        /is 65536, must be a whole number from 1 to 65535/,
        { ssh: { port: 65536 } },
      ],
      [
        "shutdownTimeoutSeconds",
        /is -1, must be a whole number from 0 to 3600/,
        { shutdownTimeoutSeconds: -1 },
      ],
      ["autostart", /is "yes", must be true or false/, { autostart: "yes" }],
      [
        "cloudInit.users",
        /is a mapping, must be a list/,
        { cloudInit: { users: { name: "bob" } } },
      ],
      [
        "cloudInit.users[0].name",
        /is missing/,
        { cloudInit: { users: [{ sudo: true }] } },
      ],
      [
        "cloudInit.packages[1]",
        /is 5, must be text/,
        { cloudInit: { packages: ["curl", 5] } },
      ],
      ["network.create.cidr", /is missing/, { network: { create: {} } }],
      ["image", /is "debian12", must be a mapping/, { image: "debian12" }],
      [
        "vcpu",
        /is not known, did you mean vcpus\?; known here: .*memoryMib/,
        { vcpu: 2 },
      ],
      ["rootDisk.size", /is not known.*sizeGib/, { rootDisk: { size: 4 } }],
      [
        "image.file",
        /is not known; known here: name, pool, path, url/,
        { image: { file: "x" } },
      ],
    ]);

    it("image is missing: {}", () => {
      assert.deepEqual(validateLibvirtVm({}), [
        { path: "image", problem: "is missing" },
      ]);
    });

    it("altogether", () => {
      assert.deepEqual(validateLibvirtVm("web"), [
        { path: "", problem: 'is "web", must be a mapping' },
      ]);
    });
  });

  describe("that contradict or miss each other", () => {
    cases([
      [
        "image",
        /^has none, must have exactly one of name, path, url$/,
        { image: {} },
      ],
      [
        "image",
        /^has name and url, must have exactly one/,
        { image: { name: "a", url: "https://h/a" } },
      ],
      [
        "pool",
        /^has name and create, must have exactly one of name, create$/,
        { pool: { name: "a", create: { path: "/a" } } },
      ],
      [
        "network",
        /^has name and bridge, must have exactly one of name, bridge, create$/,
        { network: { name: "a", bridge: "br0" } },
      ],
      ["image.pool", /is given without name/, { image: { pool: "images" } }],
      [
        "image.pool",
        /is given without name/,
        { image: { path: "a.qcow2", pool: "images" } },
      ],
      [
        "ready.until",
        /is "ssh" for a machine with running: false, must be "none" or left out/,
        { running: false, ready: { until: "ssh" } },
      ],
      [
        "cloudInit.packages",
        /is given beside userData/,
        { cloudInit: { userData: "#!/bin/sh\n", packages: [] } },
      ],
      [
        "ssh.user",
        /is "bob", a user of cloudInit\.userData .* ssh\.privateKey/,
        {
          cloudInit: { userData: "#cloud-config\nusers: [{name: bob}]\n" },
          ssh: { user: "bob" },
        },
      ],
      [
        "ssh.hostKey",
        /is missing, must be the public host key/,
        {
          cloudInit: {
            userData: "#cloud-config\nssh_keys: {rsa_private: x}\n",
          },
        },
      ],
    ]);

    for (const given of [
      { pool: {}, network: {} },
      { running: false, ready: { until: "none" } },
      { running: false, ready: { timeoutSeconds: 5 } },
      {
        cloudInit: { userData: "#cloud-config\nusers: [{name: eve}]\n" },
        ssh: { user: "bob" },
      },
      { cloudInit: { userData: "#!/bin/sh\n", hostname: "web" } },
      {
        cloudInit: { userData: "#cloud-config\nusers: [{name: bob}]\n" },
        ssh: { user: "bob", privateKey: KEY },
      },
      {
        cloudInit: { userData: "#cloud-config\nssh_keys: {rsa_private: x}\n" },
        ssh: { hostKey: "ssh-rsa AAAA" },
      },
    ]) {
      it(`but these do not: ${JSON.stringify(given)}`, () => {
        assert.deepEqual(validateLibvirtVm({ ...MINIMAL, ...given }), []);
      });
    }
  });

  describe("whose text has a wrong form", () => {
    const uri = /must be a libvirt URI like qemu:\/\/\/system/;
    const cidr = /must be an IPv4 network like/;
    const macAddress = /must be a unicast MAC address/;
    const name = /must be a login name of lower-case letters/;
    const create = (address: string) => ({
      network: { create: { cidr: address } },
    });
    const users = (...names: string[]) => ({
      cloudInit: { users: names.map((one) => ({ name: one })) },
    });
    cases([
      ["uri", uri, { uri: "" }],
      ["uri", uri, { uri: "https://host/system" }],
      ["uri", uri, { uri: "qemu:/system" }],
      ["uri", uri, { uri: "qemu+ssh:///system" }],
      ["uri", uri, { uri: "qemu+ssh://host" }],
      ["network.create.cidr", cidr, create("10.77.0.1/24")],
      ["network.create.cidr", cidr, create("10.77.0.0/30")],
      ["network.create.cidr", cidr, create("0.0.0.0/0")],
      ["network.create.cidr", cidr, create("fd00::/64")],
      [
        "pool.create.path",
        /is "pool", must be an absolute path/,
        { pool: { create: { path: "pool" } } },
      ],
      ["pool.name", /is "", must be a name/, { pool: { name: "" } }],
      ["network.name", /is "", must be a name/, { network: { name: "" } }],
      [
        "network.bridge",
        /is " ", must be a name/,
        { network: { bridge: " " } },
      ],
      ["image.name", /is "", must be a name/, { image: { name: "" } }],
      ["image.path", /is "", must be a name/, { image: { path: "" } }],
      [
        "image.url",
        /must be an address like https/,
        { image: { url: "ftp://host/x" } },
      ],
      [
        "image.url",
        /must be an address like https/,
        { image: { url: "https://host" } },
      ],
      [
        "image.url",
        /^has a user or a password in it, which the state and command lines would show/,
        { image: { url: "https://me:secret@host/x" } },
      ],
      ["macAddress", macAddress, { macAddress: "52:54:00:12:34" }],
      ["macAddress", macAddress, { macAddress: "53:54:00:12:34:56" }],
      ["macAddress", macAddress, { macAddress: "52-54-00-12-34-56" }],
      [
        "cloudInit.hostname",
        /must be a host name/,
        { cloudInit: { hostname: "web_1" } },
      ],
      [
        "cloudInit.hostname",
        /must be a host name/,
        { cloudInit: { hostname: "a".repeat(64) } },
      ],
      [
        "cloudInit.hostname",
        /must be a host name/,
        { cloudInit: { hostname: "" } },
      ],
      ["cloudInit.users[1].name", name, users("bob", "Bob")],
      ["cloudInit.users[0].name", name, users("bob smith")],
      ["ssh.user", name, { ssh: { user: "-root" } }],
      [
        "cloudInit.files[0].path",
        /is "etc\/motd", must be an absolute path/,
        { cloudInit: { files: [{ path: "etc/motd", content: "" }] } },
      ],
      [
        "cloudInit.files[0].mode",
        /is "rw-r--r--", must be octal permissions/,
        {
          cloudInit: {
            files: [{ path: "/a", content: "", mode: "rw-r--r--" }],
          },
        },
      ],
      [
        "ssh.hostKey",
        /must be a public key line/,
        { ssh: { hostKey: "SHA256:abc" } },
      ],
      [
        "ssh.privateKey",
        /^is no private key, must be its text in PEM format/,
        { ssh: { privateKey: "/home/me/.ssh/id_ed25519" } },
      ],
      [
        "cloudInit.userData",
        /starts with none of cloud-init's headers/,
        { cloudInit: { userData: "users: []" } },
      ],
    ]);

    for (const good of [
      "qemu:///system",
      "qemu:///session",
      "qemu+tcp://host/system",
      "qemu+ssh://h/system",
      "test:///default",
    ]) {
      it(`but the URI ${good} has a right one`, () => {
        assert.deepEqual(validateLibvirtVm({ ...MINIMAL, uri: good }), []);
      });
    }
  });

  it("are all checked at once", () => {
    const faults = validateLibvirtVm({
      image: { name: "a", path: "b" },
      vcpus: 0,
      uri: "nowhere",
      cloudInit: { users: [{ name: "Bob" }, { nam: "x" }] },
      running: false,
      ready: { until: "ssh" },
    });
    assert.deepEqual(faults.map(({ path }) => path).sort(), [
      "cloudInit.users[0].name",
      "cloudInit.users[1].nam",
      "cloudInit.users[1].name",
      "image",
      "ready.until",
      "uri",
      "vcpus",
    ]);
  });

  it("pass where they are known later", () => {
    const { onCloudInitChange, dataDisks, ...rest } = GOOD;
    const later = {
      ...(deepLater(rest) as object),
      onCloudInitChange,
      dataDisks: dataDisks.map(({ name, keep, ...disk }) => ({
        ...(deepLater(disk) as object),
        name,
        keep,
      })),
    };
    assert.deepEqual(validateLibvirtVm(later), []);
    assertFault(
      { image: { name: LATER, url: LATER } },
      "image",
      /has name and url/,
    );
  });

  it("pass as a whole only where nothing depends on their fields", () => {
    const later = Object.fromEntries(
      Object.keys(GOOD).map((name) => [name, LATER]),
    );
    const faults = validateLibvirtVm(later);
    assert.deepEqual(faults.map(({ path }) => path).sort(), [
      "dataDisks",
      "image",
      "network",
      "onCloudInitChange",
      "pool",
      "ready",
      "rootDisk",
      "ssh",
    ]);
    for (const { problem } of faults) {
      assert.match(problem, /must stand in the program itself/);
    }
  });
});

/** The same shape with every text, number and truth known later. */
function deepLater(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(deepLater);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, deepLater(inner)]),
      )
    : LATER;
}
