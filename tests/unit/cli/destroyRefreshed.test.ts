import assert from "node:assert/strict";
import { destroyRefreshed } from "@corral-iac/cli/run/destroyRefreshed";

/** Destroys with a Pulumi command that ends with these exit codes, one after the other. */
async function destroyWith(...exitCodes: number[]) {
  const refreshes: boolean[] = [];
  const said: string[] = [];
  const last = await destroyRefreshed(
    (args) => {
      refreshes.push(args.includes("--refresh"));
      const exitCode = exitCodes[refreshes.length - 1] ?? -1;
      return Promise.resolve({ exitCode });
    },
    ["--skip-preview"],
    (line) => said.push(line),
  );
  return { exitCode: last.exitCode, refreshes, said };
}

describe("destroying a stack", () => {
  it("refreshes first and is silent when that works", async () => {
    const { exitCode, refreshes, said } = await destroyWith(0);
    assert.equal(exitCode, 0);
    assert.deepEqual([refreshes, said], [[true], []]);
  });

  it("goes on without a refresh when that failed, and says so", async () => {
    const { exitCode, refreshes, said } = await destroyWith(255, 0);
    assert.equal(exitCode, 0);
    assert.deepEqual(refreshes, [true, false]);
    assert.equal(said.length, 1);
  });

  it("gives up after that", async () => {
    const { exitCode, refreshes } = await destroyWith(255, 7, 0);
    assert.equal(exitCode, 7);
    assert.deepEqual(refreshes, [true, false]);
  });
});
