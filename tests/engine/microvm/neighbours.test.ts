import assert from "node:assert/strict";
import {
  hostPaths,
  networkPaths,
  tapName,
} from "@corral-iac/corral/core/microvm/paths";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";

import { hostCensus } from "../../support/labHost";
import {
  makeTestNetwork,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  tinyMachine,
} from "../../support/microVms";
import { OpsProgram } from "../provider/opsProgram";

/** Room for five machines. */
const network = {
  name: "small",
  subnet: "10.121.8.0/29",
  gateway: "10.121.8.1",
};
const leases = networkPaths(network.name, hostPaths).leases;

describe("microVMs of two stacks on one host", function () {
  this.timeout(180_000);
  let host: LabHost;
  let programs: readonly [OpsProgram, OpsProgram];
  let left: MachineOutputs;
  let right: MachineOutputs;

  const up = async (program: OpsProgram) => {
    const { exitCode, output } = await program.up();
    assert.equal(exitCode, 0, output);
  };
  const codeOf = async (machine: MachineOutputs, command: string) =>
    (await runInGuest(machine, command)).code;
  const reaches = async (from: MachineOutputs, to: string) =>
    (await codeOf(from, `ping -c 1 -W 2 ${to} >/dev/null`)) === 0;
  before(async () => {
    host = await LabHost.start();
    await makeTestNetwork(host, network);
    programs = [await OpsProgram.make(), await OpsProgram.make()];
  });
  after(async () => {
    await Promise.all(programs.map((program) => program.remove()));
    await host.remove();
  });

  it("are made at the same moment, with different addresses", async () => {
    programs[0].declare(await tinyMachine(host, network, "left"));
    programs[1].declare(await tinyMachine(host, network, "right"));
    await Promise.all(programs.map(up));
    left = await outputsOf(programs[0], "left");
    right = await outputsOf(programs[1], "right");
    assert.deepEqual([left.address, right.address].sort(), [
      "10.121.8.2",
      "10.121.8.3",
    ]);
  });

  it("reach their gateway and what is outside, and not each other", async () => {
    assert.ok(await reaches(left, network.gateway));
    assert.ok(await reaches(left, host.address));
    assert.ok(!(await reaches(left, right.address)));
    assert.ok(!(await reaches(right, left.address)));
  });

  it("cannot tell the host by ARP that they have another's address", async () => {
    const tap = tapName(left.name);
    const free = "10.121.8.6";
    const ask = (from: string) =>
      codeOf(left, `arping -q -c 2 -w 4 -I eth0 -s ${from} ${network.gateway}`);
    /** Whether the host now takes the address to be behind the machine's interface. */
    const isBelieved = async (address: string) =>
      (await host.exec(`ip neigh show ${address} dev ${tap}`)) !== "";
    assert.equal(await codeOf(left, `ip address add ${free}/32 dev lo`), 0);
    assert.equal(await ask(left.address), 0);
    assert.ok(await isBelieved(left.address));
    assert.notEqual(await ask(free), 0);
    assert.ok(!(await isBelieved(free)));
    // What is looked for is there to be seen where nothing keeps it off.
    await host.exec(`nft flush chain arp corral_small arp_${tap}`);
    assert.equal(await ask(free), 0);
    assert.ok(await isBelieved(free));
    await host.exec(`ip neigh flush dev ${tap}`);
    const repaired = await programs[0].up("--refresh");
    assert.match(repaired.output, /chains of nftables are not as declared/);
    assert.notEqual(await ask(free), 0);
    await codeOf(left, `ip address del ${free}/32 dev lo`);
  });

  it("have no IPv6 with their host, nor through it", async () => {
    const tap = tapName(left.name);
    const address = () =>
      host.exec(
        `ip -6 -o address show dev ${tap} scope link | awk '{ print $4 }' | cut -d/ -f1`,
      );
    const reachesHost = async () =>
      (await codeOf(
        left,
        `ping6 -I eth0 -c 2 -W 2 ${await address()} >/dev/null 2>&1`,
      )) === 0;
    assert.equal(await address(), "");
    // Not even where somebody gives the host such an address: the rules see to that.
    await host.exec(`sysctl -q -w net.ipv6.conf.${tap}.disable_ipv6=0`);
    assert.ok(await becomes(async () => (await address()) !== "", 10));
    assert.ok(!(await reachesHost()));
    await host.exec(`nft flush chain inet corral_small from_${tap}`);
    assert.ok(await reachesHost());
    await programs[0].up("--refresh");
    assert.ok(!(await reachesHost()));
    await host.exec(`sysctl -q -w net.ipv6.conf.${tap}.disable_ipv6=1`);
  });

  it("are refused where no address is left, and where one is taken", async () => {
    const before = await hostCensus(host);
    const third = await OpsProgram.make();
    try {
      await host.exec(
        `cd ${leases}; for n in 4 5 6; do echo '{}' > 10.121.8.$n; done`,
      );
      third.declare(await tinyMachine(host, network, "third"));
      const full = await third.up();
      assert.match(
        full.output,
        /network small has no free address: all 5 are leased/,
      );
      third.declare(
        await tinyMachine(host, network, "third", { address: left.address }),
      );
      const taken = await third.up();
      assert.match(taken.output, /belongs to MicroVm "left" of corral\/test/);
    } finally {
      await third.remove();
      await host.exec(`cd ${leases}; rm -f 10.121.8.4 10.121.8.5 10.121.8.6`);
    }
    assert.deepEqual(diffCensus(before, await hostCensus(host)), []);
  });

  it("are refused with all that stands against them, and nothing is changed", async () => {
    const before = await hostCensus(host);
    const third = await OpsProgram.make();
    const qemu = "/usr/bin/qemu-system-x86_64";
    try {
      const seed = `/var/lib/corral/microvm/machines/${left.name}/seed.iso`;
      third.declare(
        await tinyMachine(host, network, "third", {
          memoryMib: 16_000_000,
          volumes: [
            { name: "data", image: seed },
            { name: "new", sizeGib: 0.0625, keep: false },
          ],
        }),
      );
      await host.exec(`mv ${qemu} ${qemu}-away`);
      const refused = await third.run("up", "--yes", "--non-interactive");
      await host.exec(`mv ${qemu}-away ${qemu}`);
      assert.notEqual(refused.exitCode, 0, refused.output);
      for (const fault of [
        /corral-test-third cannot run on root@/,
        /qemu-system-x86_64 is not installed there/,
        /there are \d+ MiB of memory available, must be 16000128 \(memoryMib 16000000 and limits\.memoryOverheadMib 128\)/,
        /disk data: .* is in use by another machine: corral-test-left/,
      ]) {
        assert.match(refused.output, fault);
      }
      // What the state knows is still to be removed; the host has to be as it was before that.
      assert.deepEqual(diffCensus(before, await hostCensus(host)), []);
      // Without a preview it is said by the machine's own part, which then is not made.
      const late = await third.up();
      assert.match(late.output, /must be 16000128/);
      assert.notDeepEqual(diffCensus(before, await hostCensus(host)), []);
      assert.doesNotMatch(
        await host.exec("ls /var/lib/corral/microvm/machines"),
        /third/,
      );
    } finally {
      await third.remove();
    }
    assert.deepEqual(diffCensus(before, await hostCensus(host)), []);
  });

  it("are refused more memory than there is, and run on", async () => {
    const pid = () =>
      host.exec(
        `systemctl show --property MainPID --value corral-microvm-${right.name}.service`,
      );
    const before = [await pid(), await hostCensus(host)] as const;
    programs[1].declare(
      await tinyMachine(host, network, "right", { memoryMib: 16_000_000 }),
    );
    const { exitCode, output } = await programs[1].run("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /MiB of memory available beside the \d+ MiB that it uses, must be 16000128/,
    );
    assert.equal(await pid(), before[0]);
    assert.deepEqual(diffCensus(before[1], await hostCensus(host)), []);
  });
});
