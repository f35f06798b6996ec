import assert from "node:assert/strict";
import { parseDomain } from "@corral-iac/corral/libvirt/inventory/domainXml";
import {
  markInName,
  rotationsOf,
  withoutRotation,
} from "@corral-iac/corral/libvirt/inventory/nameMark";
import { statsOf } from "@corral-iac/corral/libvirt/inventory/status";
import {
  declaredUri,
  surveyLibvirt,
} from "@corral-iac/corral/libvirt/inventory/survey";

const STACK = { project: "corral", stack: "acme/corral/prod" };

describe("libvirt inventory: marks in names", () => {
  for (const [name, stampId] of [
    ["corral-prod-web-root-0123abcd.qcow2", "0123abcd"],
    ["corral-prod-web-cloudinit-0123abcd.iso", "0123abcd"],
    ["corral-prod-web-console-0123abcd.log", "0123abcd"],
    ["corral-prod-web-console-0123abcd.log.2", "0123abcd"],
    ["corral-prod-host-store-0123abcd", "0123abcd"],
  ] as const) {
    it(`reads ${name}`, () => {
      assert.deepEqual(markInName(name, STACK), {
        stampId,
        namesThisStack: true,
      });
    });
  }

  it("sees a disk that was kept on purpose", () => {
    const name = "corral-prod-db-data-kept-0123abcd.qcow2";
    assert.equal(markInName(name, STACK)?.kept, true);
  });

  for (const name of [
    "corral-test-web-root-0123abcd.qcow2",
    "corral-prod-web-root.qcow2",
    "corral-prod-web-root-0123abcd.raw.bak",
    "corral-prod-web-root-0123ABCD.qcow2",
    "debian-12.qcow2",
  ]) {
    it(`finds none in ${name}`, () => {
      assert.equal(markInName(name, STACK), undefined);
    });
  }

  it("knows a console's older parts", () => {
    assert.equal(withoutRotation("a.log.1"), "a.log");
    assert.equal(withoutRotation("a.qcow2"), "a.qcow2");
    assert.deepEqual(rotationsOf("a.log", ["a.log", "a.log.0", "b.log"]), [
      "a.log",
      "a.log.0",
    ]);
  });
});

describe("libvirt inventory: the state", () => {
  const provider = "urn:x::pulumi:providers:libvirt::lab";
  const resources = [
    {
      urn: provider,
      type: "pulumi:providers:libvirt",
      id: "p1",
      inputs: { uri: "qemu+ssh://hv1/system" },
    },
    {
      urn: "d",
      type: "libvirt:index/domain:Domain",
      id: "uuid-1",
      provider: `${provider}::p1`,
      outputs: { name: "corral-prod-web" },
    },
    {
      urn: "v",
      type: "libvirt:index/volume:Volume",
      id: "/pool/x",
      provider: `${provider}::p1`,
      inputs: { name: "x" },
    },
    {
      urn: "l",
      type: "corral-ops:index:ConsoleLog",
      inputs: { uri: "qemu:///system", pool: "fast", fileName: "x.log" },
    },
    {
      urn: "x",
      type: "corral-ops:index:LibvirtDisk",
      inputs: { uri: "qemu:///system", pool: "fast", name: "new.qcow2" },
      outputs: { volumeName: "adopted.qcow2" },
    },
    { urn: "k", type: "corral-ops:index:SshKeyPair" },
  ];

  it("is read with the hypervisor of each resource", () => {
    const { places, references } = surveyLibvirt(resources);
    assert.deepEqual(places, ["qemu+ssh://hv1/system", "qemu:///system"]);
    assert.deepEqual(
      references.map(({ urn, place, handle, mayBeMissing }) => [
        urn,
        place,
        handle,
        mayBeMissing ?? false,
      ]),
      [
        ["d", "qemu+ssh://hv1/system", "domain:uuid-1", false],
        ["v", "qemu+ssh://hv1/system", "volume:default/x", false],
        ["l", "qemu:///system", "volume:fast/x.log", true],
        ["x", "qemu:///system", "volume:fast/adopted.qcow2", false],
      ],
    );
  });

  it("takes libvirt's default where a fleet file names no URI", () => {
    assert.equal(declaredUri({ embeddedLab: true }), "qemu:///system");
    assert.equal(
      declaredUri({ uri: "qemu+ssh://h/system" }),
      "qemu+ssh://h/system",
    );
  });
});

describe("libvirt inventory: what virsh says", () => {
  it("reads a domain's disks, one or many, and those without a file", () => {
    const xml = `<domain><name>0755</name><uuid>u</uuid><devices>
      <disk><source file='/a.qcow2'/><target dev='vda'/></disk>
      <disk type='volume'><source pool='fast' volume='b.qcow2' index='1'/><target dev='vdb'/></disk>
      <disk><source dev='/dev/sdb'/></disk><disk/>
      <interface><source network='lan'/></interface></devices></domain>`;
    assert.deepEqual(parseDomain(xml), {
      name: "0755",
      uuid: "u",
      disks: [
        { target: "vda", path: "/a.qcow2" },
        { target: "vdb", pool: "fast", volume: "b.qcow2" },
      ],
      networks: ["lan"],
    });
    assert.equal(parseDomain(""), undefined);
  });

  it("reads memory and processors of a running domain, and none of one that is off", () => {
    const running =
      "Domain: 'web'\n  balloon.current=524288\n  balloon.rss=222208\n  vcpu.current=2\n";
    assert.deepEqual(statsOf(running), {
      vcpus: 2,
      memoryMib: 512,
      residentMib: 217,
    });
    assert.deepEqual(statsOf(""), {});
  });
});
