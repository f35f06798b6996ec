import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { removeDeadScratch, withScratch } from "@corral-iac/cli/engine/scratch";

/** A process that has ended for sure. */
async function deadPid(): Promise<number> {
  const child = spawn("true");
  await new Promise((resolve) => child.on("close", resolve));
  return child.pid ?? 0;
}

describe("the temporary folder of a run of Pulumi", () => {
  const outer = process.env.TMPDIR;
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-scratch-"));
    process.env.TMPDIR = folder;
  });
  afterEach(() => {
    if (outer === undefined) {
      delete process.env.TMPDIR;
    } else {
      process.env.TMPDIR = outer;
    }
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it("is readable by its owner alone, and goes with the run, also with a failed one", async () => {
    const run = withScratch(({ TMPDIR = "" }) => {
      assert.equal(path.dirname(TMPDIR), folder);
      assert.equal(fs.statSync(TMPDIR).mode & 0o777, 0o700);
      fs.writeFileSync(path.join(TMPDIR, "kubeconfig1"), "planted");
      return Promise.reject(new Error("failed"));
    });
    await assert.rejects(run, /failed/);
    assert.deepEqual(fs.readdirSync(folder), []);
  });

  it("of a run that was killed is removed later, and no other", async () => {
    const pid = await deadPid();
    const names = [
      `corral-pulumi-${pid}-aaaaaa`,
      `corral-pulumi-${pid}-in-use`,
      `corral-pulumi-${process.pid}-bbbbbb`,
      "corral-other",
    ];
    names.forEach((name) => fs.mkdirSync(path.join(folder, name)));
    const survivor = spawn("sleep", ["60"], {
      env: { ...process.env, TMPDIR: path.join(folder, names[1] ?? "") },
    });
    try {
      await new Promise((resolve) => survivor.on("spawn", resolve));
      removeDeadScratch();
      assert.deepEqual(fs.readdirSync(folder).sort(), names.slice(1).sort());
    } finally {
      survivor.kill();
    }
    await new Promise((resolve) => survivor.on("close", resolve));
    removeDeadScratch();
    assert.deepEqual(fs.readdirSync(folder).sort(), names.slice(2).sort());
  });
});
