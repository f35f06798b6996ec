import assert from "node:assert/strict";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { differingSdkFiles } from "@corral-iac/tools/toolchain/sdk";

describe("the generated SDKs", () => {
  it("are as in the repository (else: npm run setup -- --sdk)", async () => {
    const toolchain = await ensureToolchain([
      ...piecesForStart,
      "proxmoxProvider",
    ]);
    assert.deepEqual(await differingSdkFiles(toolchain), []);
  });
});
