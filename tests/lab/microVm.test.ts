import assert from "node:assert/strict";
import { tapName } from "@corral-iac/corral/core/microvm/paths";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";
import { OpsProgram } from "../engine/provider/opsProgram";
import { type HostCensus, hostCensus } from "../support/labHost";
import {
  labMicroVmHost,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  tinyMachineOn,
} from "../support/microVms";

const NAMES = ["web", "api", "db"] as const;
type Name = (typeof NAMES)[number];

/** Prints the page that is served there, or nothing. The wget of the tiny guest's BusyBox crashes. */
function get(address: string, port: number): string {
  return `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 nc -w 3 ${address} ${port} | tail -n 1`;
}

/** Port of `web` that is open to `api` alone. */
const OPEN = 8080;

describe("three microVMs on a host, by one up", function () {
  this.timeout(240_000);
  let host: LabHost;
  let program: OpsProgram;
  let clean: HostCensus;
  const machines = {} as Record<Name, MachineOutputs>;

  const inGuest = async (name: Name, command: string) =>
    (await runInGuest(machines[name], command)).stdout.trim();
  /** Whether a command in the guest ends well. */
  const can = async (name: Name, command: string) =>
    (await runInGuest(machines[name], command)).code === 0;
  const address = (name: Name) => machines[name].address;
  const tap = (name: Name) => tapName(machines[name].name);

  async function declare(): Promise<void> {
    const place = { $output: "lab.place" };
    program.declare(
      labMicroVmHost(host, "lab", {
        subnet: "10.61.0.0/24",
        hypervisors: ["qemu"],
      }),
      // First those whose addresses others name.
      await tinyMachineOn(place, "api"),
      await tinyMachineOn(place, "db"),
      await tinyMachineOn(place, "web", {
        allow: [{ ports: [OPEN], from: [{ $output: "api.address" }] }],
        volumes: [
          { name: "data", sizeGib: 0.0625, mountPoint: "/data", keep: false },
        ],
      }),
    );
  }

  before(async () => {
    host = await LabHost.start();
    clean = await hostCensus(host);
    program = await OpsProgram.make();
    await declare();
  });
  after(async () => {
    await program.remove();
    await host.remove();
  });

  it("are made, have addresses of their own, and each is logged in to through the host", async () => {
    const { exitCode, output } = await program.up();
    assert.equal(exitCode, 0, output);
    for (const name of NAMES) {
      machines[name] = await outputsOf(program, name);
      assert.equal(await inGuest(name, "hostname"), name);
    }
    assert.deepEqual(NAMES.map(address).sort(), [
      "10.61.0.2",
      "10.61.0.3",
      "10.61.0.4",
    ]);
  });

  it("were made over at most three connections to the host", async () => {
    const logins = await host.exec(
      "journalctl -u ssh --output cat | grep -c '^Accepted publickey'",
    );
    // One for each look of this test into a guest, and those of the update.
    assert.ok(Number(logins) - NAMES.length <= 3, `${logins} logins`);
  });

  it("are the same at the next update", async () => {
    const { exitCode, output } = await program.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
  });

  it("reach the gateway and the outside, and not the host's own services", async () => {
    assert.ok(await can("api", "ping -c 1 -W 5 10.61.0.1"));
    assert.ok(await can("api", `ping -c 1 -W 5 ${host.outside}`));
    // Its ssh server listens on every address.
    for (const own of ["10.61.0.1", host.address]) {
      assert.ok(!(await can("api", `nc -w 3 ${own} 22 </dev/null`)), own);
    }
  });

  it("reach no neighbour, but for the one port that is open to one of them", async () => {
    for (const port of [OPEN, OPEN + 1]) {
      await inGuest(
        "web",
        `mkdir -p /srv && echo welcome > /srv/index.html && httpd -h /srv -p ${port}`,
      );
      assert.equal(await inGuest("web", get("127.0.0.1", port)), "welcome");
    }
    const web = address("web");
    assert.equal(await inGuest("api", get(web, OPEN)), "welcome");
    assert.equal(await inGuest("api", get(web, OPEN + 1)), "");
    assert.equal(await inGuest("db", get(web, OPEN)), "");
    for (const neighbour of ["web", "db"] as const) {
      assert.ok(!(await can("api", `ping -c 2 -W 2 ${address(neighbour)}`)));
    }
  });

  it("cannot speak under another's address or MAC: such packets go nowhere", async () => {
    const seen = (filter: string, during: Promise<unknown>) =>
      Promise.all([
        host.exec(
          `timeout 8 tcpdump -lni ${tap("web")} -c 1 '${filter}' 2>/dev/null | grep -c ' IP ' || true`,
        ),
        during,
      ]).then(([count]) => Number(count));
    const call = get(address("web"), OPEN);
    // What is looked for is there to be seen when it is true.
    assert.equal(
      await seen(`src ${address("api")} and port ${OPEN}`, repeat("api", call)),
      1,
    );
    // `db` takes the address that may come in, beside its own.
    await inGuest(
      "db",
      `ip address add ${address("api")}/32 dev eth0; ip route add ${address("web")} via 10.61.0.1 dev eth0 src ${address("api")}`,
    );
    assert.equal(
      await seen(`src ${address("api")} and port ${OPEN}`, repeat("db", call)),
      0,
    );
    await inGuest(
      "db",
      `ip route del ${address("web")}; ip address del ${address("api")}/32 dev eth0`,
    );
    // Another MAC cuts the guest off; by itself it takes its own again.
    const outside = `ping -c 2 -W 2 ${host.outside}`;
    const own = "$(cat /sys/class/net/eth0/address)";
    await inGuest(
      "db",
      `cat > /tmp/other-mac <<'END'
mac=${own}
ip link set eth0 address 52:54:00:99:99:99
${outside} >/dev/null && echo reached || echo lost
ip link set eth0 address "$mac"
END
setsid sh /tmp/other-mac > /tmp/outcome 2>&1 </dev/null &`,
    );
    assert.ok(
      await becomes(
        async () =>
          (await inGuest("db", "cat /tmp/outcome").catch(() => "")) !== "",
        30,
      ),
    );
    assert.equal(await inGuest("db", "cat /tmp/outcome"), "lost");
    assert.ok(await can("db", outside));
  });

  it("come back with their data when a hypervisor is killed, and when the host reboots", async () => {
    await inGuest("web", "echo kept > /data/kept; sync");
    const unit = machines.web.unitName;
    const pid = await host.exec(`systemctl show -P MainPID ${unit}`);
    await host.exec(`kill -KILL ${pid}`);
    await answer("web");
    assert.notEqual(await host.exec(`systemctl show -P MainPID ${unit}`), pid);
    assert.equal(await inGuest("web", "cat /data/kept"), "kept");
    await host.reboot();
    for (const name of NAMES) {
      await answer(name);
    }
    assert.equal(await inGuest("web", "cat /data/kept"), "kept");
    const { exitCode, output } = await program.up(
      "--refresh",
      "--expect-no-changes",
    );
    assert.equal(exitCode, 0, output);
  });

  it("leave nothing on their host when they are destroyed", async () => {
    const run = await program.run("destroy", "--yes", "--skip-preview");
    assert.equal(run.exitCode, 0, run.output);
    assert.deepEqual(diffCensus(clean, await hostCensus(host)), []);
  });

  /** Runs a command a few times, while somebody looks. */
  function repeat(name: Name, command: string): Promise<unknown> {
    return inGuest(name, `for time in 1 2 3; do ${command}; sleep 1; done`);
  }

  /** Waits until the guest, started anew, can be logged in to and has its disks mounted. */
  async function answer(name: Name): Promise<void> {
    const ready = name === "web" ? "grep -q ' /data ' /proc/mounts" : "true";
    assert.ok(
      await becomes(() => can(name, ready).catch(() => false), 90),
      await host.exec(
        `journalctl -u ${machines[name].unitName} -n 30 --no-pager`,
      ),
    );
  }
});
