import { Command } from "commander";
import { registerDrift } from "./drift/register";
import { registerGate } from "./gate/register";
import { readPackage } from "./package";

/**
 * The command line of `corral`. What a subcommand needs is loaded when it runs, so that help and
 * version come at once.
 *
 * @param finish takes the exit code of the subcommand that ran.
 */
export function corralCommand(finish: (exitCode: number) => void): Command {
  const corral = new Command("corral")
    .description(
      "Virtual machines and clusters on your own hypervisors, by Pulumi.",
    )
    .version(readPackage().version)
    .exitOverride()
    .showHelpAfterError("(corral --help shows what there is)")
    .helpCommand(false);

  corral
    .command("setup")
    .description(
      "install Corral's plugin corral-ops for Pulumi, and look for the programs that Corral runs",
    )
    .option(
      "--check",
      "only report; exit code 3 when the plugin of this version is not installed",
    )
    .addHelpText("after", setupEnvironment)
    .action(async ({ check }: { check?: boolean }) => {
      const { setup } = await import("./setup/setup.js");
      finish(await setup({ checkOnly: check === true }));
    });

  registerGate(corral, finish);
  registerDrift(corral, finish);

  return corral;
}

const setupEnvironment = `
Environment:
  PULUMI_HOME   where Pulumi keeps its plugins (default ~/.pulumi)`;
