import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { renderStampElement } from "@corral-iac/corral/core/stamp";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { parse, stringify } from "yaml";
import {
  domains,
  networks,
  TestPool,
  URI,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { ImageServer } from "../../support/imageServer";
import { REPOSITORY } from "../../support/testStack";
import { SshServer } from "../provider/sshServer";
import { InstalledPackage } from "./installedPackage";

const EXAMPLE = path.join(REPOSITORY, "examples/libvirt-vm-yaml/Pulumi.yaml");
const MACHINE = "shop-yaml-web";
const PASSWORD_HASH = "$6$saltsalt$noPasswordHasThisHash";

type Properties = Record<string, unknown>;

/** A program in YAML, as far as it is changed here. */
interface Program {
  readonly packages: Record<string, string>;
  readonly resources: Record<
    string,
    { readonly type: string; readonly properties: Properties }
  >;
  readonly outputs: Properties;
}

// The example as a user runs it, outside the clone; each step stands on the one before.
describe("a YAML program with the component package", function () {
  this.bail(true);
  let pool: TestPool;
  let server: ImageServer;
  let installed: InstalledPackage;
  let stack: PulumiStack;
  let pluginsBefore: string[];

  before(async () => {
    pool = await TestPool.make();
    server = await ImageServer.start(path.join(pool.path, TestPool.IMAGE));
    const toolchain = await ensureToolchain([...piecesForStart, "yamlHost"]);
    installed = await InstalledPackage.make(toolchain);
    await installed.unpack("corral");
    pluginsBefore = pluginsOf(installed);
    const location = {
      program: installed.project,
      project: "shop",
      stack: "yaml",
      folder: path.join(installed.project, "stack"),
    };
    stack = new PulumiStack(location, installed.toolchain);
    await stack.ensure();
    stack.configure({
      config: {
        "libvirt:uri": URI,
        "shop:image": server.url,
        "shop:pool": pool.name,
        "shop:accelerator": "tcg",
        "shop:until": "none",
      },
    });
    declare();
  });

  after(async () => {
    const destroyed = await stack.run(["destroy", "--yes", "--skip-preview"]);
    const left = await machines();
    installed.remove();
    server.stop();
    await pool.remove();
    assert.deepEqual(left, [], destroyed.output);
  });

  /** Writes the example, with other arguments of its machine and further resources. */
  function declare(
    changes: Properties = {},
    resources: Program["resources"] = {},
  ): void {
    const example = parse(fs.readFileSync(EXAMPLE, "utf8")) as Program;
    const { web, lan } = example.resources;
    assert.ok(web && lan);
    const program: Program = {
      ...example,
      resources: {
        lan: { ...lan, properties: { cidr: "10.62.0.0/24" } },
        // A blank guest hears no request to shut down.
        web: {
          ...web,
          properties: {
            ...web.properties,
            shutdownTimeoutSeconds: 0,
            ...changes,
          },
        },
        ...resources,
      },
    };
    installed.write({ "Pulumi.yaml": stringify(program) });
  }

  it("finds the components by pulumi package add of the unpacked package", async () => {
    const complete = path.join(installed.project, "Pulumi.yaml");
    const { packages, ...bare } = parse(
      fs.readFileSync(complete, "utf8"),
    ) as Program;
    installed.write({ "Pulumi.yaml": stringify(bare) });
    await stack.must(["package", "add", "./corral"]);
    const added = fs.readFileSync(complete, "utf8");
    assert.deepEqual((parse(added) as Program).packages, packages);
    // Where the line is there already nothing changes.
    await stack.must(["package", "add", "./corral"]);
    assert.equal(fs.readFileSync(complete, "utf8"), added);
  });

  it("tells every wrong argument of a machine, without a stack trace, and makes nothing of it", async () => {
    declare({ vcpus: 0, memoryMib: 1, rootDisk: { sizeGib: -1 } });
    const { exitCode, output } = await stack.run(["up", "--yes"]);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /LibvirtVm "web": 3 faults in its arguments/);
    assert.match(output, /vcpus is 0, must be a whole number from 1 to 512/);
    assert.match(output, /memoryMib is 1, must be/);
    assert.match(output, /rootDisk\.sizeGib is -1, must be/);
    assert.doesNotMatch(output, /\.[jt]s:\d+/);
    assert.deepEqual(await machines(), []);
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
  });

  it("names the argument that a component does not have", async () => {
    declare({ memory: 512 });
    const { exitCode, output } = await stack.run(["preview"]);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /Property memory does not exist on .*LibvirtVm/);
  });

  it("refuses a secret where the program itself must say what there is", async () => {
    declare({ network: { "fn::secret": { name: "${lan.name}" } } });
    const { exitCode, output } = await stack.run(["preview"]);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /network is an output or a secret as a whole, must/);
  });

  it("makes no pool or network of its own for names that are not known yet", async () => {
    declare(
      { pool: { name: "${disks.name}" }, image: { name: "${debian.name}" } },
      {
        disks: {
          type: "corral:LibvirtPool",
          properties: { path: path.join(pool.path, "disks") },
        },
        debian: {
          type: "corral:LibvirtImage",
          properties: { pool: "${disks.name}", url: server.url },
        },
      },
    );
    const output = await stack.must(["preview"]);
    assert.match(output, /LibvirtPool disks create/);
    assert.match(output, /Domain web-domain create/);
    assert.doesNotMatch(output, /web-(pool|network|image)/);
  });

  it("refuses a name that is taken, and names its owner", async () => {
    declare();
    const stamp = renderStampElement({
      id: "0123456789abcdef",
      project: "other",
      stack: "prod",
      component: "LibvirtVm",
      name: "web",
    });
    const stranger = path.join(installed.project, "stranger.xml");
    fs.writeFileSync(
      stranger,
      `<domain type="qemu"><name>${MACHINE}</name><metadata>${stamp}</metadata>` +
        `<memory unit="MiB">64</memory><os><type>hvm</type></os></domain>`,
    );
    await virsh("define", stranger);
    const uuid = await virsh("domuuid", MACHINE);
    try {
      const run = await stack.run(["up", "--yes", "--skip-preview"]);
      assert.notEqual(run.exitCode, 0, run.output);
      assert.match(
        run.output,
        /"shop-yaml-web" is taken .* by the domain of LibvirtVm "web" of other\/prod \(stamp 0123456789abcdef\)/,
      );
      assert.equal(await virsh("domuuid", MACHINE), uuid);
    } finally {
      await virsh("undefine", MACHINE);
    }
  });

  it("makes the machine and its network", async () => {
    const cloudInit = {
      users: [{ name: "ops", sudo: true, passwordHash: PASSWORD_HASH }],
    };
    declare({ cloudInit });
    await stack.must(["up", "--yes", "--skip-preview"]);
    assert.equal(await virsh("domstate", MACHINE), "running");
    assert.ok((await networks()).includes("shop-yaml-lan"));
    const { domain, address, connection } = await stack.outputs<{
      domain: string;
      address: string;
      connection: { user: string; hostKey: string };
    }>();
    assert.deepEqual([domain, address], [MACHINE, ""]);
    assert.equal(connection.user, "ops");
    assert.match(connection.hostKey, /^ssh-ed25519 /);
  });

  it("keeps the secrets of the machine encrypted", async () => {
    const state = await stack.must(["stack", "export"]);
    assert.doesNotMatch(state, /PRIVATE KEY/);
    assert.ok(!state.includes(PASSWORD_HASH));
    const shown = await stack.must(["stack", "output"]);
    assert.match(shown, /connection +\[secret\]/);
  });

  it("has nothing to change the second time", async () => {
    await stack.must(["preview", "--expect-no-changes"]);
  });

  it("puts a folder beside Pulumi.yaml and a text into a guest, and takes them away", async () => {
    const guest = await SshServer.start();
    const there = path.join(guest.folder, "guest");
    const { uid, gid } = os.userInfo();
    const owner = { owner: String(uid), group: String(gid) };
    fs.mkdirSync(path.join(installed.project, "app"));
    installed.write({ "app/greeting": "hello\n" });
    const { host, port, user, privateKey, hostKey } = guest.target();
    const text = { "fn::secret": "hush-hush" };
    const app = {
      type: "corral:FileInjection",
      properties: {
        connection: { host, port, user, privateKey, hostKey },
        files: [
          { source: "app", destination: `${there}/app`, ...owner },
          { content: text, destination: `${there}/token`, ...owner },
        ],
      },
    };
    try {
      declare({}, { app });
      const shown = await stack.must(["up", "--yes", "--diff"]);
      const read = (name: string) =>
        fs.readFileSync(path.join(there, name), "utf8");
      assert.equal(read("app/greeting"), "hello\n");
      assert.equal(read("token"), "hush-hush");
      const mode = fs.statSync(path.join(there, "token")).mode & 0o777;
      assert.equal(mode, 0o600);
      const state = await stack.must(["stack", "export"]);
      for (const secret of ["hush-hush", "PRIVATE KEY"]) {
        assert.ok(!shown.includes(secret) && !state.includes(secret));
      }
      await stack.must(["preview", "--expect-no-changes"]);
    } finally {
      declare();
      await stack.must(["up", "--yes", "--skip-preview"]);
      assert.ok(!fs.existsSync(there));
      await guest.stop();
    }
  });

  it("has fetched no plugin beside its own", () => {
    assert.deepEqual(pluginsOf(installed), pluginsBefore);
    assert.ok(!pluginsBefore.some((name) => name.includes("corral")));
  });

  it("leaves nothing behind", async () => {
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await machines(), []);
    assert.ok(!(await networks()).includes("shop-yaml-lan"));
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
  });
});

function pluginsOf({ toolchain }: InstalledPackage): string[] {
  return fs
    .readdirSync(path.join(toolchain.pulumiHome, "plugins"))
    .filter((name) => !/\.(lock|lastused)$/.test(name));
}

/** Names of the program's machines on the hypervisor. */
async function machines(): Promise<string[]> {
  return (await domains()).filter((name) => name.startsWith("shop-yaml-"));
}
