import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  type CloudInitSpec,
  type GuestAccess,
  renderMetaData,
  renderNetworkConfig,
  renderUserData,
} from "@corral-iac/corral/core/cloudInit";
import { parse } from "yaml";

const HOST_KEY = {
  privateKey:
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n",
  publicKey: "ssh-ed25519 AAAAhost web",
};
const LOGIN = { user: "corral", publicKey: "ssh-ed25519 AAAAlogin corral" };
const ACCESS: GuestAccess = { hostKey: HOST_KEY, login: LOGIN };

interface RenderedUser {
  name: string;
  sudo?: string;
  groups?: string[];
  shell?: string;
  passwd?: string;
  lock_passwd?: boolean;
  ssh_authorized_keys?: string[];
}

interface CloudConfig {
  hostname?: string;
  users?: RenderedUser[];
  packages?: string[];
  runcmd?: string[];
  write_files?: Record<string, unknown>[];
  ssh_keys?: Record<string, string>;
  [key: string]: unknown;
}

/** Reads it as cloud-init's PyYAML does, by the rules of YAML 1.1. */
function readYaml(text: string): CloudConfig {
  return parse(text, { version: "1.1" }) as CloudConfig;
}

function cloudConfig(
  spec: CloudInitSpec,
  access: GuestAccess = {},
): CloudConfig {
  const text = renderUserData(spec, access);
  assert.ok(text.startsWith("#cloud-config\n"));
  return readYaml(text);
}

/** Text that plain YAML would take for something else, or change. */
const ODD_TEXTS = [
  "on",
  "no",
  "~",
  "0644",
  "1_000",
  "12:30:45",
  "2001-01-01",
  "=",
  "<<",
  "a: b",
  "- x",
  "# no comment",
  "'\"\\",
  "{{ ds.meta_data }}",
  "\r\n",
  "first\r\nsecond\r",
  "  indented\n\tby a tab\n\n\n",
  "trailing blank ",
  "\u0085\u2028\u2029\u007f\u0000",
  "\ufefflike Windows",
  "ünïcödé 😀",
  `long ${"line ".repeat(500)}`,
  "a text of several lines\n\nthat YAML would fold\n".repeat(9),
];

/** Characters that PyYAML refuses or takes for a line's end; a line feed ends our own lines. */
const REFUSED = /[^\P{Cc}\n]|\p{Zl}|\p{Zp}|[\ufeff\ufffe\uffff]/u;

