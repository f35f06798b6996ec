import * as fs from "node:fs";
import * as path from "node:path";

import execa from "execa";

/** Folders that hold daemons and are often missing in a user's search path. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The first executable of that name on a search path; undefined when there is none. */
export function which(
  command: string,
  searchPath: string = process.env.PATH ?? "",
): string | undefined {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => path.join(folder, command))
    .find(isExecutable);
}

/** Like {@link which}, on this process's path and the folders of daemons. */
export function whichSystem(command: string): string | undefined {
  return which(command) ?? which(command, systemFolders.join(path.delimiter));
}

export function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
}

/**
 * Runs a command to its end and returns its standard output.
 *
 * @throws Error with the command and the last lines that it wrote.
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  const result = await execa(command, [...args], {
    cwd: options.cwd,
    env: options.env,
    timeout: options.timeoutSeconds * 1000,
    stdin: "ignore",
    reject: false,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (!result.failed) {
    return result.stdout;
  }
  const why = result.timedOut
    ? `ended after its limit of ${options.timeoutSeconds} s`
    : result.exitCode === undefined
      ? `could not be run or was ended${result.signal ? ` by ${result.signal}` : ""}`
      : `failed with exit code ${result.exitCode}`;
  const said = `${result.stdout ?? ""}\n${result.stderr ?? ""}`
    .trim()
    .split("\n")
    .slice(-20)
    .join("\n");
  throw new Error(`${command} ${args.join(" ")} ${why}\n${said}`.trim());
}
