import assert from "node:assert/strict";
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

/** The host's bridge, with one other computer in its network. */
const BRIDGE = "br0";
const PEER = "10.62.0.10";
const SUBNET = "10.62.0.192/27";
const OPEN = 8080;

describe("microVMs in the network of their host's bridge", function () {
  this.timeout(180_000);
  let host: LabHost;
  let program: OpsProgram;
  let clean: HostCensus;
  let web: MachineOutputs;
  let db: MachineOutputs;

  const onPeer = (command: string) =>
    host.exec(`ip netns exec peer sh -c '${command}'`);
  const peerCan = async (command: string) =>
    (await onPeer(`${command} >/dev/null 2>&1 && echo yes || echo no`)) ===
    "yes";
  const declare = async (network: Record<string, unknown>) => {
    const place = { $output: "lab.place" };
    program.declare(
      labMicroVmHost(host, "lab", network),
      await tinyMachineOn(place, "web", {
        allow: [{ ports: [OPEN], from: [PEER] }],
      }),
      await tinyMachineOn(place, "db"),
    );
  };

  before(async () => {
    host = await LabHost.start();
    await host.exec(`set -e
ip link add ${BRIDGE} type bridge
ip address add 10.62.0.5/24 dev ${BRIDGE}
ip link set ${BRIDGE} up
ip netns add peer
ip link add port type veth peer name eth0 netns peer
ip link set port master ${BRIDGE} up
ip -n peer address add ${PEER}/24 dev eth0
ip -n peer link set eth0 up
ip -n peer link set lo up`);
    clean = await hostCensus(host);
    program = await OpsProgram.make();
  });
  after(async () => {
    await program.remove();
    await host.remove();
  });

  it("are refused a subnet that is not theirs to have, with nothing changed", async () => {
    for (const [subnet, fault] of [
      ["10.62.0.0/28", /overlaps 10\.62\.0\.5\/24 \(the address of br0\)/],
      ["10.63.0.0/27", /is no part of the network of br0 \(10\.62\.0\.5\/24\)/],
    ] as const) {
      await declare({ lan: BRIDGE, subnet });
      const { exitCode, output } = await program.up();
      assert.notEqual(exitCode, 0, output);
      assert.match(output, fault);
    }
    assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
  });

  it("are neighbours of whoever is there: one reaches what is open to him, and nothing else", async () => {
    await declare({ lan: BRIDGE, subnet: SUBNET });
    const { exitCode, output } = await program.up();
    assert.equal(exitCode, 0, output);
    web = await outputsOf(program, "web");
    db = await outputsOf(program, "db");
    assert.deepEqual([web.address, db.address].sort(), [
      "10.62.0.194",
      "10.62.0.195",
    ]);
    for (const port of [OPEN, OPEN + 1]) {
      await runInGuest(
        web,
        `mkdir -p /srv && echo welcome > /srv/index.html && httpd -h /srv -p ${port}`,
      );
    }
    const get = (port: number) =>
      `curl -s -m 4 http://${web.address}:${port}/ | grep -q welcome`;
    assert.ok(await peerCan(get(OPEN)));
    assert.ok(!(await peerCan(get(OPEN + 1))));
    for (const { address } of [web, db]) {
      assert.ok(!(await peerCan(`ping -c 1 -W 2 ${address}`)));
    }
    // The host answers for its machines and for nobody else.
    assert.match(
      await onPeer(`ip neigh show ${web.address}`),
      /REACHABLE|STALE|DELAY/,
    );
    assert.ok(!(await peerCan("ping -c 1 -W 2 10.62.0.200")));
    assert.match(
      await onPeer("ip neigh show 10.62.0.200"),
      /FAILED|INCOMPLETE|^$/,
    );
  });

  it("reach who is there under their own address, and not each other", async () => {
    const seen = host.exec(
      `ip netns exec peer timeout 20 tcpdump -lni eth0 -c 1 'icmp and src ${web.address}' 2>/dev/null | grep -c ' IP ' || true`,
    );
    const ping = (to: string) =>
      runInGuest(web, `ping -c 4 -W 2 ${to} >/dev/null`);
    assert.equal((await ping(PEER)).code, 0);
    assert.equal(await seen, "1");
    assert.notEqual((await ping(db.address)).code, 0);
  });

  it("are answered for again where somebody has taken that away, without a restart", async () => {
    const pid = () => host.exec(`systemctl show -P MainPID ${web.unitName}`);
    const before = await pid();
    await host.exec(`ip neigh del proxy ${web.address} dev ${BRIDGE}`);
    const { exitCode, output } = await program.up("--refresh");
    assert.equal(exitCode, 0, output);
    assert.match(output, /the host does not answer for 10\.62\.0\.\d+ on br0/);
    assert.equal(await pid(), before);
    assert.match(
      await host.exec(`ip neigh show proxy dev ${BRIDGE}`),
      new RegExp(web.address),
    );
  });

  it("leave nothing on their host", async () => {
    const run = await program.run("destroy", "--yes", "--skip-preview");
    assert.equal(run.exitCode, 0, run.output);
    assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
    assert.equal(await host.exec("ip neigh show proxy"), "");
  });
});
