import assert from "node:assert/strict";

import { Secret, unknown } from "@corral-iac/corral-ops/frame/value";
import { status } from "@grpc/grpc-js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

import { unary } from "../provider/pluginProcess";
import { CommandPlugin, failure } from "./commandPlugin";

const LOCAL = "command:local:Command";
const REMOTE = "command:remote:Command";

// What is held here holds for the official plugin as well: it was observed on it.
describe("the plugin command: check, diff and preview", () => {
  let plugin: CommandPlugin;

  before(async () => {
    plugin = await CommandPlugin.start();
  });
  after(() => plugin.stop());

  const connection = { host: "h", privateKey: "key" };

  it("is version 1.2.1 and accepts secrets, resources and outputs", async () => {
    const info = await unary<PluginInfo>((done) =>
      plugin.process.client.getPluginInfo(new Empty(), done),
    );
    assert.equal(info.getVersion(), "1.2.1");
    const answer = await plugin.configure();
    assert.deepEqual(
      [
        answer.getAcceptsecrets(),
        answer.getAcceptresources(),
        answer.getAcceptoutputs(),
        answer.getSupportspreview(),
      ],
      [true, true, true, true],
    );
  });

  const faults: Record<string, [type: string, inputs: object, reason: string]> =
    {
      "an unknown property": [
        LOCAL,
        { bogus: 1 },
        "Unrecognized field 'bogus' on 'local.CommandInputs'",
      ],
      "a missing connection": [
        REMOTE,
        {},
        "Missing required field 'connection' on 'remote.CommandInputs'",
      ],
      "a wrong type": [
        LOCAL,
        { create: 1 },
        "Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead",
      ],
      "a connection without host": [
        REMOTE,
        { connection: {} },
        "An error occurred decoding 'CommandInputs.connection': 1 failures decoding:\n" +
          "\thost: Missing required field 'host' on 'remote.Connection'",
      ],
    };
  for (const [what, [type, inputs, reason]] of Object.entries(faults)) {
    it(`refuses ${what}`, async () => {
      const { faults } = await plugin.check(type, inputs);
      assert.deepEqual(
        faults.map(([, text]) => text),
        [reason],
      );
    });
  }

  it("does not check the choices of logging", async () => {
    const { faults } = await plugin.check(LOCAL, { logging: "zzz" });
    assert.deepEqual(faults, []);
  });

  it("fills in the connection's defaults and makes all of it secret", async () => {
    const { inputs } = await plugin.check(REMOTE, { connection, create: "x" });
    assert.deepEqual(Object.keys(inputs).sort(), ["connection", "create"]);
    assert.ok(inputs.connection instanceof Secret);
    assert.deepEqual(inputs.connection.value, {
      host: "h",
      privateKey: new Secret("key"),
      port: 22,
      user: "root",
      dialErrorLimit: 10,
      perDialTimeout: 15,
    });
  });

  it("keeps what is given, a user of no letters too", async () => {
    const given = {
      host: "h",
      user: "",
      port: 2222,
      dialErrorLimit: -1,
      perDialTimeout: 0,
    };
    const { inputs } = await plugin.check(REMOTE, { connection: given });
    assert.deepEqual((inputs.connection as Secret).value, given);
  });

  it("adds nothing to a local command, and keeps its secrets", async () => {
    const given = { create: new Secret("c"), triggers: [new Secret(1), null] };
    const { inputs } = await plugin.check(LOCAL, given);
    assert.deepEqual(inputs, given);
  });

  it("diffs by property; only the list of triggers as a whole replaces", async () => {
    const diff = (olds: object, news: object) => plugin.diff(LOCAL, olds, news);
    assert.deepEqual(await diff({ create: "a" }, { create: "a" }), {});
    assert.deepEqual(
      await diff({ create: "a" }, { create: "b", delete: "d" }),
      {
        create: "update",
        delete: "add",
      },
    );
    assert.deepEqual(await diff({}, { triggers: [1] }), {
      triggers: "add, replaces",
    });
    assert.deepEqual(await diff({ triggers: [1] }, { triggers: [2] }), {
      "triggers[0]": "update",
    });
  });

  it("shows a changed connection as one change, by which nothing is replaced", async () => {
    assert.deepEqual(
      await plugin.diff(
        REMOTE,
        { connection },
        { connection: { ...connection, host: "other" } },
      ),
      { connection: "update" },
    );
  });

  it("runs nothing in a preview, and shows what is not known yet", async () => {
    const inputs = { create: "exit 1", environment: { A: "b" } };
    const { outputs } = await plugin.create(LOCAL, inputs, { preview: true });
    assert.deepEqual(outputs, { ...inputs, stdout: unknown, stderr: unknown });
  });

  it("an update's preview keeps old outputs only when nothing old changes", async () => {
    const before = { create: "printf out" };
    const made = await plugin.create(LOCAL, before);
    const preview = (news: object) =>
      plugin.update(LOCAL, made, before, news, { preview: true });
    const { stdout } = await preview({ create: "printf other" });
    assert.equal(stdout, unknown);
    assert.equal((await preview({ ...before, delete: "true" })).stdout, "out");
  });

  it("reads nothing: what is in the state comes back", async () => {
    const state = { create: "x", stdout: "a", stderr: "" };
    const answer = await plugin.process.read(LOCAL, { create: "x" }, state);
    assert.deepEqual(answer.getProperties()?.toJavaScript(), state);
  });

  for (const [what, outputs, reason] of [
    [
      "a field that it does not know",
      { stdout: "", stderr: "", extra: 1 },
      "1 failures decoding:\n\textra: Unrecognized field 'extra' on 'local.CommandOutputs'",
    ],
    [
      "no stdout",
      { stderr: "" },
      "1 failures decoding:\n\tstdout: Missing required field 'stdout' on 'local.CommandOutputs'",
    ],
  ] as const) {
    it(`refuses a state with ${what}`, async () => {
      const { details } = await failure(
        plugin.remove(LOCAL, { id: "x", outputs }),
      );
      assert.equal(details, reason);
    });
  }

  it("knows no other resource", async () => {
    const { code, details } = await failure(
      plugin.check("command:local:Nope", {}),
    );
    assert.equal(code, status.NOT_FOUND);
    assert.equal(details, "Resource 'local:Nope' not found");
  });
});

