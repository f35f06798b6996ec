import assert from "node:assert/strict";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import * as os from "node:os";
import * as path from "node:path";
import { parse } from "yaml";

const FOLDER = path.resolve(__dirname, "../../../../.github/workflows");

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { steps: { with?: { script?: string } }[] }>
  >;
}

/** The script of a workflow's job for actions/github-script. */
function scriptOf(file: string, job: string): string {
  const text = fs.readFileSync(path.join(FOLDER, file), "utf8");
  const { jobs } = parse(text) as Workflow;
  return jobs[job]?.steps.find((step) => step.with?.script)?.with?.script ?? "";
}

type Entry = Readonly<Record<string, unknown>>;

/**
 * Runs a script as actions/github-script does.
 *
 * @param existing what GitHub's lists hold.
 * @returns what the script writes to GitHub, in order.
 */
async function run(
  script: string,
  existing: readonly Entry[],
): Promise<(readonly [string, Entry])[]> {
  const calls: (readonly [string, Entry])[] = [];
  const issues = new Proxy(
    {},
    {
      get: (_, name: string) => (args: Entry) => {
        calls.push([name, args]);
        return Promise.resolve();
      },
    },
  );
  const github = {
    rest: { issues },
    paginate: () => Promise.resolve(existing),
  };
  const context = {
    repo: { owner: "o", repo: "r" },
    payload: { pull_request: { number: 7 } },
    serverUrl: "https://github.example",
    runId: 1,
  };
  const body = new Function(
    ...["github", "context", "require"],
    `return (async () => {${script}})();`,
  ) as (...args: unknown[]) => Promise<void>;
  await body(github, context, createRequire(__filename));
  return calls;
}

describe("what the workflows write to GitHub", () => {
  let folder: string;
  const home = process.cwd();
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-script-"));
    fs.mkdirSync(path.join(folder, "reports"));
    process.chdir(folder);
    process.env.STACKS = '["prod"]';
  });
  afterEach(() => {
    process.chdir(home);
    delete process.env.STACKS;
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const report = (file: string, text: string) =>
    fs.writeFileSync(path.join(folder, "reports", file), text);

  describe("as a comment", () => {
    const script = scriptOf("preview.yml", "comment");
    const marker = "<!-- corral-gate:prod -->";
    const comment = (id: number, type: string, body: string) => ({
      id,
      user: { type },
      body,
    });

    it("is the report, new at first and then in the same comment", async () => {
      report("prod.md", `${marker}\n\nthe report\n`);
      const [[first, made] = []] = await run(script, [
        comment(1, "User", `${marker}\n\nnot ours`),
        comment(2, "Bot", "<!-- corral-gate:staging -->"),
      ]);
      assert.equal(first, "createComment");
      assert.equal(made?.issue_number, 7);
      assert.match(String(made?.body), /^<!--.*\n\nthe report\n\n\[Log\]/);
      const own = comment(3, "Bot", String(made?.body));
      const [[second, changed] = []] = await run(script, [own]);
      assert.equal(second, "updateComment");
      assert.equal(changed?.comment_id, 3);
    });

    it("says so when the job ended before it had a report", async () => {
      const [[, made] = []] = await run(script, []);
      assert.ok(String(made?.body).startsWith(marker));
      assert.match(String(made?.body), /No preview was made/);
    });
  });

  describe("as an issue", () => {
    const script = scriptOf("drift.yml", "issues");
    const issue = { number: 5, body: "<!-- corral-drift:prod -->\n\nold" };
    const names = (calls: readonly (readonly [string, Entry])[]) =>
      calls.map(([name]) => name);

    it("is made at the first drift, and kept up to date", async () => {
      report("prod.md", "Drift: 1 resource");
      report("prod.exit", "3\n");
      const [[name, made] = []] = await run(script, []);
      assert.equal(name, "create");
      assert.match(String(made?.body), /^<!-- corral-drift:prod -->\n\nDrift/);
      assert.deepEqual(names(await run(script, [issue])), ["update"]);
    });

    it("is closed when the drift is gone, and only then", async () => {
      report("prod.exit", "0\n");
      const calls = await run(script, [issue]);
      assert.deepEqual(names(calls), ["createComment", "update"]);
      assert.equal(calls.at(-1)?.[1].state, "closed");
      assert.deepEqual(await run(script, []), []);
      report("prod.exit", "1\n");
      assert.deepEqual(await run(script, [issue]), []);
      fs.rmSync(path.join(folder, "reports", "prod.exit"));
      assert.deepEqual(await run(script, [issue]), []);
    });
  });
});
