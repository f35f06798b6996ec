import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { ensureTinyGuest } from "@corral-iac/tools/lab/host/images";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";

import { FlakyServer } from "../../support/flakyServer";
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
  subnet: "10.121.24.0/24",
  gateway: "10.121.24.1",
};
const unit = "corral-microvm-corral-test-web.service";
const MEMORY_MIB = 96;
const OVERHEAD_MIB = 96;
const QUOTA = 30;

describe("a microVM's limits and images", function () {
  this.timeout(180_000);
  let host: LabHost;
  let program: OpsProgram;
  let server: FlakyServer;
  let kernelHash: string;
  let initrdHash: string;
  let web: MachineOutputs;

  const declare = async (kernelSha256: string, more: object = {}) =>
    program.declare(
      await tinyMachine(host, network, "web", {
        kernel: { url: `${server.url}/kernel`, sha256: kernelSha256 },
        rootDisk: {
          image: { url: `${server.url}/root`, sha256: hashOf(ROOT) },
          sizeGib: 0.0078125,
        },
        memoryMib: MEMORY_MIB,
        limits: { memoryOverheadMib: OVERHEAD_MIB },
        ready: { timeoutSeconds: 170 },
        ...more,
      }),
    );
  const refused = async (fault: RegExp) => {
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, fault);
    await assert.rejects(host.exec(`test -e /etc/systemd/system/${unit}`));
  };
  /** The unit's folder in a hierarchy of control groups. */
  const group = (controller: string) =>
    `/sys/fs/cgroup/${controller}$(systemctl show -P ControlGroup ${unit})`;
  const read = async (controller: string, file: string) =>
    host.exec(`cat ${group(controller)}/${file}`);

  before(async () => {
    host = await LabHost.start();
    await makeTestNetwork(host, network);
    const guest = await ensureTinyGuest();
    const kernel = fs.readFileSync(guest.kernel);
    initrdHash = hashOf(fs.readFileSync(guest.initrd));
    kernelHash = hashOf(kernel);
    server = await FlakyServer.start(host.outside, {
      "/kernel": kernel,
      "/root": ROOT,
    });
    program = await OpsProgram.make();
  });
  after(async () => {
    await program.remove();
    await host.remove();
    await server.stop();
  });

  it("refuse an image that is not the one that was meant, and keep nothing of it", async () => {
    await declare("0".repeat(64));
    await refused(
      new RegExp(
        `the content has the SHA-256 ${kernelHash}, must have ${"0".repeat(64)}`,
      ),
    );
    assert.equal(await imagesOnHost(), "");
  });

  it("say so when the server goes away half-way, keep nothing of it, and go on at the next update", async () => {
    await declare(kernelHash);
    server.breakOff = true;
    await refused(/fetching http[^]*curl/);
    assert.equal(await imagesOnHost(), "");
    server.breakOff = false;
    const { exitCode, output } = await program.up();
    assert.equal(exitCode, 0, output);
    web = await outputsOf(program, "web");
  });

  it("have a root disk that is the image's copy, as large as asked, which the kernel is told of", async () => {
    const { stdout } = await runInGuest(
      web,
      "cat /sys/block/vda/serial; echo; cat /sys/block/vda/size; head -c 12 /dev/vda; echo; cat /proc/cmdline",
    );
    const [serial, sectors, text, command] = stdout.trim().split("\n");
    assert.deepEqual(
      [serial, sectors, text],
      ["root", "16384", "the root dis"],
    );
    assert.match(command ?? "", / root=\/dev\/vda rw( |$)/);
    // The copy is the machine's own.
    await runInGuest(web, "echo changed | dd of=/dev/vda conv=notrunc; sync");
    assert.equal(
      await host.exec(
        `sha256sum /var/lib/corral/microvm/images/sha256-${hashOf(ROOT)} | cut -d' ' -f1`,
      ),
      hashOf(ROOT),
    );
  });

  it("hold memory: what goes beyond is killed in the machine's own control group", async () => {
    const bytes = (MEMORY_MIB + OVERHEAD_MIB) * 1024 ** 2;
    assert.equal(await read("memory", "memory.limit_in_bytes"), String(bytes));
    const pid = await host.exec(`systemctl show -P MainPID ${unit}`);
    // Somebody beside the hypervisor, who is to be killed first.
    const ended = await host.exec(
      `sh -c 'echo $$ > ${group("memory")}/cgroup.procs; echo 1000 > /proc/self/oom_score_adj; x=$(head -c 250M /dev/zero | tr "\\0" a); echo had it all' || echo "ended by $?"`,
    );
    assert.match(ended, /ended by (137|2)/);
    assert.equal(await host.exec(`systemctl show -P MainPID ${unit}`), pid);
    assert.ok(
      Number(await read("memory", "memory.max_usage_in_bytes")) <= bytes,
    );
  });

  it("hold processor time: a guest that takes all it gets has no more than its share", async () => {
    const pid = await host.exec(`systemctl show -P MainPID ${unit}`);
    await declare(kernelHash, {
      limits: { memoryOverheadMib: OVERHEAD_MIB, cpuQuotaPercent: QUOTA },
    });
    const { exitCode, output } = await program.up();
    assert.equal(exitCode, 0, output);
    assert.equal(await host.exec(`systemctl show -P MainPID ${unit}`), pid);
    const statistic = async (name: string) =>
      Number(
        new RegExp(`^${name} (\\d+)$`, "m").exec(
          await read("cpu", "cpu.stat"),
        )?.[1],
      );
    const busy = runInGuest(
      web,
      "timeout 12 sh -c 'while :; do :; done'; true",
    );
    const throttled = await statistic("nr_throttled");
    assert.ok(
      await becomes(
        async () => (await statistic("nr_throttled")) > throttled + 5,
        10,
      ),
    );
    // Ticks of a hundredth of a second, user's and system's, of all threads together (proc(5)).
    const look = `echo $(awk '{ print $14 + $15 }' /proc/${pid}/stat) $(date +%s.%N)`;
    const [used = 0, at = 0] = (await host.exec(look)).split(" ").map(Number);
    await busy;
    const [after = 0, then = 0] = (await host.exec(look))
      .split(" ")
      .map(Number);
    const share = (after - used) / 100 / (then - at);
    assert.ok(share <= (QUOTA / 100) * 1.15, `${share} of a processor`);
  });

  it("are refused a vsock where the host has none, with the machine as it was", async () => {
    const pid = await host.exec(`systemctl show -P MainPID ${unit}`);
    await declare(kernelHash, { vsockCid: 7 });
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /there is no \/dev\/vhost-vsock: modprobe vhost_vsock/,
    );
    assert.equal(await host.exec(`systemctl show -P MainPID ${unit}`), pid);
    assert.doesNotMatch(
      await host.exec(`cat /etc/systemd/system/${unit}`),
      /vsock/,
    );
  });

  function imagesOnHost(): Promise<string> {
    return host.exec(
      `find /var/lib/corral/microvm/images -type f ! -path '*users-${hashOf(ROOT)}*' ! -name 'sha256-${hashOf(ROOT)}' ! -name 'sha256-${initrdHash}' ! -path '*users-${initrdHash}*' 2>/dev/null || true`,
    );
  }
});

/** The image of a root disk; the tiny guest lives in its initrd and only looks at it. */
const ROOT = Buffer.concat([
  Buffer.from("the root disk"),
  Buffer.alloc(4 * 1024 ** 2),
]);

function hashOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
