// Compiles what a command needs, and nothing when no source has changed.
// Usage: node tools/build.mjs [setup|run|all]   (default: all)
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Compiler projects by scope; references are followed by the compiler. */
const scopes = {
  setup: ["tools"],
  run: ["tsconfig.program.json", "provider", "cli", "tools"],
  all: ["tsconfig.json"],
};

/** Folders whose sources decide about a scope's result, and such files at the root. */
const sourceFolders = {
  setup: ["components", "provider", "tools"],
  run: ["components", "provider", "cli", "tools"],
  all: ["components", "provider", "cli", "tools", "tests"],
};
const rootFiles = /^(index\.ts|tsconfig.*\.json|package-lock\.json)$/;
const sourceFile = /\.(ts|mts|mjs|json)$/;
const skippedFolders = new Set(["bin", "node_modules", "go"]);

/** The provider: one file that runs wherever Node is, as Pulumi wants a plugin's program. */
const bundle = {
  from: "provider/main.ts",
  to: "provider/bin/pulumi-resource-corral-ops",
};

/**
 * Builds a scope unless it is built already.
 *
 * @returns {Promise<boolean>} false when there was nothing to do
 */
export async function build(scope = "all") {
  const projects = scopes[scope];
  if (projects === undefined) {
    throw new Error(
      `Unknown scope "${scope}"; known are ${Object.keys(scopes).join(", ")}`,
    );
  }
  const stamp = path.join(root, "bin", `.built-${scope}`);
  const state = sourceState(scope);
  if (readOr(stamp, "") === state && outputs(scope).every(isThere)) {
    return false;
  }
  fs.rmSync(stamp, { force: true });
  compile(projects);
  copySdkManifests();
  if (scope !== "setup") {
    await bundleProvider();
  }
  fs.mkdirSync(path.dirname(stamp), { recursive: true });
  fs.writeFileSync(stamp, state);
  return true;
}

/** One hash over the names and contents of a scope's sources. */
function sourceState(scope) {
  const hash = createHash("sha256");
  for (const file of [...sources(sourceFolders[scope])].sort()) {
    const content = fs.readFileSync(path.join(root, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function* sources(folders) {
  for (const name of fs.readdirSync(root)) {
    if (rootFiles.test(name)) {
      yield name;
    }
  }
  for (const folder of folders) {
    yield* sourcesBelow(folder);
  }
}

function* sourcesBelow(folder) {
  if (!isThere(folder)) {
    return;
  }
  const entries = fs.readdirSync(path.join(root, folder), {
    withFileTypes: true,
  });
  for (const entry of entries) {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!skippedFolders.has(entry.name) && !entry.name.startsWith(".")) {
        yield* sourcesBelow(name);
      }
    } else if (sourceFile.test(entry.name)) {
      yield name;
    }
  }
}

/** Files that must be there for a scope to count as built, should somebody delete a bin folder. */
function outputs(scope) {
  const wanted = ["tools/bin/main.js", "components/bin/index.js"];
  if (scope !== "setup") {
    wanted.push("bin/index.js");
    if (isThere(bundle.from)) {
      wanted.push(bundle.to);
    }
  }
  return wanted;
}

function compile(projects) {
  const require = createRequire(import.meta.url);
  const compiler = require.resolve("typescript/bin/tsc", { paths: [root] });
  const result = spawnSync(process.execPath, [compiler, "-b", ...projects], {
    cwd: root,
    stdio: "inherit",
    timeout: 600_000,
  });
  if (result.status !== 0) {
    const why = result.error ? `: ${result.error.message}` : "; see above";
    throw new Error(`TypeScript did not compile${why}`);
  }
}

/** A generated SDK reads its version from the package.json beside its compiled code. */
function copySdkManifests() {
  const sdks = path.join(root, "components/sdks");
  for (const entry of fs.readdirSync(sdks, { withFileTypes: true })) {
    const manifest = path.join(sdks, entry.name, "package.json");
    if (entry.isDirectory() && fs.existsSync(manifest)) {
      const target = path.join(root, "components/bin/sdks", entry.name);
      fs.mkdirSync(target, { recursive: true });
      replaceFile(
        path.join(target, "package.json"),
        fs.readFileSync(manifest),
        0o644,
      );
    }
  }
}

async function bundleProvider() {
  if (!isThere(bundle.from)) {
    return;
  }
  const esbuild = await import("esbuild");
  const made = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [bundle.from],
    outfile: bundle.to,
    write: false,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    // The SDK speaks of classes by their names.
    keepNames: true,
    banner: { js: "#!/usr/bin/env node" },
    // Native and optional: ssh2 and ws do without them.
    external: ["cpu-features", "*.node", "bufferutil", "utf-8-validate"],
    logLevel: "error",
  });
  const [file] = made.outputFiles;
  replaceFile(path.join(root, bundle.to), file.contents, 0o755);
}

/** Writes beside the target and renames, because the old file may be running. */
function replaceFile(target, content, mode) {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const draft = `${target}.tmp-${process.pid}`;
  fs.writeFileSync(draft, content, { mode });
  fs.renameSync(draft, target);
}

function isThere(file) {
  return fs.existsSync(path.join(root, file));
}

function readOr(file, fallback) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return fallback;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const begun = Date.now();
  try {
    const built = await build(process.argv[2]);
    const took = ((Date.now() - begun) / 1000).toFixed(1);
    console.log(`build: ${built ? "done" : "nothing has changed"}, ${took} s`);
  } catch (error) {
    console.error(`build: ${error.message}`);
    process.exitCode = 1;
  }
}
