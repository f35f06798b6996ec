import * as assert from "node:assert/strict";
import { InvalidArgumentsError } from "@corral-iac/corral/core/faults";
import type { LibvirtVmArgs } from "@corral-iac/corral/libvirt/args";
import { libvirtProvider } from "@corral-iac/corral/libvirt/hypervisor";
import { LibvirtImage } from "@corral-iac/corral/libvirt/libvirtImage";
import { LibvirtNetwork } from "@corral-iac/corral/libvirt/libvirtNetwork";
import { LibvirtPool } from "@corral-iac/corral/libvirt/libvirtPool";
import { LibvirtVm } from "@corral-iac/corral/libvirt/libvirtVm";
import * as pulumi from "@pulumi/pulumi";
import { known, mockEngine, unknownOutput } from "../shared/outputs";
import {
  byName,
  isSecret,
  recordResources,
  settled,
} from "../shared/mockedEngine";
import { firstRejection, nextTurn } from "../shared/rejections";

const MINIMAL: LibvirtVmArgs = { image: { name: "debian12.qcow2" } };
const PLANTED = "planted-in-the-arguments";

describe("LibvirtVm with wrong arguments", () => {
  after(() => mockEngine());

  it("throws all faults at once, its name among them, and makes no child", async () => {
    const made = recordResources();
    assert.throws(
      () =>
        new LibvirtVm("Web_1", {
          image: {},
          vcpus: 0,
          memoryMib: 12.5,
          network: { name: "lan", bridge: "br0" },
        }),
      (error) => {
        assert.ok(error instanceof InvalidArgumentsError);
        assert.equal(error.subject, 'LibvirtVm "Web_1"');
        assert.deepEqual(error.faults.map(({ path }) => path).sort(), [
          "image",
          "memoryMib",
          "name",
          "network",
          "vcpus",
        ]);
        assert.match(
          error.message,
          /name is "Web_1", must be 1 to 40 lower-case letters, digits and hyphens/,
        );
        return true;
      },
    );
    await nextTurn();
    assert.deepEqual(
      made.filter(({ name }) => name !== "Web_1"),
      [],
    );
  });

  it("fails later where a value is known later, before anything is made", async () => {
    const made = recordResources();
    const failure = await firstRejection(() => {
      new LibvirtVm("web", {
        ...MINIMAL,
        vcpus: pulumi.output(Promise.resolve(0)),
      });
    });
    assert.ok(failure instanceof InvalidArgumentsError, String(failure));
    assert.match(
      failure.message,
      /vcpus is 0, must be a whole number from 1 to 512/,
    );
    const onHypervisor = made.filter(({ type }) => type.startsWith("libvirt:"));
    assert.deepEqual(onHypervisor, []);
  });

  it("refuses a uri that is not that of the provider it is handed, before anything is made", async () => {
    const [ofProvider, other] = ["qemu:///system", "qemu+ssh://ops@hv2/system"];
    for (const Component of [
      LibvirtVm,
      LibvirtPool,
      LibvirtNetwork,
      LibvirtImage,
    ]) {
      const made = recordResources();
      const args = {
        LibvirtVm: MINIMAL,
        LibvirtPool: { path: "/srv/pool" },
        LibvirtNetwork: { cidr: "10.77.0.0/24" },
        LibvirtImage: { path: "disk.qcow2" },
      }[Component.name];
      const failure = await firstRejection(() => {
        const provider = libvirtProvider("hv1", ofProvider);
        new (Component as typeof LibvirtVm)(
          "web",
          { ...(args as LibvirtVmArgs), uri: other },
          { provider },
        );
      });
      assert.ok(failure instanceof InvalidArgumentsError, String(failure));
      assert.equal(failure.subject, `${Component.name} "web"`);
      assert.match(
        failure.message,
        /uri is "qemu\+ssh:\/\/ops@hv2\/system", must be left out or be that of the provider that is handed in: "qemu:\/\/\/system"/,
      );
      assert.deepEqual(
        made.filter(({ type }) =>
          /^libvirt:|:(CloudInitDisk|ConsoleLog|LibvirtPower|GuestReady)$/.test(
            type,
          ),
        ),
        [],
      );
    }
  });

  it("takes a uri that says the same as the provider", async () => {
    const made = recordResources();
    const uri = "qemu:///system";
    const provider = libvirtProvider("hv1", uri);
    await settled(new LibvirtVm("web", { ...MINIMAL, uri }, { provider }));
    byName(made, "web-domain");
  });

  it("refuses an output where the program itself must say what there is", () => {
    recordResources();
    // As a program in YAML can hand it in; TypeScript's types forbid it.
    const given: unknown = {
      ...MINIMAL,
      image: pulumi.output({ name: "debian12.qcow2" }),
      pool: pulumi.secret({ name: "machines" }),
      network: { create: unknownOutput() },
      ssh: unknownOutput(),
    };
    assert.throws(
      () => new LibvirtVm("web", given as LibvirtVmArgs),
      (error) => {
        assert.ok(error instanceof InvalidArgumentsError);
        assert.deepEqual(error.faults.map(({ path }) => path).sort(), [
          "image",
          "network.create",
          "pool",
          "ssh",
        ]);
        assert.match(error.message, /must stand in the program itself/);
        return true;
      },
    );
  });

  it("refuses names that cannot be names on a hypervisor", () => {
    recordResources();
    const refused = (make: () => unknown) =>
      assert.throws(make, /name is .*, must be 1 to \d+ lower-case letters/);
    for (const name of ["Web", "1web", "web-", "web.lan", "web_1"]) {
      refused(() => new LibvirtVm(name, MINIMAL));
      refused(() => new LibvirtPool(name, { path: "/srv/pool" }));
      refused(() => new LibvirtNetwork(name, { cidr: "10.77.0.0/24" }));
      refused(() => new LibvirtImage(name, { path: "disk.qcow2" }));
    }
    refused(() => new LibvirtVm("a".repeat(41), MINIMAL));
  });

  it("allows what machines share the name of their hypervisor before its own", async () => {
    recordResources();
    const longest = "a".repeat(40);
    await settled(new LibvirtVm(longest, MINIMAL));
    const shared = `${longest}-${longest}`;
    await settled(new LibvirtNetwork(shared, { cidr: "10.77.0.0/24" }));
    assert.throws(
      () => new LibvirtNetwork(`${shared}a`, { cidr: "10.77.0.0/24" }),
      /must be 1 to 81/,
    );
  });
});

