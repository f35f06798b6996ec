import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { run, which } from "./commands";
import type { PiecePin, Release } from "./pins";
import { readZip } from "./zip";

/** Seconds until a server that does not answer counts as out of reach. */
const connectSeconds = 3;
/** Longest time for one file. */
const fileSeconds = 900;

let online: Promise<boolean> | undefined;

/** Whether the official releases can be reached; found out once in a process, within 4 s. */
export function canReachReleases(): Promise<boolean> {
  online ??= probe("https://github.com/");
  return online;
}

async function probe(url: string): Promise<boolean> {
  try {
    if (which("curl")) {
      const limits = ["--connect-timeout", `${connectSeconds}`, "-m", "4"];
      await run("curl", ["-sS", "-I", "-o", "/dev/null", ...limits, url], {
        timeoutSeconds: 5,
      });
    } else {
      await fetch(url, {
        method: "HEAD",
        signal: AbortSignal.timeout(connectSeconds * 1000),
      });
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * Loads a file. By `curl` where it is there, because it honours the user's proxy and certificates,
 * else by Node.
 *
 * @throws Error with the address and what the server answered.
 */
export async function download(url: string, file: string): Promise<void> {
  if (which("curl")) {
    const limits = ["--connect-timeout", "5", "--speed-limit", "1000"];
    await run(
      "curl",
      [
        "-fsSL",
        ...limits,
        "--speed-time",
        "30",
        "--retry",
        "2",
        "-o",
        file,
        url,
      ],
      { timeoutSeconds: fileSeconds },
    );
    return;
  }
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(fileSeconds * 1000),
  });
  if (!answer.ok || answer.body === null) {
    throw new Error(`${url} answered ${answer.status} ${answer.statusText}`);
  }
  await pipeline(Readable.fromWeb(answer.body), fs.createWriteStream(file));
}

/**
 * The SHA-256 of a file in a list as `sha256sum` writes it, or in a text that is nothing but the
 * sum, as Kubernetes publishes it.
 *
 * @throws Error when the list does not name the file.
 */
export function checksumOf(list: string, fileName: string): string {
  if (/^[0-9a-f]{64}$/i.test(list.trim())) {
    return list.trim().toLowerCase();
  }
  for (const line of list.split("\n")) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === fileName && sum !== undefined && /^[0-9a-f]{64}$/i.test(sum)) {
      return sum.toLowerCase();
    }
  }
  throw new Error(`the release's list of checksums does not name ${fileName}`);
}

export async function sha256(file: string): Promise<string> {
  const hash = crypto.createHash("sha256");
  await pipeline(fs.createReadStream(file), hash);
  return hash.digest("hex");
}

/**
 * Loads the official release of a piece, holds it against the release's checksums and takes out
 * the binary.
 *
 * @param into Existing folder; the binary is there afterwards under its own name.
 * @param archives Folder in which loaded archives are kept until the setup ends.
 */
export async function downloadRelease(
  pin: PiecePin,
  release: Release,
  into: string,
  archives: string,
): Promise<void> {
  const name = path.posix.basename(new URL(release.url).pathname);
  const archive = path.join(archives, name);
  // The language hosts come with the CLI: load that archive once.
  if (!fs.existsSync(archive)) {
    fs.mkdirSync(archives, { recursive: true });
    const draft = `${archive}.${process.pid}`;
    await download(release.checksumsUrl, `${draft}.sums`);
    const wanted = checksumOf(fs.readFileSync(`${draft}.sums`, "utf8"), name);
    await download(release.url, draft);
    const found = await sha256(draft);
    if (found !== wanted) {
      throw new Error(
        `${release.url} has SHA-256 ${found}, its release says ${wanted}: not used`,
      );
    }
    fs.renameSync(draft, archive);
  }
  const target = path.join(into, pin.binary);
  const { member } = release;
  if (member === undefined) {
    fs.copyFileSync(archive, target);
  } else if (name.endsWith(".zip")) {
    const entry = readZip(fs.readFileSync(archive)).find(
      (candidate) => candidate.name === member,
    );
    if (entry === undefined) {
      throw new Error(`${release.url} holds no ${member}`);
    }
    fs.writeFileSync(target, entry.read());
  } else {
    // In a folder of its own: the archive of the CLI has a folder named as its binary.
    const unpacked = path.join(into, "unpacked");
    fs.mkdirSync(unpacked);
    await run("tar", ["-xzf", archive, "-C", unpacked, member], {
      timeoutSeconds: 120,
    });
    fs.renameSync(path.join(unpacked, member), target);
    fs.rmSync(unpacked, { recursive: true });
  }
  fs.chmodSync(target, 0o755);
}

/** The official plugin by the CLI's own `plugin install`, in a `PULUMI_HOME` of its own. */
export async function installOfficialPlugin(
  pin: PiecePin,
  plugin: string,
  pulumi: string,
  into: string,
): Promise<void> {
  const home = path.join(into, "home");
  await run(pulumi, ["plugin", "install", "resource", plugin, pin.version], {
    env: { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    timeoutSeconds: fileSeconds,
  });
  fs.renameSync(
    path.join(
      home,
      "plugins",
      `resource-${plugin}-v${pin.version}`,
      pin.binary,
    ),
    path.join(into, pin.binary),
  );
  fs.rmSync(home, { recursive: true });
}
