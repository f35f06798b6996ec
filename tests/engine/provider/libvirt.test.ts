import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

import {
  TestPool,
  URI,
  domains,
  virsh,
  volumes,
} from "../../support/hypervisor";
import { OpsProgram } from "./opsProgram";
import type { Declared } from "./opsProgram";
import { eventually } from "./sshServer";

// A machine without any disk: its firmware writes on the serial console, which is all it takes.
describe("corral-ops on the real libvirt daemon", function () {
  this.bail(true);
  const name = `corral-test-${randomBytes(4).toString("hex")}`;
  const consoleFile = `${name}.log`;
  let pool: TestPool;
  let program: OpsProgram;
  let uuid: string;

  before(async () => {
    pool = await TestPool.make();
    const xml = `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory>
      <os><type arch='x86_64'>hvm</type><bios useserial='yes'/></os>
      <devices><serial type='pty'><log file='${pool.path}/${consoleFile}'/></serial></devices></domain>`;
    const file = path.join(pool.path, "domain.xml");
    fs.writeFileSync(file, xml);
    await virsh("define", file);
    uuid = await virsh("domuuid", name);
    program = await OpsProgram.make();
  });

  after(async () => {
    await program.remove();
    if ((await domains()).includes(name)) {
      await virsh("destroy", name).catch(() => undefined);
      await virsh("undefine", name);
    }
    await pool.remove();
  });

  const consoleLog = (): Declared => ({
    type: "ConsoleLog",
    name: "console",
    args: { uri: URI, pool: pool.name, fileName: consoleFile },
  });
  const power = (running: boolean): Declared => ({
    type: "LibvirtPower",
    name: "power",
    args: {
      uri: URI,
      domain: name,
      domainId: uuid,
      running,
      shutdownTimeoutSeconds: 1,
    },
  });
  const ready = (): Declared => {
    const key = generateEd25519();
    const libvirt = {
      uri: URI,
      domain: name,
      consolePool: pool.name,
      consoleFile,
    };
    const ssh = {
      user: "u",
      privateKey: key.privateKey,
      hostKey: key.publicKey,
    };
    const args = {
      timeoutSeconds: 5,
      machine: { id: uuid, name: "web", libvirt },
      ssh,
    };
    return { type: "GuestReady", name: "ready", args };
  };
  const state = () => virsh("domstate", name);

  it("starts the machine", async () => {
    program.declare(consoleLog(), power(true));
    const { exitCode, output } = await program.up();
    assert.equal(exitCode, 0, output);
    assert.equal(await state(), "running");
    const listed = async () => (await volumes(pool.name)).includes(consoleFile);
    await eventually("the console's file is there", listed);
  });

  it("shows the end of the console when the guest does not get ready", async () => {
    const written = path.join(pool.path, consoleFile);
    await eventually("the firmware has given up", () =>
      fs.readFileSync(written, "utf8").includes("No bootable device"),
    );
    program.declare(consoleLog(), power(true), ready());
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /stage "address".*did not come within 5 s/);
    assert.match(
      output,
      /The end of the guest's console:[^]*\| No bootable device/,
    );
    program.declare(consoleLog(), power(true));
  });

  it("finds a machine that was stopped by hand, and starts it again", async () => {
    await virsh("destroy", name);
    const refreshed = await program.run(
      "refresh",
      "--yes",
      "--skip-preview",
      "--non-interactive",
    );
    assert.match(refreshed.output, /~ 1 updated/);
    assert.match((await program.up()).output, /~ 1 updated/);
    assert.equal(await state(), "running");
  });

  it("stops the machine, by force when it does not listen", async () => {
    program.declare(consoleLog(), power(false));
    const { output } = await program.up();
    assert.match(output, /did not shut down within 1 s: powered off/);
    assert.equal(await state(), "shut off");
  });

  it("stops the machine before it goes, and removes the console's file and its rotations", async () => {
    program.declare(consoleLog(), power(true));
    await program.up();
    const written = path.join(pool.path, consoleFile);
    fs.copyFileSync(written, `${written}.0`);
    const { exitCode, output } = await program.run(
      "destroy",
      "--yes",
      "--skip-preview",
    );
    assert.equal(exitCode, 0, output);
    assert.equal(await state(), "shut off");
    assert.deepEqual(
      (await volumes(pool.name)).filter((volume) =>
        volume.startsWith(consoleFile),
      ),
      [],
    );
  });

  it("counts what is gone already as removed", async () => {
    program.declare(consoleLog(), power(true));
    await program.up();
    await virsh("destroy", name);
    await virsh("undefine", name);
    await virsh("pool-destroy", pool.name);
    const { exitCode, output } = await program.run(
      "destroy",
      "--yes",
      "--skip-preview",
    );
    await virsh("pool-create-as", pool.name, "dir", "--target", pool.path);
    assert.equal(exitCode, 0, output);
  });
});
