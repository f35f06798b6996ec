import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

import { checkInputs } from "@corral-iac/corral-ops/frame/check";
import { schemaText } from "@corral-iac/corral-ops/frame/schema";
import { plugin } from "@corral-iac/corral-ops/plugin";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import ts from "typescript";

const repository = path.resolve(__dirname, "../../../..");
const classes = path.join(repository, "components/guest/ops");

interface TypeSpec {
  readonly properties: Record<string, { $ref?: string }>;
  readonly required?: string[];
}
interface Schema {
  readonly types: Record<string, TypeSpec & { enum?: unknown[] }>;
  readonly version: string;
  readonly resources: Record<
    string,
    TypeSpec & {
      inputProperties: Record<string, unknown>;
      requiredInputs: string[];
    }
  >;
}

const golden = fs.readFileSync(
  path.join(repository, "provider/schema.json"),
  "utf8",
);
const schema = JSON.parse(golden) as Schema;

/** Interfaces (name to member to "is optional") and classes (name to declared fields) of the wrappers. */
function declarations() {
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  const fieldsOf = new Map<string, Set<string>>();
  // What a machine offers, and resources take, is declared with the machines' arguments.
  for (const name of [...fs.readdirSync(classes), "../args.ts"]) {
    const text = fs.readFileSync(path.join(classes, name), "utf8");
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
    for (const statement of source.statements) {
      if (ts.isInterfaceDeclaration(statement)) {
        interfaces.set(statement.name.text, statement);
      } else if (ts.isClassDeclaration(statement) && statement.name) {
        const members = statement.members.filter(ts.isPropertyDeclaration);
        const names = members.map(({ name }) =>
          ts.isIdentifier(name) ? name.text : "",
        );
        fieldsOf.set(statement.name.text, new Set(names));
      }
    }
  }
  const membersOf = (name: string): Map<string, boolean> | undefined => {
    const declaration = interfaces.get(name);
    const inherited = (declaration?.heritageClauses ?? [])
      .flatMap(({ types }) => types)
      .flatMap(({ expression }) => {
        assert.ok(ts.isIdentifier(expression));
        return [...(membersOf(expression.text) ?? [])];
      });
    const own = declaration?.members.map((member) => {
      assert.ok(member.name && ts.isIdentifier(member.name));
      return [member.name.text, member.questionToken !== undefined] as const;
    });
    return own && new Map([...inherited, ...own]);
  };
  return { membersOf, fieldsOf };
}

function assertSameFields(
  what: string,
  members: Map<string, boolean> | undefined,
  properties: Record<string, unknown>,
  required: readonly string[],
): void {
  assert.ok(members, `${what} has no interface`);
  assert.deepEqual(
    [...members.keys()].sort(),
    Object.keys(properties).sort(),
    what,
  );
  // A machine says all of its connection; who gives one by hand may leave the port out.
  const stricter = what === "GuestConnection" ? ["port"] : [];
  for (const [name, optional] of members) {
    assert.equal(
      optional,
      ![...required, ...stricter].includes(name),
      `${what}.${name} is optional?`,
    );
  }
}

describe("provider: schema", () => {
  it("is the one in the repository (else: node provider/bin/main.js --schema > provider/schema.json)", () => {
    assert.equal(schemaText(plugin.facts, plugin.resources), golden);
  });

  const { membersOf, fieldsOf } = declarations();

  for (const [token, spec] of Object.entries(schema.resources)) {
    const name = token.split(":")[2] ?? "";
    it(`has the class ${name} in the component library, field by field`, () => {
      const file = path.join(
        classes,
        `${name[0]?.toLowerCase()}${name.slice(1)}.ts`,
      );
      assertSameFields(
        `${name}Args`,
        membersOf(`${name}Args`),
        spec.inputProperties,
        spec.requiredInputs,
      );
      const declared = fieldsOf.get(name) ?? new Set();
      const missing = Object.keys(spec.properties).filter(
        (property) => !declared.has(property),
      );
      assert.deepEqual(missing, [], `outputs of ${name} that its class lacks`);
      assert.ok(
        fs.readFileSync(file, "utf8").includes(`"${token}"`),
        `the class does not register ${token}`,
      );
    });
  }

  it("has an interface for every type, field by field", () => {
    for (const [token, type] of Object.entries(schema.types)) {
      const name = token.split(":")[2] ?? "";
      if (!type.enum) {
        assertSameFields(
          name,
          membersOf(name),
          type.properties,
          type.required ?? [],
        );
      }
    }
  });

  it("has the version that the classes ask the engine for", async () => {
    const { OPS_PLUGIN_VERSION } =
      await import("@corral-iac/corral/guest/ops/plugin");
    assert.equal(schema.version, OPS_PLUGIN_VERSION);
  });

  it("calls every private key and token a secret", () => {
    const found = golden.matchAll(/"(privateKey|apiToken)": \{[^}]*\}/g);
    const open = [...found].filter(
      ([text]) => !text.includes('"secret": true'),
    );
    assert.deepEqual(open, []);
  });
});

