import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { run } from "./commands";
import { pins } from "./pins";
import { trimSdk } from "./trimSdk";
import type { Toolchain } from "./index";

/** A generated SDK of a Terraform provider. */
interface SdkPin {
  /** Folder under `components/sdks`. */
  readonly folder: string;
  readonly provider: string;
  readonly version: string;
  /** Modules that Corral uses, of a provider that has many. Default: all. */
  readonly keep?: readonly string[];
}

/** All SDKs that are generated into the repository. */
export const sdkPins: readonly SdkPin[] = [
  {
    folder: "libvirt",
    provider: "dmacvicar/libvirt",
    version: pins.libvirtProvider.version,
  },
  {
    folder: "proxmox",
    provider: "bpg/proxmox",
    version: pins.proxmoxProvider.version,
    keep: ["virtualEnvironmentFile", "virtualEnvironmentVm"],
  },
];

/** Folder of the generated SDKs, found from the compiled place (tools/bin/toolchain). */
const sdksFolder = path.resolve(__dirname, "../../../components/sdks");

/** Files for building the SDK as a package of its own; Corral compiles it with its own sources. */
const unused = ["README.md", "scripts", "tsconfig.json", ".gitignore"];

/**
 * Generates every SDK anew and puts it in the place of the one in the repository.
 *
 * @returns The folders that were written.
 */
export async function regenerateSdks(toolchain: Toolchain): Promise<string[]> {
  const written: string[] = [];
  for (const pin of sdkPins) {
    const target = path.join(sdksFolder, pin.folder);
    // Beside the target, because a rename does not cross file systems.
    const draft = fs.mkdtempSync(path.join(sdksFolder, ".generated-"));
    try {
      const made = await generate(pin, toolchain, draft);
      fs.rmSync(target, { recursive: true, force: true });
      fs.renameSync(made, target);
    } finally {
      fs.rmSync(draft, { recursive: true, force: true });
    }
    written.push(target);
  }
  return written;
}

/**
 * Generates every SDK into a temporary folder and holds it against the repository.
 *
 * @returns The files that differ, by their path under `components/sdks`; empty when all agree.
 */
export async function differingSdkFiles(
  toolchain: Toolchain,
): Promise<string[]> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-sdk-"));
  try {
    const differences: string[] = [];
    for (const pin of sdkPins) {
      const made = await generate(pin, toolchain, path.join(scratch, "made"));
      const kept = path.join(sdksFolder, pin.folder);
      const found = differingNames(readTree(made), readTree(kept));
      differences.push(...found.map((file) => `${pin.folder}/${file}`));
    }
    return differences;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

async function generate(
  pin: SdkPin,
  toolchain: Toolchain,
  into: string,
): Promise<string> {
  const plugin = `terraform-provider@${pins.terraformProviderPlugin.version}`;
  const output = ["--language", "nodejs", "--local", "--out", into];
  await run(
    toolchain.pulumi,
    ["package", "gen-sdk", plugin, ...output, "--", pin.provider, pin.version],
    { env: toolchain.env, timeoutSeconds: 120 },
  );
  const made = path.join(into, "nodejs");
  for (const name of unused) {
    fs.rmSync(path.join(made, name), { recursive: true, force: true });
  }
  const tree = readTree(made);
  tree.set("package.json", sdkManifest(tree.get("package.json") ?? "{}"));
  if (pin.keep !== undefined) {
    trimSdk(tree, pin.keep);
  }
  repairImports(tree);
  fs.rmSync(made, { recursive: true });
  for (const [name, content] of tree) {
    const file = path.join(made, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
  return made;
}

/**
 * Points imports in subfolders at the root again. The Node language host of 3.184 takes
 * `filepath.Rel("types", "")` for `../.`, which Go has cleaned to `..` since 1.26, and so writes
 * `./types/input` where `../types/input` is meant. Imports that resolve are left as they are.
 */
export function repairImports(tree: Map<string, string>): void {
  const exists = (module: string): boolean =>
    tree.has(`${module}.ts`) || tree.has(`${module}/index.ts`);
  for (const [name, content] of tree) {
    const folder = path.posix.dirname(name);
    if (folder === "." || !name.endsWith(".ts")) {
      continue;
    }
    const repaired = content.replace(
      /(?:from|import\(|require\() ?"\.\/([^"]+)"/g,
      (whole: string, module: string) => {
        const isLost = !exists(`${folder}/${module}`) && exists(module);
        const up = path.posix.relative(folder, ".");
        return isLost
          ? whole.replace(`"./${module}"`, `"${up}/${module}"`)
          : whole;
      },
    );
    tree.set(name, repaired);
  }
}

/**
 * The package.json of a generated SDK as Corral keeps it: read at run time for the version.
 *
 * Left out is `pulumi`, by which the CLI would fetch the plugin for every program that merely has
 * the SDK below it (utilities.ts registers the parameterized package by itself when a resource is
 * made), and what belongs to building the SDK on its own. `main` points beside it, where the
 * compiled SDK stands.
 */
export function sdkManifest(generated: string): string {
  const manifest = JSON.parse(generated) as Record<string, unknown>;
  for (const key of ["pulumi", "scripts", "devDependencies"]) {
    delete manifest[key];
  }
  manifest.main = "index.js";
  return `${JSON.stringify(manifest, undefined, 4)}\n`;
}

/** The content of every file below a folder, by relative path. */
export function readTree(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  if (!fs.existsSync(folder)) {
    return files;
  }
  for (const name of fs.readdirSync(folder, {
    recursive: true,
    encoding: "utf8",
  })) {
    const file = path.join(folder, name);
    if (fs.statSync(file).isFile()) {
      files.set(name.split(path.sep).join("/"), fs.readFileSync(file, "utf8"));
    }
  }
  return files;
}

/** The names whose content differs or that only one of two trees has, sorted. */
export function differingNames(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => one.get(name) !== other.get(name)).sort();
}
