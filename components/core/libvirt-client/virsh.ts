import { randomUUID } from "node:crypto";
import { LibvirtError, virshError } from "./errors";
import { ProcessError, runProcess } from "../runProcess";
import type { LibvirtUri } from "./uri";
import { parseLibvirtUri, virshUri } from "./uri";

export interface VirshOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 30. */
  readonly timeoutSeconds?: number;
}

/** How a virsh command is carried out: here, or on another host. */
export type VirshRunner = (
  args: readonly string[],
  options: { signal?: AbortSignal | undefined; timeoutSeconds: number },
) => Promise<{ code: number | undefined; stdout: string; stderr: string }>;

const defaultTimeoutSeconds = 30;

/** virsh for one connection URI. */
export class Virsh {
  readonly uri: LibvirtUri;
  private readonly runner: VirshRunner;

  /** Throws if the URI is not one. */
  constructor(uri: string, runner?: VirshRunner) {
    this.uri = parseLibvirtUri(uri);
    this.runner = runner ?? localRunner(this.uri);
  }

  /** Runs one command; what it writes. Throws a `LibvirtError` if it fails. */
  async run(
    args: readonly string[],
    options: VirshOptions = {},
  ): Promise<string> {
    const { signal, timeoutSeconds = defaultTimeoutSeconds } = options;
    const what = `virsh ${args[0] ?? ""}`;
    try {
      const { code, stdout, stderr } = await this.runner(args, {
        signal,
        timeoutSeconds,
      });
      if (code === 0) {
        return stdout;
      }
      throw virshError(this.uri, what, stderr);
    } catch (error) {
      throw error instanceof ProcessError
        ? this.explain(error, what, timeoutSeconds)
        : error;
    }
  }

  /**
   * Runs many commands in one virsh, which matters over ssh. What each wrote, in their order; nothing
   * for one that failed, such as a look at something that has gone meanwhile.
   */
  async runAll(
    commands: readonly (readonly string[])[],
    options: VirshOptions = {},
  ): Promise<string[]> {
    if (commands.length === 0) {
      return [];
    }
    const mark = `corral-${randomUUID()}`;
    const script = commands
      .flatMap((words) => [words.map(quoted).join(" "), `echo ${mark}`])
      .join("; ");
    const output = await this.run([script], options);
    // virsh's echo writes no line end.
    return output.split(mark).slice(0, commands.length);
  }

  private explain(
    error: ProcessError,
    what: string,
    timeoutSeconds: number,
  ): LibvirtError {
    switch (error.fault) {
      case "missing":
        return new LibvirtError(
          "virshMissing",
          "virsh is not installed; on Debian and Ubuntu: apt-get install libvirt-clients",
        );
      case "timeout":
        return new LibvirtError(
          "timeout",
          `${what} at ${this.uri.text} gave no answer within ${timeoutSeconds} s`,
        );
      case "aborted":
        return new LibvirtError("aborted", `${what} was stopped`);
      default:
        return new LibvirtError(
          "other",
          `${what} could not be run: ${error.message}`,
        );
    }
  }
}

/** A word as virsh's own parser takes it. */
function quoted(word: string): string {
  return /^[\w.:/@+-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

function localRunner(uri: LibvirtUri): VirshRunner {
  return (args, options) =>
    runProcess("virsh", ["-q", "-c", virshUri(uri), "--", ...args], {
      ...options,
      // The texts are matched, so they must be English. No askpass window either.
      env: { ...process.env, LC_ALL: "C", SSH_ASKPASS: "", DISPLAY: "" },
    });
}
