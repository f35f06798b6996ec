import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { corralHome } from "@corral-iac/corral/core/home";
import { stringify, parse } from "yaml";
import { TestPool } from "../hypervisor/testPool";
import { URI } from "../hypervisor/virsh";
import { labUp } from "../lab";
import { PulumiStack } from "../stack/pulumiStack";
import { ensureToolchain, piecesForStart } from "../toolchain";
import { recordedFleet, SECRET_KEY } from "./fleet";
import {
  neutralState,
  RECORDED_PASSPHRASE,
  RECORDED_STACK,
  recordingOf,
  type Recording,
} from "./recording";

const usage = `npm run record [-- --again]

Records what this version of Corral leaves in a state, for later versions to be held against
(tests/recorded/VERSION). Makes machines on this machine's libvirt and removes them again.
  --again   replaces the recording of this version: only as long as the version is not released`;

/** Where the image file lies meanwhile, relative to Pulumi.yaml. */
const IMAGE_FILE = "bin/recorded/blank.qcow2";

/** The command `npm run record`; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(usage);
    return 0;
  }
  if (args.some((arg) => arg !== "--again")) {
    console.error(`Unknown arguments: ${args.join(" ")}\n\n${usage}`);
    return 2;
  }
  const root = path.resolve(__dirname, "../../..");
  const recording = recordingOf(root, versionOf(root));
  if (fs.existsSync(recording.stateFile) && !args.includes("--again")) {
    throw new Error(
      `Version ${recording.version} is recorded already; raise the version in components/package.json, or see npm run record -- --help`,
    );
  }
  await labUp("libvirt", { log: console.log });
  await record(root, recording);
  console.log(`Recorded: ${path.relative(process.cwd(), recording.stateFile)}`);
  return 0;
}

function versionOf(root: string): string {
  const manifest = path.join(root, "components", "package.json");
  const { version } = JSON.parse(fs.readFileSync(manifest, "utf8")) as {
    version: string;
  };
  return version;
}

async function record(root: string, recording: Recording): Promise<void> {
  const toolchain = await ensureToolchain(piecesForStart);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-record-"));
  const imageFile = path.join(root, IMAGE_FILE);
  const pool = await TestPool.make(undefined, "corral-recorded");
  const stack = new PulumiStack(
    {
      program: root,
      stack: RECORDED_STACK,
      folder,
      passphrase: RECORDED_PASSPHRASE,
    },
    toolchain,
  );
  try {
    fs.mkdirSync(path.dirname(imageFile), { recursive: true });
    fs.copyFileSync(path.join(pool.path, TestPool.IMAGE), imageFile);
    await stack.ensure();
    const places = {
      uri: URI,
      pool,
      image: TestPool.IMAGE,
      imageFile: IMAGE_FILE,
    };
    stack.configure({ config: { "corral:fleet": recordedFleet(places) } });
    await stack.must([
      ...["config", "set", "--secret", `corral:${SECRET_KEY}`],
      "$6$recorded$hashOfNoPassword",
    ]);
    await stack.must(["up", "--yes", "--skip-preview"], "terminal");
    await stack.must(["preview", "--expect-no-changes"]);
    const ownFolders = [root, folder, corralHome(), os.homedir()]
      .filter((own) => own !== path.parse(own).root)
      .map((own) => `${own}/`);
    const state = neutralState(
      await stack.must(["stack", "export"]),
      ownFolders,
    );
    fs.mkdirSync(path.dirname(recording.stateFile), { recursive: true });
    fs.writeFileSync(recording.stateFile, state);
    fs.writeFileSync(
      recording.configFile,
      stringify(parse(fs.readFileSync(stack.configFile, "utf8"))),
    );
  } finally {
    await stack.run(["destroy", "--yes", "--skip-preview"], "terminal");
    await stack.remove();
    await pool.remove();
    fs.rmSync(path.dirname(imageFile), { recursive: true, force: true });
  }
}