describe("provider: checks of its resources", () => {
  const faults = (name: string, inputs: Record<string, unknown>) => {
    const found = plugin.resources.find(({ token }) =>
      token.endsWith(`:${name}`),
    );
    assert.ok(found);
    return checkInputs(found, inputs as never).faults.map(
      ({ path: where }) => where,
    );
  };
  const key = generateEd25519();
  const machine = { id: "1", name: "web" };
  const ssh = { user: "u", privateKey: key.privateKey, hostKey: key.publicKey };
  const libvirt = { uri: "qemu:///system", domain: "web" };
  const proxmox = {
    endpoint: "https://pve:8006",
    apiToken: "corral@pve!test=11111111-2222-3333-4444-555555555555",
    node: "pve",
    vmId: 8101,
  };

  it("accept a guest that can be waited for", () => {
    assert.deepEqual(
      faults("GuestReady", { machine: { ...machine, libvirt }, ssh }),
      [],
    );
    assert.deepEqual(
      faults("GuestReady", { machine, ssh, address: "10.0.0.1" }),
      [],
    );
    assert.deepEqual(faults("GuestReady", { machine, until: "none" }), []);
    const onProxmox = { machine: { ...machine, proxmox }, through: "agent" };
    for (const until of ["agent", "address", "cloudInit"]) {
      assert.deepEqual(faults("GuestReady", { ...onProxmox, until }), []);
    }
  });

  it("ask for what a stage needs on its way", () => {
    const agent = { through: "agent", until: "cloudInit" };
    assert.deepEqual(faults("GuestReady", { machine, ...agent }), [
      "machine.proxmox",
    ]);
    assert.deepEqual(
      faults("GuestReady", {
        machine: { ...machine, libvirt },
        until: "agent",
      }),
      ["machine.proxmox"],
    );
    assert.deepEqual(
      faults("GuestReady", {
        machine: { ...machine, proxmox },
        through: "agent",
        until: "ssh",
      }),
      ["ssh"],
    );
    assert.deepEqual(
      faults("GuestReady", {
        machine: {
          ...machine,
          libvirt,
          proxmox: { ...proxmox, endpoint: "http://pve", apiToken: "secret" },
        },
        ssh,
      }),
      [
        "machine.proxmox.endpoint",
        "machine.proxmox.apiToken",
        "machine.proxmox",
      ],
    );
  });

  it("refuse snapshot names that Proxmox VE refuses", () => {
    const given = { machine: proxmox };
    assert.deepEqual(
      faults("ProxmoxSnapshot", { ...given, name: "final-form" }),
      [],
    );
    for (const name of [
      "current",
      "Pending",
      "1st",
      "a",
      "a b",
      "x".repeat(41),
    ]) {
      assert.deepEqual(
        faults("ProxmoxSnapshot", { ...given, name }),
        ["name"],
        name,
      );
    }
  });

  it("name everything that is wrong with a guest", () => {
    assert.deepEqual(faults("GuestReady", { machine }), ["ssh", "address"]);
    assert.deepEqual(
      faults("GuestReady", {
        until: "ssh",
        timeoutSeconds: 0,
        machine: {
          ...machine,
          libvirt: { ...libvirt, uri: "qemu", consolePool: "p" },
        },
        ssh: { ...ssh, hostKey: "no key" },
      }),
      [
        "timeoutSeconds",
        "machine.libvirt.uri",
        "machine.libvirt.consoleFile",
        "ssh.hostKey",
      ],
    );
  });

  it("refuse a console file outside of its pool", () => {
    const base = { uri: "qemu:///system", pool: "p" };
    assert.deepEqual(faults("ConsoleLog", { ...base, fileName: "a.log" }), []);
    for (const fileName of ["../a", "a/b", "", ".hidden", "-x"]) {
      assert.deepEqual(
        faults("ConsoleLog", { ...base, fileName }),
        ["fileName"],
        fileName,
      );
    }
  });

  it("refuse a comment of several lines", () => {
    assert.deepEqual(faults("SshKeyPair", { comment: "a\nb" }), ["comment"]);
    assert.deepEqual(faults("SshKeyPair", {}), []);
  });
});
