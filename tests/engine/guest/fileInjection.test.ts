import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { OpsProgram } from "../provider/opsProgram";
import { SshServer, eventually } from "../provider/sshServer";

const RECORDS = "/var/lib/corral/files";

// The guest is a scratch folder of this machine, reached through a sshd of its own. Each test stands
// on the one before.
describe("FileInjection in the real engine", function () {
  this.bail(true);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-guest-"));
  const guest = path.join(scratch, "guest");
  const tools = path.join(scratch, "tools");
  let program: OpsProgram;
  let server: SshServer;

  before(async () => {
    fs.mkdirSync(tools);
    server = await SshServer.start(`${tools}:/usr/sbin:/usr/bin:/sbin:/bin`);
    program = await OpsProgram.make();
    source("conf/app.conf", "colour = red\n");
    source("conf/bin/run", "#!/bin/sh\n", 0o755);
    source("token", "token-in-a-file\n");
  });
  after(async () => {
    await program.remove();
    await server.stop();
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  function source(name: string, content: string, mode = 0o644): void {
    const file = path.join(program.folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content, { mode });
  }
  const at = (name: string) => path.join(guest, name);
  const read = (name: string) => fs.readFileSync(at(name), "utf8");
  const mode = (name: string) =>
    (fs.statSync(at(name)).mode & 0o7777).toString(8);

  const owner = {
    owner: os.userInfo().username,
    group: String(os.userInfo().gid),
  };
  const motd = (content: string) => ({
    ...{ content, destination: at("etc/motd"), mode: "0640" },
  });
  const secret = {
    ...{
      content: { $secret: "hush-hush-hush" },
      destination: at("etc/secret"),
    },
  };
  const conf = (from = "conf") => ({
    source: from,
    destination: at("opt/app"),
  });
  const token = { source: "token", secret: true, destination: at("etc/token") };
  const hidden = [
    "hush-hush-hush",
    "token-in-a-file",
    "hello one",
    "hello two",
  ];

  function declare(files: object[], connection: object = {}): void {
    const { host, port, user, privateKey, hostKey } = server.target();
    const reached = { host, port, user, privateKey, hostKey, ...connection };
    program.declare({
      type: "FileInjection",
      folder: "guest",
      name: "files",
      args: {
        connection: reached,
        files: files.map((file) => ({ ...owner, ...file })),
        timeoutSeconds: 60,
      },
    });
  }

  /** Runs pulumi, which has to succeed, and counts the connections to the guest. */
  async function run(
    ...args: string[]
  ): Promise<{ output: string; connections: number }> {
    const before = server.logins();
    const { exitCode, output } = await program.run(
      ...args,
      "--non-interactive",
    );
    assert.equal(exitCode, 0, output);
    return { output, connections: server.logins() - before };
  }
  const up = (...flags: string[]) =>
    run("up", "--yes", "--skip-preview", ...flags);
  const upWithoutChanges = () => up("--expect-no-changes");

  it("shows in a preview which files come, without what stands in them, and connects to nobody", async () => {
    declare([motd("hello one\n"), secret, conf(), token]);
    const { output, connections } = await run("preview", "--diff");
    for (const name of [
      "etc/motd",
      "etc/secret",
      "opt/app/app.conf",
      "opt/app/bin/run",
      "etc/token",
    ]) {
      assert.ok(output.includes(at(name)), name);
    }
    assert.ok(
      hidden.every((text) => !output.includes(text)),
      output,
    );
    assert.equal(connections, 0);
  });

  it("writes them over one connection", async () => {
    fs.mkdirSync(at("etc"), { recursive: true });
    fs.writeFileSync(at("etc/motd"), "as it was\n");
    const { connections } = await up();
    assert.equal(connections, 1);
    assert.equal(read("etc/motd"), "hello one\n");
    assert.equal(read("etc/secret"), "hush-hush-hush");
    assert.equal(read("opt/app/app.conf"), "colour = red\n");
    assert.deepEqual(
      [
        "etc/motd",
        "etc/secret",
        "etc/token",
        "opt/app/bin/run",
        "opt/app/app.conf",
      ].map(mode),
      ["640", "600", "600", "755", "644"],
    );
  });

  it("keeps no content in the state, and no path of this computer", async () => {
    const state = await program.state();
    assert.ok(state.includes(at("etc/secret")));
    for (const text of [...hidden, program.folder]) {
      assert.ok(!state.includes(text), text);
    }
  });

  it("does nothing and connects to nobody when nothing has changed", async () => {
    const before = fs.statSync(at("etc/motd"));
    assert.equal((await upWithoutChanges()).connections, 0);
    const { ino, mtimeMs, ctimeMs } = fs.statSync(at("etc/motd"));
    assert.deepEqual(
      [ino, mtimeMs, ctimeMs],
      [before.ino, before.mtimeMs, before.ctimeMs],
    );
  });

  it("takes the same content from another place for no change", async () => {
    const elsewhere = path.join(scratch, "clone");
    fs.cpSync(path.join(program.folder, "conf"), elsewhere, {
      recursive: true,
    });
    declare([motd("hello one\n"), secret, conf(elsewhere), token]);
    await upWithoutChanges();
  });

  it("changes, adds and removes over one connection what a preview named", async () => {
    source("conf/app.conf", "colour = blue\n");
    const added = { content: "", destination: at("etc/empty") };
    declare([motd("hello two\n"), conf(), token, added]);
    const { output } = await run("preview", "--diff");
    assert.match(
      output,
      /~ .*etc\/motd *: \{\s*~ content: \[secret\] => \[secret\]/,
    );
    assert.match(
      output,
      /app\.conf *: \{\s*- content: asset\(file:\w+\).*\s*\+ content: asset\(file:\w+\)/,
    );
    assert.match(output, /\+ .*etc\/empty/);
    assert.match(output, /- .*etc\/secret/);
    assert.ok(
      hidden.every((text) => !output.includes(text)),
      output,
    );
    const run1 = fs.statSync(at("opt/app/bin/run")).ino;

    assert.equal((await up()).connections, 1);
    assert.equal(read("etc/motd"), "hello two\n");
    assert.equal(read("opt/app/app.conf"), "colour = blue\n");
    assert.equal(read("etc/empty"), "");
    assert.ok(!fs.existsSync(at("etc/secret")));
    assert.equal(fs.statSync(at("opt/app/bin/run")).ino, run1);
    await upWithoutChanges();
  });

  it("sees at a refresh what was changed by hand, mends that and nothing else", async () => {
    fs.writeFileSync(at("etc/token"), "by hand");
    fs.chmodSync(at("etc/motd"), 0o604);
    fs.rmSync(at("opt/app/bin/run"));
    fs.writeFileSync(at("opt/app/app.conf"), "by hand");
    const untouched = fs.statSync(at("etc/empty")).ino;
    await upWithoutChanges();

    const { output } = await run("refresh", "--yes", "--diff");
    assert.match(output, /mode: "0640" => "0604"/);
    assert.match(output, /app\.conf *: \{\s*- content: asset\(file:\w+\)/);
    assert.match(
      output,
      /etc\/token *: \{\s*~ content: \[secret\] => \[secret\]/,
    );
    assert.match(output, /- .*opt\/app\/bin\/run/);
    const state = await program.state();
    assert.ok(hidden.every((text) => !state.includes(text)));

    assert.equal((await up()).connections, 1);
    assert.equal(read("etc/token"), "token-in-a-file\n");
    assert.equal(read("opt/app/app.conf"), "colour = blue\n");
    assert.deepEqual(
      [mode("etc/motd"), mode("opt/app/bin/run")],
      ["640", "755"],
    );
    assert.equal(fs.statSync(at("etc/empty")).ino, untouched);

    fs.writeFileSync(at("opt/app/app.conf"), "by hand again");
    await up("--refresh");
    assert.equal(read("opt/app/app.conf"), "colour = blue\n");
    await up("--refresh", "--expect-no-changes");
  });

  it("names every fault of the arguments and changes nothing", async () => {
    declare([
      { content: "x", destination: "etc/motd" },
      { source: "missing", destination: at("x") },
      { content: "x", destination: at("y"), mode: "rwx" },
    ]);
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /FileInjection "files": 3 faults in its arguments/);
    assert.match(output, /files\[1\]\.source is "missing", does not exist/);
    assert.equal(read("etc/motd"), "hello two\n");
  });

  it("names users and groups that the guest lacks, and writes nothing", async () => {
    declare([
      motd("hello three\n"),
      {
        content: "x",
        destination: at("x"),
        owner: "nobody-knows",
        group: "no-group",
      },
    ]);
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /the guest has no user "nobody-knows"\s+the guest has no group "no-group"/,
    );
    assert.equal(read("etc/motd"), "hello two\n");
    assert.ok(!fs.existsSync(at("x")));
  });

  it("keeps in the state what was written before a fault, and goes on from there", async () => {
    const full = path.join(tools, "dd");
    fs.writeFileSync(
      full,
      '#!/bin/sh\ncase $* in *of=./late*) echo "dd: No space left on device" >&2; exit 1;; esac\nexec /usr/bin/dd "$@"\n',
      { mode: 0o755 },
    );
    const late = { content: "late\n", destination: at("var/late") };
    declare([motd("hello four\n"), late]);
    const { exitCode, output } = await program.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /var\/late cannot be changed in the guest: dd: No space left on device/,
    );
    assert.match(output, /1 of 2 files are written; the next update goes on/);
    assert.equal(read("etc/motd"), "hello four\n");
    const { ino } = fs.statSync(at("etc/motd"));

    fs.rmSync(full);
    assert.equal((await up()).connections, 1);
    assert.equal(read("var/late"), "late\n");
    assert.equal(fs.statSync(at("etc/motd")).ino, ino);
    await upWithoutChanges();
  });

  it("stops within seconds when it is interrupted, and leaves nothing half done", async () => {
    const slow = path.join(tools, "dd");
    const begun = path.join(scratch, "begun");
    fs.writeFileSync(
      slow,
      `#!/bin/sh\ncase $* in *of=*) : >${begun}; sleep 100;; esac\nexec /usr/bin/dd "$@"\n`,
      { mode: 0o755 },
    );
    source("big", "x".repeat(32 * 1024 * 1024));
    declare([
      motd("hello four\n"),
      { source: "big", destination: at("var/big") },
    ]);
    const { engine, output } = program.spawnUp();
    const ended = new Promise((resolve) => engine.once("exit", resolve));
    await eventually("the transfer has begun", () => fs.existsSync(begun), 60);
    const before = Date.now();
    engine.kill("SIGINT");
    await ended;
    assert.ok(
      Date.now() - before < 8000,
      `${Date.now() - before} ms\n${output()}`,
    );
    await eventually("nothing half done is left", () =>
      fs.readdirSync(at("var")).every((name) => name === "late"),
    );

    fs.rmSync(slow);
    await up();
    assert.equal(fs.statSync(at("var/big")).size, 32 * 1024 * 1024);
    assert.ok(!fs.existsSync(at("var/late")));
  });

  it("writes all files again when the machine was made anew", async () => {
    fs.rmSync(guest, { recursive: true });
    fs.rmSync(RECORDS, { recursive: true });
    declare([motd("hello four\n"), conf()], { instanceId: "another one" });
    assert.equal((await up()).connections, 1);
    assert.equal(read("etc/motd"), "hello four\n");
    assert.equal(mode("opt/app/bin/run"), "755");
    await upWithoutChanges();
  });

  it("leaves nothing behind when it is destroyed, and brings back what was there", async () => {
    fs.mkdirSync(at("home"));
    fs.writeFileSync(at("home/profile"), "as it was\n");
    const profile = { content: "new\n", destination: at("home/profile") };
    declare([motd("hello four\n"), profile], { instanceId: "another one" });
    await up();
    assert.equal(read("home/profile"), "new\n");
    assert.equal(
      (await run("destroy", "--yes", "--skip-preview")).connections,
      1,
    );
    assert.deepEqual(fs.readdirSync(guest, { recursive: true }), [
      "home",
      "home/profile",
    ]);
    assert.equal(read("home/profile"), "as it was\n");
    assert.ok(!fs.existsSync(RECORDS));
  });

  it("keeps the state of a guest that is away, and is not held up by it when destroyed", async () => {
    declare([motd("hello five\n")]);
    await up();
    await server.stop();
    const flags = ["--yes", "--skip-preview", "--non-interactive"];
    const refreshed = await program.run("refresh", ...flags);
    assert.equal(refreshed.exitCode, 0, refreshed.output);
    assert.match(
      refreshed.output,
      /looking at the files of files-files failed on .*connection refused/,
    );
    const destroyed = await program.run("destroy", ...flags);
    assert.equal(destroyed.exitCode, 0, destroyed.output);
    assert.match(destroyed.output, /The guest counts as gone/);
    fs.rmSync(RECORDS, { recursive: true });
  });
});
