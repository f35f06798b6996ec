import * as path from "node:path";
import { Command } from "commander";
import { registerDrift } from "./drift/register";
import { registerGate } from "./gate/register";
import type { StackSelection } from "./engine/pulumi";
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

  onStack(corral, "up")
    .description(
      "take away what a run that was cut off left behind, then pulumi up",
    )
    .option("-y, --yes", "ask nothing", false)
    .argument("[flags...]", "flags for Pulumi, after --")
    .action(async (flags: string[], options: RunFlags) => {
      const { up } = await import("./run/run.js");
      finish(await up(selectionOf(options), { ...options, flags }));
    });

  onStack(corral, "destroy")
    .description(
      "take away what a run that was cut off left behind, then pulumi destroy",
    )
    .option("-y, --yes", "ask nothing", false)
    .argument("[flags...]", "flags for Pulumi, after --")
    .action(async (flags: string[], options: RunFlags) => {
      const { destroy } = await import("./run/run.js");
      finish(await destroy(selectionOf(options), { ...options, flags }));
    });

  onStack(corral, "preview")
    .description("show what up would change; changes nothing")
    .argument("[flags...]", "flags for Pulumi, after --")
    .action(async (flags: string[], options: SelectionFlags) => {
      const { preview } = await import("./run/run.js");
      finish(await preview(selectionOf(options), flags));
    });

  onStack(corral, "orphans")
    .description(
      "how state and hypervisors differ: leftovers, what is gone, what was kept; exit code 3 when something is",
    )
    .option("--json", "for programs", false)
    .option("--remove", "remove the leftovers, after showing them", false)
    .option("--adopt", "take the leftovers into the state", false)
    .option("-y, --yes", "ask nothing", false)
    .option(
      "--stamp <id>",
      "a stamp that you know to be this stack's; may be repeated",
      (id: string, ids: string[]) => [...ids, id],
      [],
    )
    .action(async (options: OrphansFlags) => {
      const { orphans } = await import("./orphans/command.js");
      finish(
        await orphans(selectionOf(options), {
          ...options,
          stamps: options.stamp,
        }),
      );
    });

  onStack(corral, "status")
    .description("the stack's machines as they are right now")
    .option("--json", "for programs", false)
    .action(async (options: SelectionFlags & { json: boolean }) => {
      const { status } = await import("./status/command.js");
      finish(await status(selectionOf(options), options));
    });

  onStack(corral, "timeline")
    .description("how long each stage of the making of each machine took")
    .option("--json", "for programs", false)
    .action(async (options: SelectionFlags & { json: boolean }) => {
      const { timeline } = await import("./timeline/command.js");
      finish(await timeline(selectionOf(options), options));
    });

  onStack(corral, "logs")
    .description(
      "what a machine says: the journal of a microVM, the console of a KubeVirt machine",
    )
    .argument("<name>", "the machine, as corral status calls it")
    .option("-n, --lines <number>", "how many of the last lines", Number, 100)
    .option("--no-follow", "end with what there is now")
    .action(
      async (
        name: string,
        options: SelectionFlags & { lines: number; follow: boolean },
      ) => {
        const { logs } = await import("./logs/command.js");
        finish(await logs(selectionOf(options), name, options));
      },
    );

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

interface SelectionFlags {
  readonly stack?: string;
  readonly cwd: string;
  readonly configFile?: string;
}

interface RunFlags extends SelectionFlags {
  readonly yes: boolean;
}

interface OrphansFlags extends RunFlags {
  readonly json: boolean;
  readonly remove: boolean;
  readonly adopt: boolean;
  readonly stamp: string[];
}

/** A subcommand that works on a stack. */
function onStack(corral: Command, name: string): Command {
  return corral
    .command(name)
    .option("-s, --stack <name>", "the stack; default: the selected one")
    .option("-C, --cwd <folder>", "folder of Pulumi.yaml", ".")
    .option("--config-file <file>", "the stack's configuration file");
}

function selectionOf(flags: SelectionFlags): StackSelection {
  return {
    cwd: path.resolve(flags.cwd),
    stack: flags.stack,
    configFile: flags.configFile && path.resolve(flags.configFile),
  };
}

const setupEnvironment = `
Environment:
  PULUMI_HOME   where Pulumi keeps its plugins (default ~/.pulumi)`;
