import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import {
  machinePaths,
  volumePaths,
} from "@corral-iac/corral/core/microvm/paths";
import {
  arrivedScript,
  discardScript,
  hasMachineScript,
  keepScript,
  lookAtTargetScript,
  readTarget,
  receiveScript,
} from "@corral-iac/corral/core/microvm/scripts/arriving";
import {
  Answer,
  FUNCTIONS,
  recordText,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  handScript,
  lookAtSourceScript,
  readSource,
  sendScript,
  sumScript,
} from "@corral-iac/corral/core/microvm/scripts/leaving";
import type { Leaving } from "@corral-iac/corral/core/microvm/scripts/leaving";
import { makeScript } from "@corral-iac/corral/core/microvm/scripts/volumes";

import { planWith } from "./plans";
import { ScratchHost } from "./scratchHost";

const MIB = 1024 ** 2;
const { stamp } = planWith();
const leaver = { machine: "corral-dev-web", stamp, volumes: ["data"] };
const mark: Leaving = {
  id: "0123456789abcdef",
  phase: "copying",
  ran: true,
  to: "root@b:22",
  toId: "b",
};
const incoming = {
  volume: "data",
  move: mark.id,
  keep: true,
  bytes: 24 * MIB,
};

/** Like each command of an ssh server, in a process group of its own. */
const shell = (script: string) =>
  spawn("/bin/sh", ["-c", `umask 022\n${FUNCTIONS}\n${script}`], {
    detached: true,
  });

