import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { commentMarker } from "@corral-iac/cli/gate/markdown";
import execa from "execa";
import { parse } from "yaml";

const FOLDER = path.resolve(__dirname, "../../../../.github/workflows");

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: { readonly script?: string };
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FILES = fs.readdirSync(FOLDER).sort();
const workflow = (file: string) =>
  parse(fs.readFileSync(path.join(FOLDER, file), "utf8")) as Workflow;

const jobs = FILES.flatMap((file) =>
  Object.entries(workflow(file).jobs).map(
    ([name, job]) => [`${file}: ${name}`, job] as const,
  ),
);

describe("the workflows", () => {
  it("are those of preview and drift", () => {
    assert.deepEqual(FILES, ["drift.yml", "preview.yml"]);
  });

  it("put no expression into a script: a label or branch could bring code along", () => {
    for (const [name, { steps }] of jobs) {
      for (const { run = "", with: { script = "" } = {} } of steps) {
        assert.doesNotMatch(run + script, /\$\{\{/, name);
      }
    }
  });

  it("give no job more rights than it needs, and none that runs our code the right to write", () => {
    for (const file of FILES) {
      assert.deepEqual(workflow(file).permissions, {}, file);
    }
    for (const [name, { permissions, steps }] of jobs) {
      assert.ok(permissions, name);
      if (steps.some(({ uses = "" }) => uses.startsWith("actions/checkout@"))) {
        assert.ok(!Object.values(permissions).includes("write"), name);
      }
    }
  });

  it("give secrets to single steps, not to jobs with other people's actions", () => {
    for (const file of FILES) {
      const text = fs.readFileSync(path.join(FOLDER, file), "utf8");
      const inSteps = jobs
        .filter(([name]) => name.startsWith(file))
        .flatMap(([, { steps }]) => steps)
        .filter(({ run }) => run !== undefined)
        .flatMap(({ env = {} }) => Object.values(env))
        .filter((value) => value.includes("secrets."));
      assert.equal(inSteps.length, text.match(/secrets\./g)?.length, file);
    }
  });

  it("use only actions of GitHub itself, by a major version", () => {
    for (const [name, { steps }] of jobs) {
      for (const { uses } of steps) {
        assert.match(uses ?? "actions/x@v1", /^actions\/[\w-]+@v\d+$/, name);
      }
    }
  });

  it("find a stack's comment by the line that the report begins with", () => {
    const script = workflow("preview.yml").jobs.comment?.steps.at(-1)?.with;
    assert.ok(script?.script?.includes(`\`${commentMarker("${stack}")}\``));
  });
});

describe("the list of stacks", () => {
  let folder: string;
  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-stacks-"));
    await git("init", "--quiet");
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const git = async (...args: string[]) =>
    (
      await execa(
        "git",
        ["-c", "user.name=x", "-c", "user.email=x@x", ...args],
        {
          cwd: folder,
        },
      )
    ).stdout;

  /** Commits these stack files and no others. */
  async function commit(...stacks: string[]): Promise<string> {
    fs.rmSync(path.join(folder, "stacks"), { recursive: true, force: true });
    fs.mkdirSync(path.join(folder, "stacks"));
    for (const stack of ["dev", ...stacks]) {
      fs.writeFileSync(path.join(folder, "stacks", `Pulumi.${stack}.yaml`), "");
    }
    fs.writeFileSync(path.join(folder, "stacks", "fleet.schema.json"), "");
    await git("add", "--all");
    await git("commit", "--quiet", "--allow-empty", "-m", "x");
    return git("rev-parse", "HEAD");
  }

  /** Runs the step as GitHub would. */
  async function find(file: string, base: string) {
    const output = path.join(folder, ".git", "output");
    fs.writeFileSync(output, "");
    const step = workflow(file).jobs.stacks?.steps.find(
      ({ id }) => id === "find",
    );
    const { exitCode, all } = await execa(
      "bash",
      ["-e", "-c", step?.run ?? ""],
      {
        cwd: folder,
        env: { BASE: base, GITHUB_OUTPUT: output },
        all: true,
        reject: false,
      },
    );
    return { exitCode, all, output: fs.readFileSync(output, "utf8") };
  }

  it("has every stack but dev, those too whose file the change removes", async () => {
    const base = await commit("prod", "old");
    await commit("prod", "eu-west.1");
    assert.equal(
      (await find("preview.yml", base)).output,
      'names=["eu-west.1","old","prod"]\n',
    );
    assert.equal(
      (await find("drift.yml", base)).output,
      'names=["eu-west.1","prod"]\n',
    );
  });

  it("is empty when there is none", async () => {
    const base = await commit();
    for (const file of FILES) {
      assert.equal((await find(file, base)).output, "names=[]\n", file);
    }
  });

  it("fails on a name that is no stack's, instead of leaving it out", async () => {
    const base = await commit();
    for (const name of ["$(id)", "a b", "ä", '"']) {
      await commit(name);
      const { exitCode, all } = await find("preview.yml", base);
      assert.equal(exitCode, 1, name);
      assert.match(all ?? "", /::error::A stack's name/);
    }
  });
});
