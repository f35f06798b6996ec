import assert from "node:assert/strict";
import { judge, knownAnswer } from "@corral-iac/tools/lab/accelerator";

describe("the accelerator", () => {
  it("is KVM when the trial guest ran its first program", () => {
    const console = "[    0.9] Run /init as init process\nKernel panic\n";
    assert.equal(judge({ console, timedOut: false }), "kvm");
  });

  it("is TCG when the guest hung, or KVM refused at once", () => {
    assert.equal(judge({ console: "SeaBIOS\n", timedOut: true }), "tcg");
    assert.equal(judge({ console: "", timedOut: false }), "tcg");
  });

  it("counts a guest that ran, even if QEMU had to be ended", () => {
    const console = "[    0.9] Run /init as init process\n";
    assert.equal(judge({ console, timedOut: true }), "kvm");
  });
});

describe("an earlier answer", () => {
  const conditions = { bootId: "b", hostKernel: "6.1", qemu: "7.2" };
  const kept = JSON.stringify({ conditions, accelerator: "kvm" });

  it("holds under the same conditions", () => {
    assert.equal(knownAnswer(kept, conditions), "kvm");
  });

  it("does not hold after a reboot, with another kernel or another QEMU", () => {
    for (const changed of [
      { bootId: "c" },
      { hostKernel: "6.2" },
      { qemu: "8.0" },
    ]) {
      assert.equal(knownAnswer(kept, { ...conditions, ...changed }), undefined);
    }
  });

  it("is ignored when it cannot be read", () => {
    const broken = [
      "",
      "{",
      "null",
      "{}",
      JSON.stringify({ conditions, accelerator: "hax" }),
    ];
    for (const text of broken) {
      assert.equal(knownAnswer(text, conditions), undefined, text);
    }
  });
});
