import { ProxmoxError, type ProxmoxFault } from "./errors";

/** An answer that is no success, as it came. */
export interface FailedAnswer {
  readonly status: number;
  /** Older versions say what is wrong here only. */
  readonly reason: string;
  readonly body: string;
}

/** A request, for messages. */
export interface AskedOf {
  /** For instance `GET nodes/pve/qemu/100/config`. */
  readonly what: string;
  /** The server, such as `https://pve:8006`. */
  readonly server: string;
  /** Whose token was shown, `USER@REALM!TOKENID`. */
  readonly user: string;
}

/**
 * Statuses that pveproxy makes up when the node that it hands a request on to does not answer: the
 * pseudo statuses of the HTTP client that it uses.
 */
export const GATEWAY_STATUSES: readonly number[] = [595, 596, 597, 598, 599];

const FAULT_BY_STATUS: Readonly<Record<number, ProxmoxFault>> = {
  401: "unauthorized",
  403: "permission",
  404: "notFound",
  502: "unreachable",
  503: "unreachable",
  504: "unreachable",
};

/** Proxmox VE answers nearly everything by status 500, so its words have to tell. */
const FAULT_BY_WORDS: readonly (readonly [ProxmoxFault, RegExp])[] = [
  ["locked", /is locked \(|can't lock file .* got timeout/i],
  [
    "agent",
    /guest agent|^agent error:|qga command|guest-[a-z-]+' failed - got timeout/i,
  ],
  ["notRunning", /\bVM \d+ (is )?not running/i],
  ["exists", /already exists|already used/i],
  ["unreachable", /^hostname lookup .* failed|no route to host/i],
  [
    "notFound",
    /does not exist|no such (resource|ha |vm|task|volume|storage)|no such file or directory|unable to find configuration file/i,
  ],
];

/** What a refused request means, as an error that names the remedy where there is one. */
export function proxmoxError(
  asked: AskedOf,
  answer: FailedAnswer,
): ProxmoxError {
  const { message, fields } = bodyOf(answer.body);
  const said = message || answer.reason.trim() || "no reason given";
  const fault = faultOf(answer.status, said, fields);
  const { privilege, path } = permissionIn(said);
  const reason =
    `${asked.what} at ${asked.server} failed: ${answer.status} ${said}` +
    fieldsText(fields);
  return new ProxmoxError(fault, reason, {
    status: answer.status,
    said,
    fields,
    privilege,
    path,
    remedy: remedyOf(fault, asked, privilege, path),
  });
}

/** The privileges of which one is missing, and where, of a refusal's words. */
export function permissionIn(said: string): {
  privilege: string | undefined;
  path: string | undefined;
} {
  const match = /\((\/[^,)]*),\s*([\w.|]+)\)/.exec(said);
  return {
    path: match?.[1],
    privilege: match?.[2]?.split("|").join(" or "),
  };
}

function faultOf(
  status: number,
  said: string,
  fields: Readonly<Record<string, string>>,
): ProxmoxFault {
  if (GATEWAY_STATUSES.includes(status)) {
    return "unreachable";
  }
  if (status === 400) {
    const words = Object.values(fields).join(" ");
    return /already exists/i.test(`${said} ${words}`) ? "exists" : "parameter";
  }
  return (
    FAULT_BY_STATUS[status] ??
    FAULT_BY_WORDS.find(([, pattern]) => pattern.test(said))?.[0] ??
    "other"
  );
}

/** What can be done about it, by the server's own commands. */
function remedyOf(
  fault: ProxmoxFault,
  { user }: AskedOf,
  privilege: string | undefined,
  path: string | undefined,
): string | undefined {
  switch (fault) {
    case "unauthorized":
      return (
        `The API token ${user} is not accepted: check that it exists and has not expired ` +
        `(pveum user token list ${user.split("!")[0]}) and that its secret is complete`
      );
    case "permission":
      return privilege === undefined || path === undefined
        ? `The API token ${user} may not do this`
        : permissionRemedy(user, privilege, path);
    default:
      return undefined;
  }
}

/** How the token gets a privilege that it lacks. */
export function permissionRemedy(
  user: string,
  privilege: string,
  path: string,
): string {
  return (
    `The API token ${user} lacks the privilege ${privilege} on ${path}. Give it a role that has it: ` +
    `pveum acl modify ${path} --tokens '${user}' --roles ROLE (a token with privilege separation ` +
    "has no more than what is given to itself and to its user)"
  );
}

function fieldsText(fields: Readonly<Record<string, string>>): string {
  const faults = Object.entries(fields).map(
    ([field, why]) => `${field}: ${why.trim()}`,
  );
  return faults.length > 0 ? ` (${faults.join("; ")})` : "";
}

function bodyOf(body: string): {
  message: string;
  fields: Readonly<Record<string, string>>;
} {
  try {
    const { message, errors } = JSON.parse(body) as {
      message?: unknown;
      errors?: Record<string, unknown>;
    };
    return {
      message: typeof message === "string" ? oneLine(message) : "",
      fields: Object.fromEntries(
        Object.entries(errors ?? {}).map(([field, why]) => [
          field,
          String(why),
        ]),
      ),
    };
  } catch {
    // Not JSON: the reason phrase has to serve, and a proxy's page of HTML helps nobody.
    return { message: "", fields: {} };
  }
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, "; ");
}
