import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import {
  describeKeys,
  hostKeyAlgorithms,
  isTrusted,
  knownHostKeys,
  parseHostKeys,
} from "@corral-iac/corral-ops/ssh/hostKey";
import {
  fingerprintOf,
  generateEd25519,
} from "@corral-iac/corral-ops/ssh/keyPair";
import {
  describeTarget,
  targetKey,
  trustedKeys,
} from "@corral-iac/corral-ops/ssh/target";
import { utils } from "ssh2";

// Made by ssh-keygen -t ed25519; fingerprint by ssh-keygen -lf.
const published = {
  line: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github",
  fingerprint: "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
};

describe("provider: ssh key pairs", () => {
  it("are read by ssh2, and sign what their public half verifies", () => {
    for (let round = 0; round < 20; round++) {
      const pair = generateEd25519();
      const privateKey = utils.parseKey(pair.privateKey);
      const publicKey = utils.parseKey(pair.publicKey);
      assert.ok(!(privateKey instanceof Error), String(privateKey));
      assert.ok(!(publicKey instanceof Error), String(publicKey));
      assert.equal(privateKey.type, "ssh-ed25519");
      assert.deepEqual(privateKey.getPublicSSH(), publicKey.getPublicSSH());
      assert.ok(publicKey.verify("text", privateKey.sign("text")));
    }
  });

  it("have the fingerprint that ssh-keygen shows", () => {
    const blob = Buffer.from(published.line.split(" ")[1] ?? "", "base64");
    assert.equal(fingerprintOf(blob), published.fingerprint);
  });

  it("differ from one another", () => {
    assert.notEqual(generateEd25519().publicKey, generateEd25519().publicKey);
  });
});

describe("provider: ssh host keys", () => {
  const line = published.line;
  const other = generateEd25519().publicKey;

  it("are pinned by one line or several, comments allowed", () => {
    const keys = parseHostKeys(`# two keys\n${line}\n${other} comment\n`);
    assert.equal(keys.length, 2);
    assert.ok(
      isTrusted(keys, Buffer.from(other.split(" ")[1] ?? "", "base64")),
    );
    assert.ok(
      !isTrusted(
        keys.slice(0, 1),
        Buffer.from(other.split(" ")[1] ?? "", "base64"),
      ),
    );
    assert.match(
      describeKeys(keys),
      /ssh-ed25519 SHA256:\+DiY.* \(hostKey\) or ssh-ed25519 SHA256/,
    );
  });

  it("are refused when they are none, and the error says what is allowed", () => {
    const wrong = [
      "",
      "ssh-ed25519",
      "ssh-ed25519 AAAA",
      "github.com ssh-ed25519 AAAA",
      "ssh-dss AAAA",
    ];
    wrong.forEach((text) =>
      assert.throws(() => parseHostKeys(text), /allowed is a line like/),
    );
  });

  it("are found in known_hosts: plain, by pattern, by port, hashed", () => {
    const salt = Buffer.from("0123456789abcdefghij");
    const hash = createHmac("sha1", salt).update("hidden").digest("base64");
    const file = [
      `plain,10.0.0.1 ${line}`,
      `*.example.org,!no.example.org ${line}`,
      `[ported]:2222 ${line}`,
      `|1|${salt.toString("base64")}|${hash} ${line}`,
      `@cert-authority * ${line}`,
      `@revoked plain ${other}`,
      `plain ssh-unknown AAAA`,
    ].join("\n");
    const count = (host: string, port = 22) =>
      knownHostKeys(file, host, port).length;
    assert.equal(count("plain"), 1);
    assert.equal(count("10.0.0.1"), 1);
    assert.equal(count("a.example.org"), 1);
    assert.equal(count("no.example.org"), 0);
    assert.equal(count("aXexampleXorg"), 0);
    assert.equal(count("ported", 2222), 1);
    assert.equal(count("ported"), 0);
    assert.equal(count("hidden"), 1);
    assert.equal(count("stranger"), 0);
  });

  it("ask the server for a key of the pinned type first", () => {
    const key = { type: "ssh-rsa", blob: Buffer.alloc(0), source: "hostKey" };
    assert.deepEqual(hostKeyAlgorithms([key]).slice(0, 2), [
      "rsa-sha2-512",
      "rsa-sha2-256",
    ]);
  });
});

describe("provider: ssh targets", () => {
  const target = { host: "h", port: 22, user: "u", privateKey: "k" };

  it("share a connection only if everything is the same", () => {
    assert.equal(targetKey(target), targetKey({ ...target }));
    const others = [
      { ...target, port: 23 },
      { ...target, hostKey: "x" },
      { ...target, privateKey: "l" },
      { ...target, bastion: target },
    ];
    assert.equal(new Set([target, ...others].map(targetKey)).size, 5);
  });

  it("are described with the way to them", () => {
    const text = describeTarget({
      ...target,
      host: "fe80::1",
      bastion: { ...target, host: "b" },
    });
    assert.equal(text, "u@[fe80::1]:22 through u@b:22");
  });

  it("trust nothing that is neither pinned nor in known_hosts", () => {
    assert.deepEqual(trustedKeys(target, "/nonexistent/known_hosts"), []);
    assert.equal(trustedKeys({ ...target, hostKey: published.line }).length, 1);
  });
});
