import assert from "node:assert/strict";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";

import { type HostCensus, hostCensus } from "../../support/labHost";
import {
  makeTestNetwork,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  tinyMachine,
} from "../../support/microVms";
import { OpsProgram } from "../provider/opsProgram";

const network = {
  name: "default",
  subnet: "10.121.16.0/24",
  gateway: "10.121.16.1",
};
const unit = "corral-microvm-corral-test-web.service";
const server = (name: string) => unit.replace(".service", `@${name}.service`);

describe("folders that a microVM shares with its host", function () {
  this.timeout(180_000);
  let host: LabHost;
  let program: OpsProgram;
  let clean: HostCensus;
  let web: MachineOutputs;

  const both = [
    { name: "work", hostPath: "/srv/work", mountPoint: "/work" },
    {
      name: "books",
      hostPath: "/srv/books",
      mountPoint: "/books",
      readOnly: true,
    },
  ];
  const declare = async (sharedFolders: object[], more: object = {}) =>
    program.declare(
      await tinyMachine(host, network, "web", { sharedFolders, ...more }),
    );
  const up = async (...flags: string[]) => {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const inGuest = async (command: string) =>
    (await runInGuest(web, command)).stdout.trim();
  const isMounted = () =>
    becomes(
      () =>
        runInGuest(web, "grep -q ' /work virtiofs' /proc/mounts").then(
          ({ code }) => code === 0,
          () => false,
        ),
      90,
    );

  before(async () => {
    host = await LabHost.start();
    await makeTestNetwork(host, network);
    await host.exec(
      "mkdir -p /srv/work /srv/books; echo from-host > /srv/work/hello; echo old > /srv/books/book; touch /srv/outside",
    );
    clean = await hostCensus(host);
    program = await OpsProgram.make();
  });
  after(async () => {
    await program.remove();
    await host.remove();
  });

  it("have to be there, and a hypervisor that has them: else nothing is changed", async () => {
    await declare([{ ...both[0], hostPath: "/srv/none" }]);
    const missing = await program.up();
    assert.match(
      missing.output,
      /shared folder work is missing: \/srv\/none is no folder there/,
    );
    await host.exec("mv /usr/lib/qemu/virtiofsd /root/away");
    await declare(both);
    const bare = await program.up();
    await host.exec("mv /root/away /usr/lib/qemu/virtiofsd");
    assert.match(bare.output, /there is no virtiofsd.*apt-get install/);
    await declare(both, { hypervisor: "firecracker" });
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /sharedFolders is given for Firecracker/);
    assert.doesNotMatch(
      await host.exec("ls /etc/systemd/system /var/lib/corral/microvm"),
      /corral-test-web/,
    );
  });

  it("are mounted, and each side sees what the other writes, at once or read-only", async () => {
    await declare(both);
    await up();
    web = await outputsOf(program, "web");
    assert.ok(
      await isMounted(),
      await host.exec(`journalctl -n 40 -u ${unit}`),
    );
    assert.equal(await inGuest("cat /work/hello"), "from-host");
    await inGuest("echo from-guest > /work/answer");
    assert.equal(await host.exec("cat /srv/work/answer"), "from-guest");
    assert.equal(await inGuest("cat /books/book"), "old");
    assert.notEqual((await runInGuest(web, "echo new > /books/book")).code, 0);
    // Nor where the guest mounts it as it likes: the host's side holds.
    await inGuest("mkdir -p /again && mount -t virtiofs -o rw books /again");
    assert.notEqual((await runInGuest(web, "echo new > /again/book")).code, 0);
    assert.equal(await host.exec("cat /srv/books/book"), "old");
    assert.notEqual((await runInGuest(web, "ls /work/../outside")).code, 0);
  });

  it("are served without the right to administrate, and look as declared at the next update", async () => {
    const pid = await host.exec(`systemctl show -P MainPID ${server("work")}`);
    const rights = await host.exec(
      `sed -n 's/^CapBnd:\t//p' /proc/${pid}/status`,
    );
    // CAP_SYS_ADMIN is number 21.
    assert.equal((BigInt(`0x${rights}`) >> 21n) & 1n, 0n);
    await up("--refresh", "--expect-no-changes");
  });

  it("come back with the machine when its hypervisor or their server is killed", async () => {
    for (const victim of [unit, server("work")]) {
      const pid = await host.exec(`systemctl show -P MainPID ${victim}`);
      // Zero would be this test itself.
      assert.match(pid, /^[1-9]\d*$/);
      await host.exec(`kill -KILL ${pid}`);
      assert.ok(
        await becomes(
          async () =>
            !["0", pid].includes(
              await host.exec(`systemctl show -P MainPID ${victim}`),
            ),
          60,
        ),
        victim,
      );
      assert.ok(await isMounted(), victim);
      assert.equal(await inGuest("cat /work/answer"), "from-guest");
    }
  });

  it("are taken away with a restart, and nothing of them stays behind the machine", async () => {
    await declare([both[0] ?? {}]);
    await up();
    assert.ok(await isMounted());
    await assert.rejects(
      host.exec(`test -e /etc/systemd/system/${server("books")}`),
    );
    assert.equal(
      await host.exec("ps -eo args= | grep -c '[v]irtiofsd --socket' || true"),
      // The server has a parent that waits for it, and may have none.
      await host.exec(
        "ps -eo args= | grep '[v]irtiofsd --socket' | grep -c work || true",
      ),
    );
    await up("--refresh", "--expect-no-changes");
    program.declare();
    await up();
    assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
  });
});
