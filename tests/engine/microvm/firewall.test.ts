import assert from "node:assert/strict";
import { tapName } from "@corral-iac/corral/core/microvm/paths";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";

import { type HostCensus, hostCensus } from "../../support/labHost";
import {
  labMicroVmHost,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  tinyMachineOn,
} from "../../support/microVms";
import { OpsProgram } from "../provider/opsProgram";

const NETWORK = { network: "fire", subnet: "10.65.0.0/24" };
const GATEWAY = "10.65.0.1";
const DROP_IN = "/etc/systemd/system/nftables.service.d/corral-microvm.conf";

describe("the rules of microVMs beside the host's own firewall", function () {
  this.timeout(180_000);
  let host: LabHost;
  let program: OpsProgram;
  let clean: HostCensus;
  let web: MachineOutputs;

  const up = async (...flags: string[]) => {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const rules = () =>
    host.exec(
      "nft list table inet corral_fire; nft list table arp corral_fire",
    );
  const pid = () => host.exec(`systemctl show -P MainPID ${web.unitName}`);
  /** Whether the host believes the machine that it has another's address. */
  const canLie = async () =>
    (
      await runInGuest(
        web,
        `arping -q -c 2 -w 4 -I eth0 -s 10.65.0.99 ${GATEWAY}`,
      )
    ).code === 0;

  before(async () => {
    host = await LabHost.start();
    // The lab's hosts have it masked.
    await host.exec(`systemctl unmask nftables.service
printf 'flush ruleset\\ntable inet own { chain input { type filter hook input priority 0; }; }\\n' >/etc/nftables.conf`);
    clean = await hostCensus(host);
    program = await OpsProgram.make();
    program.declare(
      labMicroVmHost(host, "fire", NETWORK),
      await tinyMachineOn({ $output: "fire.place" }, "web"),
    );
    await up();
    web = await outputsOf(program, "web");
    await runInGuest(web, "ip address add 10.65.0.99/32 dev lo");
  });
  after(async () => {
    await program.remove();
    await host.remove();
  });

  it("are there again when nftables.service was started, reloaded, restarted or stopped", async () => {
    const [wanted, running] = [await rules(), await pid()];
    assert.match(wanted, new RegExp(`"${tapName(web.name)}" : jump`));
    for (const action of ["start", "reload", "restart"]) {
      await host.exec(`systemctl ${action} nftables.service`);
      assert.equal(await rules(), wanted, action);
      assert.match(await host.exec("nft list tables"), /inet own/);
    }
    await host.exec("systemctl stop nftables.service");
    assert.equal(await rules(), wanted);
    assert.doesNotMatch(await host.exec("nft list tables"), /inet own/);
    assert.ok(!(await canLie()));
    assert.equal(await pid(), running);
  });

  it("are loaded by a machine that starts where all were removed by hand", async () => {
    const wanted = await rules();
    await host.exec("nft flush ruleset");
    // What is looked for is there to be seen.
    assert.ok(await canLie());
    const before = await pid();
    await host.exec(`kill -KILL ${before}`);
    assert.ok(
      await becomes(async () => !["0", before].includes(await pid()), 20),
      await host.exec(`journalctl -u ${web.unitName} -n 20 --no-pager`),
    );
    assert.equal(await rules(), wanted);
    await up("--refresh", "--expect-no-changes");
  });

  it("are told where they would not come back, and do so after the next up", async () => {
    await host.exec(`rm ${DROP_IN}; systemctl daemon-reload`);
    assert.match(await up("--refresh"), /the part of nftables.service/);
    const wanted = await rules();
    await host.exec("systemctl restart nftables.service");
    assert.equal(await rules(), wanted);
    await host.exec("systemctl stop nftables.service");
  });

  it("leave nothing on the host", async () => {
    const run = await program.run("destroy", "--yes", "--skip-preview");
    assert.equal(run.exitCode, 0, run.output);
    assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
    assert.doesNotMatch(
      await host.exec("systemctl cat nftables.service"),
      /corral/,
    );
  });
});
