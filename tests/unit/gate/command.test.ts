import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import { recorded } from "./recorded";

const PROGRAM = path.resolve(__dirname, "../../../../cli/bin/main.js");

describe("corral gate on recorded files", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-gate-"));
    write(
      "Pulumi.yaml",
      "name: corral\nruntime: nodejs\nstackConfigDir: stacks\n",
    );
    write("stacks/Pulumi.gate.yaml", "config: {}\n");
    write("state.json", recorded("state"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  function write(file: string, text: string): void {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  }

  /** Runs the command where there is no Pulumi. */
  function gate(...args: string[]) {
    return execa(
      process.execPath,
      [PROGRAM, "gate", "--stack", "gate", ...args],
      { cwd: folder, env: { PATH: folder }, reject: false, all: true },
    );
  }

  function gateOn(preview: string, ...args: string[]) {
    write("preview.json", preview);
    return gate("--preview", "preview.json", "--state", "state.json", ...args);
  }

  it("ends with 0 when it passes, 3 when a label is missing, 0 when it is given", async () => {
    assert.equal((await gateOn(recorded("unchanged"))).exitCode, 0);
    assert.equal((await gateOn(recorded("replace"))).exitCode, 3);
    const labels = JSON.stringify(["allow-replace:gate/web-domain", "$(id)"]);
    const { exitCode, all } = await gateOn(
      recorded("replace"),
      ...["--labels", labels, "--markdown", "report.md"],
    );
    assert.equal(exitCode, 0, all);
    assert.match(
      fs.readFileSync(path.join(folder, "report.md"), "utf8"),
      /^<!-- corral-gate:gate -->/,
    );
  });

  it("ends with 1 when it cannot rely on the files, and says why", async () => {
    const { exitCode, stdout } = await gateOn(
      recorded("replace").slice(0, 999),
    );
    assert.equal(exitCode, 1);
    assert.match(stdout, /the preview cannot be relied on: .*cut off/);
    write("state.json", "{}");
    const state = await gateOn(recorded("unchanged"));
    assert.equal(state.exitCode, 1);
    assert.match(state.stdout, /the stack's state cannot be relied on/);
  });

  it("ends with 1 when a deployed stack's file is removed, or its mark is unclear", async () => {
    write("base.yaml", "config:\n  corral:deployed: true\n");
    fs.rmSync(path.join(folder, "stacks/Pulumi.gate.yaml"));
    const base = ["--base-config-file", "base.yaml"];
    const removed = await gate(...base);
    assert.equal(removed.exitCode, 1);
    assert.match(
      removed.stdout,
      /file is removed, and it is marked as deployed/,
    );
    assert.equal((await gate("--base-config-file", "none")).exitCode, 0);
    write("stacks/Pulumi.gate.yaml", "config:\n  corral:deployed: maybe\n");
    const unclear = await gateOn(recorded("unchanged"));
    assert.equal(unclear.exitCode, 1);
    assert.match(unclear.stdout, /"maybe", must be true or false/);
  });

  it("without access to a backend passes only what is not deployed", async () => {
    assert.equal((await gate("--without-backend")).exitCode, 0);
    write("stacks/Pulumi.gate.yaml", "config:\n  corral:deployed: 'true'\n");
    const { exitCode, stdout } = await gate("--without-backend");
    assert.equal(exitCode, 1);
    assert.match(stdout, /no access to its backend/);
  });

  it("fails with a remedy where there is no Pulumi command", async () => {
    const { exitCode, stdout } = await gate();
    assert.equal(exitCode, 1);
    assert.match(stdout, /pulumi is not on PATH.*pulumi\.com.*install/);
  });

  it("ends with 2 on a wrong command line", async () => {
    for (const args of [
      ["--labels", "bug"],
      ["--labels", "[1]"],
      ["--preview", "preview.json"],
      ["--nonsense"],
    ]) {
      const { exitCode, all } = await gate(...args);
      assert.equal(exitCode, 2, `${args.join(" ")}: ${all}`);
    }
  });
});
