import assert from "node:assert/strict";

import { failed, ready, waiting } from "@corral-iac/corral-ops/guest/probe";
import type {
  Finding,
  GuestAccess,
  GuestProbe,
} from "@corral-iac/corral-ops/guest/probe";
import { NotReadyError } from "@corral-iac/corral-ops/guest/notReady";
import { asksForMore } from "@corral-iac/corral-ops/guest/stages";
import { waitForGuest } from "@corral-iac/corral-ops/guest/wait";
import type { WaitRequest } from "@corral-iac/corral-ops/guest/wait";

import { FakeClock } from "./fakeClock";

const second = 1000;

/** A guest that becomes ready by the clock: each part at its second. */
function guest(
  clock: FakeClock,
  at: Partial<
    Record<"run" | "agent" | "address" | "port" | "login" | "cloudInit", number>
  >,
) {
  const calls = {
    machine: 0,
    agent: 0,
    addresses: 0,
    port: 0,
    login: 0,
    cloudInit: 0,
    console: 0,
  };
  const by = <T>(
    seconds: number | undefined,
    value: T,
    detail: string,
  ): Finding<T> =>
    clock.now() >= (seconds ?? 0) * second ? ready(value) : waiting(detail);
  const probe: GuestProbe = {
    machine: async () => (
      calls.machine++,
      by(at.run, undefined, "paused (starting up)")
    ),
    agent: async () => (
      calls.agent++,
      by(at.agent, undefined, "QEMU guest agent is not running")
    ),
    addresses: async () => (
      calls.addresses++,
      by(at.address, ["10.0.0.5"], "no lease")
    ),
    console: async () => (calls.console++, ["Booting", "login:"]),
  };
  const access: GuestAccess = {
    port: async () => (
      calls.port++,
      by(at.port, undefined, "connection refused")
    ),
    login: async () => (
      calls.login++,
      by(at.login, undefined, "the login as u was refused")
    ),
    cloudInit: async () => (
      calls.cloudInit++,
      by(
        at.cloudInit,
        { status: "status: done", degraded: false },
        "cloud-init: running",
      )
    ),
  };
  return { probe, access, calls };
}

function setUp(
  options: Partial<WaitRequest> & { at?: Parameters<typeof guest>[1] } = {},
) {
  const clock = new FakeClock();
  const made = guest(clock, options.at ?? {});
  const lines: string[] = [];
  const controller = new AbortController();
  const request: WaitRequest = {
    until: "cloudInit",
    name: "web",
    timeoutSeconds: 60,
    probe: made.probe,
    access: made.access,
    clock,
    log: {
      status: (line) => lines.push(`status ${line}`),
      debug: (line) => lines.push(`debug ${line}`),
      warn: (line) => lines.push(`warn ${line}`),
    },
    signal: controller.signal,
    ...options,
  };
  const go = () => clock.run(waitForGuest(request));
  return { clock, lines, controller, go, ...made };
}

