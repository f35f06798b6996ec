import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import {
  findMachine,
  machineConfig,
  machinePath,
} from "@corral-iac/corral/core/proxmox-client/machines";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { copyExample } from "../support/example";
import { type Connection, Guest } from "../support/guest";
import { type NfsServer, startNfs } from "../support/nfs";
import { openProxmox, type ProxmoxTarget } from "../support/proxmoxTarget";

const VM_ID = 8101;
const CIDR = "10.143.0.0/24";

// The example of the documentation in a real guest; each test stands on the one before. Nothing here
// looks into the simulator but the end: the same runs against a real Proxmox VE.
describe("VM 8101 on Proxmox VE, from the clone to its final form", function () {
  this.bail(true);
  let target: ProxmoxTarget;
  let client: ProxmoxClient;
  let folder: string;
  let stack: PulumiStack;
  let nfs: NfsServer;
  let guest: Guest;

  const share = (name: string, guestPath: string) => ({
    server: target.hostAddress,
    hostPath: `/${name}`,
    guestPath,
    ...(name === "ro" && { options: ["ro"] }),
  });
  const declare = (changes: Record<string, unknown> = {}) =>
    stack.configure({
      config: {
        "proxmox:endpoint": target.endpoint,
        "proxmox:insecure": "true",
        "farm:node": target.node,
        "farm:template": target.template,
        "farm:storage": target.storage,
        "farm:bridge": target.bridge,
        "farm:memoryMib": 512,
        "farm:shares": [share("rw", "/srv/data")],
        ...changes,
      },
    });
  /** The token stands encrypted in the file, which each declaration writes anew. */
  const up = async (changes: Record<string, unknown> = {}) => {
    declare(changes);
    await stack.must([
      "config",
      "set",
      "--secret",
      "--",
      "proxmox:apiToken",
      target.apiToken,
    ]);
    return stack.must(["up", "--yes", "--skip-preview"]);
  };
  const machine = () => ({ node: target.node, vmId: VM_ID });
  const mounted = (at: string) =>
    guest.run(`findmnt -rn -o SOURCE,FSTYPE -M '${at}' || true`);
  /** What a second run must leave alone. */
  const fingerprint = () =>
    guest.run(
      "stat -c '%i %Y %U %a' /etc/fstab; sha256sum /etc/fstab /proc/self/mountinfo; " +
        "sudo stat -c '%i %Y %U %a' /etc/worker/greeting; cat /proc/sys/kernel/random/boot_id",
    );

  before(async function () {
    this.timeout(400_000);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-farm-"));
    const program = copyExample("proxmox-vm", path.join(folder, "program"), {
      translated: true,
    });
    stack = new PulumiStack(
      { program, project: "farm", stack: "ci", folder },
      await ensureToolchain([
        ...piecesForStart,
        "proxmoxProvider",
        "commandPlugin",
      ]),
    );
    await stack.ensure();
    target = await openProxmox(CIDR);
    client = new ProxmoxClient({ ...target, insecure: true });
    nfs = await startNfs(target.hostAddress);
  });

  after(async function () {
    this.timeout(200_000);
    await guest?.disconnect();
    const destroyed = await stack.run(["destroy", "--yes", "--skip-preview"]);
    client?.close();
    await nfs?.stop();
    await target?.stop();
    await stack.remove();
    fs.rmSync(folder, { recursive: true, force: true });
    assert.equal(destroyed.exitCode, 0, destroyed.output);
  });

  it("is made by up, each step a resource", async () => {
    const printed = await up();
    const steps = [
      "VirtualEnvironmentVm worker-vm created",
      "GuestReady worker-ready created",
      "GuestMount worker-mount-srv-data-mount created",
      "GuestFiles worker-files-files created",
      "remote:Command worker-feature-motd-command created",
      "ProxmoxSnapshot worker-final-form created",
    ].map((step) => printed.indexOf(step));
    assert.ok(!steps.includes(-1), printed);
    assert.deepEqual(
      steps,
      [...steps].sort((a, b) => a - b),
      printed,
    );
    const { vmId, connection, cloudInitStatus } = await stack.outputs<{
      vmId: number;
      connection: Connection;
      cloudInitStatus: string;
    }>();
    assert.equal(vmId, VM_ID);
    assert.match(cloudInitStatus, /^status: done/);
    assert.match(cloudInitStatus, /DataSource/);
    guest = new Guest(connection, folder);
  });

  it("lets the user in by the host key that the guest told through its agent", async () => {
    assert.equal(await guest.run("id -un; sudo -n id -un"), "ops\nroot");
    assert.equal(await guest.run("hostname"), "farm-ci-worker");
  });

  it("has the share in its mount table, readable and writable", async () => {
    const { hostAddress } = target;
    assert.equal(await mounted("/srv/data"), `${hostAddress}:/rw nfs4`);
    await guest.run(
      "echo kept | sudo tee /srv/data/note && sudo sync -f /srv/data",
    );
    assert.equal(await guest.run("sudo cat /srv/data/note"), "kept");
  });

  it("has the file with its content, owner and mode, and what the feature set up", async () => {
    assert.equal(
      await guest.run(
        "sudo cat /etc/worker/greeting; sudo stat -c '%U %a' /etc/worker/greeting",
      ),
      "Hello from Corral\nops 640",
    );
    assert.match(await guest.run("cat /etc/motd"), /A worker made by Corral/);
  });

  it("has a snapshot of its final form", async () => {
    const snapshots = await client.get<{ name: string }[]>(
      machinePath(machine(), "snapshot"),
    );
    assert.ok(snapshots.some(({ name }) => name === "final-form"));
  });

  it("is changed by a second up neither in the state nor in the guest", async () => {
    const before = { guest: await fingerprint(), state: await state() };
    const printed = await up();
    assert.match(printed, /unchanged/);
    assert.doesNotMatch(printed, /created|updated|replaced/);
    assert.deepEqual(
      { guest: await fingerprint(), state: await state() },
      before,
    );
  });

  it("gets a further share and another file in place, without a restart", async () => {
    const boot = await bootId();
    const printed = await up({
      "farm:shares": [share("rw", "/srv/data"), share("ro", "/srv/manuals")],
      "farm:greeting": "Good morning",
    });
    assert.match(printed, /GuestMount worker-mount-srv-manuals-mount created/);
    assert.match(printed, /GuestFiles worker-files-files updated/);
    assert.equal(
      await mounted("/srv/manuals"),
      `${target.hostAddress}:/ro nfs4`,
    );
    assert.equal(
      await guest.run("sudo cat /etc/worker/greeting"),
      "Good morning",
    );
    assert.equal(await bootId(), boot);
  });

  it("gets more memory by a clean restart, and has its shares afterwards", async () => {
    const boot = await bootId();
    await guest.disconnect();
    await up({
      "farm:memoryMib": 640,
      "farm:shares": [share("rw", "/srv/data"), share("ro", "/srv/manuals")],
      "farm:greeting": "Good morning",
    });
    const { memory } = await machineConfig(client, machine());
    assert.equal(Number(memory), 640);
    await booted();
    assert.notEqual(await bootId(), boot);
    assert.equal(await mounted("/srv/data"), `${target.hostAddress}:/rw nfs4`);
    assert.equal(await guest.run("sudo cat /srv/data/note"), "kept");
  });

  it("takes a share away again", async () => {
    await up({
      "farm:memoryMib": 640,
      "farm:greeting": "Good morning",
    });
    assert.equal(await mounted("/srv/manuals"), "");
    assert.doesNotMatch(await guest.run("cat /etc/fstab"), /manuals/);
  });

  it("leaves nothing behind", async () => {
    await guest.disconnect();
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    assert.equal(await findMachine(client, VM_ID), undefined);
    if (target.simulator) {
      assert.deepEqual(target.simulator.leftovers(), []);
      assert.deepEqual(await target.simulator.hypervisorLeftovers(), []);
      assert.deepEqual(target.simulator.unknownCalls, []);
    }
  });

  async function state(): Promise<unknown> {
    const { deployment } = JSON.parse(
      await stack.must(["stack", "export"]),
    ) as {
      deployment: { resources: Record<string, unknown>[] };
    };
    // Secrets are encrypted anew each time, and the engine writes in the order in which it is told.
    return deployment.resources
      .map(({ urn, id, modified }) => ({ urn, id, modified }))
      .sort((one, other) => (String(one.urn) < String(other.urn) ? -1 : 1));
  }

  function bootId(): Promise<string> {
    return guest.run("cat /proc/sys/kernel/random/boot_id");
  }

  /** Until the guest lets somebody in again and has mounted what it should. */
  async function booted(): Promise<void> {
    const deadline = Date.now() + 300_000;
    for (;;) {
      try {
        await guest.run(
          "systemctl is-system-running --wait || true; findmnt -t nfs4",
          120,
        );
        return;
      } catch (error) {
        if (Date.now() > deadline) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }
});
