import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as os from "node:os";
import * as path from "node:path";

import { corralHome } from "@corral-iac/corral/core/home";

import { ensureDebianPackages } from "../../toolchain";
import { run } from "../../toolchain/commands";
import { withLock } from "../../toolchain/lock";
import { stepLine } from "../../toolchain/report";
import { indexTargetsFormat, sourceLines } from "../debianMirror";
import { listEntries } from "../recipe";

/** Counts changes of the code that makes the repository. */
const builderVersion = 1;

/** Compiled to tools/bin/lab/apt; the lists stay where they are. */
const listsFolder = path.resolve(__dirname, "../../../lab/apt");

/** Lists of packages: those of every test run, and what is too big for that. */
export type PackageList = "packages" | "packages-docker";

/** A file that cloud-init writes into a guest. */
export interface GuestFile {
  readonly path: string;
  readonly content: string;
}

const keyPath = "/etc/apt/keyrings/corral-lab.asc";

/** A small signed repository of Debian packages; guests of the lab have no internet. */
export class AptRepository {
  private constructor(private readonly folder: string) {}

  /**
   * The repository of the packages in a list of `tools/lab/apt`: in the cache, else made from where
   * this machine's apt gets Debian 12.
   */
  static async ensure(
    log: (line: string) => void = console.log,
    name: PackageList = "packages",
  ): Promise<AptRepository> {
    const list = fs.readFileSync(path.join(listsFolder, name), "utf8");
    const key = createHash("sha256")
      .update(`builder ${builderVersion}\n${list}`)
      .digest("hex")
      .slice(0, 8);
    const parent = path.join(corralHome(), "apt");
    const folder = path.join(parent, key);
    if (!fs.existsSync(folder)) {
      await ensureDebianPackages("aptRepository", { log });
      fs.mkdirSync(parent, { recursive: true });
      await withLock(path.join(parent, "lock"), async () => {
        if (!fs.existsSync(folder)) {
          const began = Date.now();
          await build(listEntries(list), folder);
          log(stepLine("apt repository", "made", (Date.now() - began) / 1000));
        }
      });
    }
    return new AptRepository(folder);
  }

  /**
   * Files by which a guest has this repository and no other.
   *
   * @param url where it is served; it need not be served yet.
   */
  guestFiles(url: string): GuestFile[] {
    return [
      {
        path: "/etc/apt/sources.list",
        content: `deb [signed-by=${keyPath}] ${url} ./\n`,
      },
      {
        path: keyPath,
        content: fs.readFileSync(path.join(this.folder, "key.asc"), "utf8"),
      },
    ];
  }

  /** Serves it by http on an address of this machine. */
  async serve(address: string, port: number): Promise<ServedRepository> {
    const requests: string[] = [];
    const server = http.createServer((request, response) => {
      const name = decodeURIComponent(request.url ?? "").replace(
        /^(\/\.)?\/+/,
        "",
      );
      requests.push(name);
      const file = path.join(this.folder, name);
      const isInside = file.startsWith(`${this.folder}${path.sep}`);
      if (!isInside || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { "content-length": fs.statSync(file).size });
      if (request.method === "HEAD") {
        response.end();
      } else {
        fs.createReadStream(file).pipe(response);
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, address, resolve);
    });
    return {
      requests,
      stop: () => {
        server.closeAllConnections();
        server.close();
      },
    };
  }
}

export interface ServedRepository {
  /** Names of the files that were asked for. */
  readonly requests: readonly string[];
  stop(): void;
}

async function build(
  packages: readonly string[],
  folder: string,
): Promise<void> {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "corral-apt-"));
  const draft = `${folder}.build-${process.pid}`;
  try {
    fs.rmSync(draft, { recursive: true, force: true });
    fs.mkdirSync(draft, { recursive: true });
    await download(packages, draft, work);
    await index(draft);
    await sign(draft, work);
    fs.renameSync(draft, folder);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

/** By apt, which checks every file; it looks at Debian 12 alone, whatever this machine has. */
async function download(
  packages: readonly string[],
  folder: string,
  work: string,
): Promise<void> {
  const targets = await run(
    "apt-get",
    ["indextargets", "--format", indexTargetsFormat, "Created-By: Packages"],
    { timeoutSeconds: 60 },
  ).catch(() => "");
  const known = sourceLines(targets);
  if (known.length === 0) {
    throw new Error(
      "This machine's apt knows no Debian 12 (bookworm), where the guests' packages come from: " +
        "add it to /etc/apt/sources.list.d and run apt-get update",
    );
  }
  const sources = path.join(work, "sources.list");
  fs.writeFileSync(sources, `${known.join("\n")}\n`);
  const lists = path.join(work, "lists");
  fs.mkdirSync(path.join(lists, "partial"), { recursive: true });
  fs.writeFileSync(path.join(work, "status"), "");
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    "Dir::Etc::SourceParts=/dev/null",
    `Dir::State::Lists=${lists}`,
    `Dir::State::Status=${path.join(work, "status")}`,
    `Dir::Cache=${work}`,
    "APT::Sandbox::User=root",
  ].flatMap((option) => ["-o", option]);
  await run("apt-get", [...options, "update"], { timeoutSeconds: 300 });
  await run("apt-get", [...options, "download", ...packages], {
    cwd: folder,
    timeoutSeconds: 600,
  });
}

async function index(folder: string): Promise<void> {
  const inFolder = { cwd: folder, timeoutSeconds: 60 };
  const write = (name: string, content: string) =>
    fs.writeFileSync(path.join(folder, name), content);
  write(
    "Packages",
    `${await run("apt-ftparchive", ["packages", "."], inFolder)}\n`,
  );
  const facts = [
    "Origin=Corral",
    "Label=Corral lab",
    "Suite=lab",
    "Codename=lab",
  ];
  const options = facts.flatMap((fact) => [
    "-o",
    `APT::FTPArchive::Release::${fact}`,
  ]);
  write(
    "Release",
    `${await run("apt-ftparchive", [...options, "release", "."], inFolder)}\n`,
  );
}

/** With a key that is made for this one repository and thrown away. */
async function sign(folder: string, work: string): Promise<void> {
  const home = path.join(work, "gnupg");
  fs.mkdirSync(home, { mode: 0o700 });
  const settings = {
    cwd: folder,
    env: { GNUPGHOME: home },
    timeoutSeconds: 60,
  };
  const gpg = (...args: string[]) =>
    run(
      "gpg",
      ["--batch", "--pinentry-mode", "loopback", "--passphrase", "", ...args],
      settings,
    );
  try {
    await gpg("--quick-generate-key", "Corral lab", "ed25519", "sign", "never");
    await gpg("--clearsign", "--output", "InRelease", "Release");
    await gpg("--armor", "--export", "--output", "key.asc");
  } finally {
    await run("gpgconf", ["--kill", "gpg-agent"], settings).catch(() => "");
  }
}
