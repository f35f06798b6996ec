import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { mendTornState } from "@corral-iac/cli/recovery/tornState";

describe("a state that its engine was killed in writing", () => {
  const name = { project: "corral", stack: "organization/corral/prod" };
  let folder: string;
  let stacks: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-torn-"));
    stacks = path.join(folder, ".pulumi/stacks/corral");
    fs.mkdirSync(stacks, { recursive: true });
    fs.writeFileSync(path.join(stacks, "prod.json"), "{}");
  });

  afterEach(() => fs.rmSync(folder, { recursive: true }));

  for (const text of ["", '{"user.content_type":"appl']) {
    it(`loses the attributes ${JSON.stringify(text)}, and nothing else`, () => {
      const torn = path.join(stacks, "prod.json.attrs");
      fs.writeFileSync(torn, text);
      fs.writeFileSync(path.join(stacks, "dev.json.attrs"), "");
      assert.deepEqual(mendTornState(folder, name), [torn]);
      assert.deepEqual(fs.readdirSync(stacks).sort(), [
        "dev.json.attrs",
        "prod.json",
      ]);
    });
  }

  it("is left alone when it is whole", () => {
    const whole = path.join(stacks, "prod.json.attrs");
    fs.writeFileSync(whole, '{"md5":"x"}');
    assert.deepEqual(mendTornState(folder, name), []);
    assert.ok(fs.existsSync(whole));
  });

  it("need not be there", () => {
    assert.deepEqual(mendTornState(path.join(folder, "none"), name), []);
  });
});
