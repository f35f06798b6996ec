import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import YAML from "yaml";
import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import { macAddress } from "@corral-iac/corral/core/names";
import {
  type GuestConnection,
  OnCloudInitChange,
} from "@corral-iac/corral/guest/args";
import { Accelerator } from "@corral-iac/corral/libvirt/args";
import {
  type MicroVmArgs,
  MicroVmHypervisor,
  type MicroVmPlace,
} from "@corral-iac/corral/microvm/args";
import type { MicroVmHostArgs } from "@corral-iac/corral/microvm/hostArgs";
import { MicroVm } from "@corral-iac/corral/microvm/microVm";
import { MicroVmHost } from "@corral-iac/corral/microvm/microVmHost";
import { validateMicroVm } from "@corral-iac/corral/microvm/validation";
import { checkComponent } from "@corral-iac/corral/shared/checkArgs";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import {
  byName,
  isSecret,
  type MadeResource,
  plain,
  PROJECT,
  recordResources,
  settled,
  STACK,
} from "../shared/mockedEngine";
import { known, mockEngine } from "../shared/outputs";

const key = generateEd25519();
const HOST: MicroVmHostArgs = {
  host: "192.0.2.10",
  privateKey: key.privateKey,
  hostKey: key.publicKey,
};
const PLACE: MicroVmPlace = {
  connection: {
    host: "192.0.2.10",
    port: 22,
    user: "root",
    privateKey: key.privateKey,
    hostKey: key.publicKey,
  },
  network: "default",
  subnet: "10.0.0.0/24",
  gateway: "10.0.0.1",
};
const BACK: MicroVmPlace = {
  ...PLACE,
  network: "back",
  subnet: "10.1.0.0/24",
  gateway: "10.1.0.1",
};
const MINIMAL: MicroVmArgs = { host: PLACE, kernel: { path: "/srv/vmlinux" } };

/** What the resources on the host answer. */
const outputs = {
  "corral-ops:index:MicroVmAddress": (
    _name: string,
    { address }: Record<string, unknown>,
  ) => ({ address: address ?? "10.0.0.2" }),
  "corral-ops:index:MicroVmImage": (name: string) => ({ path: `/i/${name}` }),
  "corral-ops:index:MicroVmVolume": (name: string) => ({
    path: `/v/${name}.raw`,
    volumeId: `id-of-${name}`,
  }),
  "corral-ops:index:MicroVmService": () => ({
    unitName: "corral-microvm-shop-prod-web.service",
    hypervisorVersion: "44.0",
    startId: "start",
  }),
  "corral-ops:index:MicroVmNetwork": () => ({
    unitName: "corral-microvm-network-lab.service",
    versions: { qemu: "7.2.22" },
  }),
};

async function make(
  args: MicroVmArgs,
  preview = false,
): Promise<MadeResource[]> {
  const made = recordResources({ outputs, preview });
  await settled(new MicroVm("web", args));
  return made;
}

const shortTypes = (made: readonly MadeResource[]) =>
  made.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();

const faultsOf = (work: () => unknown): string[] => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof InvalidArgumentsError);
    return error.faults.map(({ path }) => path);
  }
  return [];
};

/** Every place in a value where the text is, without a secret around it. */
function inTheOpen(value: unknown, text: string): boolean {
  if (isSecret(value)) {
    return false;
  }
  return typeof value === "object" && value !== null
    ? Object.values(value).some((inner) => inTheOpen(inner, text))
    : typeof value === "string" && value.includes(text);
}

const SECRET = key.privateKey.split("\n")[2] ?? "";

