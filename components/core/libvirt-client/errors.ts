import { isRemote } from "./uri";
import type { LibvirtUri } from "./uri";

/** What went wrong, as far as it decides what to do next. */
export type LibvirtFault =
  /** virsh is not installed. */
  | "virshMissing"
  /** The daemon cannot be reached. */
  | "unreachable"
  | "noDomain"
  | "noPool"
  | "noVolume"
  | "noNetwork"
  | "timeout"
  | "aborted"
  /** Anything else; the message has libvirt's own words. */
  | "other";

export class LibvirtError extends Error {
  override readonly name = "LibvirtError";
  constructor(
    readonly fault: LibvirtFault,
    message: string,
  ) {
    super(message);
  }
}

/** Whether it is an error of libvirt with one of these faults. */
export function isFault(
  error: unknown,
  ...faults: readonly LibvirtFault[]
): error is LibvirtError {
  return error instanceof LibvirtError && faults.includes(error.fault);
}

const faultPatterns: readonly (readonly [LibvirtFault, RegExp])[] = [
  [
    "unreachable",
    /failed to connect to (the hypervisor|socket)|unable to connect to server|cannot recv data|end of file while reading/i,
  ],
  [
    "noDomain",
    /domain not found|failed to get domain|no domain with matching/i,
  ],
  [
    "noPool",
    /storage pool not found|failed to get pool|no storage pool with matching/i,
  ],
  [
    "noVolume",
    /storage volume not found|failed to get vol|no storage vol with matching/i,
  ],
  [
    "noNetwork",
    /network not found|failed to get network|no network with matching/i,
  ],
];

/** What a failed virsh has said, as an error. */
export function virshError(
  uri: LibvirtUri,
  what: string,
  stderr: string,
): LibvirtError {
  const text = stderr
    .split("\n")
    .map((line) => line.replace(/^error:\s*/, "").trim())
    .filter((line) => line !== "")
    .join("; ");
  const fault =
    faultPatterns.find(([, pattern]) => pattern.test(text))?.[0] ?? "other";
  if (fault === "unreachable") {
    return new LibvirtError(
      fault,
      `${unreachableText(uri)} libvirt says: ${text}`,
    );
  }
  return new LibvirtError(
    fault,
    `${what} at ${uri.text} failed: ${text || "no reason given"}`,
  );
}

function unreachableText(uri: LibvirtUri): string {
  const intro = `libvirt at ${uri.text} cannot be reached.`;
  if (uri.transport === "ssh") {
    const login = `${uri.user ? `${uri.user}@` : ""}${uri.host}`;
    const port = uri.port === undefined ? "" : ` -p ${uri.port}`;
    const key = uri.query.keyfile ? ` -i ${uri.query.keyfile}` : "";
    return (
      `${intro} Check that "ssh -o BatchMode=yes${port}${key} ${login} virsh list" works: the key must be ` +
      "accepted, the host must stand in known_hosts, and the user must be in the group libvirt there."
    );
  }
  if (isRemote(uri)) {
    return `${intro} Check that libvirtd listens on ${uri.host} for ${uri.transport}.`;
  }
  return (
    `${intro} Check that the daemon runs (systemctl status libvirtd, or npm run lab -- status ` +
    "libvirt) and that the user is root or in the group libvirt."
  );
}
