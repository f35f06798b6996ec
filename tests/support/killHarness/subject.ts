import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { type Census, diffCensus } from "@corral-iac/tools/lab/census";
import { makeImage, PrivateLibvirt } from "../privateLibvirt";
import { type StateResource, TestStack } from "../testStack";
import type { MadeObject } from "./steps";

const MACHINES = ["web", "db"] as const;

/** The stack under test: two machines that share pool, image and network, on a daemon of their own. */
export class Subject {
  private runs = 0;

  private constructor(
    readonly libvirt: PrivateLibvirt,
    readonly stack: TestStack,
    /** The file that the machines' image is uploaded from. */
    private readonly image: string,
    private readonly before: Census,
  ) {}

  /** @param name of the stack. */
  static async make(name: string): Promise<Subject> {
    const libvirt = await PrivateLibvirt.start();
    try {
      const stack = await TestStack.make(name);
      const image = await makeImage(stack.folder);
      stack.declare(fleet(libvirt, image));
      return new Subject(libvirt, stack, image, await libvirt.census());
    } catch (error) {
      await libvirt.remove();
      throw error;
    }
  }

  /** What all names of the stack begin with on the hypervisor. */
  get prefix(): string {
    return `corral-${this.stack.name}`;
  }

  /** Numbers the runs of the engine. */
  nextRun(): number {
    this.runs += 1;
    return this.runs;
  }

  /** The folder in which an object appears, as this process sees it. */
  folderOf(object: MadeObject): string {
    const folders = {
      domains: "/etc/libvirt/qemu",
      networks: "/etc/libvirt/qemu/networks",
      pools: "/etc/libvirt/storage",
      "pool's files": this.libvirt.poolFolder,
    };
    return path.join(this.libvirt.root, folders[object.folder]);
  }

  /** What stands on the hypervisor, as virsh says. */
  async objects(): Promise<Objects> {
    const { domains, networks, pools, volumes } = await this.libvirt.census();
    return {
      domain: [...domains],
      network: [...networks],
      pool: [...pools],
      volume: volumes.map((volume) => path.basename(volume)),
    };
  }

  /** Whether virsh lists an object. */
  async has(object: MadeObject): Promise<boolean> {
    const names = (await this.objects())[object.kind];
    return names.some((name) => object.listed.test(name));
  }

  /** Everything that was declared is there once, nothing else, and the state knows it by its id. */
  async assertWhole(): Promise<void> {
    const { libvirt, prefix } = this;
    const objects = await this.objects();
    const short = "[0-9a-f]{8}";
    assertNames("domains", objects.domain, MACHINES.map(quoted(prefix)));
    assertNames("networks", objects.network, [`${prefix}-host-lan`]);
    assertNames("pools", objects.pool, [`${prefix}-host-store-${short}`]);
    assertNames("volumes", objects.volume, [
      `${prefix}-host-blank-image-${short}`,
      ...MACHINES.flatMap((machine) => [
        `${prefix}-${machine}-root-${short}\\.qcow2`,
        `${prefix}-${machine}-cloudinit-${short}\\.iso`,
        `${prefix}-${machine}-console-${short}\\.log`,
      ]),
    ]);

    await this.assertActive(objects);
    this.assertContents(objects.volume);

    const { resources, pending } = await this.stack.exportedState();
    assert.deepEqual(pending, [], "operations that the state calls pending");
    const ids = (type: string) =>
      resources
        .filter((resource) => resource.type === type)
        .map(({ id = "" }) => id)
        .sort();
    const uuids = async (names: string[], ask: string) =>
      (await Promise.all(names.map((name) => libvirt.virsh(ask, name)))).sort();
    assert.deepEqual(
      ids("libvirt:index/domain:Domain"),
      await uuids(objects.domain, "domuuid"),
    );
    assert.deepEqual(
      ids("libvirt:index/network:Network"),
      await uuids(objects.network, "net-uuid"),
    );
    assert.deepEqual(
      ids("libvirt:index/pool:Pool"),
      await uuids(objects.pool, "pool-uuid"),
    );
    assert.deepEqual(
      resources
        .filter(({ type }) => isDisk(type))
        .map(volumeName)
        .sort(),
      objects.volume.filter((name) => !name.includes("-console-")).sort(),
    );
    for (const machine of MACHINES) {
      await this.assertMachine(machine, resources);
    }
  }

