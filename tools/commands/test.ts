import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { messageOf } from "@corral-iac/corral/core/errors";
import execa from "execa";
import { labDown, labStatus, labUp } from "../lab";
import type { SuiteResult } from "../test/runSuite";
import {
  ensureDebianPackages,
  ensureToolchain,
  type PieceName,
  piecesForStart,
  type Toolchain,
} from "../toolchain";

const repository = path.resolve(__dirname, "../../..");

/** A layer of tests: what it needs and how long one test may take. */
interface Suite {
  readonly name: string;
  readonly needs: "nothing" | "lab" | "labDown";
  readonly testTimeoutSeconds: number;
  /** Files that run at the same time. Default 1. */
  readonly jobs?: number;
  /** Pieces of the toolchain beside those of `npm start`: their build is no test's time. */
  readonly pieces?: readonly PieceName[];
  /** Takes hours: only by name, never in plain `npm test`. */
  readonly isLong?: boolean;
}

/** One after the other; the suites of a line at the same time. */
const ROUNDS: readonly (readonly Suite[])[] = [
  [{ name: "unit", needs: "nothing", testTimeoutSeconds: 20 }],
  [
    {
      name: "engine",
      needs: "lab",
      testTimeoutSeconds: 180,
      jobs: 2,
      pieces: ["yamlHost"],
    },
  ],
  [
    // One waits for guests most of the time, the other has a libvirt daemon of its own.
    { name: "lab", needs: "lab", testTimeoutSeconds: 600 },
    { name: "kill", needs: "lab", testTimeoutSeconds: 180 },
  ],
  // The last one: toolchain and guest image are built by now.
  [{ name: "commands", needs: "labDown", testTimeoutSeconds: 600 }],
  [{ name: "long", needs: "lab", testTimeoutSeconds: 600, isLong: true }],
];

const SUITES = ROUNDS.flat();

/** What did not get as far as its tests. */
const FAILED: SuiteResult = { passed: 0, failed: 1, skipped: 0 };

/** Checks of the sources, each counted like a test. */
const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ["lint", ["npx", "--no-install", "eslint", ".", "--max-warnings", "0"]],
  [
    "format",
    ["npx", "--no-install", "prettier", "--check", "--log-level", "warn", "."],
  ],
  ["schemas", ["node", "tools/bin/main.js", "schema", "--check"]],
  ["workflows", ["node", "tools/bin/main.js", "workflows"]],
];

/**
 * `npm test [-- SUITE...]`: checks, then the suites. Its last line is 'N passed, N failed'.
 * `npm test -- unit` runs one suite, `npm run test:long` the one that plain `npm test` leaves out;
 * `--grep` and the like are mocha's own affair.
 */
export async function main(args: readonly string[]): Promise<number> {
  const wanted =
    args.length > 0
      ? args
      : [
          "checks",
          ...SUITES.filter(({ isLong }) => !isLong).map(({ name }) => name),
        ];
  const known = ["checks", ...SUITES.map(({ name }) => name)];
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(
      `There is no suite ${unknown.join(", ")}; there are ${known.join(", ")}`,
    );
  }
  const results: [string, SuiteResult, number][] = [];
  const measure = async (name: string, run: () => Promise<SuiteResult>) => {
    const began = Date.now();
    const result = await run();
    results.push([name, result, (Date.now() - began) / 1000]);
  };

  if (wanted.includes("checks")) {
    console.log("\n== checks");
    await measure("checks", runChecks);
  }
  const suites = SUITES.filter(({ name }) => wanted.includes(name));
  const environment = await prepare(suites);
  try {
    for (const round of ROUNDS) {
      await runRound(
        round.filter((suite) => suites.includes(suite)),
        environment.variables,
        measure,
      );
    }
  } finally {
    if (!(await succeeds(environment.release))) {
      results.push(["taking the lab down", FAILED, 0]);
    }
  }
  return summarize(results);
}

