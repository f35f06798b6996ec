import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { contentUnder } from "../../support/contentUnder";
import { blankMachine, fleetOf } from "../../support/fleets";
import { TestPool } from "../../support/hypervisor";
import { TestStack } from "../../support/testStack";

describe("secrets", () => {
  let pool: TestPool;
  let stack: TestStack;
  const planted = `planted-${randomBytes(8).toString("hex")}`;

  before(async () => {
    pool = await TestPool.make();
    stack = await TestStack.make("secret");
  });

  after(async () => {
    await stack.remove();
    await pool.remove();
  });

  it("stand in plain neither in the state nor in what up and preview print", async () => {
    stack.declare(
      fleetOf({
        web: blankMachine(pool, {
          cloudInit: {
            users: [
              {
                name: "operator",
                passwordHash: { fromConfig: "consolePassword" },
              },
            ],
            files: [
              {
                path: "/etc/token",
                content: { fromConfig: "consolePassword" },
              },
            ],
          },
        }),
      }),
    );
    await stack.setSecret("consolePassword", planted);
    // Not --debug: with it the SDK itself prints every answer of the engine, secrets in plain.
    const up = await stack.up("--diff");
    assert.equal(up.exitCode, 0, up.output.slice(-3000));
    const preview = await stack.preview("--diff", "--show-config=false");

    const { machines } = await stack.outputs<{
      machines: { web: { connection: { privateKey: string } } };
    }>();
    const privateKey = machines.web.connection.privateKey
      .split("\n")
      .slice(2, 4)
      .join("\n");
    assert.ok(privateKey.length > 60);
    const { text } = await stack.exportedState();
    for (const [where, content] of [
      ["the exported state", text],
      ["the log of up", up.output],
      ["the output of preview", preview.output],
      ["the backend's files", contentUnder(path.join(stack.folder, "state"))],
    ] as const) {
      assert.ok(
        !content.includes(planted),
        `the planted secret stands in ${where}`,
      );
      assert.ok(
        !content.includes(Buffer.from(planted).toString("base64")),
        `the planted secret stands in base64 in ${where}`,
      );
      assert.ok(
        !content.includes(privateKey.split("\n")[0] ?? "?"),
        `a private key stands in ${where}`,
      );
    }
  });
});
