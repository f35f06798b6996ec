import assert from "node:assert/strict";
import { NEEDED, packageFaults } from "@corral-iac/tools/pack/contents";

const file = (path: string, content = "") => ({
  path,
  content: Buffer.from(content),
});
const complete = NEEDED.map((path) => file(path));

describe("the npm package's files", () => {
  it("are right when all is there and nothing else", () => {
    assert.deepEqual(packageFaults(complete, ["/home/me/clone/"]), []);
  });

  it("lack nothing that is needed", () => {
    const faults = packageFaults(complete.slice(1), []);
    assert.deepEqual(faults, [`${NEEDED[0]} is missing`]);
  });

  it("have nothing of development among them", () => {
    for (const path of [
      "node_modules/yaml/index.js",
      "tests/unit/a.js",
      "core/units.test.ts",
      "bin/tsconfig.tsbuildinfo",
      ".npmrc",
      "core/.env",
      "package-lock.json",
      "bin/index.js.tmp-42",
    ]) {
      const [fault] = packageFaults([...complete, file(path)], []);
      assert.equal(fault, `${path} does not belong into a package`);
    }
  });

  it("hold no path of the machine that packs", () => {
    const leaking = file("bin/core/a.js", "// /home/me/clone/core/a.ts");
    assert.deepEqual(packageFaults([...complete, leaking], ["/home/me/"]), [
      "bin/core/a.js holds the path /home/me/ of this machine",
    ]);
  });
});