async function failure(work: Promise<unknown>): Promise<NotReadyError> {
  const error: unknown = await work.then(
    () => assert.fail("it got ready"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof NotReadyError, String(error));
  return error;
}

describe("provider: waiting for a guest", () => {
  it("goes through all stages and returns what it found", async () => {
    const { go, clock } = setUp({
      at: { run: 1, address: 5, port: 9, login: 12, cloudInit: 20 },
    });
    assert.deepEqual(await go(), {
      address: "10.0.0.5",
      cloudInitStatus: "status: done",
    });
    assert.ok(clock.now() >= 20 * second && clock.now() < 22 * second);
  });

  it("goes only as far as asked", async () => {
    const none = setUp({ until: "none" });
    assert.deepEqual(await none.go(), { address: "", cloudInitStatus: "" });
    assert.deepEqual(none.calls.machine, 0);
    const address = setUp({ until: "address" });
    assert.deepEqual(await address.go(), {
      address: "10.0.0.5",
      cloudInitStatus: "",
    });
    assert.equal(address.calls.port, 0);
    const ssh = setUp({ until: "ssh" });
    await ssh.go();
    assert.equal(ssh.calls.cloudInit, 0);
  });

  it("looks for no address where one is given", async () => {
    const { go, calls } = setUp({ until: "ssh", address: "10.9.9.9" });
    assert.equal((await go()).address, "10.9.9.9");
    assert.equal(calls.addresses, 0);
  });

  it("says about every five seconds what it waits for, why, and how long", async () => {
    const { go, lines } = setUp({ at: { port: 21 } });
    await go();
    const status = lines.filter((line) => line.startsWith("status"));
    assert.equal(status.length, 4);
    assert.equal(
      status[0],
      "status web: waiting for the ssh port at 10.0.0.5 to open (connection refused): 5 s of 60 s",
    );
  });

  it("ends at its time-out, naming stage, time, last error, console and remedy", async () => {
    const { go, clock } = setUp({ at: { port: 1000 }, timeoutSeconds: 30 });
    const error = await failure(go());
    assert.equal(error.stage, "port");
    assert.equal(clock.now(), 30 * second);
    assert.equal(
      error.message,
      [
        'web is not ready: stage "port": waited for the ssh port at 10.0.0.5 to open; ' +
          "it did not come within 30 s (waited 30 s in all, 30 s in this stage).",
        "Last seen: connection refused.",
        "The end of the guest's console:",
        "  | Booting",
        "  | login:",
        "Check that the guest boots, runs an ssh server, and can be reached from this machine. " +
          "Where it cannot, as on another host's NAT network, set until to address.",
      ].join("\n"),
    );
  });

  it("ends at its time-out even if a look never ends", async () => {
    const { go, access } = setUp({ timeoutSeconds: 10 });
    access.login = (_address, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped")));
      });
    const error = await failure(go());
    assert.equal(error.stage, "login");
    assert.match(error.message, /did not come within 10 s/);
    assert.match(
      error.message,
      /Last seen: the last try had no answer yet after 10 s\./,
    );
  });

  it("keeps what it saw when its last look was cut short, and says for how long that took", async () => {
    const { go, access, clock } = setUp({ timeoutSeconds: 10 });
    access.login = async (_address, signal) => {
      if (clock.now() < 4 * second) {
        return waiting("the login as u was refused");
      }
      await clock.sleep(3600 * second, signal);
      return waiting("");
    };
    const error = await failure(go());
    assert.match(
      error.message,
      /Last seen: the login as u was refused; the last try had no answer yet after 6 s\./,
    );
  });

  it("fails at once when the machine will never run", async () => {
    const { go, clock, probe } = setUp();
    probe.machine = async () => failed("the domain web is crashed");
    const error = await failure(go());
    assert.equal(error.stage, "machine");
    assert.match(error.message, /the domain web is crashed/);
    assert.equal(clock.now(), 0);
  });

  it("sees a machine that ends while it waits for something later", async () => {
    const { go, clock, probe } = setUp({ at: { port: 1000 } });
    const before = probe.machine.bind(probe);
    probe.machine = async (signal) =>
      clock.now() > 12 * second
        ? failed("the domain web is shut off")
        : before(signal);
    const error = await failure(go());
    assert.match(error.message, /the domain web is shut off/);
    assert.ok(clock.now() < 20 * second);
  });

  it("follows a guest that gets another address", async () => {
    const { go, clock, probe, access } = setUp({ until: "ssh" });
    probe.addresses = async () =>
      ready([clock.now() < 8 * second ? "10.0.0.5" : "10.0.0.6"]);
    access.port = async (address) =>
      address === "10.0.0.6" ? ready(undefined) : waiting("connection refused");
    assert.equal((await go()).address, "10.0.0.6");
  });

  it("tries every address that it might be", async () => {
    const { go, probe, access } = setUp({ until: "ssh" });
    probe.addresses = async () => ready(["10.0.0.7", "10.0.0.8"]);
    access.port = async (address) =>
      address === "10.0.0.8" ? ready(undefined) : waiting("no route to host");
    assert.equal((await go()).address, "10.0.0.8");
  });

  it("tries a refused login on, but tells the user after half a minute", async () => {
    const { go, lines } = setUp({ at: { login: 50 } });
    await go();
    const warnings = lines.filter((line) => line.startsWith("warn"));
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /the login as u was refused. Trying on until 60 s are over/,
    );
  });

  it("ends with cloud-init's own words when that fails", async () => {
    const { go, access } = setUp();
    access.cloudInit = async () =>
      failed("cloud-init ended with an error (exit code 1):\n  boom");
    const error = await failure(go());
    assert.equal(error.stage, "cloudInit");
    assert.match(error.message, /boom/);
  });

  it("takes a degraded cloud-init for done, with a warning", async () => {
    const { go, access, lines } = setUp();
    access.cloudInit = async () =>
      ready({ status: "status: degraded done", degraded: true });
    assert.equal((await go()).cloudInitStatus, "status: degraded done");
    assert.match(
      lines.join("\n"),
      /warn cloud-init has finished, but not without faults/,
    );
  });

  it("stops when it is told to, and says where it stood", async () => {
    const { clock, controller, go } = setUp({ at: { address: 1000 } });
    void clock.sleep(7 * second, new AbortController().signal).then(() => {
      controller.abort(new Error("stopped, because the update was cancelled"));
    });
    const error = await failure(go());
    assert.match(
      error.message,
      /waited for an IP address; stopped, because the update was cancelled/,
    );
    assert.match(error.message, /The next update waits again/);
    assert.equal(clock.now(), 7 * second);
  });

  it("does not hang on a console that cannot be had", async () => {
    const { go, probe } = setUp({ at: { port: 1000 }, timeoutSeconds: 5 });
    probe.console = (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () =>
          reject(new Error("virsh took too long")),
        );
      });
    assert.match(
      (await failure(go())).message,
      /console cannot be shown: virsh took too long/,
    );
  });

  it("reports a hypervisor that cannot be asked as what it is", async () => {
    const { go, probe } = setUp();
    probe.machine = async () => {
      throw new Error("virsh is not installed");
    };
    assert.match((await failure(go())).message, /virsh is not installed/);
  });
});

