import * as fs from "node:fs";
import Mocha from "mocha";

/** How tests went, as {@link runMocha} leaves it in a file for its parent. */
export interface SuiteResult {
  readonly passed: number;
  /** Titles of the tests and hooks that failed, in full. */
  readonly failures: readonly string[];
  /** Tests that could not run here and said why. */
  readonly skipped: number;
}

/** Tests that took longer are shown with their time. */
const SLOW_MS = 10_000;

/**
 * Runs test files in this process: `node runSuite.js RESULT_FILE TIMEOUT_MS FILE...`.
 * A process of its own, so that a suite that ends its process does not take the others along.
 */
function runMocha([resultFile, timeoutMs, ...files]: readonly string[]): void {
  if (resultFile === undefined) {
    throw new Error("usage: runSuite.js RESULT_FILE TIMEOUT_MS FILE...");
  }
  const mocha = new Mocha({
    timeout: Number(timeoutMs),
    slow: SLOW_MS,
    reporter: "spec",
    forbidOnly: true,
  });
  files.forEach((file) => mocha.addFile(file));
  const failures: string[] = [];
  const runner = mocha.run(() => {
    const { passes = 0, pending = 0 } = runner.stats ?? {};
    const result: SuiteResult = { passed: passes, failures, skipped: pending };
    fs.writeFileSync(resultFile, JSON.stringify(result));
    process.exit(failures.length === 0 ? 0 : 1);
  });
  runner.on("fail", (test) => failures.push(test.titlePath().join(" › ")));
}

if (require.main === module) {
  runMocha(process.argv.slice(2));
}
