/** A package.json, as far as packing looks into it. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly [field: string]: unknown;
}

export type Versions = Readonly<Record<string, string>>;

/** What the package's package.json is made from. */
export interface ManifestParts {
  /** components/package.json. */
  readonly components: Manifest;
  /** package.json of the repository, which pins all versions. */
  readonly root: Manifest;
  /** Packages that the library's compiled code loads. */
  readonly libraryImports: readonly string[];
  /** Packages that the command's compiled code loads. */
  readonly commandImports: readonly string[];
}

/** The command's program in the package. */
export const COMMAND_PROGRAM = "cli/main.js";

/**
 * The package.json of the npm package: the library's, with the command and what that needs, and
 * what Pulumi installs for the analysis when the package serves as a component plugin.
 *
 * @throws Error that names every package that is loaded and has no version.
 */
export function packageManifest(parts: ManifestParts): Manifest {
  const { components, root } = parts;
  const pinned = { ...root.devDependencies, ...root.dependencies };
  const own = { ...components.dependencies, ...components.peerDependencies };
  const isKnown = (name: string) => name === components.name || name in own;

  const forCommand = parts.commandImports.filter((name) => !isKnown(name));
  const lost = [
    ...parts.libraryImports
      .filter((name) => !isKnown(name))
      .map(
        (name) =>
          `${name} (loaded by the library: name it in components/package.json)`,
      ),
    ...[...forCommand, ...TOOLS_OF_A_PLUGIN]
      .filter((name) => pinned[name] === undefined)
      .map((name) => `${name} (pin it in package.json)`),
  ];
  if (lost.length > 0) {
    throw new Error(`No version is known of ${lost.join(", ")}`);
  }
  const versions = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, pinned[name] ?? ""]));
  return {
    ...components,
    keywords: ["pulumi", "libvirt", "proxmox", "qemu", "virtual-machine"],
    bin: { corral: COMMAND_PROGRAM },
    dependencies: { ...components.dependencies, ...versions(forCommand) },
    devDependencies: versions(TOOLS_OF_A_PLUGIN),
  };
}

/**
 * What a component plugin runs on: Pulumi installs development dependencies for it, and reads its
 * sources with this compiler (without it, with one of its own that is too old for them).
 */
const TOOLS_OF_A_PLUGIN = ["@pulumi/pulumi", "typescript"];
