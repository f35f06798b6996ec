import * as fs from "node:fs";
import * as os from "node:os";
import execa from "execa";
import { virsh } from "../hypervisor/virsh";
import { checkToolchain } from "../toolchain";

/** On what, and when, something was measured. */
export interface Facts {
  readonly date: string;
  /** Of Corral; with `changed` when there were changes that are not committed. */
  readonly commit: string;
  readonly processors: number;
  /** Processors, their model, memory, kernel. */
  readonly machine: string;
  /** Average number of running processes in the minute before the measurement. */
  readonly loadAtStart: number;
  readonly versions: readonly string[];
}

/**
 * @param repository folder of the clone.
 * @param terraform the `terraform` command; undefined where there is none.
 */
export async function gatherFacts(
  repository: string,
  terraform: string | undefined,
): Promise<Facts> {
  const loadAtStart = os.loadavg()[0] ?? 0;
  const git = (...args: string[]) => textOf("git", args, repository);
  const changed = (await git("status", "--porcelain")) !== "";
  const memoryGib = (os.totalmem() / 1024 ** 3).toFixed(0);
  const pieces = await checkToolchain();
  const terraformVersion =
    terraform && /v[\d.]+/.exec(await textOf(terraform, ["version"]));
  const hypervisor = await virsh("version").catch(() => "");
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC",
    commit: `${await git("rev-parse", "--short", "HEAD")}${changed ? " changed" : ""}`,
    processors: os.cpus().length,
    machine: `${os.cpus().length} processors (${processorModel()}), ${memoryGib} GiB memory, ${os.type()} ${os.release()}`,
    loadAtStart,
    versions: [
      `Node.js ${process.versions.node}`,
      ...pieces
        .filter(({ status }) => status === "ready")
        .map(({ title, version }) => `${title} ${version}`),
      ...(terraformVersion ? [`terraform ${terraformVersion[0]}`] : []),
      ...hypervisorVersions(hypervisor),
    ],
  };
}

/** From the text of `virsh version`. */
export function hypervisorVersions(text: string): string[] {
  return [
    /library: (libvirt [\d.]+)/.exec(text)?.[1],
    /hypervisor: (QEMU [\d.]+)/.exec(text)?.[1],
  ].filter((version) => version !== undefined);
}

function processorModel(): string {
  const named = os.cpus()[0]?.model.trim();
  if (named && named !== "unknown") {
    return named.replace(/\s+/g, " ");
  }
  const info = fs.existsSync("/proc/cpuinfo")
    ? fs.readFileSync("/proc/cpuinfo", "utf8")
    : "";
  return /^model name\s*: (.+)$/m.exec(info)?.[1] ?? os.arch();
}

async function textOf(
  command: string,
  args: readonly string[],
  cwd?: string,
): Promise<string> {
  const { stdout } = await execa(command, [...args], {
    cwd,
    stdin: "ignore",
    reject: false,
    timeout: 20_000,
  });
  return stdout.trim();
}
