import assert from "node:assert/strict";

import {
  LibvirtClient,
  parsePool,
} from "@corral-iac/corral/core/libvirt-client/client";
import { LibvirtError } from "@corral-iac/corral/core/libvirt-client/errors";
import { ProcessError } from "@corral-iac/corral/core/runProcess";
import { Virsh } from "@corral-iac/corral/core/libvirt-client/virsh";
import {
  LibvirtProbe,
  judgeState,
} from "@corral-iac/corral-ops/guest/libvirtProbe";
import {
  isRotation,
  removeFiles,
} from "@corral-iac/corral-ops/resources/consoleLog";
import { shutDown } from "@corral-iac/corral-ops/resources/libvirtPower";

import { FakeClock } from "./fakeClock";

type Answer = string | { readonly stderr: string } | Error;

/** A daemon that answers each command by a function, and notes what it was asked. */
function daemon(answer: (command: string) => Answer, uri = "qemu:///system") {
  const asked: string[] = [];
  const virsh = new Virsh(uri, async (args) => {
    asked.push(args.join(" "));
    const said = answer(args.join(" "));
    if (said instanceof Error) {
      throw said;
    }
    return typeof said === "string"
      ? { code: 0, stdout: said, stderr: "" }
      : { code: 1, stdout: "", stderr: said.stderr };
  });
  return { client: new LibvirtClient(virsh), asked };
}

const dirPool =
  "<pool type='dir'><name>p</name><target><path>/srv/p</path></target></pool>";
const noSignal = new AbortController().signal;

async function rejected(work: Promise<unknown>): Promise<LibvirtError> {
  const error: unknown = await work.catch((reason: unknown) => reason);
  assert.ok(error instanceof LibvirtError, String(error));
  return error;
}

describe("libvirt client: errors", () => {
  it("say which daemon cannot be reached, and what to check", async () => {
    const stderr =
      "error: failed to connect to the hypervisor\nerror: Failed to connect socket: No such file";
    const local = await rejected(
      daemon(() => ({ stderr })).client.domainNames(),
    );
    assert.equal(local.fault, "unreachable");
    assert.match(
      local.message,
      /qemu:\/\/\/system cannot be reached.*libvirtd.*group libvirt.*No such file/,
    );
    const uri = "qemu+ssh://me@far:2222/system";
    const remote = await rejected(
      daemon(() => ({ stderr }), uri).client.domainNames(),
    );
    assert.match(
      remote.message,
      /ssh -o BatchMode=yes -p 2222 me@far virsh list/,
    );
  });

  it("name the package when virsh is missing", async () => {
    const missing = new ProcessError("missing", "virsh is not installed");
    const error = await rejected(daemon(() => missing).client.domainNames());
    assert.equal(error.fault, "virshMissing");
    assert.match(error.message, /apt-get install libvirt-clients/);
  });

  it("list the pools there are when one is missing", async () => {
    const { client } = daemon((command) =>
      command.startsWith("pool-list")
        ? "default\nfast\n"
        : { stderr: "error: failed to get pool 'x'" },
    );
    const error = await rejected(client.pool("x"));
    assert.equal(error.fault, "noPool");
    assert.match(
      error.message,
      /has no pool "x"; the pools there are: default, fast/,
    );
  });
});

describe("libvirt client: pools and addresses", () => {
  it("read a pool's type, folder and state", async () => {
    assert.deepEqual(parsePool(dirPool), { type: "dir", targetPath: "/srv/p" });
    const { client } = daemon((command) =>
      command.startsWith("pool-info")
        ? "Name: p\nState:          inactive\n"
        : dirPool,
    );
    assert.deepEqual(await client.pool("p"), {
      name: "p",
      type: "dir",
      targetPath: "/srv/p",
      active: false,
    });
  });

  it("fall back from leases to the agent to ARP", async () => {
    const { client, asked } = daemon((command) => {
      if (command.includes("--source lease")) return "";
      if (command.includes("--source agent"))
        return {
          stderr:
            "error: argument unsupported: QEMU guest agent is not configured",
        };
      return " vnet0  52:54:00:aa:bb:01  ipv4  10.0.0.9/0\n";
    });
    assert.deepEqual(await client.domainAddresses("d", "52:54:00:aa:bb:01"), [
      "10.0.0.9",
    ]);
    assert.equal(asked.length, 3);
  });

  it("put the newest of several leases first", async () => {
    const { client } = daemon((command) => {
      if (command.startsWith("domiflist"))
        return " vnet0  network  n  virtio  52:54:00:aa:bb:01\n";
      if (command.startsWith("net-dhcp-leases"))
        return (
          " 2026-01-01 10:00:00  52:54:00:aa:bb:01  ipv4  10.0.0.1/24  -  -\n" +
          " 2026-01-01 11:00:00  52:54:00:aa:bb:01  ipv4  10.0.0.2/24  -  -\n"
        );
      return " vnet0  52:54:00:aa:bb:01  ipv4  10.0.0.1/24\n vnet0  52:54:00:aa:bb:01  ipv4  10.0.0.2/24\n";
    });
    assert.deepEqual(await client.domainAddresses("d", undefined), [
      "10.0.0.2",
      "10.0.0.1",
    ]);
  });
});

