import { type Command, InvalidArgumentError, Option } from "commander";

interface Flags {
  readonly stack: string;
  readonly cwd: string;
  readonly configFile?: string;
  readonly baseConfigFile?: string;
  readonly labels: readonly string[];
  readonly markdown?: string;
  readonly preview?: string;
  readonly state?: string;
  readonly withoutBackend?: boolean;
}

/** Adds the command `corral gate`. */
export function registerGate(
  corral: Command,
  finish: (exitCode: number) => void,
): void {
  corral
    .command("gate")
    .description(
      "preview a stack and fail when a machine or disk would be replaced or deleted without a label that names it",
    )
    .requiredOption("--stack <name>", "the stack")
    .option("--cwd <folder>", "folder of Pulumi.yaml", ".")
    .option("--config-file <file>", "the stack's file, if not the usual one")
    .option(
      "--base-config-file <file>",
      "the stack's file as it is where the change goes: its mark corral:deployed holds too",
    )
    .addOption(
      new Option(
        "--labels <json>",
        "labels of the pull request, as a JSON list of texts",
      )
        .argParser(readLabels)
        .default([], "none"),
    )
    .option("--markdown <file>", "write the report there too")
    .option(
      "--preview <file>",
      "what pulumi preview --json printed, instead of running it; with --state",
    )
    .option("--state <file>", "what pulumi stack export printed")
    .option(
      "--without-backend",
      "there is no access to the backend: fail if the stack is marked as deployed",
    )
    .addHelpText("after", exitCodes)
    .action(async (flags: Flags, command: Command) => {
      const { preview, state, withoutBackend, ...options } = flags;
      if ((preview === undefined) !== (state === undefined)) {
        command.error("error: --preview and --state need each other");
      }
      const recorded =
        preview !== undefined && state !== undefined
          ? { preview, state }
          : undefined;
      const { gate } = await import("./gate.js");
      finish(
        await gate({
          ...options,
          recorded,
          withoutBackend: withoutBackend === true,
        }),
      );
    });
}

function readLabels(text: string): string[] {
  try {
    const value: unknown = JSON.parse(text);
    if (
      Array.isArray(value) &&
      value.every((label) => typeof label === "string")
    ) {
      return value;
    }
  } catch {
    // Told below.
  }
  throw new InvalidArgumentError(
    "It must be a JSON list of texts, for example '[\"allow-replace:prod/web-domain\"]'.",
  );
}

const exitCodes = `
Exit codes: 0 passed, 3 a label is missing, 1 failed or no reliable preview, 2 wrong usage`;
