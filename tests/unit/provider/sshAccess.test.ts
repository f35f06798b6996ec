import assert from "node:assert/strict";
import { SshAccess } from "@corral-iac/corral-ops/guest/sshAccess";
import { SshPool } from "@corral-iac/corral-ops/ssh/pool";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

describe("provider: a look at a guest that was stopped", () => {
  it("has seen nothing, which is not what is told to the user", async () => {
    const key = generateEd25519();
    const access = new SshAccess(new SshPool(), {
      user: "u",
      port: 22,
      privateKey: key.privateKey,
      hostKey: key.publicKey,
    });
    const nothing = { is: "waiting", detail: "" };
    const stopped = AbortSignal.abort();
    assert.deepEqual(await access.port("127.0.0.1", stopped), nothing);
    assert.deepEqual(await access.login("127.0.0.1", stopped), nothing);
    assert.deepEqual(await access.cloudInit("127.0.0.1", stopped), nothing);
  });
});
