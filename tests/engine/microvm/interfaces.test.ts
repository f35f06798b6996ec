import assert from "node:assert/strict";
import {
  hostPaths,
  machineUser,
  tapName,
  volumePaths,
} from "@corral-iac/corral/core/microvm/paths";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";

import { type HostCensus, hostCensus } from "../../support/labHost";
import {
  labMicroVmHost,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  tinyMachineOn,
} from "../../support/microVms";
import { OpsProgram } from "../provider/opsProgram";

const FRONT = { network: "front", subnet: "10.64.0.0/24" };
const BACK = { network: "back", subnet: "10.64.1.0/24" };
const machine = "corral-test-web";
const KEPT = { name: "kept", sizeGib: 0.0625, keep: true };
const keptFile = volumePaths(machine, KEPT.name, hostPaths).file;
/** A disk of the host's own. */
const OWN = "/srv/own.raw";
const [first, second] = [tapName(machine, 0), tapName(machine, 1)];

describe("the interfaces of a microVM on a host with two networks", function () {
  this.timeout(180_000);
  let host: LabHost;
  let program: OpsProgram;
  let clean: HostCensus;

  const declare = async (
    place: "front" | "back",
    args: Record<string, unknown> = {},
  ) =>
    program.declare(
      labMicroVmHost(host, "front", FRONT),
      labMicroVmHost(host, "back", BACK),
      await tinyMachineOn({ $output: `${place}.place` }, "web", {
        volumes: [KEPT, { name: "own", image: OWN }],
        ...args,
      }),
    );
  const both = { interfaces: [{ host: { $output: "back.place" } }] };
  const up = async (...flags: string[]) => {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  };
  /** Everything on the host that has to do with an interface of the machine. */
  const tracesOf = (tap: string) =>
    host.exec(
      `{ nft list ruleset; ip -o link; ip -4 route; } | grep -wE '(from_|to_|arp_)?${tap}' || true`,
    );
  const leases = (network: string) =>
    host.exec(`ls /var/lib/corral/microvm/networks/${network}/leases`);
  const ownersOfDisks = () => host.exec(`stat -c %U ${keptFile} ${OWN}`);
  const web = (): Promise<MachineOutputs> => outputsOf(program, "web");

  before(async () => {
    host = await LabHost.start();
    await host.exec(`truncate -s 8M ${OWN}`);
    clean = await hostCensus(host);
    program = await OpsProgram.make();
    await declare("front", both);
    await up();
  });
  after(async () => {
    await program.remove();
    await host.remove();
  });

  it("are one in each network", async () => {
    assert.match(await tracesOf(first), /10\.64\.0\.2 dev/);
    assert.match(await tracesOf(second), /10\.64\.1\.2 dev/);
    assert.equal(await leases("back"), "10.64.1.2");
    const list = (map: string) =>
      host.exec(`nft list map inet corral_back ${map}`);
    assert.match(await list("from_machine"), new RegExp(`"${second}" : jump`));
    assert.match(await list("to_machine"), new RegExp(`"${second}" : goto`));
  });

  it("are set up again where somebody has changed them, without a restart", async () => {
    const { unitName } = await web();
    const pid = () => host.exec(`systemctl show -P MainPID ${unitName}`);
    const before = await pid();
    for (const change of [
      `ip link set ${first} down`,
      `ip route delete 10.64.0.2/32 dev ${first}`,
      `ip address delete 10.64.0.1/32 dev ${first}`,
      `sysctl -q -w net.ipv4.conf.${second}.proxy_arp=0`,
    ]) {
      await host.exec(change);
      assert.match(await up("--refresh"), /the interface \w+ is down, or has/);
      assert.equal((await runInGuest(await web(), "hostname")).code, 0, change);
    }
    await up("--refresh", "--expect-no-changes");
    assert.equal(await pid(), before);
  });

  it("leave nothing of one that the machine has no more", async () => {
    await declare("front");
    await up();
    assert.equal(await tracesOf(second), "");
    assert.equal(await leases("back"), "");
    assert.equal((await runInGuest(await web(), "hostname")).code, 0);
    await up("--refresh", "--expect-no-changes");
  });

  it("leave nothing of one that a machine loses while it is off", async () => {
    await declare("front", both);
    await up();
    const off = { running: false, ready: { until: "none" } };
    await declare("front", { ...both, ...off });
    await up();
    assert.equal(await tracesOf(first), "");
    // As a unit leaves it that was changed by hand.
    await host.exec(`set -e
nft -f /var/lib/corral/microvm/machines/${machine}/machine.nft
ip tuntap add dev ${second} mode tap`);
    await declare("front", off);
    await up();
    assert.equal(await tracesOf(second), "");
    assert.equal(
      await host.exec(
        `systemctl is-active corral-microvm-${machine}.service || true`,
      ),
      "inactive",
    );
  });

  it("are in the other network when the machine changes to it, where it is reached", async () => {
    await declare("front");
    await up();
    const user = machineUser(machine);
    assert.equal(await ownersOfDisks(), `${user}\n${user}`);
    await declare("back", { volumes: [KEPT] });
    await up();
    assert.equal(await ownersOfDisks(), `${user}\nroot`);
    const { address } = await web();
    assert.equal(address, "10.64.1.2");
    assert.equal(
      (await runInGuest(await web(), "hostname")).stdout.trim(),
      "web",
    );
    assert.equal(await leases("front"), "");
    for (const family of ["inet", "arp"]) {
      assert.doesNotMatch(
        await host.exec(`nft list table ${family} corral_front`),
        new RegExp(first),
      );
    }
    await up("--refresh", "--expect-no-changes");
  });

  it("leave nothing when all is destroyed, and disks that stay are root's again", async () => {
    const run = await program.run("destroy", "--yes", "--skip-preview");
    assert.equal(run.exitCode, 0, run.output);
    assert.equal(await ownersOfDisks(), "root\nroot");
    await host.exec(
      `cd / && rm -r /var/lib/corral/microvm/volumes && rmdir -p /var/lib/corral/microvm 2>/dev/null || true`,
    );
    assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
  });
});