describe("LibvirtVm's secrets", () => {
  after(() => mockEngine());

  it("reach providers and its own inputs as secrets, whatever the program gave", async () => {
    const made = recordResources();
    const vm = new LibvirtVm("web", {
      ...MINIMAL,
      cloudInit: { users: [{ name: "ops", passwordHash: PLANTED }] },
    });
    await settled(vm);
    assert.ok(isSecret(byName(made, "web-cloudinit").inputs.userData));
    const { ssh } = byName(made, "web-ready").inputs as {
      ssh: Record<string, unknown>;
    };
    // The mocks hand on a mapping with a secret in it as a secret as a whole.
    assert.ok(isSecret(ssh) || isSecret(ssh.privateKey));
    for (const { name, inputs } of made) {
      assert.deepEqual(plainPlaces(inputs), [], `in plain in ${name}`);
    }
    assert.equal(await pulumi.isSecret(vm.connection), true);
    assert.equal(await pulumi.isSecret(vm.address), false);
  });

  it("are found by this test where they stand in plain", () => {
    assert.deepEqual(plainPlaces({ a: [{ b: `x ${PLANTED}` }] }), ["a.0.b"]);
  });
});

describe("LibvirtVm in a preview", () => {
  after(() => mockEngine());

  it("crashes neither for what is not there yet nor for unknown arguments", async () => {
    const made = recordResources({ preview: true });
    const vm = new LibvirtVm("web", {
      image: { url: unknownOutput<string>() },
      vcpus: unknownOutput<number>(),
      pool: { name: unknownOutput<string>() },
      network: { create: { cidr: unknownOutput<string>() } },
      cloudInit: {
        hostname: unknownOutput<string>(),
        users: unknownOutput<{ name: string }[]>(),
      },
      running: unknownOutput<boolean>(),
    });
    await settled(vm);
    const { inputs } = byName(made, "web-domain");
    assert.equal(inputs.name, "shop-prod-web");
    assert.equal(inputs.memory, 1024);
    assert.equal(
      await (vm.address as unknown as { isKnown: Promise<boolean> }).isKnown,
      false,
    );
  });

  it("knows the machine's name and MAC address beforehand", async () => {
    recordResources({ preview: true });
    const vm = new LibvirtVm("web", MINIMAL);
    await settled(vm);
    assert.equal(await known(vm.name), "shop-prod-web");
    assert.match(String(await known(vm.macAddress)), /^52:/);
  });
});

/** Where the planted secret can be read. */
function plainPlaces(value: unknown, path = ""): string[] {
  if (typeof value === "string") {
    return value.includes(PLANTED) ? [path] : [];
  }
  if (typeof value !== "object" || value === null || isSecret(value)) {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    plainPlaces(inner, path === "" ? key : `${path}.${key}`),
  );
}
