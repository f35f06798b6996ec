import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readEmbeddedLab } from "@corral-iac/corral/fleet/lab";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { OpsProgram, pluginsOf } from "../engine/provider/opsProgram";
import { copyExample } from "../support/example";
import { type Connection, Guest } from "../support/guest";

const TOKEN = "correct-horse-battery-staple";
const MIB = 1024 * 1024;

// One guest, made by the example, serves all tests of this file; each stands on the one before.
describe("files in a real guest", function () {
  this.bail(true);
  let folder: string;
  let program: string;
  let stack: PulumiStack;
  let guest: Guest;
  let connection: Connection;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-files-"));
    program = copyExample("file-injection", path.join(folder, "program"), {
      translated: true,
    });
    stack = new PulumiStack(
      {
        program,
        project: "injected",
        stack: "lab",
        folder: path.join(folder, "stack"),
      },
      await ensureToolchain(piecesForStart),
    );
    await stack.ensure();
    const lab = readEmbeddedLab();
    stack.configure({
      config: {
        "libvirt:uri": lab.uri,
        "injected:image": lab.image,
        "injected:pool": lab.pool,
        "injected:accelerator": lab.accelerator,
        "injected:cidr": "10.145.0.0/24",
      },
    });
    await stack.must(["config", "set", "--secret", "injected:token", TOKEN]);
  });

  after(async () => {
    await guest?.disconnect();
    await stack.must(["destroy", "--yes", "--skip-preview"]);
    await stack.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const up = (...flags: string[]) =>
    stack.must(["up", "--yes", "--skip-preview", ...flags]);
  const stat = (file: string) => guest.run(`sudo stat -c '%U:%G %a' ${file}`);
  const stamps = () =>
    guest.run(
      "sudo find /opt/app /etc/app -type f -printf '%p %T@ %C@ %i\\n' | sort",
    );
  const logins = async () =>
    Number(
      await guest.run(
        "sudo journalctl -q -u ssh | grep -c 'Accepted publickey for ops'",
      ),
    );

  describe("the example", () => {
    it("puts a folder, a text and a secret there as declared", async () => {
      await up();
      ({ connection } = await stack.outputs<{ connection: Connection }>());
      guest = new Guest(connection, folder);
      assert.equal(
        await guest.run("/opt/app/scripts/greet"),
        "Hello from the example.",
      );
      assert.equal(await guest.run("cat /etc/app/app.conf"), "stack = lab");
      assert.equal(await guest.run("sudo cat /etc/app/token"), TOKEN);
      assert.deepEqual(
        await Promise.all(
          [
            "/opt/app",
            "/opt/app/scripts/greet",
            "/etc/app/app.conf",
            "/etc/app/token",
          ].map(stat),
        ),
        ["ops:ops 755", "ops:ops 755", "root:root 644", "ops:root 600"],
      );
    });

    it("does not touch the guest, nor log in, when nothing has changed", async () => {
      const [files, count] = [await stamps(), await logins()];
      await up("--expect-no-changes");
      assert.equal(await stamps(), files);
      assert.equal(await logins(), count);
    });

    it("writes what changed and no more, and shows no secret in the guest's process list", async () => {
      const before = (await stamps()).split("\n");
      fs.writeFileSync(path.join(program, "app/greeting"), "Hello again.\n");
      await stack.must([
        "config",
        "set",
        "--secret",
        "injected:token",
        `${TOKEN}-two`,
      ]);
      // It stands before the real one, and is there while the content comes in.
      const watcher = `#!/bin/sh\ncat /proc/[0-9]*/cmdline >>/run/seen 2>&1\nexec /usr/bin/dd "$@"\n`;
      await guest.run(
        `printf %s '${watcher}' | sudo tee /usr/local/sbin/dd; sudo chmod 755 /usr/local/sbin/dd`,
      );
      const shown = await up("--diff");
      assert.equal(await guest.run("/opt/app/scripts/greet"), "Hello again.");
      assert.equal(await guest.run("sudo cat /etc/app/token"), `${TOKEN}-two`);
      const kept = (await stamps())
        .split("\n")
        .filter((line) => before.includes(line));
      assert.equal(kept.length, before.length - 2);
      const seen = await guest.run(
        "sudo rm /usr/local/sbin/dd; sudo tr '\\0' ' ' </run/seen",
      );
      assert.match(seen, /of=\.\/token/);
      assert.ok(!seen.includes(TOKEN));
      assert.ok(!shown.includes(TOKEN));
      assert.ok(!(await stack.must(["stack", "export"])).includes(TOKEN));
    });

    it("finds at a refresh what was changed by hand, and mends it", async () => {
      await guest.run(
        "sudo rm /opt/app/scripts/greet; sudo chmod 666 /etc/app/token; echo by hand | sudo tee -a /etc/app/app.conf",
      );
      await up("--refresh");
      assert.equal(await guest.run("/opt/app/scripts/greet"), "Hello again.");
      assert.equal(await guest.run("cat /etc/app/app.conf"), "stack = lab");
      assert.equal(await stat("/etc/app/token"), "ops:root 600");
      await up("--refresh", "--expect-no-changes");
    });
  });

  describe("a second FileInjection", () => {
    let other: OpsProgram;
    before(async () => {
      other = await OpsProgram.make();
    });
    after(() => other.remove());

    const declare = (...files: object[]) =>
      other.declare({
        ...{ type: "FileInjection", folder: "guest", name: "more" },
        args: { connection, files },
      });

    it("streams 100 MiB without holding it in memory", async () => {
      const big = path.join(other.folder, "big");
      const block = Buffer.alloc(MIB, "0123456789abcdef\n");
      for (let i = 0; i < 100; i++) {
        fs.appendFileSync(big, block);
      }
      declare({ source: "big", destination: "/var/tmp/big" });
      const { engine, output } = other.spawnUp();
      let peakMib = 0;
      const watch = setInterval(() => {
        for (const pid of pluginsOf(engine.pid ?? 0)) {
          peakMib = Math.max(peakMib, residentMib(pid));
        }
      }, 200);
      const code = await new Promise((resolve) => engine.once("exit", resolve));
      clearInterval(watch);
      assert.equal(code, 0, output());
      const took = /GuestFiles more-files created \(([\d.]+)s\)/.exec(
        output(),
      )?.[1];
      console.log(
        `      100 MiB in ${took} s, the provider had at most ${peakMib.toFixed(0)} MiB`,
      );
      assert.equal(
        await guest.run("stat -c %s /var/tmp/big"),
        String(100 * MIB),
      );
      assert.ok(peakMib > 20 && peakMib < 170, `${peakMib} MiB`);
      assert.match(output(), /\/var\/tmp\/big: \d+ of 100 MiB/);
    });

    it("keeps the old file and leaves nothing else where the disk is full", async () => {
      await guest.run(
        "sudo mkdir /mnt/full && sudo mount -t tmpfs -o size=1m tmpfs /mnt/full && echo old | sudo tee /mnt/full/data",
      );
      fs.rmSync(path.join(other.folder, "big"));
      fs.writeFileSync(
        path.join(other.folder, "data"),
        Buffer.alloc(2 * MIB, "x"),
      );
      const motd = { content: "welcome\n", destination: "/etc/motd" };
      declare(motd, { source: "data", destination: "/mnt/full/data" });
      const { exitCode, output } = await other.up();
      assert.notEqual(exitCode, 0);
      assert.match(
        output,
        /\/mnt\/full\/data cannot be changed in the guest: .*No space left on device/,
      );
      assert.match(output, /What was there before is as it was/);
      assert.equal(
        await guest.run(
          "sudo cat /mnt/full/data; ls -A /mnt/full; cat /etc/motd",
        ),
        "old\ndata\nwelcome",
      );

      await guest.run("sudo mount -o remount,size=8m /mnt/full");
      const next = await other.up();
      assert.equal(next.exitCode, 0, next.output);
      assert.equal(
        await guest.run(
          "stat -c %s /mnt/full/data; ls /var/tmp/big 2>&1 || true",
        ),
        `${2 * MIB}\nls: cannot access '/var/tmp/big': No such file or directory`,
      );
    });

    it("brings back what was there when it is destroyed", async () => {
      const { exitCode, output } = await other.run(
        "destroy",
        "--yes",
        "--skip-preview",
        "--non-interactive",
      );
      assert.equal(exitCode, 0, output);
      assert.equal(
        await guest.run("sudo cat /mnt/full/data; cat /etc/motd | wc -c"),
        "old\n0",
      );
      assert.equal(
        (await guest.run("sudo ls /var/lib/corral/files")).split("\n").length,
        1,
      );
    });
  });

  describe("the machine's end", () => {
    it("goes with its machine without being removed one by one", async () => {
      // What would ask the guest now would be told that it is gone.
      await guest.run("sudo systemctl stop ssh.socket ssh");
      await guest.disconnect();
      const shown = await stack.must(["destroy", "--yes", "--skip-preview"]);
      assert.doesNotMatch(shown, /counts as gone/);
      assert.match(shown, /Resources:\s+- \d+ deleted/);
    });
  });
});

function residentMib(pid: number): number {
  try {
    const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