describe("a volume between two hosts, by the real shell", function () {
  this.timeout(60_000);
  let a: ScratchHost;
  let b: ScratchHost;

  beforeEach(async () => {
    a = new ScratchHost();
    b = new ScratchHost();
    const made = await a.run(
      makeScript(
        {
          stamp,
          machine: leaver.machine,
          volume: "data",
          sizeBytes: incoming.bytes,
          keep: true,
        },
        a.paths,
      ),
    );
    assert.equal(made.code, 0, made.stderr);
    const { folder, leaving } = machinePaths(leaver.machine, a.paths);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(
      leaving,
      `id ${mark.id}\nphase copying\nran yes\nto ${mark.to}\nto-id ${mark.toId}\n`,
    );
  });
  afterEach(() => {
    a.remove();
    b.remove();
  });

  const fileOn = (host: ScratchHost) =>
    volumePaths(leaver.machine, "data", host.paths);
  const hashOf = (file: string) =>
    createHash("sha256").update(fs.readFileSync(file)).digest("hex");

  /** Sends it from one shell to the other; `cut` ends the stream after so many bytes. */
  async function transfer(
    cut = Infinity,
  ): Promise<{ bytes: number; code: number | null; stderr: string }> {
    const sender = shell(sendScript(leaver, "data", mark, a.paths));
    const receiver = shell(receiveScript(leaver, incoming, b.paths));
    let bytes = 0;
    let stderr = "";
    receiver.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    receiver.stdin.on("error", () => undefined);
    sender.stdout.on("data", (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.max(0, cut - bytes));
      bytes += part.length;
      receiver.stdin.write(part);
    });
    sender.stdout.on("end", () => receiver.stdin.end());
    const code = await new Promise<number | null>((resolve) =>
      receiver.on("close", resolve),
    );
    return { bytes, code, stderr };
  }
  const keep = (sum: string) =>
    b.run(keepScript(leaver, incoming, sum, b.paths));
  const discard = (move = mark.id) =>
    b.run(discardScript(leaver, move, b.paths));

  it("is the same there, with its holes, and kept like before", async () => {
    const { bytes, code, stderr } = await transfer();
    assert.equal(code, 0, stderr);
    assert.ok(bytes < 8 * MIB, `${bytes} bytes were sent`);
    assert.ok(!fs.existsSync(fileOn(b).file));
    const { stdout } = await a.run(sumScript(leaver, "data", a.paths));
    const sum = /sum ([0-9a-f]{64})/.exec(stdout)?.[1] ?? "";
    assert.equal(sum, hashOf(fileOn(a).file));
    const kept = await keep(sum);
    assert.equal(kept.code, 0, kept.stderr);
    assert.equal(hashOf(fileOn(b).file), sum);
    const { blocks, size, mode } = fs.statSync(fileOn(b).file);
    assert.equal(size, incoming.bytes);
    assert.ok(blocks * 512 < 8 * MIB);
    assert.equal(mode & 0o777, 0o600);
    const arrived = await b.run(arrivedScript(leaver, b.paths));
    assert.equal(arrived.code, 0, arrived.stderr);
    const record = JSON.parse(
      fs.readFileSync(fileOn(b).record, "utf8"),
    ) as Record<string, unknown>;
    assert.deepEqual(
      [record.keep, record.state, record.move],
      [true, "made", undefined],
    );
  });

  it("is not there when it came with another content, or not to its end", async () => {
    await transfer();
    const wrong = await keep("0".repeat(64));
    assert.equal(wrong.code, 65);
    assert.match(wrong.stderr, /must have 0000/);
    assert.ok(!fs.existsSync(fileOn(b).file));
    const cut = await transfer(100_000);
    assert.equal(cut.code, 65, cut.stderr);
    assert.ok(!fs.existsSync(fileOn(b).file));
    assert.equal((await discard()).code, 0);
    assert.deepEqual(b.files(), []);
  });

  it("is taken away by the attempt that has brought it, and by no other", async () => {
    await transfer();
    await keep(hashOf(fileOn(a).file));
    assert.equal((await discard("ffffffffffffffff")).code, 0);
    assert.ok(fs.existsSync(fileOn(b).file));
    assert.equal((await discard()).code, 0);
    assert.deepEqual(b.files(), []);
  });

  it("is not sent, and not handed over, by an attempt that another one has followed", async () => {
    const former = { ...mark, id: "ffffffffffffffff" };
    for (const script of [
      sendScript(leaver, "data", former, a.paths),
      handScript(leaver, former, a.paths),
    ]) {
      const { code, stderr, stdout } = await a.run(script);
      assert.equal(code, 65);
      assert.match(stderr, /somebody else has gone on with the move/);
      assert.equal(stdout.trim(), "");
    }
  });

  it("is received anew although a former attempt, whose connection was lost, still waits", async () => {
    const waiting = shell(
      receiveScript(leaver, { ...incoming, move: "ffffffffffffffff" }, b.paths),
    );
    const ended = new Promise((resolve) => waiting.on("close", resolve));
    while (!fs.existsSync(fileOn(b).incoming)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { code, stderr } = await transfer();
    assert.equal(code, 0, stderr);
    await ended;
    assert.equal((await keep(hashOf(fileOn(a).file))).code, 0);
  });

  it("is found where it is, with its size and whether it is to keep", async () => {
    const { record } = machinePaths(leaver.machine, a.paths);
    fs.writeFileSync(record, recordText(stamp, {}));
    const { stdout, stderr } = await a.run(
      `echo "host a"\n${lookAtSourceScript({ ...leaver, volumes: ["data", "other"] }, true, a.paths)}`,
    );
    const facts = readSource(new Answer(stdout));
    assert.equal(facts.isThere, true, stderr);
    assert.deepEqual(facts.mark, mark);
    assert.deepEqual([...facts.volumes.keys()], ["data"]);
    const {
      bytes,
      usedBytes,
      keep: isKept,
    } = facts.volumes.get("data") ?? assert.fail();
    assert.equal(bytes, incoming.bytes);
    assert.ok(usedBytes > 0 && usedBytes < bytes);
    assert.equal(isKept, true);
  });

  it("is found where it has come to, with the attempt that has brought it", async () => {
    const look = async () => {
      const { stdout, code, stderr } = await b.run(
        `echo "host b"\n${lookAtTargetScript(leaver, ["lan"], true, b.paths)}`,
      );
      assert.equal(code, 0, stderr);
      return readTarget(new Answer(stdout));
    };
    const before = await look();
    assert.deepEqual(before.missingNetworks, ["lan"]);
    assert.deepEqual([before.machine, before.volumes.size], [undefined, 0]);
    assert.ok(before.freeDiskBytes > 0 && before.freeMemoryMib > 0);
    assert.deepEqual(b.files(), []);

    await transfer();
    assert.equal((await look()).volumes.size, 0);
    await keep(hashOf(fileOn(a).file));
    b.makeNetwork("lan");
    const { folder, record, arriving } = machinePaths(leaver.machine, b.paths);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(record, recordText(stamp, {}));
    const hasMachine = async () =>
      (await b.run(hasMachineScript(stamp, b.paths))).stdout.trim();
    for (const [text, isStarted] of [
      [mark.id, false],
      [`${mark.id} started`, true],
    ] as const) {
      fs.writeFileSync(arriving, `${text}\n`);
      const facts = await look();
      assert.deepEqual(facts.machine, { move: mark.id, isStarted });
      assert.deepEqual([...facts.volumes], [["data", mark.id]]);
      assert.deepEqual(facts.missingNetworks, []);
      assert.equal(await hasMachine(), "");
    }
    await b.run(arrivedScript(leaver, b.paths));
    const there = await look();
    assert.deepEqual(there.machine, { move: "", isStarted: false });
    assert.deepEqual([...there.volumes], [["data", ""]]);
    assert.equal(await hasMachine(), "machine there");
  });

  it("of somebody else is not touched", async () => {
    const { folder, file, record } = fileOn(b);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(file, "theirs");
    fs.writeFileSync(
      record,
      '{\n  "stamp": {\n    "id": "aaaaaaaaaaaaaaaa"\n  }\n}\n',
    );
    assert.equal((await transfer()).code, 75);
    await discard();
    assert.equal(fs.readFileSync(file, "utf8"), "theirs");
  });
});