/** Brings up what the suites need; leaves the lab as it was, up or down. */
async function prepare(
  suites: readonly Suite[],
): Promise<{ variables: Record<string, string>; release(): Promise<void> }> {
  if (suites.every(({ needs }) => needs === "nothing")) {
    return { variables: {}, release: () => Promise.resolve() };
  }
  const toolchain: Toolchain = await ensureToolchain([
    ...piecesForStart,
    ...suites.flatMap(({ pieces = [] }) => pieces),
  ]);
  await ensureDebianPackages("tests", { log: console.log });
  const wasUp = (await labStatus("libvirt")).up;
  await labUp("libvirt", { log: console.log });
  return {
    variables: toolchain.env,
    release: async () => {
      await (wasUp ? labUp("libvirt", { log: console.log }) : takeLabDown());
    },
  };
}

const takeLabDown = () => labDown("libvirt", { log: console.log });

/** False, and says why, for instance where somebody uses the lab that shall go down. */
async function succeeds(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    console.log(`  FAILED: ${messageOf(error)}`);
    return false;
  }
}

async function runChecks(): Promise<SuiteResult> {
  let failed = 0;
  for (const [name, [command = "", ...args]] of CHECKS) {
    const began = Date.now();
    const { exitCode, all } = await execa(command, args, {
      cwd: repository,
      reject: false,
      all: true,
    });
    console.log(
      `  ${exitCode === 0 ? "ok" : "FAILED"} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`,
    );
    if (exitCode !== 0) {
      failed += 1;
      console.log(all);
    }
  }
  return { passed: CHECKS.length - failed, failed, skipped: 0 };
}

/** Runs suites at the same time; what the first one prints is seen at once, that of others afterwards. */
async function runRound(
  [first, ...others]: readonly Suite[],
  variables: Record<string, string>,
  measure: (name: string, run: () => Promise<SuiteResult>) => Promise<void>,
): Promise<void> {
  if (first === undefined) {
    return;
  }
  const beside = others.map(async (suite) => {
    const print: string[] = [];
    await measure(suite.name, () =>
      runSuite(suite, variables, (text) => print.push(text)),
    );
    return `\n== ${suite.name}, at the same time\n${print.join("")}`;
  });
  console.log(`\n== ${first.name}`);
  await measure(first.name, async () =>
    first.needs === "labDown" && !(await succeeds(takeLabDown))
      ? FAILED
      : runSuite(first, variables),
  );
  for (const printed of await Promise.all(beside)) {
    console.log(printed);
  }
}

/** @param print takes the suite's output; default: this process's own. */
async function runSuite(
  suite: Suite,
  variables: Record<string, string>,
  print?: (text: string) => void,
): Promise<SuiteResult> {
  const files = testFiles(path.join(repository, "tests", "bin", suite.name));
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-tests-"));
  const resultFile = path.join(scratch, "result.json");
  try {
    const stdio = print === undefined ? "inherit" : "pipe";
    const { all } = await execa(
      process.execPath,
      [
        path.join(__dirname, "../test/runSuite.js"),
        resultFile,
        String(suite.testTimeoutSeconds * 1000),
        String(suite.jobs ?? 1),
        ...files,
      ],
      {
        cwd: repository,
        env: variables,
        stdin: "ignore",
        stdout: stdio,
        stderr: stdio,
        all: print !== undefined,
        reject: false,
      },
    );
    print?.(all ?? "");
    // A suite that ended before it could count is a failure, never silence.
    return fs.existsSync(resultFile)
      ? (JSON.parse(fs.readFileSync(resultFile, "utf8")) as SuiteResult)
      : { passed: 0, failed: 1, skipped: 0 };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function testFiles(folder: string): string[] {
  const files = fs.existsSync(folder)
    ? (fs.readdirSync(folder, { recursive: true }) as string[])
    : [];
  return files
    .filter((file) => file.endsWith(".test.js"))
    .sort()
    .map((file) => path.join(folder, file));
}

function summarize(
  results: readonly (readonly [string, SuiteResult, number])[],
): number {
  console.log("");
  for (const [name, { passed, failed, skipped }, seconds] of results) {
    console.log(
      `${name}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds.toFixed(0)} s`,
    );
  }
  const total = (pick: (result: SuiteResult) => number) =>
    results.reduce((sum, [, result]) => sum + pick(result), 0);
  const failed = total((result) => result.failed);
  console.log(`${total((result) => result.passed)} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