// Here the stand-in differs from the official plugin, which has these.
describe("the stand-in for the plugin command says what it leaves out", () => {
  let plugin: CommandPlugin;

  before(async () => {
    plugin = await CommandPlugin.start();
  });
  after(() => plugin.stop());

  for (const [type, property, inputs] of [
    [LOCAL, "assetPaths", { assetPaths: ["*"] }],
    [LOCAL, "archivePaths", { archivePaths: ["*"] }],
    [REMOTE, "proxy", { connection: { host: "h", proxy: { host: "p" } } }],
  ] as const) {
    it(`of ${type}: ${property}`, async () => {
      const { faults } = await plugin.check(type, inputs);
      assert.equal(faults.length, 1);
      assert.match(
        faults[0]?.[1] ?? "",
        new RegExp(`'${property}'.*stand-in.*official`, "s"),
      );
    });
  }

  for (const type of [
    "command:remote:CopyToRemote",
    "command:remote:CopyFile",
  ]) {
    it(`the resource ${type}`, async () => {
      const { code, details } = await failure(plugin.check(type, {}));
      assert.equal(code, status.NOT_FOUND);
      assert.match(details, new RegExp(`^${type}: Corral's stand-in`));
    });
  }

  it("the function command:local:run", async () => {
    const { details } = await failure(plugin.invoke("command:local:run"));
    assert.match(details, /^command:local:run: Corral's stand-in/);
  });
});
