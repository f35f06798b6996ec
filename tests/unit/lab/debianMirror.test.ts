import assert from "node:assert/strict";
import {
  passedOnSettings,
  sourceLines,
} from "@corral-iac/tools/lab/debianMirror";

describe("where a guest's packages come from", () => {
  it("is where this machine's apt gets Debian 12 from", () => {
    const targets = [
      "https://mirror.example/debian/|stable|bookworm|Debian|main",
      "https://mirror.example/debian/|stable|bookworm|Debian|contrib",
      "https://mirror.example/debian-security/|stable-security|bookworm-security|Debian|main",
      "https://other.example/tools/|x|bookworm|Somebody|main",
    ].join("\n");
    assert.deepEqual(sourceLines(targets), [
      "deb https://mirror.example/debian/ bookworm main",
      "deb https://mirror.example/debian-security/ bookworm-security main",
    ]);
  });

  it("is left to mmdebstrap where apt knows no Debian 12", () => {
    assert.deepEqual(
      sourceLines("https://a.example/ubuntu/|n|noble|Ubuntu|main"),
      [],
    );
  });

  it("is reached by the proxies and authorities that apt has here", () => {
    const dump = [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::mirror.example::CaInfo "/etc/ssl/own.pem";',
      'APT::Architecture "amd64";',
      'Acquire::Retries "";',
    ].join("\n");
    assert.deepEqual(passedOnSettings(dump), [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::mirror.example::CaInfo "/etc/ssl/own.pem";',
    ]);
  });
});
