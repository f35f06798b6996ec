import assert from "node:assert/strict";
import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import {
  ProxmoxError,
  type ProxmoxFault,
} from "@corral-iac/corral/core/proxmox-client/errors";
import { segment } from "@corral-iac/corral/core/proxmox-client/transport";
import { type Answer, ApiServer, type Asked, TOKEN } from "./apiServer";

const UPID =
  "UPID:pve:000012AB:00034567:66AA0000:qmclone:9000:corral@pve!test:";

describe("Proxmox client", () => {
  let server: ApiServer;
  let answer: (asked: Asked) => Answer | Promise<Answer>;
  let client: ProxmoxClient;

  beforeEach(async () => {
    answer = () => ({ data: null });
    server = await ApiServer.start((asked) => answer(asked));
    client = new ProxmoxClient({
      endpoint: `${server.endpoint}/`,
      apiToken: TOKEN,
      insecure: true,
    });
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  async function failure(
    work: Promise<unknown>,
    fault: ProxmoxFault,
  ): Promise<ProxmoxError> {
    const error: unknown = await work.then(
      () => assert.fail("it succeeded"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ProxmoxError, String(error));
    assert.equal(error.fault, fault, error.message);
    assert.ok(!error.message.includes(TOKEN.split("=")[1] ?? ""));
    return error;
  }

  it("shows its token and asks by query, or by form where it writes", async () => {
    answer = ({ method }) => ({ data: method });
    const parameters = {
      "input-data": "a b&c",
      full: true,
      command: ["/bin/sh", "-c"],
      left: undefined,
    };
    assert.equal(await client.get("version", parameters), "GET");
    assert.equal(await client.post("nodes/pve/x", parameters), "POST");
    assert.equal(await client.put("nodes/pve/x", parameters), "PUT");
    assert.equal(await client.delete("nodes/pve/x", parameters), "DELETE");
    for (const { parameters: asked, headers } of server.asked) {
      assert.equal(headers.authorization, `PVEAPIToken=${TOKEN}`);
      assert.deepEqual(
        [...asked],
        [
          ["input-data", "a b&c"],
          ["full", "1"],
          ["command", "/bin/sh"],
          ["command", "-c"],
        ],
      );
    }
  });

  it("keeps what a path part holds from being taken for a path", async () => {
    await client.get(`nodes/pve/tasks/${segment(UPID)}/status`);
    await client.get(`nodes/pve/storage/s/content/${segment("s:iso/a.iso")}`);
    assert.deepEqual(server.lines, [
      `GET nodes/pve/tasks/${UPID}/status`,
      "GET nodes/pve/storage/s/content/s:iso/a.iso",
    ]);
  });

  it("takes no certificate that nobody trusts, unless told to, and says what to do", async () => {
    const strict = new ProxmoxClient({
      endpoint: server.endpoint,
      apiToken: TOKEN,
    });
    for (const work of [strict.get("version"), strict.post("version")]) {
      const { message } = await failure(work, "certificate");
      assert.match(message, /NODE_EXTRA_CA_CERTS.*insecure: true/);
    }
    assert.deepEqual(server.lines, []);
  });

  it("asks again when a question got no answer", async () => {
    answer = () => (server.asked.length < 3 ? "reset" : { data: "here" });
    assert.equal(await client.get("version"), "here");
    assert.equal(server.asked.length, 3);
  });

  it("asks again when the node behind the server did not answer", async () => {
    answer = () =>
      server.asked.length < 2
        ? { status: 596, reason: "Connection timed out" }
        : { data: "here" };
    assert.equal(await client.get("nodes/pve2/status"), "here");
  });

  it("gives up a question after three times, and says what to check", async () => {
    answer = () => "reset";
    const { message } = await failure(client.get("version"), "unreachable");
    assert.match(message, /cannot be reached.*curl -k https/);
    assert.equal(server.asked.length, 3);
  });

  it("never writes twice", async () => {
    answer = () => "reset";
    for (const write of [
      client.post("a"),
      client.put("b"),
      client.delete("c"),
    ]) {
      await failure(write, "unreachable");
    }
    assert.deepEqual([...server.lines].sort(), ["DELETE c", "POST a", "PUT b"]);
  });

  it("ends in time, and at once when it is stopped", async () => {
    answer = () => new Promise(() => undefined);
    const late = await failure(
      client.get("version", {}, { timeoutSeconds: 0.2 }),
      "timeout",
    );
    assert.match(late.message, /GET version at https.* no answer within 0.2 s/);
    const stopped = new AbortController();
    const work = client.get("version", {}, { signal: stopped.signal });
    stopped.abort();
    await failure(work, "aborted");
  });

  it("says so when something else answers", async () => {
    answer = () => ({ text: "<html>It works!</html>" });
    const { message } = await failure(client.get("version"), "other");
    assert.match(message, /not Proxmox VE's/);
  });

  describe("waiting for a task", () => {
    const path = `nodes/pve/tasks/${UPID}`;
    /** Answers of the task's status, one after the other; the last one stays. */
    const task = (states: Answer[], log: string[] = []) => {
      answer = (asked) =>
        asked.path === `${path}/log`
          ? { data: log.map((t, index) => ({ n: index + 1, t })) }
          : ((states.length > 1 ? states.shift() : states[0]) ?? "reset");
    };
    const running = { data: { status: "running" } };
    const stopped = (exitstatus: string) => ({
      data: { status: "stopped", exitstatus },
    });

    it("waits until it has ended", async () => {
      task([running, running, stopped("OK")]);
      assert.deepEqual(await client.waitForTask(UPID), []);
      assert.deepEqual(server.lines, Array(3).fill(`GET ${path}/status`));
    });

    it("tells what it warned of", async () => {
      task([stopped("WARNINGS: 1")], ["begun", "WARN: no TRIM here", "ended"]);
      assert.deepEqual(await client.waitForTask(UPID), ["no TRIM here"]);
    });

    it("fails with the reason and the end of the log", async () => {
      const log = ["create full clone of drive scsi0", "copy failed: No space"];
      task([running, stopped("clone failed: copy failed")], log);
      const error = await failure(client.waitForTask(UPID), "task");
      assert.equal(error.said, "clone failed: copy failed");
      assert.match(
        error.message,
        /^task qmclone of 9000 on node pve at https.* failed: clone failed: copy failed\nThe end of its log:\n {2}\| create full/,
      );
      assert.match(error.message, /\n {2}\| copy failed: No space$/);
    });

    it("goes on when the server is restarted meanwhile", async () => {
      const away = Array<Answer>(4).fill("reset");
      const unknown = { status: 400, reason: "Parameter verification failed." };
      task([running, ...away, unknown, running, stopped("OK")]);
      assert.deepEqual(await client.waitForTask(UPID), []);
    });

    it("ends in time and when it is stopped, and says that the task goes on", async () => {
      task([running]);
      const late = await failure(
        client.waitForTask(UPID, { timeoutSeconds: 0.3 }),
        "timeout",
      );
      assert.match(late.message, /did not end within 0.3 s; it goes on there/);
      const controller = new AbortController();
      const work = client.waitForTask(UPID, { signal: controller.signal });
      setImmediate(() => controller.abort());
      await failure(work, "aborted");
    });
  });
});
