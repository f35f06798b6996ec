import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import fc from "fast-check";

import { PlayedGuest } from "./playedGuest";

describe("the program of a guest's feature", () => {
  let guest: PlayedGuest;

  beforeEach(() => {
    guest = new PlayedGuest();
  });
  afterEach(() => guest.remove());

  const at = (name: string) => guest.at(name);
  const counting = (more?: string) => guest.counting(more);
  const run: PlayedGuest["run"] = (...args) => guest.run(...args);

  it("runs the script and gives the end of its output", async () => {
    const script =
      "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done";
    const { code, stdout, stderr } = await run({ script });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.split("\n")[0], "line 61");
    assert.match(stdout, /line 100\n$/);
    assert.match(stderr, /^proxy: running its script \(at most 20 s\)\n$/);
  });

  it("runs it in /, with nothing on standard input and usual permissions", async () => {
    const { stdout } = await run({ script: "pwd; cat; umask; echo $#" });
    assert.equal(stdout, "/\n0022\n0\n");
  });

  it("runs it by what its first line names", async () => {
    const script = "#!/usr/bin/env -S node --no-warnings\nconsole.log(40 + 2)";
    assert.equal((await run({ script })).stdout, "42\n");
  });

  it("runs nothing where the check holds", async () => {
    const { code, stdout, stderr } = await run({
      script: counting(),
      check: "true",
    });
    assert.deepEqual([code, stdout, stderr, guest.runs], [0, "", "", 0]);
  });

  it("asks the check again after the script", async () => {
    const done = at("done");
    const check = `[ -e ${done} ]`;
    assert.equal(
      (await run({ script: counting(`touch ${done}`), check })).code,
      0,
    );
    assert.equal(guest.runs, 1);
    fs.rmSync(done);
    const { code, stderr } = await run({
      script: counting(),
      check: `${check} || { echo no such thing >&2; exit 7; }`,
    });
    assert.equal(code, 1);
    assert.match(stderr, /without an error, and the check still fails/);
    assert.match(stderr, /no such thing/);
  });

  it("runs a changed script although the check holds, once", async () => {
    const check = "true";
    await run({ script: counting(), check });
    assert.equal(guest.runs, 0);
    const changed = { script: counting("echo changed"), check };
    assert.equal((await run(changed, "update")).stdout, "changed\n");
    assert.equal(guest.runs, 1);
    // Another connection, for instance: an update in which nothing of the script is new.
    assert.equal((await run(changed, "update")).stdout, "changed\n");
    assert.equal(guest.runs, 1);
  });

  for (const [what, change] of [
    ["a trigger", { triggers: ["2"] }],
    ["the environment", { environment: { A: "b" } }],
  ] as const) {
    it(`runs it again for ${what}`, async () => {
      const feature = { script: counting(), check: "true" };
      await run(feature);
      await run({ ...feature, ...change }, "update");
      assert.equal(guest.runs, 1);
    });
  }

  it("does not run it again for another time limit or remove script", async () => {
    await run({ script: counting() });
    await run({ script: counting(), timeoutSeconds: 9, remove: "x" }, "update");
    assert.equal(guest.runs, 1);
  });

  it("without a check runs whenever the resource is made", async () => {
    await run({ script: counting() });
    await run({ script: counting() });
    assert.equal(guest.runs, 2);
  });

  it("a failure shows cause, end of standard error and what comes next", async () => {
    const { code, stdout, stderr } = await run({
      script: "echo out; for i in 1 2 3; do echo bad $i >&2; done; exit 3",
    });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /proxy: the script failed with exit code 3 after \d+ s/,
    );
    assert.match(stderr, /standard error:\n {2}bad 1\n {2}bad 2\n {2}bad 3\n/);
    assert.match(stderr, /the next update runs it again/);
  });

  it("shows standard output where nothing was written to standard error", async () => {
    const { stderr } = await run({ script: "echo only here; exit 1" });
    assert.match(stderr, /standard output:\n {2}only here\n/);
  });

  it("after a failure half-way a check that holds proves nothing", async () => {
    const check = `[ -e ${at("half")} ]`;
    const script = counting(`touch ${at("half")}; exit 1`);
    assert.equal((await run({ script, check })).code, 1);
    assert.equal((await run({ script: counting(), check })).code, 0);
    assert.equal(guest.runs, 2);
  });

  it("ends the script and all that it started at the time limit", async () => {
    const pid = at("pid");
    const began = Date.now();
    const { code, stderr } = await run({
      script: `echo working; sh -c 'echo $$ >${pid}; exec sleep 60'`,
      timeoutSeconds: 1,
    });
    assert.equal(code, 1);
    assert.ok(Date.now() - began < 8000);
    assert.match(stderr, /did not end within 1 s and was stopped \(script\)/);
    assert.match(stderr, /working/);
    assert.match(stderr, /timeoutSeconds/);
    const started = fs.readFileSync(pid, "utf8").trim();
    await until(() => !isAlive(started));
  });

  it("waits for another feature of the same guest, and says so", async () => {
    const [began, go] = [at("began"), at("go")];
    const first = run({
      script: `touch ${began}; while [ ! -e ${go} ]; do sleep 0.05; done`,
    });
    await until(() => fs.existsSync(began));
    const second = guest.start(
      guest.program({ key: "other", script: `[ -e ${go} ]` }),
      "create",
    );
    await until(() =>
      second
        .stderr()
        .includes(
          "proxy: another feature of this guest is at work; waiting for it (at most 20 s)",
        ),
    );
    fs.writeFileSync(go, "");
    assert.equal((await first).code, 0);
    assert.equal((await second.ended).code, 0);
  });

  it("remove runs the remove script and forgets that anything was done", async () => {
    await run({ script: "true", check: "true" });
    assert.ok(fs.existsSync(guest.record));
    const remove = `echo gone >${at("gone")}`;
    const { code, stderr } = await run({ remove }, "delete");
    assert.equal(code, 0, stderr);
    assert.equal(fs.readFileSync(at("gone"), "utf8"), "gone\n");
    assert.ok(!fs.existsSync(at("records")));
  });

  it("a remove script that fails keeps the feature", async () => {
    await run({ script: "true" });
    const { code, stderr } = await run(
      { remove: "echo still used >&2; exit 2" },
      "delete",
    );
    assert.equal(code, 1);
    assert.match(stderr, /the remove script failed with exit code 2/);
    assert.match(stderr, /still used/);
    assert.match(stderr, /stays in the state/);
    assert.ok(fs.existsSync(guest.record));
  });

  it("gives all scripts the environment, whatever the values hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        const value = text.replaceAll("\0", "");
        const { code, stderr } = await run({
          environment: { VALUE: value },
          script: `printf %s "$VALUE" >${at("value")}`,
        });
        assert.equal(code, 0, stderr);
        assert.equal(fs.readFileSync(at("value"), "utf8"), value);
      }),
      { numRuns: 10 },
    );
  });

  it("runs any script text to the letter", async () => {
    const texts = fc.array(fc.string({ unit: "binary" }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(texts, async (lines) => {
        const text = lines.join("\n").replace(/[\0\r]/g, "");
        // An interpreter that keeps what it was given.
        const script = `#!/bin/cp -t ${guest.folder}\n${text}`;
        assert.equal((await run({ script })).code, 0);
        assert.equal(fs.readFileSync(at("script"), "utf8"), `${script}\n`);
      }),
      { numRuns: 10 },
    );
  });

  it("masks the environment's values in outputs, failures and the record", async () => {
    const environment = { TOKEN: "s3cr.t/[x]*$", MORE: "two\nhidden lines" };
    const show = 'echo "token $TOKEN, $MORE"';
    const good = await run({ environment, script: show });
    assert.equal(good.stdout, "token [secret], two\n[secret]\n");
    const bad = await run({ environment, script: `${show} >&2; exit 1` });
    const texts = [bad.stderr, fs.readFileSync(guest.record, "utf8")];
    assert.ok(
      texts.every((text) => !/s3cr|hidden/.test(text)),
      bad.stderr,
    );
  });

  it("shows no secret to the process list of the guest", async () => {
    const environment = { TOKEN: "never-in-argv" };
    const script = `for file in /proc/[0-9]*/cmdline; do
      tr '\\0' ' ' <$file 2>/dev/null; echo; done >${at("processes")}`;
    assert.equal((await run({ environment, script })).code, 0);
    const processes = fs.readFileSync(at("processes"), "utf8");
    assert.match(processes, /sh -s proxy create/);
    assert.doesNotMatch(processes, /never-in-argv/);
  });

  it("becomes root by sudo where the user is not, without a password", async () => {
    guest.play("id", `[ "$1" = -un ] && echo ops || echo 1000`);
    guest.play("sudo", `echo "$*" >>${at("sudo")}; shift; exec "$@"`);
    assert.equal((await run({ script: "echo hi" })).stdout, "hi\n");
    assert.match(
      fs.readFileSync(at("sudo"), "utf8"),
      /^-n sh -c :\n-n sh -s proxy create\n$/,
    );
  });

  it("says what is missing where the user may not become root", async () => {
    guest.play("id", `[ "$1" = -un ] && echo ops || echo 1000`);
    guest.play("sudo", "echo 'sudo: a password is required' >&2; exit 1");
    const { code, stderr } = await run({ script: counting() });
    assert.deepEqual([code, guest.runs], [1, 0]);
    assert.match(stderr, /^proxy: ops may not act as root without a password/);
    assert.match(stderr, /"ops ALL=\(ALL\) NOPASSWD:ALL"/);
  });

  it("gives nothing but UTF-8, whatever the script writes", async () => {
    const { code, stdout } = await run({
      script: "printf 'gr\\374n gr\\303\\274n\\033[1m 50%%\\r100%%\\n'",
    });
    assert.equal(code, 0);
    assert.equal(stdout, "grn grün[1m 50%\n100%\n");
  });

  it("leaves nothing behind but its record", async () => {
    await guest.run({ script: "exit 1", environment: { A: "secret" } });
    assert.deepEqual(fs.readdirSync(at("temporary")), []);
  });

  it("does not need the daemons that a script starts to let go of its outputs", async () => {
    const began = Date.now();
    const { code } = await run({ script: "sleep 15 & echo started" });
    assert.equal(code, 0);
    assert.ok(Date.now() - began < 10_000);
  });
});

