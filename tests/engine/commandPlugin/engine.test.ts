import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { OpsProgram } from "../provider/opsProgram";
import { SshServer } from "../provider/sshServer";

// What is held here holds for the official plugin as well: it was observed on it.
describe("the plugin command in the real engine", () => {
  let program: OpsProgram;
  let server: SshServer;
  let folder: string;

  before(async () => {
    server = await SshServer.start();
  });
  after(() => server.stop());
  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-command-"));
    program = await OpsProgram.make(["commandPlugin"]);
  });
  afterEach(async () => {
    await program.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const note = (text: string) => `echo ${text} >>${folder}/notes`;
  const notes = () =>
    fs.existsSync(`${folder}/notes`)
      ? fs.readFileSync(`${folder}/notes`, "utf8").trim().split("\n")
      : [];

  function declare(args: Record<string, unknown>): void {
    const { host, port, user, privateKey, hostKey } = server.target();
    const connection = { host, port, user, privateKey, hostKey };
    program.declare({
      type: "RemoteCommand",
      name: "thing",
      args: { connection: { ...connection, dialErrorLimit: 1 }, ...args },
    });
  }

  async function up(...flags: string[]): Promise<string> {
    const { exitCode, output } = await program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  }

  it("runs once, and connects to nobody while nothing changes", async () => {
    declare({ create: `${note("made")}; echo out` });
    await up();
    const logins = server.logins();
    await up("--expect-no-changes");
    await up("--refresh", "--expect-no-changes");
    assert.deepEqual(notes(), ["made"]);
    assert.equal(server.logins(), logins);
    assert.match(await program.state(), /"stdout": "out"/);
  });

  it("runs update for any change, and delete out of the state", async () => {
    declare({ create: note("made"), delete: note("gone") });
    await up();
    declare({ create: note("other"), delete: note("gone") });
    assert.match(await up(), /~ 1 updated/);
    declare({ create: note("other"), update: note("new"), delete: note("2") });
    await up();
    program.declare();
    await up();
    assert.deepEqual(notes(), ["made", "other", "new", "2"]);
  });

  it("a changed trigger runs create and then delete, even beside update", async () => {
    const commands = { create: note("made"), update: note("updated") };
    declare({ ...commands, delete: note("gone"), triggers: ["1"] });
    await up();
    declare({ ...commands, delete: note("gone"), triggers: ["2"] });
    assert.match(await up(), /\+-1 replaced/);
    assert.deepEqual(notes(), ["made", "made", "gone"]);
  });

  it("a failed create leaves nothing, a failed delete keeps the resource", async () => {
    declare({ create: `${note("tried")}; exit 3` });
    const failed = await program.up();
    assert.notEqual(failed.exitCode, 0);
    assert.match(failed.output, /Process exited with status 3: running/);
    const isThere = async () => (await program.state()).includes("::thing");
    assert.equal(await isThere(), false);

    const once = `[ -e ${folder}/may-go ]`;
    declare({ create: note("made"), delete: once });
    await up();
    program.declare();
    assert.notEqual((await program.up()).exitCode, 0);
    assert.equal(await isThere(), true);
    fs.writeFileSync(`${folder}/may-go`, "");
    await up();
    assert.equal(await isThere(), false);
    assert.deepEqual(notes(), ["tried", "made"]);
  });

  it("keeps the connection and a secret stdin out of state and output", async () => {
    declare({ create: "wc -c", stdin: { $secret: "planted-secret" } });
    const output = await up("--diff");
    const state = await program.state();
    const key = server.target().privateKey.split("\n")[2] ?? "";
    for (const secret of ["planted-secret", key]) {
      assert.ok(!output.includes(secret) && !state.includes(secret));
    }
    assert.match(state, /"stdout": "14"/);
  });
});
