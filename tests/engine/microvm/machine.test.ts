import assert from "node:assert/strict";
import {
  tapName,
  volumePaths,
  hostPaths,
} from "@corral-iac/corral/core/microvm/paths";
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
  subnet: "10.121.0.0/24",
  gateway: "10.121.0.1",
};
const machine = "corral-test-web";
const unit = `corral-microvm-${machine}.service`;
const tap = tapName(machine);
const volume = volumePaths(machine, "data", hostPaths);

describe("a MicroVm on a real host", function () {
  this.timeout(180_000);
  let host: LabHost;
  let program: OpsProgram;
  let found: HostCensus;
  let web: MachineOutputs;

  const data = {
    name: "data",
    sizeGib: 0.0625,
    mountPoint: "/data",
    keep: false,
  };
  const declare = async (args: Record<string, unknown> = {}) =>
    program.declare(
      await tinyMachine(host, network, "web", { volumes: [data], ...args }),
    );
  const up = async (...flags: string[]) => {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const process = () =>
    host.exec(`systemctl show --property MainPID --value ${unit}`);
  const inGuest = async (command: string) =>
    (await runInGuest(web, command)).stdout.trim();

  before(async () => {
    host = await LabHost.start();
    await makeTestNetwork(host, network);
    found = await hostCensus(host);
    program = await OpsProgram.make();
    await declare();
  });
  after(async () => {
    await program.remove();
    await host.remove();
  });

  it("is made, answers over ssh through its host, and has its volume mounted", async () => {
    await up();
    web = await outputsOf(program, "web");
    assert.equal(web.address, "10.121.0.2");
    assert.equal(web.unitName, unit);
    assert.equal(await inGuest("hostname"), "web");
    assert.match(await inGuest("mount"), / on \/data type ext4 \(rw/);
    assert.equal(await host.exec(`systemctl is-enabled ${unit}`), "enabled");
  });

  it("keeps no secret in the open: neither in the state, nor in a process list, nor in a file that others read", async () => {
    const [, key = ""] = web.connection.privateKey.toString().split("\n");
    assert.ok(key.length > 30);
    assert.ok(!(await program.state()).includes(key));
    assert.ok(!(await host.exec("ps -eo args")).includes(key));
    const seed = `/var/lib/corral/microvm/machines/${machine}/seed.iso`;
    assert.equal(await host.exec(`stat -c '%a %U' ${seed}`), "640 root");
    assert.match(
      await host.exec(`stat -c '%a %U' ${volume.file}`),
      /^600 corral-mv-/,
    );
  });

  it("is the same at the next up, and at a refresh", async () => {
    await up("--refresh", "--expect-no-changes");
  });

  it("is limited by its control group", async () => {
    assert.equal(
      await host.exec(`systemctl show --property MemoryMax --value ${unit}`),
      String((96 + 128) * 1024 ** 2),
    );
  });

  it("stands in corral status and corral logs", async () => {
    const { stdout } = await program.corral("status", "--json");
    const [row] = JSON.parse(stdout) as Record<string, unknown>[];
    assert.deepEqual(
      [row?.machine, row?.state, row?.vcpus, row?.memoryMib, row?.addresses],
      ["web", "active", 1, 96, ["10.121.0.2"]],
    );
    assert.equal(String(row?.pid), await process());
    assert.match(
      await host.exec(`cat /proc/${String(row?.pid)}/comm`),
      /^qemu-system/,
    );
    const within = (value: unknown, least: number, most: number) =>
      assert.ok(
        typeof value === "number" && value >= least && value <= most,
        `${String(value)} is not in ${least} to ${most}`,
      );
    within(row?.residentMib, 16, 96 + 128);
    // An emulated guest has booted since; the test has not run for longer than that.
    within(row?.cpuSeconds, 1, 600);
    within(row?.uptimeSeconds, 1, 600);
    const shown = await program.corral("status");
    assert.match(
      shown.stdout,
      /machine +state .* resident +cpu time +pid +up +where/,
    );
    assert.match(shown.stdout, new RegExp(`${String(row?.pid)} +\\d+m `));
    const logs = await program.corral("logs", "web", "--no-follow");
    assert.match(logs.stdout, /tiny guest is up/);
  });

  it("is found and removed by corral orphans when the state has lost it, and made again", async () => {
    await program.forget("web-service");
    const found = await program.corral("orphans", "--json");
    assert.equal(found.exitCode, 3, found.stderr);
    assert.match(found.stdout, /"kind": ?"machine"/);
    const removed = await program.corral("orphans", "--remove", "--yes");
    assert.equal(removed.exitCode, 0, removed.stdout + removed.stderr);
    await assert.rejects(host.exec(`test -e /etc/systemd/system/${unit}`));
    await up();
    assert.equal(await inGuest("hostname"), "web");
  });

  it("is put right where its unit, its rules or its lease were changed by hand, without a restart", async () => {
    const pid = await process();
    await host.exec(`
      sed -i 's/^MemoryMax=.*/MemoryMax=4G/' /etc/systemd/system/${unit}
      mkdir /etc/systemd/system/${unit}.d
      printf '[Service]\\nCPUQuota=5%%\\n' > /etc/systemd/system/${unit}.d/override.conf
      systemctl daemon-reload
      nft flush chain inet corral_default to_${tap}
      rm /var/lib/corral/microvm/networks/default/leases/10.121.0.2`);
    const output = await up("--refresh");
    assert.match(output, /the unit is not as declared/);
    assert.match(output, /the unit is changed by .*override.conf/);
    assert.match(output, /the chains of nftables are not as declared/);
    assert.match(output, /the lease of 10.121.0.2 is gone/);
    assert.equal(
      await host.exec(
        `systemctl show --property CPUQuotaPerSecUSec --value ${unit}`,
      ),
      "1s",
    );
    assert.match(
      await host.exec(`nft list chain inet corral_default to_${tap}`),
      /drop/,
    );
    assert.equal(await process(), pid);
    await up("--refresh", "--expect-no-changes");
  });

  it("is started again where its interface is gone, or where it was stopped by hand", async () => {
    await host.exec(`ip link delete ${tap}`);
    assert.match(await up("--refresh"), /an interface is gone/);
    assert.equal(await host.exec(`cat /sys/class/net/${tap}/carrier`), "1");
    await host.exec(`systemctl stop ${unit}`);
    await up("--refresh");
    assert.equal(await host.exec(`systemctl is-active ${unit}`), "active");
  });

  it("comes back with its data when its hypervisor is killed, again and again", async () => {
    await answers();
    await inGuest("echo kept > /data/kept; sync");
    for (const time of ["first", "second"]) {
      const pid = await process();
      await host.exec(`kill -KILL ${pid}`);
      assert.ok(
        await becomes(async () => !["0", pid].includes(await process()), 20),
        `not after the ${time} kill`,
      );
      await answers();
      assert.equal(await inGuest("cat /data/kept"), "kept");
    }
  });

  it("does not count as running where it ends again and again, and is mended", async () => {
    await host.exec(`chown root ${volume.file}; kill -KILL ${await process()}`);
    const restarts = () =>
      host.exec(`systemctl show --property NRestarts --value ${unit}`);
    const before = Number(await restarts());
    assert.ok(
      await becomes(async () => Number(await restarts()) > before + 1, 20),
    );
    assert.match(await up("--refresh"), /systemd starts it again: \d+ times/);
    await answers();
    await up("--refresh", "--expect-no-changes");
  });

  it("comes back when its host was shut down, with its data", async () => {
    await host.reboot();
    await answers();
    assert.equal(await inGuest("cat /data/kept"), "kept");
    await up("--refresh", "--expect-no-changes");
  });

  it("stops cleanly, grows its volume and starts again, with its data", async () => {
    await declare({ running: false });
    await up();
    assert.equal(
      await host.exec(`systemctl is-active ${unit} || true`),
      "inactive",
    );
    assert.equal(
      await host.exec("ps -eo args= | grep -c '[q]emu-system' || true"),
      "0",
    );
    // A guest that was shut down has unmounted its file system.
    assert.match(
      await host.exec(`dumpe2fs -h ${volume.file} 2>/dev/null`),
      /Filesystem state: +clean/,
    );
    await declare({ volumes: [{ ...data, sizeGib: 0.125 }] });
    await up();
    assert.equal(await inGuest("cat /data/kept"), "kept");
    const [, kib = "0"] = (await inGuest("df -kP /data | tail -n 1")).split(
      /\s+/,
    );
    assert.ok(Number(kib) > 100_000, kib);
  });

  it("refuses a smaller volume, and says so before anything is changed", async () => {
    await declare({ volumes: [{ ...data, sizeGib: 0.1 }] });
    const { exitCode, output } = await program.run("preview");
    assert.notEqual(exitCode, 0);
    assert.match(output, /it can only grow/);
  });

  it("is restarted for more memory, and not for another rule", async () => {
    await declare({
      volumes: [{ ...data, sizeGib: 0.125 }],
      allow: [{ ports: [80] }],
    });
    const pid = await process();
    await up();
    assert.equal(await process(), pid);
    assert.match(
      await host.exec(`nft list chain inet corral_default to_${tap}`),
      /tcp dport 80 accept/,
    );
    await declare({ volumes: [{ ...data, sizeGib: 0.125 }], memoryMib: 112 });
    await up();
    assert.notEqual(await process(), pid);
    assert.equal(await inGuest("cat /data/kept"), "kept");
  });

  it("has an error where its volume is missing, and none is made in its place", async () => {
    await host.exec(`mv ${volume.file} /root/away`);
    const { exitCode, output } = await program.up("--refresh");
    assert.notEqual(exitCode, 0);
    assert.match(output, /is missing: it is never made anew on its own/);
    await assert.rejects(host.exec(`test -e ${volume.file}`));
    await host.exec(`mv /root/away ${volume.file}`);
    await up("--refresh");
    assert.equal(await inGuest("cat /data/kept"), "kept");
  });

  it("gets an empty volume where the record of the lost one was taken away too, as its error says", async () => {
    await host.exec(`rm ${volume.file} ${volume.record}`);
    assert.match(await up("--refresh"), /remove .*data\.json on the host too/);
    assert.equal(await inGuest("ls /data"), "lost+found");
    await inGuest("echo kept > /data/kept; sync");
    await up("--refresh", "--expect-no-changes");
  });

  it("says what its hypervisor said when it does not start, and is mended by the next up", async () => {
    await declare({
      volumes: [{ ...data, sizeGib: 0.125 }],
      memoryMib: 112,
      kernel: { path: "/etc/hosts" },
    });
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /does not run on root@.*the hypervisor ends as soon as it starts/,
    );
    assert.match(output, /qemu: linux kernel too old/);
    await declare({ volumes: [{ ...data, sizeGib: 0.125 }], memoryMib: 112 });
    await up();
    assert.equal(await inGuest("cat /data/kept"), "kept");
  });

  it("leaves nothing on its host when it is destroyed", async () => {
    const run = await program.run("destroy", "--yes", "--skip-preview");
    assert.equal(run.exitCode, 0, run.output);
    assert.deepEqual(diffCensus(found, await hostCensus(host)), []);
  });

  /** Waits for the guest as a user would: until ssh lets him in. */
  async function answers(): Promise<void> {
    const isThere = await becomes(
      () =>
        runInGuest(web, "grep -q ' /data ' /proc/mounts")
          .then(({ code }) => code === 0)
          .catch(() => false),
      60,
    );
    assert.ok(
      isThere,
      await host.exec(`journalctl -u ${unit} -n 20 --no-pager`),
    );
  }
});
