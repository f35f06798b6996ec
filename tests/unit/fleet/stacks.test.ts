import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { validateFleet } from "@corral-iac/corral/fleet/check";
import Ajv from "ajv";
import { parse } from "yaml";

const FOLDER = path.resolve(__dirname, "../../../../stacks");
const FILES = fs
  .readdirSync(FOLDER)
  .filter((file) => /^Pulumi\..+\.yaml$/.test(file));

const read = (file: string) => fs.readFileSync(path.join(FOLDER, file), "utf8");
const readJson = (file: string) => JSON.parse(read(file)) as object;

/** What an editor checks a stack file by. */
function editorCheck() {
  const ajv = new Ajv({ allErrors: true, strict: false });
  ajv.addSchema(readJson("fleet.schema.json"), "fleet.schema.json");
  return ajv.compile(readJson("stack.schema.json"));
}

describe("the stack files", () => {
  it("are those of dev, staging and prod", () => {
    assert.deepEqual(FILES.sort(), [
      "Pulumi.dev.yaml",
      "Pulumi.prod.yaml",
      "Pulumi.staging.yaml",
    ]);
  });

  for (const file of FILES) {
    const text = read(file);
    const stack = parse(text) as { config: Record<string, unknown> };

    it(`${file} declares a fleet without a fault`, () => {
      assert.deepEqual(validateFleet(stack.config["corral:fleet"]), []);
    });

    it(`${file} names the schema that editors complete by, and keeps to it`, () => {
      assert.match(
        text,
        /^# yaml-language-server: \$schema=\.\/stack\.schema\.json\n/,
      );
      const check = editorCheck();
      assert.ok(check(stack), JSON.stringify(check.errors, undefined, 2));
    });
  }

  it("have their faults shown by the editor's schema, down to a machine's fields", () => {
    const check = editorCheck();
    const machine = { libvirt: { hypervisor: "lab", vcpus: 0 } };
    const fleet = { hypervisors: {}, machines: { web: machine } };
    assert.equal(check({ config: { "corral:fleet": fleet } }), false);
    assert.ok(
      check.errors?.some(({ instancePath }) =>
        instancePath.endsWith("/machines/web/libvirt/vcpus"),
      ),
    );
    assert.equal(check({ config: {} }), false);
  });
});
