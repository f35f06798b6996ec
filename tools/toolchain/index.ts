import * as fs from "node:fs";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import {
  cachePaths,
  isPlaced,
  placedMark,
  readStamp,
  removeLeftovers,
  type CachePaths,
  type PiecePaths,
  type Source,
} from "./cache";
import { run } from "./commands";
import { canReachReleases } from "./download";
import { userPulumiHome } from "./installed";
import { pathWith } from "./keys";
import { isAlive, withLock } from "./lock";
import { pieceNames, type PieceName } from "./pins";
import { stepLine } from "./report";
import { obtain, sourcesFor } from "./sources";

export { ensureDebianPackages } from "./debian";
export {
  piecesForKubevirt,
  piecesForNodes,
  piecesForStart,
  pieceNames,
  type PieceName,
} from "./pins";

/** A usable toolchain. */
export interface Toolchain {
  /** Path of the Pulumi CLI. */
  readonly pulumi: string;
  /** `PULUMI_HOME`: plugins and Terraform providers of exactly the pinned versions. */
  readonly pulumiHome: string;
  /** Variables to add to the environment of the CLI and of programs that use it. */
  readonly env: Readonly<Record<string, string>>;
}

/** One row of `npm run setup -- --check`. */
export interface PieceReport {
  readonly piece: PieceName;
  readonly title: string;
  readonly version: string;
  readonly status: "ready" | "not put in place" | "missing";
  /** Where it came from; undefined when it is missing. */
  readonly source?: Source;
  /** How long it took to get, in seconds. */
  readonly seconds?: number;
  readonly path: string;
}

export interface EnsureOptions {
  /** Takes one line of progress. Default: standard output. */
  readonly log?: (line: string) => void;
  /** Whether to look again for the real piece where a stand-in is in its place. Default false. */
  readonly replaceStandIns?: boolean;
}

/**
 * Makes sure that the pieces, and the CLI in any case, are in the cache and in `PULUMI_HOME`. Takes
 * milliseconds when they are.
 *
 * @throws Error that names what each source of a missing piece answered.
 */
export async function ensureToolchain(
  wanted: readonly PieceName[],
  options: EnsureOptions = {},
): Promise<Toolchain> {
  const log = options.log ?? ((line: string) => console.log(line));
  const paths = cachePaths(corralHome());
  const pieces = pieceNames
    .filter((name) => name === "pulumi" || wanted.includes(name))
    .map((name) => paths.pieces[name]);
  if (options.replaceStandIns && (await canReachReleases())) {
    pieces
      .filter((piece) => readStamp(piece)?.source === "stand-in")
      .forEach((piece) => forget(paths, piece));
  }
  if (!pieces.every((piece) => isReady(paths, piece))) {
    await withLock(
      path.join(paths.root, "lock"),
      () => provide(paths, pieces, log),
      {
        onWait: ({ pid }) =>
          log(`Another setup (process ${pid}) is at work; waiting for it ...`),
      },
    );
  }
  return {
    pulumi: paths.pieces.pulumi.placed,
    pulumiHome: paths.pulumiHome,
    env: toolchainEnvironment(paths, process.env),
  };
}

/**
 * Makes sure that one program is in the cache, without the CLI and `PULUMI_HOME`: for a tool that
 * is run by its path.
 *
 * @returns its path.
 * @throws Error that names what each source answered.
 */
export async function ensureTool(
  name: PieceName,
  options: EnsureOptions = {},
): Promise<string> {
  const log = options.log ?? ((line: string) => console.log(line));
  const paths = cachePaths(corralHome());
  const piece = paths.pieces[name];
  if (readStamp(piece) === undefined) {
    await withLock(path.join(paths.root, "lock"), async () => {
      const sources = sourcesFor(process.env.CORRAL_TOOLCHAIN_SOURCES);
      const pulumi = paths.pieces.pulumi.placed;
      try {
        if (readStamp(piece) === undefined) {
          await obtain(piece, { paths, pulumi, sources, log });
        }
      } finally {
        removeArchives(paths);
      }
    });
  }
  return piece.binary;
}

