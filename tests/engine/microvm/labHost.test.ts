import assert from "node:assert/strict";
import * as fs from "node:fs";
import execa from "execa";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { hostFolder, hostLink } from "@corral-iac/tools/lab/host/hostFolders";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { hostCensus } from "../../support/labHost";

describe("a host of the lab", () => {
  let host: LabHost;

  before(async function () {
    this.timeout(180_000);
    host = await LabHost.start();
  });

  after(() => host.remove());

  it("is logged in to over ssh with its own keys", async () => {
    const { stdout } = await execa("ssh", [
      ...["-F", "none", "-i", `${host.folder}/key`],
      ...["-o", `UserKnownHostsFile=${host.folder}/known_hosts`],
      ...["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"],
      `root@${host.address}`,
      "hostname",
    ]);
    assert.equal(stdout, host.name);
  });

  it("has a systemd that holds what it is told, and network devices of its own", async () => {
    assert.equal(await host.exec("systemctl is-system-running"), "running");
    const killed = await host.exec(
      `systemd-run --wait -p MemoryMax=30M sh -c 'x=$(head -c 90M /dev/zero | tr "\\0" a)' 2>&1 || true`,
    );
    assert.match(killed, /KILL|oom-kill/);
    await host.exec("ip tuntap add cvtest mode tap; ip link del cvtest");
    const { stdout } = await execa("ip", ["-o", "link"]);
    assert.ok(!stdout.includes("cvtest"));
  });

  it("comes back with its files after a reboot and after a power cut, and counts what is there", async () => {
    const before = await hostCensus(host);
    assert.ok(before.links.includes("host0"));
    await host.exec(
      "mkdir -p /var/lib/corral && echo kept > /var/lib/corral/kept; sync",
    );
    await host.reboot();
    await host.cutPower();
    assert.equal(host.isRunning, false);
    await host.boot();
    assert.equal(await host.exec("cat /var/lib/corral/kept"), "kept");
    assert.deepEqual(diffCensus(before, await hostCensus(host)), [
      "left behind: files /var/lib/corral",
      "left behind: files /var/lib/corral/kept",
    ]);
  });

  it("can be one of several, and leaves nothing when it is removed", async () => {
    const other = await LabHost.start({ tun: false });
    const folder = hostFolder(other.name);
    try {
      assert.notEqual(other.address, host.address);
      await assert.rejects(other.exec("test -e /dev/net/tun"));
      assert.ok(fs.existsSync(folder));
    } finally {
      await other.remove();
    }
    assert.ok(!fs.existsSync(folder));
    const { stdout: links } = await execa("ip", ["-o", "link"]);
    assert.ok(!links.includes(hostLink(other.name)), links);
    const groups = await execa("find", ["/sys/fs/cgroup", "-name", other.name]);
    assert.equal(groups.stdout, "");
    const { stdout: processes } = await execa("ps", ["-eo", "args"]);
    assert.ok(!processes.includes(other.name), processes);
  });
});
