import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { copyExample } from "../../support/example";
import {
  domains,
  networks,
  TestPool,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { ImageServer } from "../../support/imageServer";

const STACK = "example";
/** The same daemon by another name, which shows that the configured one is used. */
const HYPERVISOR = "qemu+unix:///system?socket=/var/run/libvirt/libvirt-sock";

// The example as a user copies it, but for a blank image, which nothing is waited for.
describe("the example libvirt-vm", () => {
  let folder: string;
  let pool: TestPool;
  let stack: PulumiStack;
  let server: ImageServer;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-example-"));
    const program = copyExample("libvirt-vm", path.join(folder, "program"));
    pool = await TestPool.make();
    server = await ImageServer.start(path.join(pool.path, TestPool.IMAGE));
    stack = new PulumiStack(
      {
        program,
        project: "shop",
        stack: STACK,
        folder: path.join(folder, "stack"),
      },
      await ensureToolchain(piecesForStart),
    );
    await stack.ensure();
    stack.configure({
      config: {
        "libvirt:uri": HYPERVISOR,
        "shop:image": server.url,
        "shop:pool": pool.name,
        "shop:accelerator": "tcg",
        "shop:until": "none",
      },
    });
  });

  after(async () => {
    await powerOff();
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    await stack.remove();
    server.stop();
    await pool.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("compiles and makes its machine and network", async () => {
    await stack.must(["up", "--yes", "--skip-preview"]);
    assert.ok((await domains()).includes("shop-example-web"));
    assert.ok((await networks()).includes("shop-example-lan"));
    assert.equal(await virsh("domstate", "shop-example-web"), "running");
    const { domain, connection } = await stack.outputs<{
      domain: string;
      connection: { user: string; hostKey: string };
    }>();
    assert.equal(domain, "shop-example-web");
    assert.equal(connection.user, "ops");
    assert.match(connection.hostKey, /^ssh-ed25519 /);
  });

  it("has nothing to change the second time", async () => {
    await stack.must(["preview", "--expect-no-changes"]);
  });

  it("leaves nothing behind", async () => {
    await powerOff();
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    assert.ok(!(await domains()).some((name) => name.startsWith("shop-")));
    assert.ok(!(await networks()).some((name) => name.startsWith("shop-")));
    assert.deepEqual(await volumes(pool.name), [TestPool.IMAGE]);
  });
});

/** A blank guest hears no request to shut down; the example gives it a minute. */
async function powerOff(): Promise<void> {
  if ((await domains()).includes("shop-example-web")) {
    await virsh("destroy", "shop-example-web").catch(() => undefined);
  }
}