  /** What was made in several calls was made to the end: everything runs and starts with the host. */
  private async assertActive(objects: Objects): Promise<void> {
    const lists = [
      ["list", objects.domain],
      ["net-list", objects.network],
      ["pool-list", objects.pool],
    ] as const;
    for (const [list, names] of lists) {
      for (const flags of [[], ["--autostart"]]) {
        const found = await this.libvirt.virsh(list, "--name", ...flags);
        assert.deepEqual(
          found.split(/\s+/).sort(),
          [...names].sort(),
          [list, ...flags].join(" "),
        );
      }
    }
  }

  /** No upload was cut off. */
  private assertContents(volumes: readonly string[]): void {
    const contentOf = (name: string) =>
      fs.readFileSync(
        path.join(this.libvirt.root, this.libvirt.poolFolder, name),
      );
    for (const name of volumes) {
      if (name.includes("-image-")) {
        assert.ok(contentOf(name).equals(fs.readFileSync(this.image)), name);
      }
      if (name.includes("-cloudinit-")) {
        assert.ok(contentOf(name).includes("#cloud-config"), name);
      }
    }
  }

  /** The machine has the disks that its own resources made. */
  private async assertMachine(
    machine: string,
    resources: readonly StateResource[],
  ): Promise<void> {
    const domain = `${this.prefix}-${machine}`;
    const disks = (await this.libvirt.virsh("domblklist", domain))
      .split("\n")
      .map((line) => path.basename(line.trim().split(/\s+/)[1] ?? ""))
      .sort();
    const made = resources.filter(
      ({ urn, type }) => isDisk(type) && urn.includes(`::${machine}-`),
    );
    assert.deepEqual(disks, made.map(volumeName).sort());
  }

  /** Destroys the stack and compares what stands there with what stood there before it. */
  async assertDestroysWhole(): Promise<void> {
    const { exitCode, output } = await this.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await this.leftBehind(), []);
  }

  /** What stands on the hypervisor and did not before, as lines. */
  async leftBehind(): Promise<string[]> {
    return diffCensus(this.before, await this.libvirt.census());
  }

  /** Leaves state and hypervisor as they are and removes both, whatever is in them. */
  async abandon(): Promise<void> {
    await this.libvirt.remove();
    fs.rmSync(this.stack.folder, { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    try {
      await this.stack.remove();
    } finally {
      await this.libvirt.remove();
    }
  }
}

/** Names on the hypervisor, by kind. */
type Objects = Record<MadeObject["kind"], string[]>;

/** A volume's id is its path; a cloud-init disk's has a random part behind it. */
function volumeName({ id = "" }: StateResource): string {
  return path.basename(id.split(";")[0] ?? "");
}

function isDisk(type: string): boolean {
  return [
    "libvirt:index/volume:Volume",
    "corral-ops:index:CloudInitDisk",
  ].includes(type);
}

function fleet(libvirt: PrivateLibvirt, image: string): unknown {
  const machine = {
    libvirt: {
      hypervisor: "host",
      pool: { name: "store" },
      image: { name: "blank" },
      network: { name: "lan" },
      memoryMib: 64,
      ready: { until: "none" },
      shutdownTimeoutSeconds: 0,
    },
  };
  return {
    hypervisors: {
      host: {
        libvirt: {
          uri: libvirt.uri,
          accelerator: "tcg",
          pools: { store: { path: libvirt.poolFolder } },
          networks: { lan: { cidr: "10.64.0.0/24" } },
          images: { blank: { pool: "store", path: image } },
        },
      },
    },
    machines: Object.fromEntries(MACHINES.map((name) => [name, machine])),
  };
}

function quoted(prefix: string): (name: string) => string {
  return (name) => `${prefix}-${name}`;
}

/** Each pattern names exactly one, and there is none that no pattern names. */
function assertNames(
  what: string,
  names: readonly string[],
  patterns: readonly string[],
): void {
  const matches = patterns.map((pattern) => ({
    pattern,
    names: names.filter((name) => new RegExp(`^${pattern}$`).test(name)),
  }));
  const wrong = matches.filter((match) => match.names.length !== 1);
  assert.deepEqual(
    { wrong, count: names.length },
    { wrong: [], count: patterns.length },
    `${what}: ${names.join(", ")}`,
  );
}