describe("MicroVm", () => {
  after(() => mockEngine());

  it("makes its children, all named after it", async () => {
    assert.deepEqual(shortTypes(await make(MINIMAL)), [
      "AppliedRevision web-made-from",
      "GuestReady web-ready",
      "MicroVm web",
      "MicroVmAddress web-address",
      "MicroVmImage web-kernel",
      "MicroVmService web-service",
      "SshKeyPair web-host-key",
      "SshKeyPair web-login-key",
      "Stamp web-stamp",
    ]);
  });

  it("makes an image, a disk and an address for each that is asked for, and nothing for a disk that is somebody else's", async () => {
    const made = await make({
      ...MINIMAL,
      initrd: { path: "/srv/initrd" },
      rootDisk: { image: { path: "/srv/root.qcow2" }, sizeGib: 2 },
      volumes: [
        { name: "data", sizeGib: 1, mountPoint: "/data" },
        { name: "shared", image: "/srv/shared.raw", readOnly: true },
      ],
      interfaces: [{ host: BACK }],
    });
    assert.deepEqual(
      shortTypes(made).filter((line) => /^MicroVm(I|V|A)/.test(line)),
      [
        "MicroVmAddress web-address",
        "MicroVmAddress web-address-1",
        "MicroVmImage web-initrd",
        "MicroVmImage web-kernel",
        "MicroVmImage web-root-image",
        "MicroVmVolume web-root",
        "MicroVmVolume web-volume-data",
      ],
    );
    const { inputs } = byName(made, "web-service");
    assert.deepEqual(
      (inputs.disks as Record<string, unknown>[]).map(
        ({ name, path, readOnly }) => [name, path, readOnly ?? false],
      ),
      [
        ["root", "/v/web-root.raw", false],
        ["data", "/v/web-volume-data.raw", false],
        ["shared", "/srv/shared.raw", true],
      ],
    );
    assert.equal(inputs.hasRootDisk, true);
    assert.equal(byName(made, "web-root").inputs.image, "/i/web-root-image");
    assert.equal(byName(made, "web-root").inputs.keep, false);
    assert.equal(byName(made, "web-volume-data").inputs.keep, true);
  });

  it("has cloud-init mount volumes by their labels and shared folders by their tags", async () => {
    const { inputs } = byName(
      await make({
        ...MINIMAL,
        volumes: [{ name: "data", sizeGib: 1, mountPoint: "/data" }],
        sharedFolders: [
          { name: "work", hostPath: "/srv/work", mountPoint: "/work" },
          { name: "books", hostPath: "/srv/books", readOnly: true },
        ],
      }),
      "web-service",
    );
    assert.deepEqual(inputs.sharedFolders, [
      { name: "work", hostPath: "/srv/work" },
      { name: "books", hostPath: "/srv/books", readOnly: true },
    ]);
    const { mounts } = YAML.parse(String(plain(inputs.userData))) as {
      mounts: string[][];
    };
    assert.deepEqual(mounts, [
      ["/dev/disk/by-label/data", "/data", "ext4", "rw,nofail", "0", "2"],
      ["work", "/work", "virtiofs", "rw,nofail", "0", "0"],
    ]);
  });

  it("gives the service what was asked for, and leaves defaults to it", async () => {
    const { inputs } = byName(
      await make({
        ...MINIMAL,
        hypervisor: MicroVmHypervisor.Qemu,
        vcpus: 2,
        memoryMib: 512,
        limits: { cpuQuotaPercent: 50 },
        allow: [{ ports: [80] }],
        vsockCid: 7,
      }),
      "web-service",
    );
    assert.equal(inputs.name, "shop-prod-web");
    assert.equal(inputs.hostname, "web");
    assert.deepEqual(
      [inputs.hypervisor, inputs.vcpus, inputs.memoryMib, inputs.vsockCid],
      ["qemu", 2, 512, 7],
    );
    assert.deepEqual([inputs.cpuQuotaPercent, inputs.restart], [50, undefined]);
    assert.deepEqual(inputs.interfaces, [
      {
        network: "default",
        address: "10.0.0.2",
        gateway: "10.0.0.1",
        prefix: 24,
        mac: macAddress({ project: PROJECT, stack: STACK, name: "web" }, 0),
      },
    ]);
  });

  it("keeps the keys of host and guest, and what cloud-init is told, out of the open", async () => {
    const made = await make({
      ...MINIMAL,
      cloudInit: { users: [{ name: "ops", passwordHash: "$6$planted" }] },
    });
    for (const { name, inputs } of made) {
      if (name !== "web") {
        assert.ok(!inTheOpen(inputs, SECRET), name);
        assert.ok(!inTheOpen(inputs, "$6$planted"), name);
        assert.ok(!inTheOpen(inputs, "private key of"), name);
      }
    }
    const { userData } = byName(made, "web-service").inputs;
    assert.ok(isSecret(userData));
    assert.match(String(plain(userData)), /private key of web-host-key/);
  });

  it("tells how the guest is reached, through its host, as a secret where a key is in it", async () => {
    recordResources({ outputs });
    const machine = new MicroVm("web", MINIMAL);
    assert.equal(await pulumi.isSecret(machine.address), false);
    const connection = (await known(machine.connection)) as GuestConnection;
    assert.deepEqual(
      [connection.host, connection.user, connection.bastion],
      [
        "10.77.0.5",
        "corral",
        {
          host: "192.0.2.10",
          port: 22,
          user: "root",
          privateKey: key.privateKey,
          hostKey: key.publicKey,
        },
      ],
    );
    assert.ok(await pulumi.isSecret(machine.connection));
    assert.equal(await known(machine.name), "shop-prod-web");
  });

  it("is previewed with nothing of its host known, and nothing looks at the unknown", async () => {
    const made = recordResources({ outputs, preview: true });
    const host = new MicroVmHost("lab", HOST);
    await settled(host);
    await settled(
      new MicroVm("web", {
        ...MINIMAL,
        host: host.place,
        rootDisk: { image: { path: "/srv/root.raw" } },
        volumes: [{ name: "data", sizeGib: 1 }],
        allow: [{ from: [host.gateway] }],
      }),
    );
    assert.deepEqual(
      shortTypes(made).filter((line) => line.endsWith(" web-service")),
      ["MicroVmService web-service"],
    );
    const address = byName(made, "web-address").inputs;
    assert.equal(address.machine, "shop-prod-web");
  });

  it("makes nothing where arguments are wrong, and tells of all of them", async () => {
    const made = recordResources({ outputs });
    assert.deepEqual(
      faultsOf(
        () =>
          new MicroVm("web", {
            ...MINIMAL,
            vcpus: 0,
            address: "10.0.0.1",
            volumes: [{ name: "a" }],
            kernelArguments: ["two words"],
          }),
      ),
      ["vcpus", "address", "volumes[0].sizeGib", "kernelArguments[0]"],
    );
    assert.deepEqual(
      made.filter(({ name }) => name !== "web"),
      [],
    );
  });

  it("tells of outputs that are wrong once they are known, before its first child", async () => {
    recordResources({ outputs });
    const args = {
      ...MINIMAL,
      vcpus: pulumi.output(0),
      address: pulumi.output("192.0.2.1"),
    };
    const checked = checkComponent(
      { type: "MicroVm", name: "web" },
      args,
      validateMicroVm,
    );
    await assert.rejects(known(checked), (error: Error) => {
      assert.match(error.message, /vcpus is 0/);
      assert.match(error.message, /address is "192.0.2.1"/);
      return true;
    });
  });

  it("has a changed cloud-init applied only where the user wants it", async () => {
    const follow = async (onCloudInitChange?: OnCloudInitChange) =>
      byName(
        await make({
          ...MINIMAL,
          ...(onCloudInitChange && { onCloudInitChange }),
        }),
        "web-made-from",
      ).inputs.follow;
    assert.equal(await follow(), false);
    assert.equal(await follow(OnCloudInitChange.Replace), true);
  });
});

