import assert from "node:assert/strict";

import { Redactor } from "@corral-iac/corral-ops/frame/redact";

describe("provider: redaction", () => {
  const key = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ",
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");

  it("replaces secrets wherever they stand, the longer ones first", () => {
    const redactor = new Redactor(["hunter22", "hunter22-long"]);
    assert.equal(
      redactor.text("a hunter22-long b hunter22"),
      "a [secret] b [secret]",
    );
  });

  it("finds a key's lines one by one", () => {
    const redactor = new Redactor([key]);
    assert.equal(redactor.text(`x ${key.split("\n")[1]} y`), "x [secret] y");
    assert.equal(
      redactor.contains({ a: ["-----BEGIN OPENSSH PRIVATE KEY-----"] }),
      false,
    );
    assert.equal(redactor.contains({ a: [{ b: key }] }), true);
  });

  it("leaves very short texts alone", () => {
    assert.equal(new Redactor(["a", ""]).text("banana"), "banana");
  });
});
