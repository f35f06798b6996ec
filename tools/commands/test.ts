import * as fs from "node:fs";
import * as path from "node:path";
import { messageOf } from "@corral-iac/corral/core/errors";
import execa from "execa";
import { labDown, labStatus, labUp } from "../lab";
import { AptRepository } from "../lab/apt/repository";
import { ensureHostRoot, ensureTinyGuest } from "../lab/host/images";
import { kubevirtDown, kubevirtStatus, kubevirtUp } from "../lab/kubevirt";
import { runFiles, runInLanes } from "../test/processes";
import type { SuiteResult } from "../test/runSuite";
import {
  ensureDebianPackages,
  ensureToolchain,
  type PieceName,
  piecesForKubevirt,
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
  /** Whether guests mount shares and install packages, which the lab has to serve. */
  readonly servesGuests?: boolean;
  /** Whether there are hosts of microVMs, whose images are no test's time either. */
  readonly usesHosts?: boolean;
  /** Whether the lab for KubeVirt has to be up, which all files share. */
  readonly usesKubevirt?: boolean;
  /** Takes hours: only by name, never in plain `npm test`. */
  readonly isLong?: boolean;
}

/** One after the other, in this order. */
const SUITES: readonly Suite[] = [
  { name: "unit", needs: "nothing", testTimeoutSeconds: 20 },
  {
    name: "engine",
    needs: "lab",
    testTimeoutSeconds: 180,
    jobs: 2,
    pieces: [
      "yamlHost",
      "commandPlugin",
      "proxmoxProvider",
      ...piecesForKubevirt,
    ],
    usesHosts: true,
    usesKubevirt: true,
  },
  {
    // A guest keeps one processor busy, and its test waits for it.
    name: "lab",
    needs: "lab",
    testTimeoutSeconds: 600,
    jobs: 2,
    pieces: ["commandPlugin", "proxmoxProvider", ...piecesForKubevirt],
    servesGuests: true,
    usesHosts: true,
    usesKubevirt: true,
  },
  // Each file has a libvirt daemon of its own.
  { name: "kill", needs: "lab", testTimeoutSeconds: 180, jobs: 2 },
  // The last one: toolchain and guest image are built by now.
  { name: "commands", needs: "labDown", testTimeoutSeconds: 600 },
  {
    name: "long",
    needs: "lab",
    testTimeoutSeconds: 600,
    jobs: 2,
    pieces: ["commandPlugin", "proxmoxProvider", ...piecesForKubevirt],
    servesGuests: true,
    usesHosts: true,
    usesKubevirt: true,
    isLong: true,
  },
];

/** What did not get as far as its tests. */
function failed(what: string): SuiteResult {
  return { passed: 0, failures: [what], skipped: 0 };
}

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
    for (const suite of suites) {
      console.log(`\n== ${suite.name}`);
      await measure(suite.name, async () =>
        suite.needs === "labDown" && !(await succeeds(takeLabDown))
          ? failed("the lab did not go down")
          : runSuite(suite, environment.variables),
      );
    }
  } finally {
    if (!(await succeeds(environment.release))) {
      results.push(["labs", failed("a lab did not go down"), 0]);
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
  if (suites.some(({ servesGuests }) => servesGuests)) {
    await ensureDebianPackages("nfs", { log: console.log });
    await AptRepository.ensure();
  }
  if (suites.some(({ usesHosts }) => usesHosts)) {
    await ensureHostRoot(console.log);
    await ensureTinyGuest();
  }
  const wasUp = (await labStatus("libvirt")).up;
  const leaveKubevirt =
    !suites.some(({ usesKubevirt }) => usesKubevirt) || kubevirtStatus().up;
  await labUp("libvirt", { log: console.log });
  if (suites.some(({ usesKubevirt }) => usesKubevirt)) {
    await kubevirtUp();
  }
  return {
    variables: toolchain.env,
    release: async () => {
      if (!leaveKubevirt) {
        await kubevirtDown();
      }
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
  const failures: string[] = [];
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
      failures.push(name);
      console.log(all);
    }
  }
  return { passed: CHECKS.length - failures.length, failures, skipped: 0 };
}

/** Runs a suite's files: all in one process, or with several jobs each file in one of its own. */
async function runSuite(
  { name, jobs = 1, testTimeoutSeconds }: Suite,
  variables: Record<string, string>,
): Promise<SuiteResult> {
  const files = testFiles(path.join(repository, "tests", "bin", name));
  const run = { files, testTimeoutSeconds, variables };
  return jobs === 1
    ? runFiles(run)
    : sumOf(await runInLanes(jobs, run, console.log));
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
  for (const [suite, { failures }] of results) {
    failures.forEach((title) => console.log(`FAILED ${suite}: ${title}`));
  }
  for (const [name, { passed, failures, skipped }, seconds] of results) {
    console.log(
      `${name}: ${passed} passed, ${failures.length} failed, ${skipped} skipped in ${seconds.toFixed(0)} s`,
    );
  }
  const { passed, failures } = sumOf(results.map(([, result]) => result));
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

function sumOf(results: readonly SuiteResult[]): SuiteResult {
  const total = (pick: (result: SuiteResult) => number) =>
    results.reduce((sum, result) => sum + pick(result), 0);
  return {
    passed: total(({ passed }) => passed),
    failures: results.flatMap(({ failures }) => failures),
    skipped: total(({ skipped }) => skipped),
  };
}
