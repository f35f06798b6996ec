import * as fs from "node:fs";
import * as path from "node:path";

/** A program that is run on this machine while Pulumi works on libvirt machines. */
export interface HostTool {
  readonly command: string;
  /** Who runs it, and for what. */
  readonly purpose: string;
  /** Packages that have it. */
  readonly debian: string;
  readonly fedora: string;
}

export const HOST_TOOLS: readonly HostTool[] = [
  {
    command: "mkisofs",
    purpose: "the libvirt provider makes cloud-init disks with it",
    debian: "genisoimage",
    fedora: "genisoimage",
  },
  {
    command: "xsltproc",
    purpose: "the libvirt provider writes Corral's ownership stamp with it",
    debian: "xsltproc",
    fedora: "libxslt",
  },
  {
    command: "virsh",
    purpose: "Corral looks at the hypervisor and stops machines with it",
    debian: "libvirt-clients",
    fedora: "libvirt-client",
  },
];

/** The tools that are not there. */
export function missingTools(
  isThere: (command: string) => boolean,
): HostTool[] {
  return HOST_TOOLS.filter(({ command }) => !isThere(command));
}

/** What to say about missing tools: which, what for, and how to get them. */
export function missingToolsWarning(missing: readonly HostTool[]): string {
  const names = (of: (tool: HostTool) => string) => missing.map(of).join(" ");
  return [
    "Warning: machines on libvirt need programs that are not on PATH here:",
    ...missing.map(({ command, purpose }) => `  ${command}: ${purpose}`),
    `Debian, Ubuntu: sudo apt-get install --no-install-recommends ${names(({ debian }) => debian)}`,
    `Fedora, RHEL:   sudo dnf install ${names(({ fedora }) => fedora)}`,
  ].join("\n");
}

/** Whether a search path has an executable of that name. */
export function isOnPath(
  command: string,
  searchPath: string = process.env.PATH ?? "",
): boolean {
  return searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== "")
    .some((folder) => isExecutableFile(path.join(folder, command)));
}

function isExecutableFile(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
