import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import execa from "execa";
import { corralHome } from "@corral-iac/corral/core/home";
import { type Census, census, diffCensus } from "@corral-iac/tools/lab/census";
import { labStatus } from "@corral-iac/tools/lab/index";
import { embeddedStackExists } from "@corral-iac/tools/stack/embeddedStack";
import { REPOSITORY } from "../support/testStack";

/** What `npm stop` removes; the rest of $CORRAL_HOME are caches. */
const OWN_FOLDERS = ["stack", "ssh", "lab"].map((name) =>
  path.join(corralHome(), name),
);

/** A second start has nothing to do and must not feel slow. */
const SECOND_START_SECONDS = 20;

// The commands as a user types them, on a machine without a lab; each test stands on the one before.
describe("npm start and npm stop", function () {
  this.bail(true);
  let mayStop = false;
  let before: Census;
  let login: string;

  this.beforeAll(async () => {
    assert.ok(
      !embeddedStackExists(),
      `there is a stack dev on this machine (${OWN_FOLDERS[0]}), which this test would destroy; ` +
        "if you do not need it any more: npm stop",
    );
    assert.deepEqual(
      OWN_FOLDERS.filter((folder) => fs.existsSync(folder)),
      [],
      "the lab must be down: npm run lab -- down libvirt",
    );
    before = await census();
    mayStop = true;
  });

  this.afterAll(async () => {
    if (mayStop && OWN_FOLDERS.some((folder) => fs.existsSync(folder))) {
      await npm("stop");
    }
  });

  it("start makes the machine and ends with how to log in", async () => {
    const { output } = await npm("start");
    assert.match(output, /\+ \d+ created/);
    assert.match(output, /hello is up at 10\.77\.0\.\d+/);
    login = /^ {2}(ssh -F .* hello)$/m.exec(output)?.[1] ?? "";
    assert.notEqual(login, "", output);
  });

  it("the printed command logs in, without a question", async () => {
    const inGuest = await execa(`${login} hostname`, {
      shell: true,
      stdin: "ignore",
      timeout: 60_000,
    });
    assert.equal(inGuest.stdout, "hello");
  });

  it(`start again changes nothing, in less than ${SECOND_START_SECONDS} s`, async () => {
    const { output, seconds } = await npm("start");
    assert.match(output, /Resources:\n\s+\d+ unchanged\n/);
    assert.ok(output.includes(login), output);
    console.log(`      (${seconds.toFixed(1)} s)`);
    assert.ok(seconds < SECOND_START_SECONDS, `took ${seconds.toFixed(1)} s`);
  });

  it("stop leaves nothing behind, neither on the hypervisor nor on this machine", async () => {
    await npm("stop");
    assert.deepEqual(
      OWN_FOLDERS.filter((folder) => fs.existsSync(folder)),
      [],
    );
    assert.deepEqual(diffCensus(before, await census()), []);
    assert.equal((await labStatus("libvirt")).up, false);
  });

  it("stop again has nothing to do and says no error", async () => {
    await npm("stop");
    assert.deepEqual(diffCensus(before, await census()), []);
  });
});

/** Runs an npm script in the repository; fails with all that it said. */
async function npm(
  script: string,
): Promise<{ output: string; seconds: number }> {
  const began = Date.now();
  const run = await execa("npm", [script], {
    cwd: REPOSITORY,
    stdin: "ignore",
    all: true,
    reject: false,
  });
  assert.equal(run.exitCode, 0, `npm ${script}:\n${run.all}`);
  return { output: run.all ?? "", seconds: (Date.now() - began) / 1000 };
}