describe("MicroVmHost", () => {
  after(() => mockEngine());

  const host = async (args: Partial<MicroVmHostArgs> = {}) => {
    const made = recordResources({ outputs });
    const component = new MicroVmHost("lab", { ...HOST, ...args });
    await settled(component);
    return { made, component };
  };

  it("makes a network, named after it and with the usual subnet", async () => {
    const { made } = await host();
    assert.deepEqual(shortTypes(made), [
      "MicroVmHost lab",
      "MicroVmNetwork lab-network",
      "Stamp lab-stamp",
    ]);
    const { inputs } = byName(made, "lab-network");
    assert.deepEqual(
      [inputs.network, inputs.subnet, inputs.gateway, inputs.acceleration],
      ["lab", "10.0.0.0/24", "10.0.0.1", "kvm"],
    );
    assert.ok(!inTheOpen(inputs, SECRET));
  });

  it("hands its machines the place, of which only the key is a secret", async () => {
    const { component } = await host({
      subnet: "10.9.0.0/16",
      gateway: "10.9.255.1",
      accelerator: Accelerator.Tcg,
    });
    const { connection, ...place } = (await known(
      component.place,
    )) as MicroVmPlace;
    assert.deepEqual(place, {
      network: "lab",
      subnet: "10.9.0.0/16",
      gateway: "10.9.255.1",
      acceleration: "tcg",
    });
    assert.equal((connection as { user: string }).user, "root");
    assert.equal(await pulumi.isSecret(component.subnet), false);
    assert.ok(await pulumi.isSecret(component.connection));
    assert.deepEqual(await known(component.hypervisors), { qemu: "7.2.22" });
  });

  it("has no NAT by default where the machines are in the network of an interface, and says so to them", async () => {
    const { made, component } = await host({
      lan: "br0",
      subnet: "192.168.1.192/27",
    });
    const { inputs } = byName(made, "lab-network");
    assert.deepEqual([inputs.lan, inputs.nat], ["br0", false]);
    const place = (await known(component.place)) as MicroVmPlace;
    assert.equal(place.lan, "br0");
    const machine = recordResources({ outputs });
    await settled(new MicroVm("web", { ...MINIMAL, host: place }));
    const [nic] = byName(machine, "web-service").inputs.interfaces as {
      lan?: string;
    }[];
    assert.equal(nic?.lan, "br0");
  });

  it("makes nothing where arguments are wrong, tells of all of them, and shows no key", () => {
    const made = recordResources({ outputs });
    assert.throws(
      () =>
        new MicroVmHost("lab", {
          ...HOST,
          privateKey: "planted",
          port: 0,
          subnet: "10.0.0.1/24",
        }),
      (error: Error) => {
        assert.match(error.message, /privateKey/);
        assert.match(error.message, /port is 0/);
        assert.match(error.message, /subnet is "10.0.0.1\/24"/);
        assert.doesNotMatch(error.message, /planted/);
        return true;
      },
    );
    assert.ok(!made.some(({ type }) => type.endsWith(":MicroVmNetwork")));
  });
});
