import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import { packCorral } from "@corral-iac/tools/pack/pack";
import type { Toolchain } from "@corral-iac/tools/toolchain/index";
import { REPOSITORY } from "../../support/testStack";

/** How a command ended. */
export interface Ended {
  readonly exitCode: number;
  readonly output: string;
}

/** npm as a user runs it, quick and quiet. */
const NPM_SETTINGS = {
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_loglevel: "error",
  npm_config_prefer_offline: "true",
};

/**
 * Corral's npm package, packed from this clone, in a project outside of it, with a `PULUMI_HOME` of
 * its own that has no corral-ops.
 */
export class InstalledPackage {
  private constructor(
    /** Folder of the project. */
    readonly project: string,
    /** The package's tarball. */
    readonly tarball: string,
    readonly toolchain: Toolchain,
  ) {}

  static async make(shared: Toolchain): Promise<InstalledPackage> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-package-"));
    const project = path.join(folder, "project");
    fs.mkdirSync(project);
    const { tarball } = await packCorral(REPOSITORY, folder);
    const toolchain = withOwnHome(shared);
    return new InstalledPackage(project, tarball, toolchain);
  }

  /** Folder of the package as installed. */
  get folder(): string {
    return path.join(this.project, "node_modules/@corral-iac/corral");
  }

  /** Writes files of the project. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) {
      fs.writeFileSync(path.join(this.project, name), content);
    }
  }

  /** Installs packages from their registry or as tarballs. */
  install(...packages: string[]): Promise<void> {
    return this.npmInstall(packages, this.project);
  }

  /** Unpacks the package with its dependencies, as programs in other languages use it. */
  async unpack(name: string): Promise<void> {
    const folder = path.join(this.project, name);
    fs.mkdirSync(folder);
    await execa("tar", [
      ...["-xzf", this.tarball, "--strip-components=1", "-C", folder],
    ]);
    await this.npmInstall([], folder);
  }

  /** The command `corral` that npm has linked. */
  corral(args: readonly string[], env = this.toolchain.env): Promise<Ended> {
    const command = path.join(this.project, "node_modules/.bin/corral");
    return this.run(command, args, env);
  }

  /** Runs a command in the project, or in another folder. */
  async run(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = this.toolchain.env,
    cwd: string = this.project,
  ): Promise<Ended> {
    const run = await execa(command, [...args], {
      cwd,
      env: { ...NPM_SETTINGS, ...env },
      stdin: "ignore",
      all: true,
      reject: false,
      timeout: 120_000,
    });
    return { exitCode: run.exitCode, output: run.all ?? "" };
  }

  remove(): void {
    fs.rmSync(this.toolchain.pulumiHome, { recursive: true, force: true });
    fs.rmSync(path.dirname(this.project), { recursive: true, force: true });
  }

  private async npmInstall(
    packages: readonly string[],
    folder: string,
  ): Promise<void> {
    const args = ["install", "--ignore-scripts", ...packages];
    const { toolchain } = this;
    const { exitCode, output } = await this.run(
      "npm",
      args,
      toolchain.env,
      folder,
    );
    if (exitCode !== 0) {
      throw new Error(`npm ${args.join(" ")} failed\n${output}`);
    }
  }
}

/** Plugins that a user of the package need not have, and corral-ops, which the package installs. */
const LEFT_OUT = ["corral-ops", "kubernetes"];

/** The toolchain with a copy of its `PULUMI_HOME` that shares the files, without some plugins. */
function withOwnHome(shared: Toolchain): Toolchain {
  // Beside it, because files are shared within a file system only.
  const home = fs.mkdtempSync(`${shared.pulumiHome}-test-`);
  for (const part of ["bin", "plugins", "dynamic_tf_plugins"]) {
    linkTree(path.join(shared.pulumiHome, part), path.join(home, part));
  }
  const env = { ...shared.env, PULUMI_HOME: home };
  return { ...shared, pulumiHome: home, env };
}

function linkTree(from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [from, to].map((at) => path.join(at, entry.name));
    if (source === undefined || target === undefined) {
      continue;
    }
    if (entry.isDirectory()) {
      if (!LEFT_OUT.some((name) => entry.name.includes(name))) {
        linkTree(source, target);
      }
    } else if (entry.isFile() && !/\.(lock|lastused)$/.test(entry.name)) {
      fs.linkSync(source, target);
    }
  }
}
