import * as fs from "node:fs";
import * as path from "node:path";

import {
  intoCache,
  type CachePaths,
  type PiecePaths,
  type Source,
  type Stamp,
} from "./cache";
import {
  canReachReleases,
  downloadRelease,
  installOfficialPlugin,
} from "./download";
import { ensureGo, goBuild, goVersionOf } from "./golang";
import { findInstalled } from "./installed";
import { seconds } from "./report";

/** A source that can be asked for; what a build gives may be a stand-in. */
export type SourceName = Exclude<Source, "stand-in">;

/** All sources in the order in which they are tried. */
export const allSources: readonly SourceName[] = [
  "installed",
  "download",
  "build",
];

/**
 * The sources to try, in order.
 *
 * @param wish Value of `CORRAL_TOOLCHAIN_SOURCES`: a comma list that limits the sources, for a
 *   machine where one of them is not wanted. Default: all.
 * @throws Error when the wish names something else.
 */
export function sourcesFor(wish: string | undefined): readonly SourceName[] {
  if (!wish) {
    return allSources;
  }
  const names = wish.split(",").map((name) => name.trim());
  const wrong = names.filter(
    (name) => !(allSources as readonly string[]).includes(name),
  );
  if (wrong.length > 0) {
    throw new Error(
      `CORRAL_TOOLCHAIN_SOURCES is "${wish}"; ${wrong.join(", ")} is not one of ${allSources.join(", ")}`,
    );
  }
  return allSources.filter((source) => names.includes(source));
}

/** What a source may need besides the piece. */
export interface Surroundings {
  readonly paths: CachePaths;
  /** The CLI, once it is there. */
  readonly pulumi: string;
  readonly sources: readonly SourceName[];
  readonly log: (line: string) => void;
}

/**
 * Gets a piece into the cache from the first source that has it.
 *
 * @throws Error with what each source answered.
 */
export async function obtain(
  piece: PiecePaths,
  surroundings: Surroundings,
): Promise<Stamp> {
  const { sources, log } = surroundings;
  const failures: string[] = [];
  for (const source of sources) {
    try {
      const stamp = await attempts[source](piece, surroundings);
      if (stamp !== undefined) {
        return stamp;
      }
      failures.push(`${source}: not there`);
    } catch (error) {
      const message = (error as Error).message;
      failures.push(`${source}: ${message}`);
      if (source !== sources.at(-1)) {
        log(`${piece.pin.title}: ${source} failed, trying the next source`);
        log(indented(message));
      }
    }
  }
  throw new Error(
    `${piece.pin.title} ${piece.pin.version} could not be had:\n${indented(failures.join("\n"))}`,
  );
}

type Attempt = (
  piece: PiecePaths,
  surroundings: Surroundings,
) => Promise<Stamp | undefined>;

const attempts: Readonly<Record<SourceName, Attempt>> = {
  async installed(piece, { paths }) {
    const file = await findInstalled(piece.pin, paths.platform);
    // What another setup put there is no installation of the user's, and may be a stand-in.
    if (file === undefined || file.startsWith(paths.corralHome + path.sep)) {
      return undefined;
    }
    return intoCache(piece, "installed", (folder) => {
      const target = path.join(folder, piece.pin.binary);
      return fs.promises.copyFile(file, target, fs.constants.COPYFILE_FICLONE);
    });
  },

  async download(piece, { paths, pulumi, log }) {
    if (!(await canReachReleases())) {
      return undefined;
    }
    const { pin } = piece;
    const release = pin.release?.(paths.platform);
    if (release === undefined && pin.place.kind !== "plugin") {
      return undefined;
    }
    log(`${pin.title} ${pin.version}: loading the official release ...`);
    return intoCache(piece, "download", (folder) => {
      if (release !== undefined) {
        const archives = path.join(paths.root, `archives.tmp-${process.pid}`);
        return downloadRelease(pin, release, folder, archives);
      }
      if (pin.place.kind !== "plugin") {
        throw new Error(`${pin.title} has no official release in pins.ts`);
      }
      return installOfficialPlugin(pin, pin.place.plugin, pulumi, folder);
    });
  },

  async build(piece, { paths, log }) {
    const { pin } = piece;
    const wanted = goVersionOf(piece.goMod);
    const go = await ensureGo(wanted, paths.root, paths.platform, log);
    const what = pin.go.isStandIn
      ? "the official one cannot be had here; building Corral's stand-in "
      : "building from pinned Go modules ";
    log(
      `${pin.title} ${pin.version}: ${what}` +
        `(about ${seconds(pin.go.aboutSeconds)} on 2 cores when nothing is cached) ...`,
    );
    return withHeartbeat(pin.title, log, () =>
      intoCache(piece, pin.go.isStandIn ? "stand-in" : "build", (folder) =>
        goBuild(
          go,
          pin.go,
          piece.moduleFolder,
          path.join(folder, pin.binary),
          paths.platform,
        ),
      ),
    );
  },
};

/** Says every minute that a silent step is still at work. */
async function withHeartbeat<T>(
  title: string,
  log: (line: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  const begun = Date.now();
  const timer = setInterval(() => {
    log(`${title}: still building, ${seconds((Date.now() - begun) / 1000)}`);
  }, 60_000);
  try {
    return await body();
  } finally {
    clearInterval(timer);
  }
}

function indented(text: string): string {
  return text.replace(/^/gm, "  ");
}
