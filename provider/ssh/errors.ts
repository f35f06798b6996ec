/** What went wrong, as far as it decides what to do next. */
export type SshFault =
  /** Nothing listens there. */
  | "refused"
  /** No answer, no route, or the name is not known. */
  | "unreachable"
  /** The other side accepted and then said nothing in time. */
  | "timeout"
  /** It showed a key that is not the pinned one, or none is known. */
  | "hostKey"
  /** The key or the user was not accepted. */
  | "auth"
  /** The private key cannot be read. */
  | "privateKey"
  /** The user logged in, and may not act as root. */
  | "root"
  /** What was to be sent could not be read here. */
  | "input"
  /** The connection ended. */
  | "closed"
  /** We stopped. */
  | "aborted";

export class SshError extends Error {
  override readonly name = "SshError";
  constructor(
    readonly fault: SshFault,
    message: string,
    /** What a command had written to standard error before it was ended. */
    readonly stderr = "",
  ) {
    super(message);
  }
}

const socketFaults: Record<string, [SshFault, string]> = {
  ECONNREFUSED: ["refused", "connection refused"],
  EHOSTUNREACH: ["unreachable", "no route to host"],
  ENETUNREACH: ["unreachable", "network unreachable"],
  ETIMEDOUT: ["unreachable", "connection timed out"],
  ENOTFOUND: ["unreachable", "host name not known"],
  EAI_AGAIN: ["unreachable", "host name could not be looked up"],
  ECONNRESET: ["closed", "connection reset"],
  EPIPE: ["closed", "connection closed"],
};

/** A socket's error in words that do not need errno. */
export function fromSocketError(error: NodeJS.ErrnoException): SshError {
  const [fault, text] = socketFaults[error.code ?? ""] ?? [
    "closed",
    error.message,
  ];
  return new SshError(fault, text);
}