describe("renderUserData", () => {
  it("makes the users as declared", () => {
    const { users } = cloudConfig({
      users: [
        {
          name: "operator",
          sudo: true,
          groups: ["adm", "kvm"],
          shell: "/bin/zsh",
          sshAuthorizedKeys: ["ssh-ed25519 AAAAmine me"],
        },
        { name: "plain", sudo: false, passwordHash: "$6$salt$hash" },
      ],
    });
    assert.deepEqual(users, [
      {
        name: "operator",
        groups: ["adm", "kvm"],
        shell: "/bin/zsh",
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: ["ssh-ed25519 AAAAmine me"],
      },
      {
        name: "plain",
        shell: "/bin/bash",
        lock_passwd: false,
        passwd: "$6$salt$hash",
      },
    ]);
  });

  it("adds the login key to the user who is declared, and no other user", () => {
    const { users } = cloudConfig(
      { users: [{ name: "corral", sshAuthorizedKeys: ["ssh-rsa AAAA"] }] },
      { login: LOGIN },
    );
    assert.deepEqual(
      users?.map((user) => [user.name, user.ssh_authorized_keys, user.sudo]),
      [["corral", ["ssh-rsa AAAA", LOGIN.publicKey], undefined]],
    );
  });

  it("adds the login user, with sudo, when it is not declared", () => {
    const { users } = cloudConfig(
      { users: [{ name: "operator" }] },
      { login: LOGIN },
    );
    assert.deepEqual(
      users?.map(({ name }) => name),
      ["operator", "corral"],
    );
    assert.equal(users?.[0]?.ssh_authorized_keys, undefined);
    assert.deepEqual(users?.[1]?.ssh_authorized_keys, [LOGIN.publicKey]);
    assert.equal(users?.[1]?.sudo, "ALL=(ALL) NOPASSWD:ALL");
  });

  it("leaves the image's own user alone when nobody is declared", () => {
    assert.ok(!("users" in cloudConfig({ hostname: "web" })));
  });

  it("hands in the host key alone, and deletes the image's", () => {
    const config = cloudConfig({}, { hostKey: HOST_KEY });
    assert.equal(config.ssh_deletekeys, true);
    assert.deepEqual(config.ssh_keys, {
      ed25519_private: HOST_KEY.privateKey,
      ed25519_public: HOST_KEY.publicKey,
    });
  });

  it("says nothing of host keys when the user pins one", () => {
    const config = cloudConfig({ hostname: "web" }, { login: LOGIN });
    assert.ok(!("ssh_keys" in config));
    assert.ok(!("ssh_deletekeys" in config));
  });

  it("never lets passwords in over ssh", () => {
    assert.equal(cloudConfig({}).ssh_pwauth, false);
  });

  it("installs packages with a fresh index, and asks for none without packages", () => {
    const config = cloudConfig({ packages: ["curl", "git"] });
    assert.deepEqual(config.packages, ["curl", "git"]);
    assert.equal(config.package_update, true);
    assert.ok(!("package_update" in cloudConfig({ packages: [] })));
  });

  it("writes files with owner and mode, the mode as text", () => {
    assert.deepEqual(
      cloudConfig({
        files: [
          { path: "/a", content: "x", owner: "www:www", mode: "0640" },
          { path: "/b", content: "" },
          { path: "/c", content: "y", owner: "root:root" },
        ],
      }).write_files,
      [
        {
          path: "/a",
          content: "x",
          owner: "www:www",
          permissions: "0640",
          // Its owner is made after the first files are written.
          defer: true,
        },
        { path: "/b", content: "" },
        { path: "/c", content: "y", owner: "root:root" },
      ],
    );
  });

  it("sets the host name as text, whatever it looks like", () => {
    for (const hostname of ["web", "0123", "1e5", "on"]) {
      assert.equal(cloudConfig({ hostname }).hostname, hostname);
    }
  });

  const texts = fc.oneof(
    fc.constantFrom(...ODD_TEXTS),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
  );

  it("keeps every text as it is: content, commands, packages, keys", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const config = cloudConfig({
          files: [{ path: text, content: text }],
          runCommands: [text],
          packages: [text],
          users: [{ name: text, sshAuthorizedKeys: [text] }],
        });
        assert.deepEqual(config.write_files, [{ path: text, content: text }]);
        assert.deepEqual(config.runcmd, [text]);
        assert.deepEqual(config.packages, [text]);
        assert.equal(config.users?.[0]?.name, text);
        assert.deepEqual(config.users?.[0]?.ssh_authorized_keys, [text]);
      }),
      { examples: ODD_TEXTS.map((text): [string] => [text]) },
    );
  });

  it("quotes every text and holds no character that PyYAML refuses or takes for a line's end", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const rendered = renderUserData({ runCommands: [text] }, {});
        assert.equal(rendered.match(REFUSED), null);
        assert.match(rendered, /\nruncmd:\n {2}- "[^\n]*"\n$/);
      }),
    );
  });

  it("renders the same text for the same input", () => {
    const spec = { hostname: "web", packages: ["curl"] };
    assert.equal(renderUserData(spec, ACCESS), renderUserData(spec, ACCESS));
  });
});

describe("renderMetaData", () => {
  it("keeps instance id and host name as text", () => {
    assert.deepEqual(readYaml(renderMetaData("1e5", "0123")), {
      "instance-id": "1e5",
      "local-hostname": "0123",
    });
  });
});

describe("renderNetworkConfig", () => {
  it("takes the network's search domains when asked to", () => {
    const written = renderNetworkConfig("52:54:00:ab:cd:ef", {
      useDomains: true,
    });
    assert.match(written, /dhcp4-overrides:\n\s+use-domains: true/);
    assert.doesNotMatch(
      renderNetworkConfig("52:54:00:ab:cd:ef"),
      /use-domains/,
    );
  });

  it("asks by DHCP on the interface with the address, as that address", () => {
    assert.deepEqual(readYaml(renderNetworkConfig("52:54:00:ab:cd:ef")), {
      version: 2,
      ethernets: {
        eth0: {
          match: { macaddress: "52:54:00:ab:cd:ef" },
          "set-name": "eth0",
          dhcp4: true,
          "dhcp-identifier": "mac",
        },
      },
    });
  });

  it("keeps an address of digits alone, which YAML 1.1 reads as a number", () => {
    assert.match(
      renderNetworkConfig("52:54:00:12:34:56"),
      /macaddress: "52:54:00:12:34:56"/,
    );
  });
});
