import assert from "node:assert/strict";
import { microVmAddress } from "@corral-iac/corral-ops/resources/microVmAddress";
import { unknown } from "@corral-iac/corral-ops/frame/value";

import { planWith } from "./plans";

const inputs = {
  connection: {
    host: "10.1.0.5",
    port: 22,
    user: "root",
    privateKey: "key",
    hostKey: "ssh-ed25519 AAAA",
  },
  network: "lan",
  subnet: "10.66.0.0/24",
  gateway: "10.66.0.1",
  machine: "corral-dev-web",
  nic: 0,
  stamp: planWith().stamp,
  onHostChange: "refuse" as const,
  leased: true,
};
const outputs = { address: "10.66.0.2", hostId: "0123" };

describe("the address of a microVM, in a preview", () => {
  const preview = (changes: object) =>
    microVmAddress.preview?.({ ...inputs, ...changes }, { inputs, outputs });

  it("is the one that it has, where the network still has it", () => {
    assert.deepEqual(preview({}), outputs);
    assert.deepEqual(preview({ subnet: "10.66.0.0/16" }), outputs);
  });

  it("is not known where the subnet or the gateway takes it away, or is not known itself", () => {
    for (const changes of [
      { subnet: "10.67.0.0/24", gateway: "10.67.0.1" },
      { gateway: "10.66.0.2" },
      { subnet: unknown },
    ]) {
      assert.deepEqual(preview(changes), {});
    }
  });

  it("is the one that is asked for", () => {
    assert.deepEqual(preview({ address: "10.66.0.9" }), {
      address: "10.66.0.9",
    });
  });
});
