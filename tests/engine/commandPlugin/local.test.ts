import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { Secret } from "@corral-iac/corral-ops/frame/value";
import { status } from "@grpc/grpc-js";

import { eventually } from "../provider/sshServer";
import { CommandPlugin, failure } from "./commandPlugin";

const LOCAL = "command:local:Command";

// What is held here holds for the official plugin as well: it was observed on it.
describe("the plugin command: local.Command", () => {
  let plugin: CommandPlugin;
  let folder: string;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-command-"));
    plugin = await CommandPlugin.start({ CORRAL_TEST_ENV: "from-plugin" });
  });
  after(async () => {
    await plugin.stop();
    fs.rmSync(folder, { recursive: true });
  });
  beforeEach(() => plugin.takeLog());

  const create = (inputs: object) => plugin.create(LOCAL, inputs);
  const stdout = async (inputs: object) =>
    (await create(inputs)).outputs.stdout;
  const createFails = (inputs: object) => failure(create(inputs));

  it("makes an id of the name and 8 hexadecimal digits", async () => {
    const { id, outputs } = await create({ create: "echo out; echo err >&2" });
    assert.match(id, /^thing[0-9a-f]{8}$/);
    assert.deepEqual(outputs, {
      create: "echo out; echo err >&2",
      stdout: "out",
      stderr: "err",
    });
  });

  it("runs nothing without create, and an empty create", async () => {
    const none = await create({ delete: "true" });
    assert.deepEqual(none.outputs, { delete: "true", stdout: "", stderr: "" });
    const empty = await create({ create: "" });
    assert.deepEqual(empty.outputs, { create: "", stdout: "", stderr: "" });
  });

  it("cuts exactly one newline off the end", async () => {
    assert.equal(await stdout({ create: "printf 'a\\r\\n\\n'" }), "a\r\n");
  });

  it("passes stdin as it is; without one there is nothing to read", async () => {
    assert.equal(
      await stdout({ create: "od -c | head -1", stdin: "x" }),
      "0000000   x",
    );
    assert.equal(await stdout({ create: "cat" }), "");
  });

  it("gives the plugin's environment, overridden by `environment`", async () => {
    const create = "echo $CORRAL_TEST_ENV $MORE";
    assert.equal(await stdout({ create }), "from-plugin");
    const environment = { CORRAL_TEST_ENV: "own", MORE: "more" };
    assert.equal(await stdout({ create, environment }), "own more");
  });

  it("takes folder and interpreter; the command is one argument", async () => {
    const real = fs.realpathSync(folder);
    assert.equal(await stdout({ create: "pwd -P", dir: folder }), real);
    const interpreter = ["/bin/echo", "one", "two"];
    assert.equal(await stdout({ create: "a  b", interpreter }), "one two a  b");
    assert.equal(
      await stdout({ create: "echo $0", interpreter: [] }),
      "/bin/sh",
    );
  });

  it("never makes outputs secret, and keeps inputs as secret as they are", async () => {
    const { outputs } = await create({
      create: new Secret("printf s"),
      stdin: new Secret("in"),
    });
    assert.deepEqual(outputs, {
      create: new Secret("printf s"),
      stdin: new Secret("in"),
      stdout: "s",
      stderr: "",
    });
  });

  it("fails with cause, command and both streams", async () => {
    const command = `echo "out"; exit 3`;
    assert.deepEqual(await createFails({ create: command }), {
      code: status.UNKNOWN,
      details: 'exit status 3: running "echo \\"out\\"; exit 3":\nout\n',
    });
    const silent = { create: "echo e >&2; exit 1", logging: "none" };
    assert.match((await createFails(silent)).details, /:\ne\n$/);
    assert.match(
      (await createFails({ create: "kill -TERM $$" })).details,
      /^signal: terminated: running /,
    );
    assert.match(
      (await createFails({ create: "x", interpreter: ["/nope"] })).details,
      /^fork\/exec \/nope: no such file or directory: running "x"/,
    );
    assert.match(
      (await createFails({ create: "true", dir: "/nope" })).details,
      /^chdir \/nope: no such file or directory: running "true"/,
    );
  });

  it("fails for what is not text, after it ran", async () => {
    const { code, details } = await createFails({ create: "printf '\\377'" });
    assert.equal(code, status.INTERNAL);
    assert.match(details, /string field contains invalid UTF-8/);
  });

  it("logs the chosen streams line by line, as passing messages", async () => {
    const create = "echo one; echo; echo two >&2; echo three";
    await plugin.create(LOCAL, { create });
    const lines = plugin.takeLog();
    assert.ok(lines.every(({ ephemeral }) => ephemeral));
    assert.deepEqual(lines.map(({ text }) => text).sort(), [
      "",
      "one",
      "three",
      "two",
    ]);
    for (const [logging, expected] of [
      ["stdout", ["", "one", "three"]],
      ["stderr", ["two"]],
      ["none", []],
      ["zzz", []],
    ] as const) {
      await plugin.create(LOCAL, { create, logging });
      assert.deepEqual(
        plugin
          .takeLog()
          .map(({ text }) => text)
          .sort(),
        expected,
        logging,
      );
    }
  });

  it("logs a last line that no newline ends", async () => {
    await create({ create: "printf last" });
    assert.deepEqual(
      plugin.takeLog().map(({ text }) => text),
      ["last"],
    );
  });

  it("shows a line of 100 KB, on which the original hangs", async () => {
    const made = await create({
      create: "head -c 100000 /dev/zero | tr '\\0' x",
    });
    assert.equal((made.outputs.stdout as string).length, 100_000);
    assert.equal(plugin.takeLog()[0]?.text.length, 100_000);
  });

  describe("update", () => {
    const show = "echo [$PULUMI_COMMAND_STDOUT][$PULUMI_COMMAND_STDERR]";

    async function updated(before: object, news: object) {
      const made = await create(before);
      return plugin.update(LOCAL, made, before, news);
    }

    it("runs update, else create, else nothing", async () => {
      const before = { create: "echo made" };
      const both = { create: "echo made", update: "echo updated" };
      assert.equal((await updated(before, both)).stdout, "updated");
      const other = { create: "echo other" };
      assert.equal((await updated(before, other)).stdout, "other");
      const nothing = { delete: "true" };
      assert.equal((await updated(before, nothing)).stdout, "made");
    });

    it("has the outputs before it in the environment, where not empty", async () => {
      const before = { create: "echo made" };
      const news = { ...before, update: show };
      assert.equal((await updated(before, news)).stdout, "[made][]");
      const own = { ...news, environment: { PULUMI_COMMAND_STDOUT: "own" } };
      assert.equal((await updated(before, own)).stdout, "[made][]");
      const without = { ...news, addPreviousOutputInEnv: false };
      assert.equal((await updated(before, without)).stdout, "[][]");
    });

    it("has none of them at first", async () => {
      assert.equal(await stdout({ create: show }), "[][]");
    });
  });

  describe("delete", () => {
    const trace = () => path.join(folder, "deleted");

    it("runs the state's command with the state's settings and outputs", async () => {
      const made = await create({
        create: "echo made",
        delete: `cat > ${trace()}; echo $PULUMI_COMMAND_STDOUT $A >> ${trace()}`,
        stdin: "in ",
        environment: { A: "b" },
      });
      await plugin.remove(LOCAL, made);
      assert.equal(fs.readFileSync(trace(), "utf8"), "in made b\n");
    });

    it("fails when it fails, and does nothing where there is none", async () => {
      const made = await create({ delete: "exit 4" });
      const { details } = await failure(plugin.remove(LOCAL, made));
      assert.equal(details, 'exit status 4: running "exit 4":\n');
      await plugin.remove(LOCAL, await create({ create: "true" }));
    });
  });

  it("kills the command at the time limit", async () => {
    const slow = { create: "exec sleep 60" };
    const { details } = await failure(
      plugin.create(LOCAL, slow, { timeout: 1 }),
    );
    assert.equal(details, 'signal: killed: running "exec sleep 60":\n');
  });

  it("kills the command at a cancel, and starts nothing after it", async () => {
    const cancelled = await CommandPlugin.start();
    try {
      const mark = path.join(folder, "begun");
      const command = `touch ${mark}; exec sleep 60`;
      const running = failure(cancelled.create(LOCAL, { create: command }));
      await eventually("the command runs", () => fs.existsSync(mark));
      await cancelled.process.cancel();
      assert.match((await running).details, /^signal: killed: running /);
      // A check starts cancelled too, but looks at nothing that could be.
      const { details } = await failure(
        cancelled.create(LOCAL, { create: "true" }),
      );
      assert.equal(details, 'context canceled: running "true":\n');
    } finally {
      await cancelled.stop();
    }
  });
});
