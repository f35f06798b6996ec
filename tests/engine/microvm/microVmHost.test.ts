import assert from "node:assert/strict";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { type HostCensus, hostCensus } from "../../support/labHost";
import {
  labMicroVmHost,
  outputsOf,
  runInGuest,
  tinyMachineOn,
} from "../../support/microVms";
import { OpsProgram } from "../provider/opsProgram";

const SUBNET = "10.60.0.0/24";
const OTHER_SUBNET = "10.64.0.0/24";

describe("MicroVmHost on a real host", () => {
  let host: LabHost;
  let program: OpsProgram;
  let clean: HostCensus;

  before(async () => {
    host = await LabHost.start();
    clean = await hostCensus(host);
    program = await OpsProgram.make();
  });

  after(async () => {
    await program.remove();
    await host.remove();
  });

  const declare = (args: object, on: LabHost = host) =>
    program.declare(labMicroVmHost(on, "lab", { subnet: SUBNET, ...args }));

  const up = async (...flags: string[]) => {
    const run = await program.up(...flags);
    assert.equal(run.exitCode, 0, run.output);
    return run.output;
  };

  /** Fails without having touched the host. */
  const refused = async (args: object, expected: RegExp, on = host) => {
    const there = on === host ? await hostCensus(host) : undefined;
    declare(args, on);
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, expected);
    if (there !== undefined) {
      assert.deepEqual(diffCensus(there, await hostCensus(host)), []);
    }
  };

  it("says what is wrong with the way to the host, and touches nothing", async () => {
    const other = generateEd25519();
    await refused(
      { hostKey: other.publicKey },
      /host key of .* is not the expected one: expected .*SHA256.*got/s,
    );
    await refused(
      { privateKey: { $secret: other.privateKey } },
      /the login as root was refused/,
    );
    await refused({ port: 23 }, /looking at the host failed on root@.*:23/);
  });

  it("reports everything that the host lacks at once, and changes nothing", async () => {
    await refused(
      {
        accelerator: "kvm",
        subnet: "10.120.0.0/16",
        hypervisors: ["firecracker"],
        freeMemoryMib: 99_000_000,
        freeDiskGib: 99_000,
      },
      new RegExp(
        [
          "cannot have the network lab for microVMs; nothing was changed there",
          "it has no /dev/kvm.*accelerator.*tcg",
          "firecracker is in none of its folders of programs",
          "MiB of memory available, must have 99000000",
          "MiB of disk free at /var/lib, must have",
          "the subnet 10.120.0.0/16 overlaps .*the address of host0.*give another subnet",
        ].join("[^]*"),
      ),
    );
  });

  it("wants /dev/net/tun and a hypervisor", async () => {
    const bare = await LabHost.start({ tun: false });
    try {
      await bare.exec("rm /usr/bin/qemu-system-x86_64");
      await refused(
        {},
        /no \/dev\/net\/tun[^]*no hypervisor: install qemu-system-x86_64/,
        bare,
      );
    } finally {
      await bare.remove();
    }
  });

  it("makes the network, and a second update does nothing", async () => {
    declare({});
    await up();
    assert.equal(
      await host.exec("systemctl is-active corral-microvm-network-lab"),
      "active",
    );
    assert.match(
      await host.exec("nft list chain inet corral_lab postrouting"),
      /ip saddr 10\.60\.0\.0\/24 .*masquerade/,
    );
    assert.equal(await host.exec("cat /proc/sys/net/ipv4/ip_forward"), "1");
    const again = await up("--expect-no-changes");
    assert.match(again, /unchanged/);
    const secret = host.connection.privateKey.split("\n")[2] ?? assert.fail();
    assert.ok(!(await program.state()).includes(secret));
  });

  it("brings the network up again when the host boots", async () => {
    await host.reboot();
    assert.match(
      await host.exec("nft list chain inet corral_lab forward"),
      /vmap @to_machine/,
    );
    assert.equal(await host.exec("cat /proc/sys/net/ipv4/ip_forward"), "1");
    await up("--refresh", "--expect-no-changes");
  });

  it("sees what was changed by hand, repairs it, and leaves alone what machines have put in", async () => {
    // A route that a new network would be refused for is no reason to leave this one as it is.
    const route = "blackhole 10.60.0.128/25";
    await host.exec(`set -e
ip route add ${route}
nft 'add chain inet corral_lab to_cv0'
nft 'add rule inet corral_lab to_cv0 drop'
nft 'add element inet corral_lab to_machine { "cv0" : goto to_cv0 }'
nft flush chain inet corral_lab input
ip route delete unreachable ${SUBNET}
sysctl -q -w net.ipv4.ip_forward=0
echo '# edited' >> /etc/systemd/system/corral-microvm-network-lab.service
systemctl disable -q corral-microvm-network-lab`);
    const output = await up("--refresh");
    for (const drift of [
      /systemd unit of the network is not as declared/,
      /does not start with the host/,
      /forwards no packets/,
      /route of the subnet 10\.60\.0\.0\/24 is gone/,
      /rules of nftables are not as declared/,
    ]) {
      assert.match(output, drift);
    }
    assert.match(
      await host.exec("nft list chain inet corral_lab input"),
      /jump from_network/,
    );
    assert.match(
      await host.exec("nft list map inet corral_lab to_machine"),
      /"cv0" : goto to_cv0/,
    );
    await up("--refresh", "--expect-no-changes");
    await host.exec(`ip route delete ${route}`);
  });

  it("updates in place, and makes gone what is gone", async () => {
    declare({ nat: false });
    await up();
    assert.doesNotMatch(
      await host.exec("nft list chain inet corral_lab postrouting"),
      /masquerade/,
    );
    // With the folder it is lost what the host forwarded before, so that is put back by hand too.
    await host.exec(
      `systemctl disable -q --now corral-microvm-network-lab; rm -r /var/lib/corral /etc/systemd/system/corral-*; systemctl daemon-reload; sysctl -q -w net.ipv4.ip_forward=${clean.settings.join()}`,
    );
    await up("--refresh");
    assert.equal(
      await host.exec("systemctl is-active corral-microvm-network-lab"),
      "active",
    );
  });

  it("refuses a network that somebody else has made, and names him", async () => {
    const other = await OpsProgram.make();
    try {
      const theirs = async (more: Record<string, unknown>) => {
        other.declare(labMicroVmHost(host, "their", more));
        const { exitCode, output } = await other.up();
        assert.notEqual(exitCode, 0, output);
        return output;
      };
      assert.match(
        await theirs({ network: "lab" }),
        /there already and belongs to MicroVmHost "lab" of corral\/test/,
      );
      assert.match(
        await theirs({ subnet: "10.60.0.128/25" }),
        /overlaps 10\.60\.0\.0\/24 \(the network lab of Corral\)/,
      );
    } finally {
      await other.remove();
    }
  });

  it("gives a machine an address of its new subnet, at which it then answers", async function () {
    this.timeout(240_000);
    const inSubnet = async (subnet: string) => {
      program.declare(
        labMicroVmHost(host, "lab", { subnet }),
        await tinyMachineOn({ $output: "lab.place" }, "web"),
      );
      await up();
      return outputsOf(program, "web");
    };
    const leases = "ls /var/lib/corral/microvm/networks/lab/leases";
    assert.equal((await inSubnet(SUBNET)).address, "10.60.0.2");
    const web = await inSubnet(OTHER_SUBNET);
    assert.equal(web.address, "10.64.0.2");
    const { stdout } = await runInGuest(web, "ip -4 -o address show eth0");
    assert.match(stdout, / 10\.64\.0\.2\/24 /);
    assert.equal(await host.exec(leases), "10.64.0.2");
    assert.doesNotMatch(await host.exec("ip -4 route"), /10\.60\./);
    await up("--refresh", "--expect-no-changes");
  });

  it("does not go while machines have addresses in it, and then leaves nothing", async () => {
    const lease = "/var/lib/corral/microvm/networks/lab/leases/10.64.0.9";
    await host.exec(`echo x > ${lease}`);
    program.declare();
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /machines still have addresses in the network: 10\.64\.0\.9/,
    );
    await host.exec(`rm ${lease}`);
    await up();
    const now = await hostCensus(host);
    assert.deepEqual(diffCensus(clean, now), []);
  });
});
