import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { OPS_PLUGIN_VERSION } from "@corral-iac/corral/guest/ops/plugin";
import { plugin } from "@corral-iac/corral-ops/plugin";
import {
  componentSchema,
  schemaText,
  untypedPlaces,
  type ComponentSchema,
} from "@corral-iac/tools/pack/componentSchema";
import { REPOSITORY } from "../../support/testStack";

const components = path.join(REPOSITORY, "components");

/** Places that are meant to take anything. */
const MEANT_TO_BE_ANY: readonly string[] = [];

describe("the component package's schema", () => {
  let schema: ComponentSchema;
  before(async () => {
    schema = await componentSchema(components);
  });

  it("is the one in the repository (npm run schema writes it)", () => {
    const kept = fs.readFileSync(path.join(components, "schema.json"), "utf8");
    assert.equal(kept, schemaText(schema));
  });

  it("has a type for everything that is not meant to be anything", () => {
    assert.deepEqual(untypedPlaces(schema), MEANT_TO_BE_ANY);
  });

  it("has every component", () => {
    const names = [
      "FileInjection",
      "GuestFeature",
      "KubevirtBaseSnapshots",
      "KubevirtCluster",
      "LibvirtImage",
      "LibvirtNetwork",
      "LibvirtPool",
      "LibvirtVm",
      "MicroVm",
      "MicroVmHost",
      "NfsMount",
      "ProxmoxVm",
    ];
    assert.deepEqual(
      Object.keys(schema.resources).sort(),
      names.map((name) => `corral:index:${name}`),
    );
  });

  it("has the version of the plugin that the classes ask for", () => {
    assert.equal(schema.version, OPS_PLUGIN_VERSION);
    assert.equal(schema.version, plugin.facts.version);
  });
});
