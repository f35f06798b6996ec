import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { corralHome } from "@corral-iac/corral/core/home";
import { ensureToolchain, piecesForStart } from "../toolchain";
import { PulumiStack } from "./pulumiStack";

const STACK = "dev";

/** A machine as the stack exports it. */
export interface ExportedMachine {
  readonly name: string;
  readonly id: string;
  readonly address: string;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly privateKey: string;
    readonly hostKey: string;
  };
}

/** What the program exports. */
export interface ProgramOutputs {
  readonly machines: Record<string, ExportedMachine>;
}

/** Whether the embedded stack was ever made and not removed. */
export function embeddedStackExists(): boolean {
  return fs.existsSync(stackFolder());
}

/**
 * Opens the stack `dev` on the embedded lab. Its state is in `$CORRAL_HOME`, so that every clone on
 * this machine sees the same one.
 *
 * @param program folder of Pulumi.yaml.
 */
export async function openEmbeddedStack(program: string): Promise<PulumiStack> {
  const toolchain = await ensureToolchain(piecesForStart);
  const stack = new PulumiStack(
    { program, stack: STACK, folder: stackFolder() },
    toolchain,
  );
  await stack.ensure();
  const declaration = fs.readFileSync(
    path.join(program, "stacks", `Pulumi.${STACK}.yaml`),
    "utf8",
  );
  stack.configure(parse(declaration) as { config: Record<string, unknown> });
  return stack;
}

function stackFolder(): string {
  return path.join(corralHome(), "stack");
}
