import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readEmbeddedLab } from "@corral-iac/corral/fleet/lab";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { copyExample } from "../support/example";
import { type Connection, Guest } from "../support/guest";
import { domains, networks } from "../support/hypervisor";
import { type NfsServer, startNfs } from "../support/nfs";

const STACK = "steps";
const CIDR = "10.146.0.0/24";
/** The host's own address in the guest's network. */
const HOST = "10.146.0.1";
const TOKEN = "correct-horse-battery-staple";
/** The guest's own note of each run of the feature's script. */
const NOTES = "/root/notes";

// One guest, made by the example, serves all tests of this file; each stands on the one before.
describe("share, file and feature in a real guest", function () {
  this.bail(true);
  let folder: string;
  let program: string;
  let stack: PulumiStack;
  let guest: Guest;
  let nfs: NfsServer;
  let shown = "";

  before(async function () {
    this.timeout(400_000);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-steps-"));
    program = copyExample("guest-steps", path.join(folder, "program"), {
      translated: true,
    });
    stack = new PulumiStack(
      { program, project: "studio", stack: STACK, folder },
      await ensureToolchain([...piecesForStart, "commandPlugin"]),
    );
    await stack.ensure();
    const lab = readEmbeddedLab();
    stack.configure({
      config: {
        "studio:accelerator": lab.accelerator,
        "studio:pool": lab.pool,
        "studio:image": lab.image,
        "studio:cidr": CIDR,
        "studio:server": HOST,
        "studio:hostPath": "/rw",
      },
    });
    await stack.must(["config", "set", "--secret", "studio:token", TOKEN]);
    script(original());
    // The network is made long before the guest asks for the share.
    const serving = startNfs(HOST).then((server) => {
      nfs = server;
      fs.writeFileSync(path.join(server.folderOf("rw"), "page"), "hello\n");
    });
    await Promise.all([up(), serving]);
    const { connection } = await stack.outputs<{ connection: Connection }>();
    guest = new Guest(connection, folder);
  });

  after(async function () {
    this.timeout(200_000);
    await guest?.disconnect();
    const destroyed = await stack.run(["destroy", "--yes", "--skip-preview"]);
    await nfs?.stop();
    await stack.remove();
    fs.rmSync(folder, { recursive: true, force: true });
    assert.equal(destroyed.exitCode, 0, destroyed.output);
    assert.ok(!(await domains()).includes(`studio-${STACK}-web`));
    assert.ok(!(await networks()).includes(`studio-${STACK}-lan`));
  });

  async function up(...flags: string[]): Promise<string> {
    const flagged = ["up", "--yes", "--skip-preview", "--diff", ...flags];
    const { exitCode, output } = await stack.run(flagged);
    shown += output;
    assert.equal(exitCode, 0, output);
    return output;
  }

  async function upFails(): Promise<string> {
    const { exitCode, output } = await stack.run([
      "up",
      "--yes",
      "--skip-preview",
    ]);
    shown += output;
    assert.notEqual(exitCode, 0, output);
    return output;
  }

  const original = () =>
    fs.readFileSync(
      path.resolve(
        __dirname,
        "../../../examples/guest-steps/service/set-up.sh",
      ),
      "utf8",
    );
  /** Declares another script for the service, which notes that it ran. */
  function script(text: string): void {
    fs.writeFileSync(
      path.join(program, "service/set-up.sh"),
      `echo run >>${NOTES}\n${text}`,
    );
  }
  const runs = async () => Number(await guest.run(`sudo grep -c . ${NOTES}`));
  /** The service is active before it listens. */
  const page = () =>
    guest.run(
      "curl -fsS --retry 30 --retry-delay 1 --retry-connrefused http://127.0.0.1:8080/page",
    );
  const logins = async () =>
    Number(
      await guest.run(
        "sudo journalctl -q -u ssh | grep -c 'Accepted publickey for ops'",
      ),
    );

  it("does all of it in one up, in order", async () => {
    assert.equal(await runs(), 1);
    const { said } = await stack.outputs<{ said: string }>();
    assert.equal(said, "The pages are served on port 8080.");
    assert.equal(
      await guest.run("sudo stat -c '%U %a' /etc/pages.env"),
      "root 600",
    );
    assert.equal(await page(), "hello");
  });

  it("does nothing at a second up, and does not log in", async () => {
    const before = await logins();
    await up("--expect-no-changes");
    assert.equal(await logins(), before);
    assert.equal(await runs(), 1);
  });

  it("runs a changed script again, and shows no secret to the guest's processes", async () => {
    script(`${original()}
for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file 2>/dev/null; echo; done >/root/seen
pid=$PPID
while [ "$pid" -gt 1 ]; do
  tr '\\0' ' ' </proc/$pid/environ
  pid=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$pid/status)
done >>/root/seen
echo "said with $TOKEN"
`);
    // The command, and the component whose argument the script is.
    assert.match(await up(), /~ 2 updated/);
    assert.equal(await runs(), 2);
    const seen = await guest.run("sudo cat /root/seen");
    assert.match(seen, /sh -s pages update/);
    assert.match(seen, /LOGNAME=/);
    assert.ok(!seen.includes(TOKEN));
    const { said } = await stack.outputs<{ said: string }>();
    assert.equal(
      said,
      "The pages are served on port 8080.\nsaid with [secret]",
    );
  });

  it("says how a script failed, and goes on at the next up", async () => {
    script("systemctl start no-such-unit\n");
    const output = await upFails();
    assert.match(output, /pages: the script failed with exit code 5 after/);
    assert.match(output, /The end of its standard error:/);
    assert.match(output, /Unit no-such-unit.service not found/);
    assert.match(output, /the next update runs it again/);
    assert.equal(await page(), "hello");
    assert.equal(await runs(), 3);

    script(original());
    await up();
    assert.equal(await runs(), 4);
  });

  it("ends a script that takes too long in the guest, and says so", async () => {
    const declared = path.join(program, "index.js");
    const before = fs.readFileSync(declared, "utf8");
    assert.ok(before.includes("timeoutSeconds: 300"));
    fs.writeFileSync(
      declared,
      before.replace("timeoutSeconds: 300", "timeoutSeconds: 5"),
    );
    script("echo waiting for nothing\nsleep 4321\n");
    const output = await upFails();
    assert.match(
      output,
      /pages: did not end within 5 s and was stopped \(script\)/,
    );
    assert.match(output, /waiting for nothing/);
    assert.equal(await guest.run("pgrep -xf 'sleep 4321' || true"), "");
    fs.writeFileSync(declared, before);
    // The former script would be what the state has: nothing would run.
    script(`${original()}# Corrected.\n`);
    await up();
    assert.equal(await page(), "hello");
  });

  it("needs no run where the check holds, although the state has lost it", async () => {
    const before = await runs();
    const urns = (await stack.must(["stack", "--show-urns"]))
      .split(/\s+/)
      .filter((word) => word.endsWith("::web-service-command"));
    await stack.must(["state", "delete", urns[0] ?? "", "--yes"]);
    assert.match(await up(), /\+ 1 created/);
    assert.equal(await runs(), before);
    // What is known of it came back with it.
    const { said } = await stack.outputs<{ said: string }>();
    assert.equal(said, "The pages are served on port 8080.");
  });

  it("keeps secrets out of state and output", async () => {
    const { privateKey } = (await stack.outputs<{ connection: Connection }>())
      .connection;
    const state = await stack.must(["stack", "export"]);
    const key = privateKey.split("\n")[2] ?? "";
    for (const secret of [TOKEN, key]) {
      assert.ok(secret.length > 10);
      assert.ok(!state.includes(secret) && !shown.includes(secret));
    }
  });

  it("undoes the feature when it is no longer declared", async () => {
    const declared = path.join(program, "index.js");
    const before = fs.readFileSync(declared, "utf8");
    const feature =
      /const service = new \w+\.GuestFeature\(.*?\n\}, \{[^\n]*\}\);/s;
    assert.match(before, feature);
    fs.writeFileSync(
      declared,
      before.replace(feature, "const service = { output: '' };"),
    );
    await up();
    assert.equal(
      await guest.run(
        "systemctl is-enabled pages || true; sudo ls /etc/pages.env /var/lib/corral/features 2>&1 || true",
      ),
      "disabled\nls: cannot access '/etc/pages.env': No such file or directory\n" +
        "ls: cannot access '/var/lib/corral/features': No such file or directory",
    );
  });
});
