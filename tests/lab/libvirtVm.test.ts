import assert from "node:assert/strict";
import { parse } from "yaml";
import { labFleetOf, labMachine } from "../support/fleets";
import { type Connection, Guest } from "../support/guest";
import { virsh, volumes } from "../support/hypervisor";
import { codeBlocks, readPage, section } from "../support/markdown";
import { TestStack } from "../support/testStack";

const PUBLIC_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN6Wj4o1w8f6b2dYb9eY3C2sWgYw1m0n0b7b8k9m0n1b colleague";

/** What the page says about how a guest gets its data disk `db`. */
const [MOUNT = []] = codeBlocks(
  section(readPage("docs/libvirt-vm.md"), "Data disks"),
  "yaml",
).map(
  (text) =>
    (parse(text) as { cloudInit: { runCommands: string[] } }).cloudInit
      .runCommands,
);

const GROWN = [{ name: "db", sizeGib: 0.125, keep: false }];

interface Outputs {
  readonly machines: Record<
    string,
    { address: string; connection: Connection; cloudInitStatus: string }
  >;
}

// One guest serves all tests of this file; each stands on the one before.
describe("a LibvirtVm with a real guest", function () {
  this.bail(true);
  let stack: TestStack;
  let guest: Guest;
  let bootId: string;

  const web = (changes: Record<string, unknown> = {}) =>
    labFleetOf({
      web: labMachine({
        rootDisk: { sizeGib: 3 },
        dataDisks: [{ name: "db", sizeGib: 0.0625, keep: false }],
        ready: { until: "cloudInit", timeoutSeconds: 500 },
        cloudInit: {
          hostname: "web-one",
          users: [
            {
              name: "ops",
              sudo: true,
              groups: ["adm"],
              sshAuthorizedKeys: [PUBLIC_KEY],
            },
          ],
          files: [
            {
              path: "/etc/motto",
              content: "fences: good\n",
              owner: "ops:ops",
              mode: "0640",
            },
          ],
          runCommands: ["echo ran-$(id -un) > /run/proof", ...MOUNT],
        },
        ...changes,
      }),
    });

  before(async () => {
    stack = await TestStack.make("guest");
    stack.declare(web());
  });

  after(async () => {
    await guest?.disconnect();
    await stack.remove();
  });

  it("is ready when up ends: it answers over ssh with the pinned host key", async () => {
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    const { machines } = await stack.outputs<Outputs>();
    assert.match(machines.web?.address ?? "", /^10\.93\.0\.\d+$/);
    guest = new Guest(machines.web?.connection as Connection, stack.folder);
    assert.equal(await guest.run("hostname"), "web-one");
    bootId = await guest.run("cat /proc/sys/kernel/random/boot_id");
  });

  it("has kept what cloud-init said at its end", async () => {
    const { machines } = await stack.outputs<Outputs>();
    assert.match(machines.web?.cloudInitStatus ?? "", /status: done/);
  });

  it("did in the guest what cloud-init was told", async () => {
    assert.equal(
      await guest.run("cat /etc/motto; stat -c '%U:%G %a' /etc/motto"),
      "fences: good\nops:ops 640",
    );
    assert.equal(await guest.run("cat /run/proof"), "ran-root");
    assert.equal(await guest.run("sudo -n id -u"), "0");
    assert.match(await guest.run("id -nG"), /\badm\b/);
    assert.match(await guest.run("cat ~/.ssh/authorized_keys"), /colleague/);
  });

  it("gave the guest the declared root disk, and the guest grew into it", async () => {
    const bytes = Number(await guest.run("lsblk -bndo SIZE /dev/vda"));
    assert.equal(bytes, 3 * 1024 ** 3);
    const root = Number(await guest.run("df --output=size -B1 / | tail -n 1"));
    assert.ok(root > 2.5 * 1024 ** 3, `the root file system has ${root} bytes`);
  });

  it("gave the guest a data disk under its name, which grows while the guest runs", async () => {
    const size = () =>
      guest.run("lsblk -bndo SIZE $(realpath /dev/disk/by-id/virtio-db)");
    assert.equal(await size(), String(64 * 1024 ** 2));
    await guest.run("echo data | sudo tee /srv/db/note && sync");
    stack.declare(web({ dataDisks: GROWN }));
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.equal(await size(), String(128 * 1024 ** 2));
    await guest.run("sudo resize2fs /dev/disk/by-id/virtio-db");
    assert.equal(
      await guest.run("cat /srv/db/note; cat /proc/sys/kernel/random/boot_id"),
      `data\n${bootId}`,
    );
  });

  it("shows the guest's own ssh host key to be the pinned one", async () => {
    const { machines } = await stack.outputs<Outputs>();
    const own = (await guest.run("sudo cat /etc/ssh/ssh_host_ed25519_key.pub"))
      .split(" ")
      .slice(0, 2)
      .join(" ");
    assert.ok((machines.web?.connection.hostKey ?? "").startsWith(own));
  });

  it("changes nothing at a second up, and does not touch the guest", async () => {
    const { exitCode, output } = await stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.equal(
      await guest.run("cat /proc/sys/kernel/random/boot_id"),
      bootId,
    );
  });

  it("shuts the guest down cleanly before it replaces the machine, and keeps disk and address", async () => {
    await guest.run("echo kept > ~/note && sync");
    await guest.disconnect();
    const { machines: before } = await stack.outputs<Outputs>();
    stack.declare(
      web({
        memoryMib: 600,
        ready: { until: "ssh", timeoutSeconds: 500 },
        dataDisks: GROWN,
      }),
    );
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /did not shut down within/);
    const { machines } = await stack.outputs<Outputs>();
    assert.equal(machines.web?.address, before.web?.address);
    await guest.run("until mountpoint -q /srv/db; do sleep 0.2; done");
    assert.equal(await guest.run("cat ~/note /srv/db/note"), "kept\ndata");
    assert.notEqual(
      await guest.run("cat /proc/sys/kernel/random/boot_id"),
      bootId,
    );
    assert.ok(
      Number(await guest.run("grep -o '[0-9]*' /proc/meminfo | head -n 1")) >
        540_000,
    );
  });

  it("is removed with its disks and its console's log", async () => {
    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(
      (await volumes("corral-lab")).filter((name) =>
        name.includes("guest-web"),
      ),
      [],
    );
    assert.doesNotMatch(
      await virsh("list", "--all", "--name"),
      /corral-guest-web/,
    );
  });
});

describe("a guest whose cloud-init fails", () => {
  let stack: TestStack;

  before(async () => {
    stack = await TestStack.make("broken");
  });

  after(() => stack.remove());

  it("fails the update with cloud-init's own words and keeps the machine", async () => {
    stack.declare(
      labFleetOf(
        {
          web: labMachine({
            ready: { until: "cloudInit", timeoutSeconds: 500 },
            shutdownTimeoutSeconds: 0,
            cloudInit: {
              users: [{ name: "ops" }],
              runCommands: ["echo to-be-seen-on-the-console; exit 3"],
            },
          }),
        },
        "10.95.0.0/24",
      ),
    );
    const { exitCode, output } = await stack.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /status: error/);
    assert.match(output, /The end of the guest's console/);
    const { resources } = await stack.exportedState();
    assert.ok(
      resources.some(({ type }) => type === "libvirt:index/domain:Domain"),
    );
    assert.equal(await virsh("domstate", "corral-broken-web"), "running");
  });
});
