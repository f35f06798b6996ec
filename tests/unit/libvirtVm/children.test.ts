import * as assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import { macAddress } from "@corral-iac/corral/core/names";
import { parseStampElement } from "@corral-iac/corral/core/stamp";
import { OnCloudInitChange, ReadyUntil } from "@corral-iac/corral/guest/args";
import {
  Accelerator,
  type LibvirtVmArgs,
} from "@corral-iac/corral/libvirt/args";
import { libvirtProvider } from "@corral-iac/corral/libvirt/hypervisor";
import { LibvirtVm } from "@corral-iac/corral/libvirt/libvirtVm";
import { mockEngine } from "../shared/outputs";
import {
  byName,
  type MadeResource,
  plain,
  PROJECT,
  recordResources,
  settled,
  STACK,
  STAMP_ID,
} from "../shared/mockedEngine";

const MINIMAL: LibvirtVmArgs = { image: { name: "debian12.qcow2" } };

async function make(
  args: LibvirtVmArgs,
  options: () => pulumi.ComponentResourceOptions = () => ({}),
  name = "web",
): Promise<MadeResource[]> {
  const made = recordResources();
  await settled(new LibvirtVm(name, args, options()));
  return made;
}

const shortTypes = (made: readonly MadeResource[]) =>
  made.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();

