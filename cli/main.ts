#!/usr/bin/env node
import { CommanderError } from "commander";
import { messageOf } from "@corral-iac/corral/core/errors";
import { corralCommand } from "./program";

/** Exit code for a wrong command line; everything else that fails ends with 1. */
const WRONG_USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  let code = 0;
  const command = corralCommand((result) => {
    code = result;
  });
  try {
    await command.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has written the help, the version or the fault already.
      return error.exitCode === 0 ? 0 : WRONG_USAGE;
    }
    console.error(`\nError: ${messageOf(error)}`);
    if (process.env.CORRAL_DEBUG && error instanceof Error) {
      console.error(error.stack);
    }
    return 1;
  }
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
