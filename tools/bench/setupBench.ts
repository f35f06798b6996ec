import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { StackCommand } from "../stack/pulumiStack";
import { measure } from "./measure";
import { summarize, type Summary } from "./statistics";

export interface SetupBenchOptions {
  readonly repository: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Seconds of `npm run setup` where everything is there. */
export async function benchWarmSetup(
  { repository, signal, log }: SetupBenchOptions,
  runs: number,
): Promise<Summary> {
  const seconds: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const options = { timeoutSeconds: 300, signal };
    seconds.push((await measure(setup(repository, {}), options)).seconds);
  }
  const summary = summarize(seconds);
  log(`  setup, all in place: ${summary.median.toFixed(1)} s`);
  return summary;
}

/**
 * Seconds of `npm run setup` with every cache of the toolchain empty: its own and Go's. Node's
 * dependencies and Debian packages are left as they are. Runs once, as it takes many minutes.
 */
export async function benchColdSetup({
  repository,
  signal,
  log,
}: SetupBenchOptions): Promise<Summary> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-cold-"));
  const variables = {
    CORRAL_HOME: path.join(folder, "corral"),
    CORRAL_TOOLCHAIN_SOURCES: "download,build",
    GOPATH: path.join(folder, "go"),
    GOMODCACHE: path.join(folder, "go/mod"),
    GOCACHE: path.join(folder, "go-build"),
  };
  log("  setup with empty caches: about 15 minutes ...");
  try {
    const options = { timeoutSeconds: 3600, signal };
    const measured = await measure(setup(repository, variables), options);
    log(`  setup with empty caches: ${measured.seconds.toFixed(0)} s`);
    return summarize([measured.seconds]);
  } finally {
    removeModules(folder);
  }
}

function setup(
  repository: string,
  env: Readonly<Record<string, string>>,
): StackCommand {
  return {
    file: process.execPath,
    args: [path.join(repository, "tools/bootstrap.mjs"), "setup"],
    cwd: repository,
    env,
  };
}

/** Go writes its modules without the right to change them, folders too. */
function removeModules(folder: string): void {
  const entries = fs.readdirSync(folder, {
    recursive: true,
    withFileTypes: true,
  });
  for (const entry of entries) {
    if (entry.isDirectory()) {
      fs.chmodSync(path.join(entry.parentPath, entry.name), 0o755);
    }
  }
  fs.rmSync(folder, { recursive: true, force: true });
}
