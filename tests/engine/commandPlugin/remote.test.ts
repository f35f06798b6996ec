import assert from "node:assert/strict";
import * as os from "node:os";

import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import { status } from "@grpc/grpc-js";

import { CLOSED_PORT, SshServer } from "../provider/sshServer";
import { CommandPlugin, failure } from "./commandPlugin";

const REMOTE = "command:remote:Command";

// What is held here holds for the official plugin as well: it was observed on it.
describe("the plugin command: remote.Command", () => {
  let plugin: CommandPlugin;
  let server: SshServer;

  before(async () => {
    server = await SshServer.start(undefined, ["AcceptEnv ACCEPTED"]);
    plugin = await CommandPlugin.start({ SSH_AUTH_SOCK: "" });
  });
  after(async () => {
    await plugin.stop();
    await server.stop();
  });
  beforeEach(() => plugin.takeLog());

  function connection(changes: object = {}) {
    const { host, port, user, privateKey, hostKey } = server.target();
    return {
      ...{ host, port, user, privateKey, hostKey },
      ...{ dialErrorLimit: 1, ...changes },
    };
  }
  const create = (inputs: object, changes: object = {}) =>
    plugin.create(REMOTE, { connection: connection(changes), ...inputs });
  const createFails = (inputs: object, changes: object = {}) =>
    failure(create(inputs, changes));
  const texts = () => plugin.takeLog().map(({ text }) => text);

  it("runs on the other side, over one connection, and keeps both streams", async () => {
    const before = server.logins();
    const { id, outputs } = await create({
      create: "id -un; cat; echo err >&2",
      stdin: "in\n",
    });
    assert.match(id, /^thing[0-9a-f]{8}$/);
    assert.equal(outputs.stdout, `${os.userInfo().username}\nin`);
    assert.equal(outputs.stderr, "err");
    assert.equal(server.logins() - before, 1);
    assert.deepEqual(
      texts().sort(),
      ["err", "in", os.userInfo().username].sort(),
    );
  });

  it("does not connect where there is nothing to run", async () => {
    const before = server.logins();
    const made = await create({ delete: "true" });
    assert.deepEqual([made.outputs.stdout, made.outputs.stderr], ["", ""]);
    assert.equal(server.logins(), before);
  });

  it("fails with status or signal, command and both streams", async () => {
    assert.deepEqual(await createFails({ create: "echo hi; exit 3" }), {
      code: status.UNKNOWN,
      details: 'Process exited with status 3: running "echo hi; exit 3":\nhi\n',
    });
    assert.match(
      (await createFails({ create: "kill -TERM $$" })).details,
      /^Process exited with status 143 from signal TERM: running /,
    );
  });

  it("tries again what fails to connect, and counts", async () => {
    const { details } = await createFails(
      { create: "true" },
      { port: CLOSED_PORT, dialErrorLimit: 3 },
    );
    assert.equal(
      details,
      "after 3 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused",
    );
    assert.deepEqual(
      texts(),
      [1, 2, 3].map((n) => `Dial ${n}/3 failed: retrying`),
    );
    const once = await createFails(
      { create: "true" },
      { port: CLOSED_PORT, dialErrorLimit: 0 },
    );
    assert.match(once.details, /^after 0 failed attempts: /);
  });

  it("ends endless tries at the time limit", async () => {
    const endless = connection({ port: CLOSED_PORT, dialErrorLimit: -1 });
    const inputs = { connection: endless, create: "true" };
    const { details } = await failure(
      plugin.create(REMOTE, inputs, { timeout: 1 }),
    );
    assert.equal(details, "context deadline exceeded");
    assert.equal(texts()[0], "Dial 1/inf failed: retrying");
  });

  it("refuses another host key, and a login that is refused", async () => {
    const other = generateEd25519();
    assert.equal(
      (await createFails({ create: "true" }, { hostKey: other.publicKey }))
        .details,
      "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    );
    assert.match(
      (await createFails({ create: "true" }, { privateKey: other.privateKey }))
        .details,
      /^after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods \[none publickey\], no supported methods remain$/,
    );
  });

  it("accepts any host where no key is pinned", async () => {
    const made = await create({ create: "echo in" }, { hostKey: undefined });
    assert.equal(made.outputs.stdout, "in");
  });

  for (const [what, changes, reason] of [
    ["a private key that is none", { privateKey: "no" }, "ssh: no key found"],
    [
      "a host key that is none",
      { hostKey: "no" },
      "failed to parse host key: ssh: no key found",
    ],
    [
      "an agent that is not there",
      { agentSocketPath: "/nope" },
      "dial unix /nope: connect: no such file or directory",
    ],
    [
      "a passphrase for a key without one",
      { privateKeyPassword: "p" },
      "ssh: key is not password protected",
    ],
  ] as const) {
    it(`fails at once for ${what}`, async () => {
      const { details } = await createFails({ create: "true" }, changes);
      assert.equal(details, reason);
      assert.deepEqual(texts(), []);
    });
  }

  it("sets variables that the server accepts", async () => {
    const made = await create({
      create: "echo $ACCEPTED",
      environment: { ACCEPTED: "yes" },
    });
    assert.equal(made.outputs.stdout, "yes");
  });

  it("fails for a variable that the server refuses, before it runs anything", async () => {
    const { details } = await createFails({
      create: "echo ran",
      environment: { REFUSED: "no" },
    });
    assert.equal(
      details,
      'could not set environment variable "REFUSED": ssh: setenv failed',
    );
    const [line, ...others] = plugin.takeLog();
    assert.match(line?.text ?? "", /^Unable to set 'REFUSED'\. .*AcceptEnv/s);
    assert.equal(line?.ephemeral, false);
    assert.deepEqual(others, []);
  });

  it("only warns where the outputs before cannot be set", async () => {
    const before = { connection: connection(), create: "echo one" };
    const made = await plugin.create(REMOTE, before);
    plugin.takeLog();
    const outputs = await plugin.update(REMOTE, made, before, {
      ...before,
      update: "echo two",
    });
    assert.equal(outputs.stdout, "two");
    assert.match(texts()[0] ?? "", /^Unable to set 'PULUMI_COMMAND_STDOUT'/);
  });

  it("a changed connection runs create on the new host and delete nowhere", async () => {
    const other = await SshServer.start();
    try {
      const before = {
        connection: connection(),
        create: "echo $SSH_CONNECTION",
        delete: "exit 9",
      };
      const made = await plugin.create(REMOTE, before);
      const { port, privateKey, hostKey } = other.target();
      const moved = connection({ port, privateKey, hostKey });
      const outputs = await plugin.update(REMOTE, made, before, {
        ...before,
        connection: moved,
      });
      assert.match(outputs.stdout as string, new RegExp(` ${port}$`));
    } finally {
      await other.stop();
    }
  });

  it("deletes over the connection in the state", async () => {
    const made = await create({ create: "true", delete: "exit 5" });
    const { details } = await failure(plugin.remove(REMOTE, made));
    assert.equal(details, 'Process exited with status 5: running "exit 5":\n');
  });

  it("does not end a remote command at the time limit: it finishes and succeeds", async () => {
    const inputs = { connection: connection(), create: "sleep 1.5; echo done" };
    const made = await plugin.create(REMOTE, inputs, { timeout: 1 });
    assert.equal(made.outputs.stdout, "done");
  });
});
