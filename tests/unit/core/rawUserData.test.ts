import * as assert from "node:assert/strict";
import {
  type GuestAccess,
  renderUserData,
} from "@corral-iac/corral/core/cloudInit";
import {
  rawDeclarations,
  userDataFormat,
} from "@corral-iac/corral/core/userDataFormat";
import * as fc from "fast-check";
import { parse } from "yaml";

const LOGIN = { user: "corral", publicKey: "ssh-ed25519 AAAAlogin" };
const ACCESS: GuestAccess = {
  hostKey: { privateKey: "PRIVATE\n", publicKey: "ssh-ed25519 AAAAhost" },
  login: LOGIN,
};

interface Part {
  readonly type: string;
  readonly text: string;
}

/** The parts of a multi-part archive, read by the letter of RFC 2046. */
function partsOf(archive: string): Part[] {
  const [head = "", ...rest] = archive.split("\n\n");
  const boundary = /boundary="([^"]+)"/.exec(head)?.[1];
  assert.ok(boundary, "the archive names its boundary");
  const body = `\n${rest.join("\n\n")}`;
  assert.ok(body.trimEnd().endsWith(`\n--${boundary}--`), "the archive ends");
  return body
    .split(`\n--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [headers = "", ...content] = part.trimStart().split("\n\n");
      const text = content.join("\n\n");
      return {
        type: /Content-Type: ([^;\n]+)/.exec(headers)?.[1] ?? "",
        text: headers.includes("base64")
          ? Buffer.from(text, "base64").toString()
          : text,
      };
    });
}

function ownPart(userData: string, access = ACCESS): Record<string, unknown> {
  const part = partsOf(renderUserData({ userData }, access)).at(-1);
  assert.equal(part?.type, "text/cloud-config");
  return parse(part.text, { version: "1.1" }) as Record<string, unknown>;
}

describe("raw user-data", () => {
  const script = "#!/bin/sh\r\necho 'ünï'  \n\n";

  it("is kept byte for byte, with Corral's part behind it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const userData = script + text;
        const [first, ...others] = partsOf(
          renderUserData({ userData }, ACCESS),
        );
        assert.deepEqual(first, { type: "text/x-shellscript", text: userData });
        assert.equal(others.length, 1);
      }),
    );
  });

  it("is the whole when Corral has nothing to add", () => {
    assert.equal(renderUserData({ userData: script }, {}), script);
  });

  it("gets the host key and the login user, in lists that are appended", () => {
    const own = ownPart(script);
    assert.deepEqual(own.ssh_keys, {
      ed25519_private: "PRIVATE\n",
      ed25519_public: "ssh-ed25519 AAAAhost",
    });
    assert.deepEqual(own.users, [
      "default",
      {
        name: "corral",
        shell: "/bin/bash",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: [LOGIN.publicKey],
      },
    ]);
    assert.deepEqual(own.merge_how, [
      { name: "list", settings: ["append"] },
      { name: "dict", settings: ["no_replace", "recurse_list"] },
    ]);
  });

  it("that declares its users does not get the image's own back", () => {
    const own = ownPart("#cloud-config\nusers: [{name: bob}]\n");
    assert.deepEqual(
      (own.users as { name: string }[]).map(({ name }) => name),
      ["corral"],
    );
  });

  it("holds no key of a user who brings one", () => {
    const own = ownPart(script, { hostKey: ACCESS.hostKey });
    assert.ok(!("users" in own));
    assert.ok(!("ssh_keys" in ownPart(script, { login: LOGIN })));
  });

  it("may be a MIME archive, which becomes a part as it is", () => {
    const userData = [
      'Content-Type: multipart/mixed; boundary="INNER"',
      "MIME-Version: 1.0",
      "",
      "--INNER",
      "Content-Type: text/x-shellscript",
      "",
      "#!/bin/sh",
      "--INNER--",
      "",
    ].join("\n");
    const [first] = partsOf(renderUserData({ userData }, ACCESS));
    assert.equal(first?.type, "multipart/mixed");
    assert.ok(renderUserData({ userData }, ACCESS).includes(userData));
  });
});

describe("userDataFormat", () => {
  for (const [beginning, mimeType] of [
    ["#cloud-config\n", "text/cloud-config"],
    ["\n #Cloud-Config\n", "text/cloud-config"],
    ["#cloud-config-archive\n", "text/cloud-config-archive"],
    ["#cloud-config-jsonp\n", "text/cloud-config-jsonp"],
    ["#cloud-boothook\n", "text/cloud-boothook"],
    ["#include\nhttps://host/x", "text/x-include-url"],
    ["#include-once\nhttps://host/x", "text/x-include-once-url"],
    ["#part-handler\n", "text/part-handler"],
    ["## template: jinja\n#cloud-config\n", "text/jinja2"],
    ["#!/usr/bin/env python3\n", "text/x-shellscript"],
    ["MIME-Version: 1.0\nContent-Type: multipart/mixed\n", "multipart/mixed"],
    ["Content-Type: text/plain\nMIME-Version: 1.0\n", "multipart/mixed"],
    ["users: [bob]\n", undefined],
    ["# a comment\n", undefined],
    ["", undefined],
  ] as const) {
    it(`takes ${JSON.stringify(beginning)} for ${mimeType ?? "nothing known"}`, () => {
      assert.equal(userDataFormat(beginning)?.mimeType, mimeType);
    });
  }
});

describe("rawDeclarations", () => {
  it("finds the users and host keys of a cloud-config", () => {
    assert.deepEqual(
      rawDeclarations(
        "#cloud-config\nusers:\n- default\n- {name: bob}\n- {}\nssh_keys: {}\n",
      ),
      { userNames: ["default", "bob"], hasHostKeys: true },
    );
  });

  it("knows nothing of other formats, nor of YAML that cannot be read", () => {
    for (const userData of [
      "#!/bin/sh\nusers: [bob]\n",
      "## template: jinja\n#cloud-config\nusers: [bob]\n",
      "#cloud-config\nusers: [bob\n",
      "#cloud-config\n",
      "#cloud-config\n- users\n",
    ]) {
      const { userNames, hasHostKeys } = rawDeclarations(userData);
      assert.equal(userNames, undefined, userData);
      assert.equal(hasHostKeys, false, userData);
    }
  });
});
