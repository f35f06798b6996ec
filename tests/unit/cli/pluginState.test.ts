import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  installedPlugin,
  pluginState,
  pulumiHome,
} from "@corral-iac/cli/setup/pluginState";

describe("the installed plugin", () => {
  let folder: string;
  let bundled: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-plugin-"));
    bundled = path.join(folder, "bundled");
    fs.writeFileSync(bundled, "the plugin");
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const stateWith = (content: string | undefined) => {
    const installed = path.join(folder, "installed");
    if (content !== undefined) {
      fs.writeFileSync(installed, content);
    }
    return pluginState(bundled, installed);
  };

  it("is missing when its file is not there", () => {
    assert.equal(stateWith(undefined), "missing");
  });

  it("is installed when it has the package's content", () => {
    assert.equal(stateWith("the plugin"), "installed");
  });

  it("is different when it has another one", () => {
    assert.equal(stateWith("the plugin of yesterday"), "different");
  });

  it("stands where Pulumi looks for it", () => {
    const home = pulumiHome({ PULUMI_HOME: "/opt/pulumi" });
    assert.equal(
      installedPlugin(home, "0.1.0"),
      "/opt/pulumi/plugins/resource-corral-ops-v0.1.0/pulumi-resource-corral-ops",
    );
    assert.equal(pulumiHome({}), path.join(os.homedir(), ".pulumi"));
  });
});
