import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { OPS_PLUGIN_VERSION } from "@corral-iac/corral/guest/ops/plugin";
import {
  RECORDED_PASSPHRASE,
  RECORDED_STACK,
  recordings,
  type Recording,
} from "@corral-iac/tools/record/recording";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { parse } from "yaml";
import { domains, pools } from "../../support/hypervisor";
import { asOfOlderPlugin } from "../../support/olderPlugin";
import { REPOSITORY } from "../../support/testStack";

/**
 * What this version may change in place of a stack that an older one made, by that version: lines
 * as `update type::name`. A replacement or a deletion has no place here.
 */
const ALLOWED_UPDATES: Readonly<Record<string, readonly string[]>> = {};

/** A stack's configuration with its fleet. */
interface Declaration {
  readonly config: {
    readonly "corral:fleet": {
      readonly machines: Record<string, { libvirt: Record<string, unknown> }>;
    };
  };
}

/** What `pulumi preview --json` prints, as far as it is used. */
interface Preview {
  /** Without those of resources that stay as they are. */
  readonly steps: readonly { readonly op: string; readonly urn: string }[];
  readonly changeSummary: { readonly same?: number };
}

/** What would happen to a stack. */
interface Changes {
  /** As lines `op type::name`. */
  readonly steps: readonly string[];
  /** How many resources stay as they are. */
  readonly same: number;
}

/** The ready program on the state that an older version left, for previews only. */
class RecordedStack {
  private constructor(
    private readonly folder: string,
    private readonly stack: PulumiStack,
    private readonly declaration: Declaration,
  ) {}

  static async make(
    recording: Recording,
    state = (text: string) => text,
  ): Promise<RecordedStack> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-upgrade-"));
    const location = {
      program: REPOSITORY,
      stack: RECORDED_STACK,
      folder,
      passphrase: RECORDED_PASSPHRASE,
    };
    const toolchain = await ensureToolchain(piecesForStart);
    const stack = new PulumiStack(location, toolchain);
    await stack.ensure();
    // With its salt, by which the recorded secrets are read.
    fs.copyFileSync(recording.configFile, stack.configFile);
    const file = path.join(folder, "recorded.json");
    fs.writeFileSync(file, state(fs.readFileSync(recording.stateFile, "utf8")));
    await stack.must(["stack", "import", "--file", file]);
    const declaration = parse(
      fs.readFileSync(recording.configFile, "utf8"),
    ) as Declaration;
    return new RecordedStack(folder, stack, declaration);
  }

  /** What a preview would change, after an edit of the recorded declaration. */
  async changes(
    edit: (declaration: Declaration) => void = () => undefined,
  ): Promise<Changes> {
    const declaration = structuredClone(this.declaration);
    edit(declaration);
    this.stack.configure(declaration);
    const output = await this.stack.must(["preview", "--json"]);
    const preview = JSON.parse(output.slice(output.indexOf("{"))) as Preview;
    return {
      steps: preview.steps
        .filter(({ op }) => op !== "same")
        .map(({ op, urn }) => `${op} ${urn.split("::").slice(2).join("::")}`),
      same: preview.changeSummary.same ?? 0,
    };
  }

  /** Forgets the state; there is nothing to destroy. */
  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

const RECORDINGS = recordings(REPOSITORY);

describe("a state that a version of Corral recorded", () => {
  it("is there for this version (npm run record makes it)", () => {
    assert.ok(
      RECORDINGS.some(({ version }) => version === OPS_PLUGIN_VERSION),
      `tests/recorded/${OPS_PLUGIN_VERSION} is missing`,
    );
  });

  it("is of machines and pools that are not there", async () => {
    const left = [...(await domains(RECORDED_STACK)), ...(await pools())];
    assert.deepEqual(
      left.filter((name) => name.startsWith(`corral-${RECORDED_STACK}-`)),
      [],
    );
  });

  for (const recording of RECORDINGS) {
    describe(`version ${recording.version}`, () => {
      let recorded: RecordedStack;
      before(async () => {
        recorded = await RecordedStack.make(recording);
      });
      after(() => recorded.remove());

      it("is taken on: nothing is made, replaced or deleted", async () => {
        const allowed = ALLOWED_UPDATES[recording.version] ?? [];
        assert.ok(allowed.every((line) => line.startsWith("update ")));
        const { steps, same } = await recorded.changes();
        assert.deepEqual(steps, allowed);
        assert.equal(same + steps.length, resourcesOf(recording));
      });

      it("is taken on all the same when the plugin corral-ops was an older one", async () => {
        const older = await RecordedStack.make(recording, asOfOlderPlugin);
        try {
          const { steps, same } = await older.changes();
          assert.deepEqual(steps, ALLOWED_UPDATES[recording.version] ?? []);
          assert.equal(same + steps.length, resourcesOf(recording));
        } finally {
          older.remove();
        }
      });

      // That the tests above can fail.
      it("shows a replacement where one is due", async () => {
        const { steps } = await recorded.changes(({ config }) => {
          const { plain } = config["corral:fleet"].machines;
          assert.ok(plain);
          plain.libvirt.memoryMib = 80;
        });
        assert.ok(
          steps.some((line) => /^replace .*::plain-domain$/.test(line)),
          steps.join("\n"),
        );
        assert.deepEqual(
          steps.filter((line) => !/::plain(-|$)/.test(line)),
          [],
        );
      });

      it("shows a deletion where one is due", async () => {
        const { steps } = await recorded.changes(({ config }) => {
          delete config["corral:fleet"].machines.plain;
        });
        assert.ok(
          steps.some((line) => /^delete .*::plain-domain$/.test(line)),
          steps.join("\n"),
        );
      });
    });
  }
});

/** How many resources a recording has, without the providers that the engine makes by itself. */
function resourcesOf({ stateFile }: Recording): number {
  const { deployment } = JSON.parse(fs.readFileSync(stateFile, "utf8")) as {
    deployment: { resources: { urn: string }[] };
  };
  return deployment.resources.filter(
    ({ urn }) => !/::pulumi:providers:[^:]+::default/.test(urn),
  ).length;
}
