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

/** Interfaces (name to member to "is optional") and classes (name to declared fields) of a file. */
function declarations(file: string) {
  const text = fs.readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  const interfaces = new Map<string, Map<string, boolean>>();
  const fieldsOf = new Map<string, Set<string>>();
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement)) {
      const members = statement.members.map((member) => {
        assert.ok(member.name && ts.isIdentifier(member.name));
        return [member.name.text, member.questionToken !== undefined] as const;
      });
      interfaces.set(statement.name.text, new Map(members));
    } else if (ts.isClassDeclaration(statement) && statement.name) {
      const members = statement.members.filter(ts.isPropertyDeclaration);
      const names = members.map(({ name }) =>
        ts.isIdentifier(name) ? name.text : "",
      );
      fieldsOf.set(statement.name.text, new Set(names));
    }
  }
  return { interfaces, fieldsOf, text };
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
  for (const [name, optional] of members) {
    assert.equal(
      optional,
      !required.includes(name),
      `${what}.${name} is optional?`,
    );
  }
}

describe("provider: schema", () => {
  it("is the one in the repository (else: node provider/bin/main.js --schema > provider/schema.json)", () => {
    assert.equal(schemaText(plugin.facts, plugin.resources), golden);
  });

  for (const [token, spec] of Object.entries(schema.resources)) {
    const name = token.split(":")[2] ?? "";
    it(`has the class ${name} in the component library, field by field`, () => {
      const file = path.join(
        classes,
        `${name[0]?.toLowerCase()}${name.slice(1)}.ts`,
      );
      const { interfaces, fieldsOf, text } = declarations(file);
      assertSameFields(
        `${name}Args`,
        interfaces.get(`${name}Args`),
        spec.inputProperties,
        spec.requiredInputs,
      );
      const declared = fieldsOf.get(name) ?? new Set();
      const missing = Object.keys(spec.properties).filter(
        (property) => !declared.has(property),
      );
      assert.deepEqual(missing, [], `outputs of ${name} that its class lacks`);
      assert.ok(
        text.includes(`"${token}"`),
        `the class does not register ${token}`,
      );
      for (const [typeToken, type] of Object.entries(schema.types)) {
        const typeName = typeToken.split(":")[2] ?? "";
        if (typeName.startsWith(name) && !type.enum) {
          assertSameFields(
            typeName,
            interfaces.get(typeName),
            type.properties,
            type.required ?? [],
          );
        }
      }
    });
  }

  it("has the version that the classes ask the engine for", async () => {
    const { OPS_PLUGIN_VERSION } =
      await import("@corral-iac/corral/guest/ops/plugin");
    assert.equal(schema.version, OPS_PLUGIN_VERSION);
  });

  it("calls every private key a secret", () => {
    const open = [...golden.matchAll(/"privateKey": \{[^}]*\}/g)].filter(
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