describe("provider: a wait through the guest agent", () => {
  const through = "agent";

  it("needs no ssh, and asks cloud-init before there is an address", async () => {
    const { go, calls, clock } = setUp({
      through,
      at: { agent: 3, cloudInit: 6, address: 9 },
    });
    assert.deepEqual(await go(), {
      address: "10.0.0.5",
      cloudInitStatus: "status: done",
    });
    assert.equal(calls.port + calls.login, 0);
    assert.ok(clock.now() >= 9 * second && clock.now() < 11 * second);
  });

  it("goes only as far as asked", async () => {
    const agent = setUp({ through, until: "agent" });
    assert.deepEqual(await agent.go(), { address: "", cloudInitStatus: "" });
    assert.equal(agent.calls.addresses + agent.calls.cloudInit, 0);
    const ssh = setUp({ through, until: "ssh" });
    assert.equal((await ssh.go()).address, "10.0.0.5");
    assert.deepEqual(
      [ssh.calls.agent, ssh.calls.login, ssh.calls.cloudInit],
      [1, 1, 0],
    );
  });

  it("never asks the agent where ssh is the way and the address is given", async () => {
    const { go, calls } = setUp({ address: "10.9.9.9" });
    await go();
    assert.equal(calls.agent + calls.addresses, 0);
  });

  it("ends at its time-out when the agent never comes, and says what to look for", async () => {
    const { go, clock } = setUp({
      through,
      at: { agent: 1000 },
      timeoutSeconds: 20,
    });
    const error = await failure(go());
    assert.equal(error.stage, "agent");
    assert.equal(clock.now(), 20 * second);
    assert.match(
      error.message,
      /waited for its guest agent to answer; it did not come within 20 s .*\nLast seen: QEMU guest agent is not running\.\n[^]*qemu-guest-agent is installed/,
    );
  });

  it("fails where nobody can ask the agent", async () => {
    const { go, probe } = setUp({ through });
    delete probe.agent;
    assert.match((await failure(go())).message, /how its guest agent is asked/);
  });
});

describe("provider: how far a guest has come", () => {
  const more = asksForMore;

  it("asks for more when a stage was not seen", () => {
    assert.ok(more({ until: "cloudInit" }, { until: "ssh" }));
    assert.ok(!more({ until: "ssh" }, { until: "ssh" }));
    assert.ok(!more({ until: "address" }, { until: "cloudInit" }));
    assert.ok(!more({ until: "none" }, { until: "none" }));
  });

  it("does not take one way for the other", () => {
    const byAgent = { until: "cloudInit", through: "agent" } as const;
    assert.ok(more(byAgent, { until: "cloudInit", through: "ssh" }));
    assert.ok(more({ until: "ssh", through: "ssh" }, byAgent));
    assert.ok(!more({ until: "agent" }, byAgent));
    assert.ok(!more({ until: "address", through: "ssh" }, byAgent));
  });
});