describe("the program of a guest's feature in BusyBox", () => {
  let guest: PlayedGuest;
  let programs: string;

  before(function () {
    programs = fs.mkdtempSync(path.join(os.tmpdir(), "corral-busybox-"));
    guest = new PlayedGuest(programs);
    try {
      execFileSync("busybox", ["--install", "-s", programs]);
    } catch {
      this.skip(); // busybox is not on this machine.
    }
  });
  after(() => {
    guest.remove();
    fs.rmSync(programs, { recursive: true });
  });

  it("runs a script, masks what it must not say, and knows that it ran", async () => {
    const feature = {
      script: guest.counting('readlink /proc/$$/exe; echo "$TOKEN"'),
      check: "true",
      environment: { TOKEN: "it's [secret]/*" },
      triggers: ["1"],
    };
    await guest.run(feature);
    assert.equal(guest.runs, 0);
    for (let time = 0; time < 2; time++) {
      const changed = { ...feature, triggers: ["2"] };
      const { code, stdout } = await guest.run(changed, "update");
      assert.equal(code, 0);
      assert.match(stdout, /busybox\n\[secret\]\n$/);
    }
    assert.equal(guest.runs, 1);
  });

  it("shows how a script failed, and ends one that takes too long", async () => {
    const failed = await guest.run({ script: "echo bad >&2; exit 4" });
    assert.match(failed.stderr, /failed with exit code 4 .*\n.*\n {2}bad\n/);
    const slow = await guest.run({ script: "sleep 30", timeoutSeconds: 1 });
    assert.match(slow.stderr, /did not end within 1 s/);
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** False for a process that only waits to be reaped. */
function isAlive(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(
      fs.readFileSync(`/proc/${pid}/stat`, "utf8"),
    );
  } catch {
    return false;
  }
}
