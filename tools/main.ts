/** The commands behind the npm scripts; tools/bootstrap.mjs has built everything before. */
import { messageOf } from "@corral-iac/corral/core/errors";

type Command = (args: readonly string[]) => Promise<number>;

interface CommandModule {
  readonly main?: Command;
}

/** The module of each command, relative to this file; each exports `main(args)`. */
const modules: Readonly<Record<string, string>> = {
  setup: "./toolchain/setup",
  lab: "./lab/main",
  start: "./commands/start",
  stop: "./commands/stop",
  test: "./commands/test",
  bench: "./commands/bench",
  schema: "./schema/generate",
  workflows: "./commands/workflows",
  corral: "./commands/corral",
  pack: "./pack/main",
  record: "./record/main",
};

async function dispatch(args: readonly string[]): Promise<number> {
  const [name = "", ...rest] = args;
  const file = modules[name];
  if (file === undefined) {
    console.error(
      `Unknown command "${name}". Commands: ${Object.keys(modules).join(", ")}`,
    );
    return 2;
  }
  const loaded = load(name, file);
  if (typeof loaded.main !== "function") {
    throw new Error(`tools/${file.slice(2)}.ts exports no function main(args)`);
  }
  return loaded.main(rest);
}

/** Loads a command only when it is called, so that every other one stays quick. */
function load(name: string, file: string): CommandModule {
  let resolved: string;
  try {
    resolved = require.resolve(file);
  } catch {
    throw new Error(
      `The command "${name}" is not here: tools/${file.slice(2)}.ts is missing or not compiled. ` +
        "Run: npm run build",
    );
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require(resolved) as CommandModule;
}

dispatch(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const message = messageOf(error);
    console.error(`\nError: ${message}`);
    if (process.env.CORRAL_DEBUG && error instanceof Error) {
      console.error(error.stack);
    }
    process.exitCode = 1;
  },
);
