import * as assert from "node:assert/strict";
import { withSecrets } from "@corral-iac/corral/shared/secrets";
import * as pulumi from "@pulumi/pulumi";
import { known } from "./outputs";

const NAMES = ["privateKey", "passwordHash"];

async function assertSecret(value: unknown, expected: unknown): Promise<void> {
  assert.ok(pulumi.Output.isInstance(value), "is an Output");
  assert.equal(await pulumi.isSecret(value), true);
  assert.deepEqual(await known(value), expected);
}

describe("withSecrets", () => {
  it("wraps the named values at any depth, and nothing else", async () => {
    const args = {
      name: "web",
      vcpus: 2,
      absent: undefined,
      nothing: null,
      ssh: { user: "bob", privateKey: "KEY" },
      users: [{ name: "bob", passwordHash: "HASH" }, { name: "eve" }],
    };
    const wrapped = withSecrets(args, NAMES);
    await assertSecret(wrapped.ssh.privateKey, "KEY");
    await assertSecret(wrapped.users[0]?.passwordHash, "HASH");
    assert.deepEqual(
      { ...wrapped, ssh: wrapped.ssh.user, users: wrapped.users[1] },
      { ...args, ssh: "bob", users: { name: "eve" } },
    );
  });

  it("leaves the arguments themselves as they are", () => {
    const args = { ssh: { privateKey: "KEY" } };
    withSecrets(args, NAMES);
    assert.deepEqual(args, { ssh: { privateKey: "KEY" } });
  });

  it("makes no secret of what is left out", () => {
    assert.deepEqual(withSecrets({ privateKey: undefined }, NAMES), {
      privateKey: undefined,
    });
  });

  it("wraps what is an Output already", async () => {
    const { privateKey } = withSecrets(
      { privateKey: pulumi.output("KEY") },
      NAMES,
    );
    await assertSecret(privateKey, "KEY");
  });

  it("finds secrets inside Outputs and promises", async () => {
    const users = [{ name: "bob", passwordHash: "HASH" }];
    const wrapped = withSecrets(
      { late: pulumi.output(users), later: Promise.resolve(users) },
      NAMES,
    );
    await assertSecret(wrapped.late, users);
    await assertSecret(wrapped.later, users);
  });

  it("makes no secret of Outputs without any", async () => {
    const { late } = withSecrets({ late: pulumi.output({ a: 1 }) }, NAMES);
    assert.equal(await pulumi.isSecret(late), false);
    assert.deepEqual(await known(late), { a: 1 });
  });

  it("leaves assets and resources whole", () => {
    const asset = new pulumi.asset.StringAsset("text");
    assert.equal(withSecrets({ asset }, NAMES).asset, asset);
  });
});
