import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  isOnPath,
  missingTools,
  missingToolsWarning,
} from "@corral-iac/cli/setup/hostTools";

describe("programs that libvirt machines need", () => {
  it("are missing when they cannot be found", () => {
    const missing = missingTools((command) => command !== "xsltproc");
    assert.deepEqual(
      missing.map(({ command }) => command),
      ["xsltproc"],
    );
    assert.deepEqual(
      missingTools(() => true),
      [],
    );
  });

  it("are told all at once, with their purpose and their packages", () => {
    const warning = missingToolsWarning(missingTools(() => false));
    assert.match(warning, /mkisofs: .*cloud-init/);
    assert.match(
      warning,
      /apt-get install .* genisoimage xsltproc libvirt-clients$/m,
    );
    assert.match(warning, /dnf install genisoimage libxslt libvirt-client$/m);
  });

  it("are found on PATH only as executable files", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-path-"));
    try {
      fs.writeFileSync(path.join(folder, "tool"), "", { mode: 0o755 });
      fs.writeFileSync(path.join(folder, "text"), "", { mode: 0o644 });
      fs.mkdirSync(path.join(folder, "folder"));
      const searchPath = ["", "/nowhere", folder].join(path.delimiter);
      assert.ok(isOnPath("tool", searchPath));
      assert.ok(!isOnPath("text", searchPath));
      assert.ok(!isOnPath("folder", searchPath));
      assert.ok(!isOnPath("tool", ""));
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});
