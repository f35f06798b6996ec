/** A file of the package: its path there and what it holds. */
export interface PackedFile {
  readonly path: string;
  readonly content: Buffer;
}

/** What belongs to development and has no place in a package. */
const UNWANTED: readonly RegExp[] = [
  /(^|\/)(node_modules|tests?)\//,
  /\.test\.(ts|js)/,
  /\.tsbuildinfo$/,
  /(^|\/)\.[^/]+$/,
  /(^|\/)package-lock\.json$/,
  /\.tmp-\d+$/,
];

/** What the package is nothing without. */
export const NEEDED: readonly string[] = [
  "package.json",
  "PulumiPlugin.yaml",
  "README.md",
  "LICENSE",
  "tsconfig.json",
  "index.ts",
  "bin/index.js",
  "bin/index.d.ts",
  "bin/sdks/libvirt/package.json",
  "bin/sdks/libvirt/index.js",
  "bin/sdks/proxmox/package.json",
  "bin/sdks/proxmox/index.js",
  "cli/main.js",
  "plugin/pulumi-resource-corral-ops",
];

/**
 * Everything that is wrong with the files of the package.
 *
 * @param ownFolders absolute paths of the machine that packs; they must stand in no file.
 */
export function packageFaults(
  files: readonly PackedFile[],
  ownFolders: readonly string[],
): string[] {
  const paths = new Set(files.map((file) => file.path));
  const missing = NEEDED.filter((path) => !paths.has(path)).map(
    (path) => `${path} is missing`,
  );
  const unwanted = [...paths]
    .filter((path) => UNWANTED.some((form) => form.test(path)))
    .map((path) => `${path} does not belong into a package`);
  const leaking = files.flatMap(({ path, content }) =>
    ownFolders
      .filter((folder) => content.includes(folder))
      .map((folder) => `${path} holds the path ${folder} of this machine`),
  );
  return [...missing, ...unwanted, ...leaking];
}
