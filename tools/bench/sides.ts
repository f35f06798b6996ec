import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { PulumiStack, type StackCommand } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
import type { Operation } from "./operations";
import { CORRAL, EMPTY, TERRAFORM } from "./gates";
import { fleetOf, type MachineSet } from "./machines";
import { terraformCliConfig, terraformConfig } from "./terraformConfig";

/** One way to make the same machines. */
export interface Side {
  readonly name: string;
  /** The commands to measure. */
  readonly commands: Readonly<Record<Operation, StackCommand>>;
}

/** Corral's ready program on a stack of its own. */
export async function corralSide(
  repository: string,
  folder: string,
  set: MachineSet,
  toolchain: Toolchain,
): Promise<Side> {
  const location = { program: repository, stack: set.stack, folder };
  const stack = new PulumiStack(location, toolchain);
  await stack.ensure();
  stack.configure({ config: { "corral:fleet": fleetOf(set) } });
  return { name: CORRAL, commands: pulumiCommands(stack) };
}

/** A program that imports the SDK and declares nothing: what engine and SDK cost by themselves. */
export async function emptySide(
  repository: string,
  folder: string,
  toolchain: Toolchain,
): Promise<Side> {
  const program = path.join(folder, "program");
  fs.mkdirSync(path.join(program, "node_modules", "@pulumi"), {
    recursive: true,
  });
  const options = { typescript: false };
  fs.writeFileSync(
    path.join(program, "Pulumi.yaml"),
    stringify({ name: "corral", runtime: { name: "nodejs", options } }),
  );
  fs.writeFileSync(
    path.join(program, "package.json"),
    JSON.stringify({ name: "empty", private: true, main: "index.js" }),
  );
  fs.writeFileSync(
    path.join(program, "index.js"),
    'require("@pulumi/pulumi");\n',
  );
  fs.symlinkSync(
    path.join(repository, "node_modules/@pulumi/pulumi"),
    path.join(program, "node_modules/@pulumi/pulumi"),
  );
  const location = { program, stack: "empty", folder };
  const stack = new PulumiStack(location, toolchain);
  await stack.ensure();
  stack.configure({ config: {} });
  return { name: EMPTY, commands: pulumiCommands(stack) };
}

function pulumiCommands(stack: PulumiStack): Side["commands"] {
  const up = stack.command(["up", "--yes", "--skip-preview"]);
  return {
    create: up,
    preview: stack.command(["preview"]),
    "no-op up": up,
    destroy: stack.command(["destroy", "--yes", "--skip-preview"]),
  };
}

/** As Pulumi's engine does unless told to refresh. */
const TRUST_STATE = "-refresh=false";

/**
 * The `terraform` command with the very provider binary that Corral uses.
 *
 * @param provider folder of that binary.
 */
export function terraformSide(
  terraform: string,
  folder: string,
  set: MachineSet,
  provider: string,
): Side {
  const cwd = path.join(folder, "program");
  const cliConfig = path.join(folder, "cli.tfrc");
  fs.mkdirSync(cwd, { recursive: true });
  fs.writeFileSync(cliConfig, terraformCliConfig(provider));
  fs.writeFileSync(
    path.join(cwd, "main.tf.json"),
    JSON.stringify(terraformConfig(set), undefined, 2),
  );
  const command = (...args: string[]): StackCommand => ({
    file: terraform,
    args: [...args, "-input=false", "-no-color"],
    cwd,
    env: { TF_CLI_CONFIG_FILE: cliConfig, TF_IN_AUTOMATION: "1" },
  });
  return {
    name: TERRAFORM,
    commands: {
      create: command("apply", "-auto-approve"),
      preview: command("plan", TRUST_STATE),
      "no-op up": command("apply", "-auto-approve", TRUST_STATE),
      destroy: command("destroy", "-auto-approve", TRUST_STATE),
    },
  };
}
