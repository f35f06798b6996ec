import * as fs from "node:fs";
import * as path from "node:path";

/** Name of the stack in every recording: it stands in the names of all resources. */
export const RECORDED_STACK = "recorded";

/**
 * Passphrase of the recordings. It guards nothing: what they hold was made for them and belongs to
 * machines that are gone.
 */
export const RECORDED_PASSPHRASE = "a recording for tests";

/** The state that a version of Corral left, and the declaration that it was made from. */
export interface Recording {
  readonly version: string;
  /** What `pulumi stack export` gave, without what is of the machine that recorded it. */
  readonly stateFile: string;
  /** The stack's configuration: fleet, encrypted secret, salt. */
  readonly configFile: string;
}

/** The recording of one version. */
export function recordingOf(root: string, version: string): Recording {
  const folder = path.join(recordingsFolder(root), version);
  return {
    version,
    stateFile: path.join(folder, "state.json"),
    configFile: path.join(folder, `Pulumi.${RECORDED_STACK}.yaml`),
  };
}

/** All recordings in the repository, by version. */
export function recordings(root: string): Recording[] {
  return fs
    .readdirSync(recordingsFolder(root))
    .sort()
    .map((version) => recordingOf(root, version));
}

function recordingsFolder(root: string): string {
  return path.join(root, "tests", "recorded");
}

/** As far as it is looked into here. */
interface ExportedState {
  readonly deployment: {
    readonly manifest: { readonly plugins?: readonly { path?: string }[] };
    readonly resources: readonly {
      sourcePosition?: string;
      stackTrace?: unknown;
    }[];
  };
}

/**
 * An exported state without what says where rather than what: the paths at which the engine found
 * its plugins, and each resource's place in the program.
 *
 * @throws Error when a folder of this machine stands in it all the same.
 */
export function neutralState(
  exported: string,
  ownFolders: readonly string[],
): string {
  const state = JSON.parse(exported) as ExportedState;
  for (const plugin of state.deployment.manifest.plugins ?? []) {
    delete plugin.path;
  }
  for (const resource of state.deployment.resources) {
    delete resource.sourcePosition;
    delete resource.stackTrace;
  }
  const text = `${JSON.stringify(state, undefined, 2)}\n`;
  const leaking = ownFolders.filter((folder) => text.includes(folder));
  if (leaking.length > 0) {
    throw new Error(
      `Paths of this machine stand in the state: ${leaking.join(", ")}`,
    );
  }
  return text;
}
