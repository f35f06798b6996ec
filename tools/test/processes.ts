import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import type { SuiteResult } from "./runSuite";

const repository = path.resolve(__dirname, "../../..");

/** How often is said what the files are at that run unseen. */
const REPORT_SECONDS = 60;

export interface FilesRun {
  readonly files: readonly string[];
  /** Longest time of one test, where it names none itself. */
  readonly testTimeoutSeconds: number;
  readonly variables: Readonly<Record<string, string>>;
  /** Takes the output in place of the terminal, piece by piece. */
  readonly onOutput?: (text: string) => void;
}

/** Runs test files one after the other in one process. */
export async function runFiles(run: FilesRun): Promise<SuiteResult> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-tests-"));
  const resultFile = path.join(scratch, "result.json");
  const { files, onOutput } = run;
  try {
    const child = execa(
      process.execPath,
      [
        path.join(__dirname, "runSuite.js"),
        resultFile,
        String(run.testTimeoutSeconds * 1000),
        ...files,
      ],
      {
        cwd: repository,
        env: run.variables,
        stdin: "ignore",
        stdout: onOutput ? "pipe" : "inherit",
        stderr: onOutput ? "pipe" : "inherit",
        all: onOutput !== undefined,
        buffer: false,
        reject: false,
      },
    );
    child.all?.setEncoding("utf8").on("data", (text: string) => {
      onOutput?.(text);
    });
    await child;
    // Tests that ended before they could be counted are a failure, never silence.
    return fs.existsSync(resultFile)
      ? (JSON.parse(fs.readFileSync(resultFile, "utf8")) as SuiteResult)
      : {
          passed: 0,
          failures: [`${files.join(", ")}: ended before it was counted`],
          skipped: 0,
        };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Runs test files in processes of their own, several at the same time. A file's output comes at its
 * end, so that those of two do not mix; what each one is at is said every minute.
 */
export async function runInLanes(
  jobs: number,
  { files, variables, ...rest }: FilesRun,
  log: (text: string) => void,
): Promise<SuiteResult[]> {
  const results: SuiteResult[] = [];
  const due = [...files];
  const atWork = new Map<string, { began: number; output: string }>();
  const work = async (lane: number) => {
    for (let file = due.shift(); file !== undefined; file = due.shift()) {
      const state = { began: Date.now(), output: "" };
      atWork.set(file, state);
      results.push(
        await runFiles({
          ...rest,
          files: [file],
          variables: { ...variables, CORRAL_TEST_LANE: String(lane) },
          onOutput: (text) => {
            state.output += text;
          },
        }),
      );
      atWork.delete(file);
      log(state.output);
    }
  };
  const report = setInterval(() => {
    for (const [file, { began, output }] of atWork) {
      const seconds = Math.round((Date.now() - began) / 1000);
      if (seconds >= REPORT_SECONDS) {
        const last = output.trimEnd().split("\n").at(-1)?.trim() ?? "";
        log(`  [${path.basename(file, ".test.js")}, ${seconds} s] ${last}`);
      }
    }
  }, REPORT_SECONDS * 1000);
  try {
    await Promise.all(Array.from({ length: jobs }, (_, lane) => work(lane)));
  } finally {
    clearInterval(report);
  }
  return results;
}
