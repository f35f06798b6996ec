import * as fs from "node:fs";
import * as path from "node:path";
import { labDown, labStatus, labUp } from "../lab";
import { embeddedStackExists, openEmbeddedStack } from "../stack/embeddedStack";
import { sshFolder } from "../stack/sshConfig";

const repository = path.resolve(__dirname, "../../..");

/** `npm stop`: destroys the stack `dev` and takes the lab down; nothing is left but caches. */
export async function main(): Promise<number> {
  if (embeddedStackExists()) {
    if (!(await labStatus("libvirt")).up) {
      // The machines are defined with a daemon that has gone: it comes back to remove them.
      await labUp("libvirt", { log: console.log });
    }
    const stack = await openEmbeddedStack(repository);
    if ((await stack.corral("destroy", ["--skip-preview"])) !== 0) {
      throw new Error(
        "The stack dev could not be destroyed; see above what stands in the way, and run " +
          "npm stop again.",
      );
    }
    await stack.remove();
  }
  fs.rmSync(sshFolder(), { recursive: true, force: true });
  await labDown("libvirt", { log: console.log });
  return 0;
}
