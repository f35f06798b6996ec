import * as path from "node:path";
import { labUp } from "../lab";
import { openEmbeddedStack, type ProgramOutputs } from "../stack/embeddedStack";
import { writeSshConfig } from "../stack/sshConfig";

const repository = path.resolve(__dirname, "../../..");

/** `npm start`: the embedded lab, then `pulumi up` of the stack `dev`, then how to log in. */
export async function main(): Promise<number> {
  const began = Date.now();
  await labUp("libvirt", { log: console.log });
  const stack = await openEmbeddedStack(repository);
  const flags = ["--skip-preview", "--suppress-outputs"];
  if ((await stack.corral("up", flags)) !== 0) {
    throw new Error(
      "The stack dev is not up; see above why. What is made stays: mend the cause and run npm start again.",
    );
  }

  const { machines } = await stack.outputs<ProgramOutputs>();
  const logins = writeSshConfig(machines);
  for (const [name, machine] of Object.entries(machines)) {
    console.log(`\n${name} is up at ${machine.address}`);
    console.log(`  ${logins[name]}`);
  }
  console.log(
    `\nnpm start took ${((Date.now() - began) / 1000).toFixed(1)} s. Tear everything down by: npm stop`,
  );
  return 0;
}
