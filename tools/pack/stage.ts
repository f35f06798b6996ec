import * as fs from "node:fs";
import * as path from "node:path";
import { importedPackages } from "./imports";
import { packageManifest, type Manifest } from "./manifest";

/** Where the plugin's executable lies in the repository; built with the rest. */
const PLUGIN = "provider/bin/pulumi-resource-corral-ops";

/**
 * Lays out the npm package in a folder: the library compiled and as sources, from which Pulumi
 * infers the component schema; the generated SDKs; the plugin; the command.
 *
 * @param root the repository's root, compiled.
 * @param stage an empty folder.
 */
export function stagePackage(root: string, stage: string): void {
  const components = path.join(root, "components");
  const sources = sourceFiles(components);
  for (const file of sources) {
    copy(path.join(components, file), path.join(stage, file));
  }
  const compiled = sources.flatMap(compiledFiles);
  for (const file of compiled) {
    copy(path.join(components, "bin", file), path.join(stage, "bin", file));
  }
  const command = commandFiles(path.join(root, "cli/bin"));
  for (const file of command) {
    const code = fs.readFileSync(path.join(root, "cli/bin", file), "utf8");
    // The map would name sources that are not in the package.
    write(
      path.join(stage, "cli", file),
      code.replace(/^\/\/# sourceMappingURL=.*\n?/m, ""),
    );
  }
  copy(
    path.join(root, PLUGIN),
    path.join(stage, "plugin", path.basename(PLUGIN)),
  );
  copy(
    path.join(components, "PulumiPlugin.yaml"),
    path.join(stage, "PulumiPlugin.yaml"),
  );
  copy(path.join(components, "schema.json"), path.join(stage, "schema.json"));
  copy(path.join(root, "docs/package.md"), path.join(stage, "README.md"));
  copy(path.join(root, "LICENSE"), path.join(stage, "LICENSE"));
  const manifest = packageManifest({
    components: readJson(path.join(components, "package.json")) as Manifest,
    root: readJson(path.join(root, "package.json")) as Manifest,
    libraryImports: importsOf(path.join(stage, "bin"), compiled),
    commandImports: importsOf(path.join(stage, "cli"), command),
  });
  write(path.join(stage, "package.json"), json(manifest));
  write(path.join(stage, "tsconfig.json"), json(flatCompilerConfig(root)));
}

/** Sources of the library: TypeScript, and JSON that it loads. */
function sourceFiles(components: string): string[] {
  return filesBelow(components).filter((file) => {
    const [top = ""] = file.split("/");
    const isSource = /\.ts$|\.schema\.json$/.test(file) || isSdkManifest(file);
    return isSource && !["bin", "node_modules"].includes(top);
  });
}

/** What the compiler made of a source; nothing else in `bin` is taken, it may be left over. */
function compiledFiles(source: string): string[] {
  return source.endsWith(".ts")
    ? [".js", ".js.map", ".d.ts"].map((end) => source.replace(/\.ts$/, end))
    : [source];
}

/** A generated SDK reads its version from the package.json beside it. */
function isSdkManifest(file: string): boolean {
  return /^sdks\/[^/]+\/package\.json$/.test(file);
}

/** The compiled command; a file without its source is left over. */
function commandFiles(bin: string): string[] {
  return filesBelow(bin).filter(
    (file) =>
      file.endsWith(".js") &&
      fs.existsSync(path.join(bin, "..", file.replace(/\.js$/, ".ts"))),
  );
}

function importsOf(folder: string, files: readonly string[]): string[] {
  const names = files
    .filter((file) => file.endsWith(".js"))
    .flatMap((file) =>
      importedPackages(fs.readFileSync(path.join(folder, file), "utf8")),
    );
  return [...new Set(names)].sort();
}

/** The compiler's configuration in one file: the package has no folder above it. */
function flatCompilerConfig(root: string): unknown {
  const base = readJson(
    path.join(root, "tsconfig.base.json"),
  ) as CompilerConfig;
  const own = readJson(
    path.join(root, "components/tsconfig.json"),
  ) as CompilerConfig;
  // What is left out belongs to building several projects in turn.
  const { composite, tsBuildInfoFile, ...options } = {
    ...base.compilerOptions,
    ...own.compilerOptions,
  };
  return { compilerOptions: options, include: own.include };
}

interface CompilerConfig {
  readonly compilerOptions: Readonly<Record<string, unknown>>;
  readonly include?: readonly string[];
}

/** The files below a folder, by paths relative to it with slashes, sorted. */
export function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(folder, path.join(entry.parentPath, entry.name)),
    )
    .map((file) => file.split(path.sep).join("/"))
    .sort();
}

function copy(from: string, to: string): void {
  if (!fs.existsSync(from)) {
    throw new Error(`${from} is missing: run npm run build`);
  }
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(from, to);
}

function write(file: string, content: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function readJson(file: string): unknown {
  return JSON.parse(fs.readFileSync(file, "utf8"));
}
