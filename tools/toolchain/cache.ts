import * as fs from "node:fs";
import * as path from "node:path";

import { homeKey, pieceKey, placeInHome, platformOf } from "./keys";
import {
  pieceNames,
  pins,
  type PieceName,
  type PiecePin,
  type Platform,
} from "./pins";

/** Where a binary came from; `stand-in` is a build that only stands in for the piece. */
export type Source = "installed" | "download" | "build" | "stand-in";

/** What is written beside a finished binary, last of all; its presence proves the piece. */
export interface Stamp {
  readonly version: string;
  readonly source: Source;
  /** How long it took to get, in seconds. */
  readonly seconds: number;
}

/** The paths of one piece, for one set of pins. */
export interface PiecePaths {
  readonly name: PieceName;
  readonly pin: PiecePin;
  readonly key: string;
  /** Folder with the committed go.mod and go.sum. */
  readonly moduleFolder: string;
  readonly goMod: string;
  /** Folder in the cache; whole once it has this name. */
  readonly folder: string;
  readonly binary: string;
  /** The binary inside `PULUMI_HOME`. */
  readonly placed: string;
}

/** All paths of the toolchain for one set of pins. */
export interface CachePaths {
  readonly platform: Platform;
  readonly corralHome: string;
  /** Folder of the pieces, below `corralHome`. */
  readonly root: string;
  readonly pulumiHome: string;
  readonly pieces: Readonly<Record<PieceName, PiecePaths>>;
}

/** Folder of the committed Go modules, found from the compiled place (tools/bin/toolchain). */
const modulesFolder = path.resolve(__dirname, "../../toolchain/go");

/**
 * Reads the committed modules and works out every path below `corralHome`.
 *
 * @throws Error on a platform that no piece is built for.
 */
export function cachePaths(
  corralHome: string,
  nodePlatform: string = process.platform,
  nodeArch: string = process.arch,
): CachePaths {
  const platform = platformOf(nodePlatform, nodeArch);
  if (platform === undefined) {
    throw new Error(
      `Corral's tools are not built for ${nodePlatform}-${nodeArch}. ` +
        "Use Linux or macOS on x64 or arm64 (on Windows: WSL 2).",
    );
  }
  const root = path.join(corralHome, "toolchain");
  const drafts = pieceNames.map((name) => {
    const pin = pins[name];
    const moduleFolder = path.join(modulesFolder, pin.go.folder);
    const goMod = fs.readFileSync(path.join(moduleFolder, "go.mod"), "utf8");
    const goSum = fs.readFileSync(path.join(moduleFolder, "go.sum"), "utf8");
    const sources = goSources(moduleFolder);
    const key = pieceKey(pin, { goMod, goSum, sources }, platform);
    const folder = path.join(root, `${pin.go.folder}-${key}`);
    const binary = path.join(folder, pin.binary);
    return { name, pin, key, moduleFolder, goMod, folder, binary };
  });
  const pulumiHome = path.join(
    corralHome,
    `pulumi-home-${homeKey(
      drafts
        .filter(({ pin }) => pin.place.kind !== "tool")
        .map(({ key }) => key),
    )}`,
  );
  const pieces = Object.fromEntries(
    drafts.map((draft) => [
      draft.name,
      {
        ...draft,
        placed: path.join(pulumiHome, placeInHome(draft.pin, platform)),
      },
    ]),
  ) as Record<PieceName, PiecePaths>;
  return { platform, corralHome, root, pulumiHome, pieces };
}

/** The Go files of a folder and those below it, sorted by path. */
function goSources(folder: string): [file: string, text: string][] {
  const files = fs.readdirSync(folder, { recursive: true }) as string[];
  return files
    .filter((file) => file.endsWith(".go"))
    .sort()
    .map((file) => [file, fs.readFileSync(path.join(folder, file), "utf8")]);
}

const stampName = "stamp.json";

/** The stamp of a piece; undefined when it is not in the cache. */
export function readStamp(piece: PiecePaths): Stamp | undefined {
  try {
    const text = fs.readFileSync(path.join(piece.folder, stampName), "utf8");
    return fs.existsSync(piece.binary)
      ? (JSON.parse(text) as Stamp)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lets `fill` put a piece's binary into a temporary folder, stamps it and renames the folder into
 * place, so that an interrupted attempt leaves nothing that looks finished.
 */
export async function intoCache(
  piece: PiecePaths,
  source: Source,
  fill: (folder: string) => Promise<void>,
): Promise<Stamp> {
  const begun = Date.now();
  const draft = `${piece.folder}.tmp-${process.pid}`;
  fs.rmSync(draft, { recursive: true, force: true });
  fs.mkdirSync(draft, { recursive: true });
  try {
    await fill(draft);
    const stamp: Stamp = {
      version: piece.pin.version,
      source,
      seconds: Math.round((Date.now() - begun) / 100) / 10,
    };
    fs.writeFileSync(path.join(draft, stampName), JSON.stringify(stamp));
    fs.rmSync(piece.folder, { recursive: true, force: true });
    fs.renameSync(draft, piece.folder);
    return stamp;
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

/** Removes what attempts of processes left that are dead by now. Call it under the lock. */
export function removeLeftovers(
  root: string,
  isAlive: (pid: number) => boolean,
): string[] {
  const removed: string[] = [];
  for (const name of fs.existsSync(root) ? fs.readdirSync(root) : []) {
    const pid = /\.tmp-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) {
      fs.rmSync(path.join(root, name), { recursive: true, force: true });
      removed.push(name);
    }
  }
  return removed;
}

/** Marks a piece as put into `PULUMI_HOME`; written after the piece itself. */
export function placedMark(paths: CachePaths, piece: PiecePaths): string {
  return path.join(paths.pulumiHome, ".corral", `${piece.name}-${piece.key}`);
}

export function isPlaced(paths: CachePaths, piece: PiecePaths): boolean {
  return fs.existsSync(placedMark(paths, piece)) && fs.existsSync(piece.placed);
}