describe("LibvirtVm", () => {
  after(() => mockEngine());

  it("makes its children, all named after it", async () => {
    assert.deepEqual(shortTypes(await make(MINIMAL)), [
      "AppliedRevision web-made-from",
      "CloudInitDisk web-cloudinit",
      "ConsoleLog web-console",
      "Domain web-domain",
      "GuestReady web-ready",
      "LibvirtPower web-power",
      "LibvirtVm web",
      "SshKeyPair web-host-key",
      "SshKeyPair web-login-key",
      "Stamp web-stamp",
      "Volume web-root",
      "libvirt web-hypervisor",
    ]);
  });

  it("makes no libvirt provider of its own, nor do its parts, where it is handed one", async () => {
    const made = await make(
      { ...MINIMAL, network: { create: { cidr: "10.77.0.0/24" } } },
      () => ({ provider: libvirtProvider("shared", "qemu:///system") }),
    );
    const providers = made.filter(({ type }) =>
      type.startsWith("pulumi:providers:libvirt"),
    );
    assert.deepEqual(
      providers.map(({ name }) => name),
      ["shared"],
    );
  });

  it("shares the provider it made with the pool, network and image that it makes", async () => {
    const made = await make({
      uri: "qemu+ssh://operator@host/system",
      image: { path: "images/debian12.qcow2" },
      pool: { create: { path: "/srv/web" } },
      network: { create: { cidr: "10.77.0.0/24" } },
    });
    const providers = made.filter(({ type }) =>
      type.startsWith("pulumi:providers:libvirt"),
    );
    assert.deepEqual(
      providers.map(({ name, inputs }) => [name, inputs.uri]),
      [["web-hypervisor", "qemu+ssh://operator@host/system"]],
    );
  });

  it("makes pool, network and image of its own where it is asked to", async () => {
    const made = await make({
      image: { path: "images/debian12.qcow2" },
      pool: { create: { path: "/srv/web" } },
      network: { create: { cidr: "10.77.0.0/24" } },
    });
    const own = shortTypes(made).filter((line) =>
      /^(Libvirt)?(Pool|Network|Image) /.test(line),
    );
    assert.deepEqual(own, [
      "LibvirtImage web-image",
      "LibvirtNetwork web-network",
      "LibvirtPool web-pool",
      "Network web-network-network",
      "Pool web-pool-pool",
    ]);
    const poolName = byName(made, "web-pool-pool").inputs.name;
    const image = byName(made, "web-image-image").inputs;
    assert.deepEqual(
      [image.pool, image.source],
      [poolName, "images/debian12.qcow2"],
    );
    const root = byName(made, "web-root").inputs;
    assert.deepEqual(
      [root.pool, root.baseVolumePool, root.baseVolumeName],
      [poolName, poolName, image.name],
    );
    assert.deepEqual(byName(made, "web-domain").inputs.networkInterfaces, [
      {
        networkName: byName(made, "web-network-network").inputs.name,
        mac: ownMac(),
        waitForLease: false,
      },
    ]);
  });

  it("makes no key where the user brings one", async () => {
    const made = await make({
      ...MINIMAL,
      ssh: {
        privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        hostKey: "ssh-ed25519 AAAA",
      },
    });
    assert.ok(!made.some(({ type }) => type.endsWith(":SshKeyPair")));
  });

  it("gives the domain what was asked for, and defaults for the rest", async () => {
    const { inputs } = byName(await make(MINIMAL), "web-domain");
    assert.equal(inputs.name, "shop-prod-web");
    assert.equal(inputs.vcpu, 1);
    assert.equal(inputs.memory, 1024);
    assert.equal(inputs.type, "kvm");
    assert.deepEqual(inputs.cpu, { mode: "host-passthrough" });
    assert.equal(inputs.autostart, true);
    assert.deepEqual(inputs.disks, [{ volumeId: "id of web-root" }]);
    assert.equal(inputs.cloudinit, "id of web-cloudinit");
    assert.deepEqual(inputs.networkInterfaces, [
      { networkName: "default", mac: ownMac(), waitForLease: false },
    ]);

    const asked = byName(
      await make({
        ...MINIMAL,
        vcpus: 4,
        memoryMib: 4096,
        accelerator: Accelerator.Tcg,
        autostart: false,
        network: { bridge: "br0" },
        macAddress: "52:54:00:ab:cd:ef",
      }),
      "web-domain",
    ).inputs;
    assert.equal(asked.vcpu, 4);
    assert.equal(asked.memory, 4096);
    assert.equal(asked.type, "qemu");
    assert.deepEqual(asked.cpu, { mode: "maximum" });
    assert.equal(asked.autostart, false);
    assert.deepEqual(asked.networkInterfaces, [
      { bridge: "br0", mac: "52:54:00:AB:CD:EF" },
    ]);
  });

  it("puts the owner's stamp into the domain, and its short form into the names of files", async () => {
    const made = await make(MINIMAL);
    const { xslt } = byName(made, "web-domain").inputs.xml as { xslt: string };
    assert.deepEqual(parseStampElement(xslt), {
      id: STAMP_ID,
      project: PROJECT,
      stack: STACK,
      component: "LibvirtVm",
      name: "web",
    });
    assert.match(xslt, /<log file="\/pool\/console\.log"/);
    assert.equal(
      byName(made, "web-root").inputs.name,
      "shop-prod-web-root-01234567.qcow2",
    );
    assert.equal(
      byName(made, "web-cloudinit").inputs.name,
      "shop-prod-web-cloudinit-01234567.iso",
    );
    assert.equal(
      byName(made, "web-console").inputs.fileName,
      "shop-prod-web-console-01234567.log",
    );
  });

  it("gives the root disk its size in bytes, and the image's size where none is asked for", async () => {
    const sized = await make({ ...MINIMAL, rootDisk: { sizeGib: 20 } });
    assert.equal(byName(sized, "web-root").inputs.size, 20 * 1024 ** 3);
    assert.equal(
      byName(await make(MINIMAL), "web-root").inputs.size,
      undefined,
    );
  });

  it("makes a resource for each data disk, and gives them to the domain after the root disk", async () => {
    const made = await make({
      ...MINIMAL,
      pool: { name: "fast" },
      dataDisks: [
        { name: "db", sizeGib: 2 },
        { name: "tmp", sizeGib: 1, keep: false, adopt: "old.qcow2" },
      ],
    });
    const uri = "qemu:///system";
    assert.deepEqual(byName(made, "web-data-db").inputs, {
      uri,
      pool: "fast",
      name: "shop-prod-web-data-db-kept-01234567.qcow2",
      sizeBytes: 2 * 1024 ** 3,
      keep: true,
    });
    assert.deepEqual(byName(made, "web-data-tmp").inputs, {
      uri,
      pool: "fast",
      name: "shop-prod-web-data-tmp-01234567.qcow2",
      sizeBytes: 1024 ** 3,
      keep: false,
      adopt: "old.qcow2",
    });
    const { disks, xml } = byName(made, "web-domain").inputs as {
      disks: { volumeId: string }[];
      xml: { xslt: string };
    };
    assert.deepEqual(
      disks.map(({ volumeId }) => volumeId),
      ["id of web-root", "id of web-data-db", "id of web-data-tmp"],
    );
    assert.match(xml.xslt, /'vdb'[^]*<serial>db<[^]*'vdc'[^]*<serial>tmp</);
  });

  it("keeps no data disk by default where the stack's configuration says so", async () => {
    const made = recordResources();
    pulumi.runtime.setConfig("corral:keepDataDisks", "false");
    try {
      await settled(
        new LibvirtVm("web", {
          ...MINIMAL,
          dataDisks: [{ name: "db", sizeGib: 2 }],
        }),
      );
    } finally {
      pulumi.runtime.setAllConfig({});
    }
    assert.equal(byName(made, "web-data-db").inputs.keep, false);
  });

  it("refuses a disk to keep in a pool that goes with the machine, beside all other faults", () => {
    recordResources();
    assert.throws(
      () =>
        new LibvirtVm("web", {
          ...MINIMAL,
          vcpus: 0,
          pool: { create: { path: "/srv/web" } },
          dataDisks: [{ name: "db", sizeGib: 2 }],
        }),
      (error) => {
        assert.ok(error instanceof InvalidArgumentsError);
        assert.deepEqual(
          error.faults.map(({ path }) => path),
          ["vcpus", "dataDisks[0].keep"],
        );
        return true;
      },
    );
  });

  it("has the same MAC address whatever else changes, and another in another stack", async () => {
    const one = byName(await make(MINIMAL), "web-ready");
    const two = byName(
      await make({ image: { name: "other" }, memoryMib: 2048 }),
      "web-ready",
    );
    const macOf = ({ inputs }: MadeResource) =>
      (inputs.machine as { libvirt: { macAddress: string } }).libvirt
        .macAddress;
    assert.equal(macOf(one), macOf(two));
    const other = byName(await make(MINIMAL, undefined, "db"), "db-ready");
    assert.notEqual(macOf(one), macOf(other));
  });

  it("hands the guest its host name, its keys and the users", async () => {
    const made = await make({
      ...MINIMAL,
      cloudInit: { users: [{ name: "ops", sudo: true }] },
    });
    const { inputs } = byName(made, "web-cloudinit");
    const userData = String(plain(inputs.userData));
    assert.match(userData, /^#cloud-config\n/);
    assert.match(userData, /^hostname: "web"$/m);
    assert.match(userData, /- name: "ops"$/m);
    assert.match(userData, /private key of web-host-key/);
    const loginKey = `ssh-ed25519 AAAA${Buffer.from("web-login-key").toString("base64")}`;
    assert.ok(userData.includes(loginKey));
    assert.doesNotMatch(userData, /private key of web-login-key/);
    assert.match(String(inputs.metaData), /shop-prod-web-01234567/);
  });

  it("waits for ssh by default, for nothing when the machine is off, and as asked", async () => {
    const until = async (args: Partial<LibvirtVmArgs>) => {
      const { inputs } = byName(
        await make({ ...MINIMAL, ...args }),
        "web-ready",
      );
      return [inputs.until, inputs.timeoutSeconds];
    };
    assert.deepEqual(await until({}), ["ssh", 300]);
    assert.deepEqual(await until({ running: false }), ["none", 300]);
    assert.deepEqual(
      await until({
        ready: { until: ReadyUntil.CloudInit, timeoutSeconds: 900 },
      }),
      ["cloudInit", 900],
    );
  });

  it("hands power and readiness the machine that they are for", async () => {
    const made = await make({
      ...MINIMAL,
      uri: "qemu+ssh://ops@hv1.example.com/system",
      shutdownTimeoutSeconds: 5,
    });
    assert.deepEqual(byName(made, "web-power").inputs, {
      uri: "qemu+ssh://ops@hv1.example.com/system",
      domain: "shop-prod-web",
      domainId: "id of web-domain",
      running: true,
      autostart: true,
      shutdownTimeoutSeconds: 5,
    });
    const { machine } = byName(made, "web-ready").inputs as {
      machine: { id: string; libvirt: Record<string, unknown> };
    };
    assert.equal(machine.id, "id of web-domain");
    assert.equal(machine.libvirt.uri, "qemu+ssh://ops@hv1.example.com/system");
    assert.equal(machine.libvirt.consolePool, "default");
  });

  it("has a changed cloud-init applied only where the user wants it", async () => {
    const follow = async (onCloudInitChange?: OnCloudInitChange) =>
      byName(await make({ ...MINIMAL, onCloudInitChange }), "web-made-from")
        .inputs.follow;
    assert.equal(await follow(), false);
    assert.equal(await follow(OnCloudInitChange.Ignore), false);
    assert.equal(await follow(OnCloudInitChange.Replace), true);
  });
});

function ownMac(): string {
  return macAddress({
    project: PROJECT,
    stack: STACK,
    name: "web",
  }).toUpperCase();
}
