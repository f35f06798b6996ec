/** What went wrong, as far as it decides what to do next. */
export type ProxmoxFault =
  | "notFound"
  | "exists"
  /** The token lacks a privilege; the error says which, and where. */
  | "permission"
  /** The token is not accepted. */
  | "unauthorized"
  /** The server, or the node behind it, gives no answer. */
  | "unreachable"
  /** The server's certificate is not trusted. */
  | "certificate"
  /** A value is refused; `fields` says which. */
  | "parameter"
  /** Something else works on the machine. */
  | "locked"
  /** The machine does not run. */
  | "notRunning"
  /** The guest agent does not answer, or refuses. */
  | "agent"
  | "timeout"
  /** A task of the server failed; the message has the end of its log. */
  | "task"
  | "aborted"
  /** Anything else; the message has the server's own words. */
  | "other";

/** What is known of an error beside its fault. */
export interface ProxmoxErrorFacts {
  /** HTTP status, where the server has answered. */
  readonly status?: number | undefined;
  /** The server's own words. */
  readonly said?: string | undefined;
  /** Privileges of which the token lacks one. */
  readonly privilege?: string | undefined;
  /** Path in the tree of permissions. */
  readonly path?: string | undefined;
  /** What is wrong with which parameter. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** What can be done about it. */
  readonly remedy?: string | undefined;
}

/** Something that Proxmox VE refuses, or that keeps it from answering. Never holds the token. */
export class ProxmoxError extends Error {
  override readonly name = "ProxmoxError";
  readonly status: number | undefined;
  readonly said: string;
  readonly privilege: string | undefined;
  readonly path: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
  readonly remedy: string | undefined;

  /** @param reason what happened; the message has the remedy as well. */
  constructor(
    readonly fault: ProxmoxFault,
    readonly reason: string,
    facts: ProxmoxErrorFacts = {},
  ) {
    super(facts.remedy === undefined ? reason : `${reason}. ${facts.remedy}`);
    this.remedy = facts.remedy;
    this.status = facts.status;
    this.said = facts.said ?? "";
    this.privilege = facts.privilege;
    this.path = facts.path;
    this.fields = facts.fields ?? {};
  }
}

/** Whether an error is one of Proxmox VE, with one of these faults. */
export function isProxmoxFault(
  error: unknown,
  ...faults: readonly ProxmoxFault[]
): error is ProxmoxError {
  return error instanceof ProxmoxError && faults.includes(error.fault);
}
