import assert from "node:assert/strict";
import { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { Virsh } from "@corral-iac/corral/core/libvirt-client/virsh";
import { renderStampElement } from "@corral-iac/corral/core/stamp";
import { unknown } from "@corral-iac/corral-ops/frame/value";
import {
  diskRefusals,
  growDisk,
  isUntouched,
  makeDisk,
} from "@corral-iac/corral-ops/resources/diskVolume";
import { libvirtDisk } from "@corral-iac/corral-ops/resources/libvirtDisk";

const URI = "qemu:///system";
const MIB = 1024 ** 2;
const KEPT = "shop-prod-web-data-db-kept-01234567.qcow2";
const OLD = "shop-prod-old-data-db-kept-89abcdef.qcow2";
/** What an empty qcow2 image of some MiB takes, as seen with QEMU 7.2. */
const EMPTY_BYTES = 196_616;

interface Volume {
  readonly mib: number;
  readonly physicalBytes?: number;
}

/** A daemon with a pool, its volumes, and a domain that may use one of them. */
class Daemon {
  readonly done: string[] = [];
  readonly client: LibvirtClient;
  readonly ctx = {
    signal: new AbortController().signal,
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      status: () => undefined,
    },
  };

  constructor(
    private readonly volumes: Record<string, Volume>,
    private readonly user?: { readonly volume: string; readonly state: string },
  ) {
    this.client = new LibvirtClient(
      new Virsh(URI, (args) => Promise.resolve(this.answer(args))),
    );
  }

  private answer(args: readonly string[]) {
    const commands = args.length === 1 ? (args[0] ?? "").split("; ") : [];
    if (commands.length > 0) {
      const outputs = commands.map(
        (line) =>
          /^echo (.*)/.exec(line)?.[1] ?? this.stdout(line.split(" ")) ?? "",
      );
      return { code: 0, stdout: outputs.join(""), stderr: "" };
    }
    const stdout = this.stdout(args);
    return stdout === undefined
      ? { code: 1, stdout: "", stderr: "error: Storage volume not found: x" }
      : { code: 0, stdout, stderr: "" };
  }

  private stdout([command = "", ...args]: readonly string[]):
    string | undefined {
    switch (command) {
      case "pool-dumpxml":
        return "<pool type='dir'><target><path>/p</path></target></pool>";
      case "pool-info":
        return "State: running\n";
      case "vol-list":
        return Object.keys(this.volumes)
          .map((name) => ` ${name}   /p/${name}\n`)
          .join("");
      case "vol-dumpxml":
        return this.volumeXml(args[0] ?? "");
      case "list":
        return this.user === undefined ? "" : "uuid\n";
      case "dumpxml":
        return `<domain><name>shop-prod-old</name><uuid>uuid</uuid><metadata>${renderStampElement(
          {
            id: "89abcdef01234567",
            project: "shop",
            stack: "prod",
            component: "LibvirtVm",
            name: "old",
          },
        )}</metadata><devices><disk type='volume'><source pool='p' volume='${this.user?.volume}'/><target dev='vdc'/></disk></devices></domain>`;
      case "domstate":
        return `${this.user?.state}\n`;
      case "vol-create-as":
        this.volumes[args[1] ?? ""] = {
          mib: Number.parseInt(args[3] ?? "", 10) / MIB,
        };
        this.done.push([command, ...args].join(" "));
        return "";
      case "vol-resize":
      case "blockresize":
        this.done.push([command, ...args].join(" "));
        return "";
      default:
        return "";
    }
  }

  private volumeXml(name: string): string | undefined {
    const volume = this.volumes[name];
    return (
      volume &&
      `<volume><name>${name}</name><key>/p/${name}</key><capacity unit='bytes'>${volume.mib * MIB}</capacity>
       <physical unit='bytes'>${volume.physicalBytes ?? EMPTY_BYTES}</physical>
       <target><path>/p/${name}</path><format type='qcow2'/></target></volume>`
    );
  }

  make(mib: number, changes: { adopt?: string; name?: string } = {}) {
    const asked = { pool: "p", name: KEPT, sizeBytes: mib * MIB, ...changes };
    return makeDisk(this.client, asked, this.ctx);
  }
}

