import * as fs from "node:fs";
import * as path from "node:path";

import { isExecutable, run, which } from "./commands";
import { download } from "./download";
import {
  goBuildFlags,
  goToolchain,
  type GoRecipe,
  type Platform,
} from "./pins";
import { moduleHash, readZip } from "./zip";

/** Longest time for one build: the largest takes 5 minutes on two cores. */
const buildSeconds = 3600;

/** Compares `1.26.8`, `1.25` and the like; negative when `a` is the older one. */
export function compareGoVersions(a: string, b: string): number {
  const parts = (version: string): number[] =>
    version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

/** The version that a go.mod asks for. */
export function goVersionOf(goMod: string): string {
  return /^go\s+(\d+(?:\.\d+)*)/m.exec(goMod)?.[1] ?? "1.21";
}

/** The web addresses in a value of GOPROXY, in order; `direct` and `off` have none. */
export function proxiesOf(goProxy: string | undefined): string[] {
  return (goProxy ?? "")
    .split(/[,|]/)
    .map((entry) => entry.trim().replace(/\/+$/, ""))
    .filter((entry) => /^https?:\/\//.test(entry));
}

/** GOPROXY of the environment, else what an installed Go, too old to build with, says of it. */
async function goProxySetting(): Promise<string | undefined> {
  const old = which("go") ?? which("go", "/usr/local/go/bin");
  if (process.env.GOPROXY || old === undefined) {
    return process.env.GOPROXY;
  }
  return run(old, ["env", "GOPROXY"], { timeoutSeconds: 20 });
}

/** A `go` on this machine and its version; undefined when there is none. */
export async function installedGo(): Promise<
  { command: string; version: string } | undefined
> {
  const command = which("go") ?? which("go", "/usr/local/go/bin");
  if (command === undefined) {
    return undefined;
  }
  try {
    const said = await run(command, ["env", "GOVERSION"], {
      env: { GOTOOLCHAIN: "local", GOWORK: "off" },
      timeoutSeconds: 20,
    });
    const version = /go(\d+(?:\.\d+)*)/.exec(said)?.[1];
    return version === undefined ? undefined : { command, version };
  } catch {
    return undefined;
  }
}

/**
 * A `go` that is new enough: the machine's own, else the pinned toolchain from the module proxy,
 * kept in the cache.
 *
 * @throws Error that names the remedy when neither can be had.
 */
export async function ensureGo(
  wanted: string,
  cache: string,
  platform: Platform,
  log: (line: string) => void,
): Promise<string> {
  const installed = await installedGo();
  if (installed && compareGoVersions(installed.version, wanted) >= 0) {
    return installed.command;
  }
  const folder = path.join(
    cache,
    `go-${goToolchain.version}-${platform.os}-${platform.arch}`,
  );
  const command = path.join(folder, "bin", "go");
  if (isExecutable(command)) {
    return command;
  }
  const has = installed ? `Go ${installed.version} is here` : "Go is not here";
  log(
    `${has}, ${wanted} is needed: loading the Go ${goToolchain.version} toolchain ` +
      "from the module proxy (70 MB)",
  );
  try {
    await installGoToolchain(folder, platform);
  } catch (error) {
    throw new Error(
      `${has}, ${wanted} or newer is needed, and the Go toolchain could not be loaded from the ` +
        `module proxy: ${(error as Error).message}\nInstall Go ${wanted} or newer ` +
        "(https://go.dev/doc/install) and put it on PATH, or set GOPROXY to a module proxy that " +
        "this machine reaches; then run the command again.",
      { cause: error },
    );
  }
  return command;
}

/** Loads the pinned toolchain module, checks its hash, and renames it into place. */
async function installGoToolchain(
  folder: string,
  platform: Platform,
): Promise<void> {
  const target = `${platform.os}-${platform.arch}`;
  const wanted = goToolchain.h1[target];
  if (wanted === undefined) {
    throw new Error(`no Go toolchain is pinned for ${target}`);
  }
  const draft = `${folder}.tmp-${process.pid}`;
  const module = `golang.org/toolchain@v0.0.1-go${goToolchain.version}.${target}`;
  const [modulePath, version] = module.split("@");
  const failures: string[] = [];
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true });
  try {
    const zip = path.join(draft, "toolchain.zip");
    for (const proxy of proxiesOf(await goProxySetting())) {
      try {
        await download(`${proxy}/${modulePath}/@v/${version}.zip`, zip);
        break;
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    if (!fs.existsSync(zip)) {
      throw new Error(
        failures.join("; ") ||
          "GOPROXY names no web address: set it to a Go module proxy, or install Go",
      );
    }
    const entries = readZip(fs.readFileSync(zip));
    const found = moduleHash(entries);
    if (found !== wanted) {
      throw new Error(`${module} has hash ${found}, pinned is ${wanted}`);
    }
    fs.rmSync(zip);
    for (const entry of entries) {
      const name = entry.name.slice(module.length + 1);
      const file = path.join(draft, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      // Module zips carry no modes; these are the folders of programs.
      const program = /^(bin|pkg\/tool)\//.test(name);
      fs.writeFileSync(file, entry.read(), { mode: program ? 0o755 : 0o644 });
    }
    fs.renameSync(draft, folder);
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * The environment of a build: the user's own GOPROXY, caches and certificates, but the modules and
 * their hashes exactly as committed, and no other toolchain than the one chosen.
 */
export function goBuildEnvironment(platform: Platform): Record<string, string> {
  return {
    // The commit of this clone must not come into a binary that is built from its own sources.
    GOFLAGS: "-mod=readonly -buildvcs=false",
    GOWORK: "off",
    GOTOOLCHAIN: "local",
    GOOS: platform.os,
    GOARCH: platform.arch,
    // Needs no C compiler and runs with every C library; the official releases do the same.
    CGO_ENABLED: "0",
    // Nothing may be left out of the checks against go.sum and the checksum database.
    GONOSUMDB: "",
    GONOSUMCHECK: "",
    GOPRIVATE: "",
    GOINSECURE: "",
  };
}

/**
 * The arguments of `go` for a piece.
 *
 * @param overlay file that puts the recipe's `embeds` in place; undefined when it has none.
 */
export function goBuildArguments(
  recipe: GoRecipe,
  output: string,
  overlay?: string,
): string[] {
  const variables = Object.entries(recipe.variables ?? {})
    .map(([name, value]) => ` -X ${name}=${value}`)
    .join("");
  const flags = goBuildFlags.map((flag) =>
    flag.startsWith("-ldflags=") ? flag + variables : flag,
  );
  const overlays = overlay === undefined ? [] : ["-overlay", overlay];
  return ["build", ...flags, ...overlays, "-o", output, recipe.package];
}

/**
 * Splits MODULE/PATH by the modules that a go.mod requires.
 *
 * @throws Error when none of them holds the file.
 */
export function moduleOf(
  source: string,
  goMod: string,
): { module: string; file: string } {
  const module = [...goMod.matchAll(/^(?:require)?\s+(\S+) v\S+/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => source.startsWith(`${name}/`))
    // One module may stand below another.
    .sort((left, right) => right.length - left.length)[0];
  if (module === undefined) {
    throw new Error(`${source} is in no module that the go.mod requires`);
  }
  return { module, file: source.slice(module.length + 1) };
}

/**
 * Writes beside the output where the files are that a recipe embeds out of its modules, in the form
 * of `go build -overlay`. Undefined for a recipe without any.
 */
async function writeOverlay(
  go: string,
  { embeds }: GoRecipe,
  moduleFolder: string,
  output: string,
  env: Record<string, string>,
): Promise<string | undefined> {
  if (embeds === undefined) {
    return undefined;
  }
  const goMod = fs.readFileSync(path.join(moduleFolder, "go.mod"), "utf8");
  const places: Record<string, string> = {};
  for (const [name, source] of Object.entries(embeds)) {
    const { module, file } = moduleOf(source, goMod);
    const said = await run(go, ["mod", "download", "-json", module], {
      cwd: moduleFolder,
      env,
      timeoutSeconds: buildSeconds,
    });
    const { Dir } = JSON.parse(said) as { Dir: string };
    places[path.join(moduleFolder, name)] = path.join(Dir, file);
  }
  const overlay = `${output}.overlay.json`;
  fs.writeFileSync(overlay, JSON.stringify({ Replace: places }));
  return overlay;
}

/** Builds a piece from its committed module. A failed load of a module is tried once more. */
export async function goBuild(
  go: string,
  recipe: GoRecipe,
  moduleFolder: string,
  output: string,
  platform: Platform,
): Promise<void> {
  const arch = platform.arch === "amd64" ? recipe.amd64As : undefined;
  const env = goBuildEnvironment({ ...platform, ...(arch && { arch }) });
  const build = async (): Promise<string> => {
    const overlay = await writeOverlay(go, recipe, moduleFolder, output, env);
    try {
      return await run(go, goBuildArguments(recipe, output, overlay), {
        cwd: moduleFolder,
        env,
        timeoutSeconds: buildSeconds,
      });
    } finally {
      if (overlay !== undefined) {
        fs.rmSync(overlay, { force: true });
      }
    }
  };
  try {
    await build();
  } catch (error) {
    if (!isNetworkFailure((error as Error).message)) {
      throw error;
    }
    await build();
  }
}

/** Whether a message of `go` speaks of the network and not of the code. */
export function isNetworkFailure(message: string): boolean {
  return /dial tcp|i\/o timeout|connection reset|TLS handshake|unexpected EOF|: (429|50[0234]) /.test(
    message,
  );
}
