import assert from "node:assert/strict";
import { validateMicroVm } from "@corral-iac/corral/microvm/validation";

const right = {
  host: {
    connection: {
      host: "192.0.2.10",
      port: 22,
      user: "root",
      privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----",
      hostKey: "ssh-ed25519 AAAA",
    },
    network: "default",
    subnet: "10.0.0.0/24",
    gateway: "10.0.0.1",
  },
  kernel: { path: "/srv/vmlinux" },
};
const faultsOf = (changes: object) =>
  validateMicroVm({ ...right, ...changes }).map(
    ({ path, problem }) => `${path} ${problem}`,
  );

describe("the arguments of a MicroVm", () => {
  it("may be as few as a host and a kernel", () => {
    assert.deepEqual(faultsOf({}), []);
  });

  it("have no password in the address of an image, and none is shown", () => {
    const kernel = (url: string) =>
      faultsOf({ kernel: { url, sha256: "0".repeat(64) } });
    assert.deepEqual(kernel("https://host/a@b"), []);
    assert.deepEqual(kernel("https://host:8443/vmlinuz?for=a@b"), []);
    for (const url of [
      "https://user:hidden@host/vmlinuz",
      "http://hidden@host/vmlinuz",
      "https://user:hid@den@host",
    ]) {
      const [fault = "", ...more] = kernel(url);
      assert.deepEqual(more, []);
      assert.match(
        fault,
        /^kernel\.url has a user or a password in it, .*must be an address like https:\/\/host/,
      );
      assert.doesNotMatch(fault, /hid/);
    }
  });

  it("are all told when they are wrong", () => {
    assert.deepEqual(
      faultsOf({
        kernel: { path: "vmlinux", url: "ftp://x/y" },
        address: "10.0.0.1",
        volumes: [
          { name: "Data", sizeGib: 1 },
          { name: "a", sizeGib: 1, image: "/srv/a.raw" },
          { name: "a" },
        ],
        allow: [{ protocol: "icmp", ports: [1], from: ["nowhere"] }],
        kernelArguments: ["two words"],
        ready: { until: "agent" },
      }).map((fault) => fault.replace(/,? (must|which|is given).*/, "")),
      [
        'address is "10.0.0.1"',
        "kernel has path and url",
        'kernel.path is "vmlinux"',
        'kernel.url is "ftp://x/y"',
        "kernel.sha256 is missing, url needs it",
        'volumes[0].name is "Data"',
        "volumes[1].sizeGib",
        'volumes[2].name is "a"',
        "volumes[2].sizeGib is missing",
        "allow[0].ports",
        'allow[0].from[0] is "nowhere"',
        'kernelArguments[0] is "two words"',
        'ready.until is "agent"',
      ].map((fault) => fault.replace(/,? (must|which|is given).*/, "")),
    );
  });

  it("ask of a hypervisor what it can do", () => {
    const volumes = Array.from({ length: 8 }, (_, index) => ({
      name: `v${index}`,
      sizeGib: 1,
    }));
    assert.deepEqual(faultsOf({ volumes }), []);
    const [fault = ""] = faultsOf({ volumes, hypervisor: "qemu" });
    assert.match(fault, /^volumes make 11 devices .* at most 8 for QEMU/);
    const [many = ""] = faultsOf({ hypervisor: "firecracker", vcpus: 64 });
    assert.match(many, /^vcpus is 64, must be at most 32 for Firecracker$/);
  });

  it("share folders that are there to be shared, under names of their own, by a hypervisor that can", () => {
    const work = { name: "work", hostPath: "/srv/work", mountPoint: "/work" };
    assert.deepEqual(faultsOf({ sharedFolders: [work] }), []);
    assert.deepEqual(
      faultsOf({
        sharedFolders: [
          work,
          { ...work, hostPath: "/srv/a,b" },
          { name: "No", hostPath: "srv", mountPoint: "x" },
        ],
      }).map((fault) => fault.split(" ")[0]),
      [
        "sharedFolders[1].name",
        "sharedFolders[1].hostPath",
        "sharedFolders[2].name",
        "sharedFolders[2].hostPath",
        "sharedFolders[2].mountPoint",
      ],
    );
    const [fault = ""] = faultsOf({
      sharedFolders: [work],
      hypervisor: "firecracker",
    });
    assert.match(
      fault,
      /^sharedFolders is given for Firecracker, which has none; must be left out, or hypervisor must be "cloudHypervisor" or "qemu"$/,
    );
  });

  it("show no private key", () => {
    const { host } = right;
    const faults = faultsOf({
      host: {
        ...host,
        connection: { ...host.connection, privateKey: "hunter2" },
      },
    });
    assert.equal(faults.length, 1);
    assert.doesNotMatch(faults.join(), /hunter2/);
  });
});