const filled = (mib: number): Volume => ({ mib, physicalBytes: 10 * MIB });

describe("a data disk", () => {
  it("is made empty, with its size", async () => {
    const daemon = new Daemon({});
    assert.deepEqual(await daemon.make(20), { name: KEPT, key: `/p/${KEPT}` });
    assert.deepEqual(daemon.done, [
      `vol-create-as p ${KEPT} --capacity ${20 * MIB}B --format qcow2`,
    ]);
  });

  it("takes up what a cut-off run made and nothing was ever written into", async () => {
    const daemon = new Daemon({ [KEPT]: { mib: 20 } });
    assert.deepEqual(await daemon.make(20), { name: KEPT, key: `/p/${KEPT}` });
    assert.deepEqual(daemon.done, []);
  });

  it("never takes what has its name and holds data", async () => {
    await assert.rejects(
      new Daemon({ [KEPT]: filled(20) }).make(20),
      new RegExp(
        `exists already .* data on it: it was kept .* adopt: ${KEPT};.*vol-delete`,
      ),
    );
    const passing = KEPT.replace("-kept", "");
    await assert.rejects(
      new Daemon({ [passing]: filled(20) }).make(20, { name: passing }),
      /an earlier run left it.*vol-delete/,
    );
  });

  it("adopts one that was kept, and grows it where it is smaller", async () => {
    const same = new Daemon({ [OLD]: filled(20) });
    assert.deepEqual(await same.make(20, { adopt: OLD }), {
      name: OLD,
      key: `/p/${OLD}`,
    });
    assert.deepEqual(same.done, []);
    const smaller = new Daemon({ [OLD]: filled(10) });
    await smaller.make(20, { adopt: OLD });
    assert.deepEqual(smaller.done, [`vol-resize ${OLD} ${20 * MIB}B --pool p`]);
  });

  it("adopts nothing that is not there, not kept, larger, or in use", async () => {
    const volumes = { [OLD]: filled(20), "debian.qcow2": filled(20) };
    const adopting = (adopt: string, daemon = new Daemon(volumes)) =>
      daemon.make(10, { adopt });
    await assert.rejects(
      adopting("gone.qcow2"),
      new RegExp(`has no volume "gone.qcow2"; kept there are: ${OLD}$`),
    );
    await assert.rejects(
      adopting("debian.qcow2"),
      new RegExp(`is somebody else's; kept there are: ${OLD}$`),
    );
    await assert.rejects(
      new Daemon({}).make(10, { adopt: OLD }),
      /none is kept there/,
    );
    await assert.rejects(
      adopting(OLD),
      /sizeGib makes 10\.0 MiB, must be at least 20\.0 MiB, which volume/,
    );
    for (const state of ["running", "shut off"]) {
      await assert.rejects(
        adopting(OLD, new Daemon(volumes, { volume: OLD, state })),
        /in use by the domain "shop-prod-old" of LibvirtVm "old" of shop\/prod/,
      );
    }
  });

  it("grows under the running machine that has it, in its file else, and never shrinks", async () => {
    const grown = async (state: string, mib: number) => {
      const daemon = new Daemon(
        { [KEPT]: filled(20) },
        { volume: KEPT, state },
      );
      const disk = { pool: "p", name: KEPT, sizeBytes: mib * MIB };
      await growDisk(daemon.client, disk, daemon.ctx);
      return daemon.done;
    };
    const size = `${30 * MIB}B`;
    assert.deepEqual(await grown("running", 30), [
      `blockresize shop-prod-old vdc ${size}`,
    ]);
    assert.deepEqual(await grown("paused", 30), [
      `blockresize shop-prod-old vdc ${size}`,
    ]);
    assert.deepEqual(await grown("shut off", 30), [
      `vol-resize ${KEPT} ${size} --pool p`,
    ]);
    assert.deepEqual(await grown("running", 20), []);
    assert.deepEqual(await grown("running", 10), []);
  });

  it("that is gone is not made anew by growing", async () => {
    const daemon = new Daemon({});
    const disk = { pool: "p", name: KEPT, sizeBytes: MIB };
    await assert.rejects(
      growDisk(daemon.client, disk, daemon.ctx),
      /is gone from pool "p".*up --refresh/,
    );
  });

  it("was never written into as long as its file is what an empty image takes", () => {
    const volume = (capacityBytes: number, physicalBytes?: number) => ({
      format: "qcow2",
      capacityBytes,
      physicalBytes,
      key: "",
      path: "",
    });
    const cluster = 64 * 1024;
    assert.ok(isUntouched(volume(20 * MIB, EMPTY_BYTES)));
    // Header, tables, and one table and one cluster for the first byte of data.
    assert.ok(!isUntouched(volume(20 * MIB, 6 * cluster)));
    assert.ok(!isUntouched(volume(20 * MIB)));
    assert.ok(!isUntouched({ ...volume(20 * MIB, 0), format: "raw" }));
    // The first table of an image of 64 TiB takes 1 MiB.
    const huge = 64 * 1024 ** 4;
    assert.ok(isUntouched(volume(huge, 3 * cluster + MIB)));
    assert.ok(!isUntouched(volume(huge, 5 * cluster + MIB)));
  });
});

