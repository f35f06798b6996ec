import type { Command } from "commander";

interface Flags {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly markdown?: string;
  readonly json?: boolean;
  readonly ifDeployed?: boolean;
}

/** Adds the command `corral drift`. */
export function registerDrift(
  corral: Command,
  finish: (exitCode: number) => void,
): void {
  corral
    .command("drift")
    .description(
      "compare what a stack's state says with what is on the hypervisors; changes nothing",
    )
    .requiredOption("--stack <name>", "the stack")
    .option("--cwd <folder>", "folder of Pulumi.yaml", ".")
    .option("--config-file <file>", "the stack's file, if not the usual one")
    .option("--markdown <file>", "write the report there too, as Markdown")
    .option(
      "--if-deployed",
      "do nothing unless the stack's file marks it as deployed",
    )
    .option("--json", "print the report as JSON")
    .addHelpText("after", exitCodes)
    .action(async ({ json, ifDeployed, ...flags }: Flags) => {
      const { drift } = await import("./drift.js");
      finish(
        await drift({
          ...flags,
          json: json === true,
          ifDeployed: ifDeployed === true,
        }),
      );
    });
}

const exitCodes = `
Exit codes: 0 no drift, 3 drift, 1 failed, 2 wrong usage`;