describe("provider: libvirt probe", () => {
  const guest = {
    uri: "qemu:///system",
    domain: "web",
    consolePool: "p",
    consoleFile: "web.log",
  };

  it("knows which states will never get ready", () => {
    const is = (state: string, reason = "") =>
      judgeState("web", state, reason).is;
    assert.equal(is("running", "booted"), "ready");
    assert.equal(is("paused", "starting up"), "waiting");
    assert.equal(is("in shutdown"), "waiting");
    for (const [state, reason] of [
      ["shut off", "failed"],
      ["crashed"],
      ["paused", "I/O error"],
      ["paused", "user"],
    ] as const) {
      assert.equal(is(state, reason), "failed", state);
    }
  });

  it("fails for a domain that is not there", async () => {
    const gone = daemon(() => ({
      stderr: "error: failed to get domain 'web'",
    })).client;
    assert.equal(
      (await new LibvirtProbe(guest, gone).machine(noSignal)).is,
      "failed",
    );
  });

  it("waits for a daemon that is away for a moment, not for one that never answered", async () => {
    let away = true;
    const { client } = daemon(() =>
      away
        ? { stderr: "error: failed to connect to the hypervisor" }
        : "running (booted)",
    );
    const probe = new LibvirtProbe(guest, client);
    await assert.rejects(probe.machine(noSignal), /cannot be reached/);
    away = false;
    assert.equal((await probe.machine(noSignal)).is, "ready");
    away = true;
    assert.equal((await probe.machine(noSignal)).is, "waiting");
    assert.equal((await probe.addresses(noSignal)).is, "waiting");
  });

  it("takes a console that is not there yet for an empty one", async () => {
    const { client } = daemon((command) =>
      command.startsWith("vol-info")
        ? { stderr: "error: failed to get vol 'web.log'" }
        : "",
    );
    assert.deepEqual(
      await new LibvirtProbe(guest, client).console(noSignal),
      [],
    );
  });
});

describe("provider: console log files", () => {
  it("are the file and its rotations, nothing else", () => {
    assert.ok(isRotation("a.log", "a.log") && isRotation("a.log.0", "a.log"));
    assert.ok(
      !isRotation("a.logx", "a.log") && !isRotation("a.log.x", "a.log"),
    );
  });

  it("are removed through libvirt, whatever is gone already", async () => {
    const { client, asked } = daemon((command) => {
      if (command.startsWith("pool-dumpxml")) return dirPool;
      if (command.startsWith("pool-info")) return "State: running\n";
      if (command.startsWith("vol-list"))
        return " a.log    /srv/p/a.log\n a.log.0  /srv/p/a.log.0\n b  /srv/p/b\n";
      return command.includes("a.log.0")
        ? { stderr: "error: failed to get vol 'a.log.0'" }
        : "";
    });
    await removeFiles(client, "p", "a.log", noSignal);
    assert.deepEqual(
      asked.filter((command) => command.startsWith("vol-delete")),
      ["vol-delete a.log --pool p", "vol-delete a.log.0 --pool p"],
    );
    await removeFiles(
      daemon(() => ({ stderr: "error: failed to get pool 'p'" })).client,
      "p",
      "a",
      noSignal,
    );
  });
});

describe("provider: shutting a libvirt domain down", () => {
  const args = {
    uri: "qemu:///system",
    domain: "web",
    domainId: "u",
    running: false,
    shutdownTimeoutSeconds: 30,
  };
  const quiet = () => undefined;
  const log = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: quiet,
    status: quiet,
  };

  it("asks, waits, and asks again what was still booting", async () => {
    const clock = new FakeClock();
    const { client, asked } = daemon((command) =>
      command.startsWith("domstate")
        ? clock.now() < 15_000
          ? "running (booted)"
          : "shut off (shutdown)"
        : "",
    );
    await clock.run(shutDown({ log, signal: noSignal }, client, args, clock));
    assert.equal(asked.filter((command) => command === "shutdown u").length, 2);
    assert.ok(!asked.includes("destroy u"));
  });

  it("powers off what does not listen", async () => {
    const clock = new FakeClock();
    let off = false;
    const { client, asked } = daemon((command) => {
      off ||= command === "destroy u";
      return command.startsWith("domstate")
        ? off
          ? "shut off"
          : "running"
        : "";
    });
    await clock.run(shutDown({ log, signal: noSignal }, client, args, clock));
    assert.ok(asked.includes("destroy u"));
    assert.equal(clock.now(), 30_000);
  });
});