describe("changes of a data disk", () => {
  const inputs = {
    uri: URI,
    pool: "p",
    name: KEPT,
    sizeBytes: 20 * MIB,
    keep: true,
  };
  const refusals = (changes: object, volumeName = KEPT) =>
    diskRefusals(
      { inputs, outputs: { diskId: "/p/x", volumeName } },
      { ...inputs, ...changes },
    ).map(({ path, reason }) => `${path} ${reason}`);

  it("are refused where they would cost data, all at once", () => {
    const [size = "", pool = "", adopt = "", ...more] = refusals({
      sizeBytes: 10 * MIB,
      pool: "q",
      adopt: OLD,
    });
    assert.match(size, /^sizeBytes is 10\.0 MiB, must be at least 20\.0 MiB/);
    assert.match(
      pool,
      /^pool is "q", must stay "p", where .* is: .* not moved/,
    );
    assert.match(adopt, /^adopt is ".*", must be left out: the disk is there/);
    assert.deepEqual(more, []);
  });

  it("are refused for a disk that is to be kept from now on: its name does not say so", () => {
    const passing = KEPT.replace("-kept", "");
    assert.match(
      refusals({}, passing)[0] ?? "",
      /^keep is true, must stay false/,
    );
    assert.deepEqual(refusals({ keep: false, pool: "q" }, passing), []);
  });

  it("are fine where they grow it, keep it no longer, or say again what it was made from", () => {
    for (const fine of [
      {},
      { sizeBytes: 30 * MIB },
      { keep: false, name: "another.qcow2" },
      { adopt: KEPT },
      { sizeBytes: unknown, pool: unknown, adopt: unknown },
      { uri: "qemu+ssh://host/system" },
    ]) {
      assert.deepEqual(refusals(fine), [], JSON.stringify(fine));
    }
  });

  it("are foreseen: the disk stays the same one", () => {
    const outputs = { diskId: "/p/x", volumeName: OLD };
    assert.deepEqual(
      libvirtDisk.preview?.(inputs, { inputs, outputs }),
      outputs,
    );
    assert.deepEqual(libvirtDisk.preview?.(inputs), { volumeName: KEPT });
    assert.deepEqual(libvirtDisk.preview?.({ ...inputs, adopt: OLD }), {
      volumeName: OLD,
    });
    assert.deepEqual(libvirtDisk.preview?.({ ...inputs, adopt: unknown }), {});
  });
});
