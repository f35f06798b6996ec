/** A version of the Pulumi command. */
export interface PulumiVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** The oldest Pulumi command that Corral works with. */
export const OLDEST_PULUMI: PulumiVersion = { major: 3, minor: 226, patch: 0 };

/** Reads what `pulumi version` prints, `v3.259.0` or `v3.260.0-dev.0`; undefined if it is not that. */
export function parsePulumiVersion(text: string): PulumiVersion | undefined {
  const found = /^v?(\d+)\.(\d+)\.(\d+)(?:[-+]\S*)?$/m.exec(text.trim());
  return found === null
    ? undefined
    : {
        major: Number(found[1]),
        minor: Number(found[2]),
        patch: Number(found[3]),
      };
}

export function isOlder(one: PulumiVersion, other: PulumiVersion): boolean {
  const difference =
    one.major - other.major ||
    one.minor - other.minor ||
    one.patch - other.patch;
  return difference < 0;
}

export function showVersion({ major, minor, patch }: PulumiVersion): string {
  return `${major}.${minor}.${patch}`;
}

const INSTALL_PULUMI =
  "Install it as on https://www.pulumi.com/docs/install/ (Debian, macOS and others: " +
  "curl -fsSL https://get.pulumi.com | sh), and see that it stands on PATH.";

/** What to say when there is no Pulumi command. */
export function missingPulumi(): string {
  return `The command pulumi is not on PATH. ${INSTALL_PULUMI}`;
}

/**
 * What is wrong with the Pulumi command that printed this version; undefined when nothing is.
 */
export function pulumiFault(printed: string): string | undefined {
  const version = parsePulumiVersion(printed);
  if (version === undefined) {
    return (
      `The command pulumi on PATH prints "${printed.trim().slice(0, 200)}" as its version, not ` +
      `one like v${showVersion(OLDEST_PULUMI)}. ${INSTALL_PULUMI}`
    );
  }
  return isOlder(version, OLDEST_PULUMI)
    ? `The command pulumi on PATH is version ${showVersion(version)}; Corral needs ` +
        `${showVersion(OLDEST_PULUMI)} or newer. ${INSTALL_PULUMI}`
    : undefined;
}
