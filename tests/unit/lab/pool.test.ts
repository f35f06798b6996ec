import assert from "node:assert/strict";
import {
  backingOrFile,
  describeUsers,
  isOwnVolume,
  volumesOf,
} from "@corral-iac/tools/lab/pool";

describe("the lab's volumes", () => {
  it("are told from those of machines by their names", () => {
    for (const own of Object.values(volumesOf({ name: "debian12-01234567" }))) {
      assert.ok(isOwnVolume(own), own);
    }
    const others = [
      "corral-dev-hello-root-a6b8d957.qcow2",
      "corral-lab-debian12.qcow2",
      "corral-lab-debian12-01234567.qcow2.bak",
    ];
    for (const other of others) {
      assert.ok(!isOwnVolume(other), other);
    }
  });

  it("are in use as backing file, as disk by pool and name, and as kernel", () => {
    const file = "/pool/base.qcow2";
    const uses = [
      `<volume><name>o</name><backingStore><path>${file}</path></backingStore></volume>`,
      "<disk type='volume'><source pool='p' volume='base.qcow2'/></disk>",
      `<os><kernel>${file}</kernel></os>`,
    ];
    for (const xml of uses) {
      assert.ok(backingOrFile(xml, file), xml);
    }
    const itself = `<volume><name>base.qcow2</name><key>${file}</key><target><path>${file}</path></target></volume>`;
    assert.ok(!backingOrFile(itself, file));
  });
});

describe("who uses the lab", () => {
  it("is nobody when there is nothing", () => {
    const nobody = { domains: [], volumes: [], running: [], networks: [] };
    assert.deepEqual(describeUsers(nobody), []);
  });

  it("names each machine once, with the command that removes it", () => {
    const lines = describeUsers({
      domains: ["web"],
      volumes: ["web.qcow2"],
      running: ["web", "other"],
      networks: ["lan"],
    });
    assert.equal(lines.length, 4);
    assert.match(lines.join("\n"), /machine web .*undefine web/);
    assert.match(lines.join("\n"), /running machine other .*destroy other/);
    assert.match(lines.join("\n"), /volume corral-lab\/web.qcow2 /);
    assert.match(lines.join("\n"), /active network lan .*net-destroy lan/);
  });
});