/** What is there, without changing anything. */
export function checkToolchain(): Promise<PieceReport[]> {
  const paths = cachePaths(corralHome());
  const reports = pieceNames.map((name): PieceReport => {
    const piece = paths.pieces[name];
    const stamp = readStamp(piece);
    const common = {
      piece: name,
      title: piece.pin.title,
      version: piece.pin.version,
      path: piece.placed,
    };
    if (stamp === undefined) {
      return { ...common, status: "missing" };
    }
    const status = isPlaced(paths, piece) ? "ready" : "not put in place";
    return { ...common, status, source: stamp.source, seconds: stamp.seconds };
  });
  return Promise.resolve(reports);
}

/** The variables of {@link Toolchain.env}. */
export function toolchainEnvironment(
  {
    corralHome: home,
    pulumiHome,
  }: Pick<CachePaths, "corralHome" | "pulumiHome">,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  return {
    PATH: pathWith(path.join(pulumiHome, "bin"), env.PATH ?? ""),
    PULUMI_HOME: pulumiHome,
    // PULUMI_HOME changes with the pins; a `pulumi login` must not be lost by that.
    PULUMI_CREDENTIALS_PATH: credentialsFolder(home, env),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The version is pinned here; asking for it costs a start of the CLI.
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
  };
}

/** The user's own folder of logins where there is one, else one beside the cache. */
function credentialsFolder(home: string, env: NodeJS.ProcessEnv): string {
  if (env.PULUMI_CREDENTIALS_PATH) {
    return env.PULUMI_CREDENTIALS_PATH;
  }
  const own = userPulumiHome(env);
  return fs.existsSync(path.join(own, "credentials.json"))
    ? own
    : path.join(home, "credentials");
}

function isReady(paths: CachePaths, piece: PiecePaths): boolean {
  return isPlaced(paths, piece) && readStamp(piece) !== undefined;
}

/** Makes a piece count as missing. */
function forget(paths: CachePaths, piece: PiecePaths): void {
  fs.rmSync(placedMark(paths, piece), { force: true });
  fs.rmSync(piece.folder, { recursive: true, force: true });
}

async function provide(
  paths: CachePaths,
  pieces: readonly PiecePaths[],
  log: (line: string) => void,
): Promise<void> {
  removeLeftovers(paths.root, (pid) => isAlive({ pid, started: "" }));
  const sources = sourcesFor(process.env.CORRAL_TOOLCHAIN_SOURCES);
  const pulumi = paths.pieces.pulumi.placed;
  try {
    for (const piece of pieces) {
      const begun = Date.now();
      const what = `${piece.pin.title} ${piece.pin.version}`;
      if (isReady(paths, piece)) {
        continue;
      }
      const stamp =
        readStamp(piece) ??
        (await obtain(piece, { paths, pulumi, sources, log }));
      await place(paths, piece);
      log(stepLine(what, outcomes[stamp.source], (Date.now() - begun) / 1000));
    }
  } finally {
    removeArchives(paths);
  }
}

/** Loaded archives serve several pieces, and are of no use after that. */
function removeArchives({ root }: CachePaths): void {
  fs.rmSync(path.join(root, `archives.tmp-${process.pid}`), {
    recursive: true,
    force: true,
  });
}

const outcomes: Readonly<Record<Source, string>> = {
  installed: "taken from this machine",
  download: "official release",
  build: "built from Go modules",
  "stand-in": "stand-in, built here",
};

/** Puts a binary of the cache into `PULUMI_HOME` and marks that. */
async function place(paths: CachePaths, piece: PiecePaths): Promise<void> {
  const { pin, placed } = piece;
  if (pin.place.kind === "plugin") {
    const plugin = ["resource", pin.place.plugin, pin.version];
    await run(
      paths.pieces.pulumi.placed,
      ["plugin", "install", ...plugin, "--file", piece.binary, "--reinstall"],
      {
        env: toolchainEnvironment(paths, process.env),
        timeoutSeconds: 120,
      },
    );
  } else {
    fs.mkdirSync(path.dirname(placed), { recursive: true });
    const draft = `${placed}.tmp-${process.pid}`;
    fs.rmSync(draft, { force: true });
    linkOrCopy(piece.binary, draft);
    fs.renameSync(draft, placed);
  }
  const mark = placedMark(paths, piece);
  fs.mkdirSync(path.dirname(mark), { recursive: true });
  fs.writeFileSync(mark, "");
}

/** A second name for a file where the file system can, else a copy. */
function linkOrCopy(from: string, to: string): void {
  try {
    fs.linkSync(from, to);
  } catch {
    fs.copyFileSync(from, to);
  }
}
