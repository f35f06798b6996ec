import assert from "node:assert/strict";
import fc from "fast-check";
import {
  parseUpid,
  renderUpid,
} from "@corral-iac/tools/lab/proxmox/tasks/upid";

describe("the id of a task in the simulated Proxmox VE", () => {
  it("has the shape that clients take apart", () => {
    assert.equal(
      renderUpid({
        node: "pve",
        pid: 0x186a1,
        processStart: 0x9896e4,
        startTime: 0x6b01b492,
        type: "qmclone",
        id: "9000",
        user: "corral@pve!lab",
      }),
      "UPID:pve:000186A1:009896E4:6B01B492:qmclone:9000:corral@pve!lab:",
    );
  });

  it("is the same after it was written and read", () => {
    const number = fc.nat({ max: 0xffffffff });
    const upid = fc.record({
      node: fc.constantFrom("pve", "node-2"),
      pid: number,
      processStart: number,
      startTime: number,
      type: fc.constantFrom("qmclone", "qmstart", "imgcopy"),
      id: fc.constantFrom("", "100", "100-101"),
      user: fc.constantFrom("root@pam", "corral@pve!lab"),
    });
    fc.assert(
      fc.property(upid, (one) =>
        assert.deepEqual(parseUpid(renderUpid(one)), { ...one }),
      ),
    );
  });

  it("is not taken from another text", () => {
    for (const text of ["", "UPID:", "UPID:pve:1:2:3:qmstart:100:root@pam:"]) {
      assert.equal(parseUpid(text), undefined, text);
    }
  });
});
