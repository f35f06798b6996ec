import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { corralHome } from "@corral-iac/corral/core/home";
import { run } from "../toolchain/commands";
import { packageFaults } from "./contents";
import { filesBelow, stagePackage } from "./stage";

/** A tarball that `npm install` takes. */
export interface PackedCorral {
  readonly tarball: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  /** Paths of the files in the package. */
  readonly files: readonly string[];
}

const NPM_TIMEOUT_SECONDS = 120;

/**
 * Packs the npm package `@corral-iac/corral`.
 *
 * @param root the repository's root, compiled by `npm run build`.
 * @param out folder for the tarball; made when it is missing.
 * @throws Error with everything that is wrong with the package's files.
 */
export async function packCorral(
  root: string,
  out: string,
): Promise<PackedCorral> {
  fs.mkdirSync(out, { recursive: true });
  // Beside the tarball, because a rename does not cross file systems.
  const scratch = fs.mkdtempSync(path.join(out, ".pack-"));
  try {
    const stage = path.join(scratch, "package");
    fs.mkdirSync(stage);
    stagePackage(root, stage);
    checkStage(stage, root);
    const made = await npmPack(stage, scratch);
    const tarball = path.join(out, path.basename(made.tarball));
    fs.renameSync(made.tarball, tarball);
    return { ...made, tarball };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function checkStage(stage: string, root: string): void {
  const files = filesBelow(stage).map((file) => ({
    path: file,
    content: fs.readFileSync(path.join(stage, file)),
  }));
  const ownFolders = [root, corralHome(), os.homedir()]
    .filter((folder) => folder !== path.parse(folder).root)
    .map((folder) => `${folder}/`);
  const faults = packageFaults(files, ownFolders);
  if (faults.length > 0) {
    throw new Error(
      `The package is not right:\n${faults.map((fault) => `  ${fault}`).join("\n")}`,
    );
  }
}

async function npmPack(stage: string, into: string): Promise<PackedCorral> {
  // npm tells the scripts that it runs where it stands itself.
  const own = process.env.npm_execpath;
  const [command, ...npm] = own?.endsWith(".js")
    ? [process.execPath, own]
    : ["npm"];
  const args = [
    "pack",
    "--json",
    "--ignore-scripts",
    "--pack-destination",
    into,
  ];
  const printed = await run(command, [...npm, ...args], {
    cwd: stage,
    timeoutSeconds: NPM_TIMEOUT_SECONDS,
  });
  const [report] = JSON.parse(printed) as NpmPackReport[];
  if (report === undefined) {
    throw new Error(`npm pack reported nothing about ${stage}`);
  }
  return {
    tarball: path.join(into, report.filename),
    bytes: report.size,
    unpackedBytes: report.unpackedSize,
    files: report.files.map((file) => file.path),
  };
}

/** What `npm pack --json` prints, as far as it is used. */
interface NpmPackReport {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}
