/** What went wrong, as far as it decides what to do next. */
export type KubeFault =
  /** The object is not there. */
  | "notFound"
  /** The API has no such kind of object: a CRD is missing. */
  | "noKind"
  /** Something of that name is there, or it was changed meanwhile. */
  | "conflict"
  /** The user lacks a permission; the error says which verb on what. */
  | "forbidden"
  /** The credentials are not accepted. */
  | "unauthorized"
  /** A ResourceQuota is exceeded. */
  | "quota"
  /** The namespace is being deleted. */
  | "terminating"
  /** The object is refused, by the API's schema or by a webhook. */
  | "invalid"
  /** The API, or the network before it, gives no answer. */
  | "unreachable"
  /** The server's certificate is not trusted. */
  | "certificate"
  /** The kubeconfig cannot be used. */
  | "config"
  | "timeout"
  | "aborted"
  /** Anything else; the message has the server's own words. */
  | "other";

/** Something that a Kubernetes API refuses, or that keeps it from answering. Never holds a credential. */
export class KubeError extends Error {
  override readonly name = "KubeError";

  /** @param reason what happened; the message has the remedy as well. */
  constructor(
    readonly fault: KubeFault,
    readonly reason: string,
    readonly remedy?: string,
  ) {
    super(remedy === undefined ? reason : `${reason}. ${remedy}`);
  }
}

/** Whether an error is one of a Kubernetes API, with one of these faults. */
export function isKubeFault(
  error: unknown,
  ...faults: readonly KubeFault[]
): error is KubeError {
  return error instanceof KubeError && faults.includes(error.fault);
}

/** A request, for messages. */
export interface KubeAsked {
  /** For instance `get virtualmachines.kubevirt.io web/vm1`. */
  readonly what: string;
  readonly server: string;
}

/** What a refused request means. */
export function kubeError(
  { what, server }: KubeAsked,
  status: number,
  body: string,
): KubeError {
  const { message, reason, hasDetails } = statusOf(body);
  const said = message || `status ${status}`;
  const fault = faultOf(status, reason, said, hasDetails);
  return new KubeError(
    fault,
    `${what} at ${server} failed: ${said}`,
    remedyOf(fault, said, what),
  );
}

/** An answer of kind Status; what is not one has its beginning as message. */
function statusOf(body: string): {
  message: string;
  reason: string;
  hasDetails: boolean;
} {
  try {
    const { message, reason, details } = JSON.parse(body) as {
      message?: unknown;
      reason?: unknown;
      details?: { name?: unknown };
    };
    return {
      message: typeof message === "string" ? message : "",
      reason: typeof reason === "string" ? reason : "",
      hasDetails: typeof details?.name === "string",
    };
  } catch {
    return {
      message: body.trim().slice(0, 200),
      reason: "",
      hasDetails: false,
    };
  }
}

function faultOf(
  status: number,
  reason: string,
  said: string,
  namesObject: boolean,
): KubeFault {
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return /exceeded quota/i.test(said)
        ? "quota"
        : /being terminated/i.test(said)
          ? "terminating"
          : "forbidden";
    case 404:
      // An object that is missing is named; of a kind that is missing the API knows nothing to say.
      return reason === "NotFound" && namesObject ? "notFound" : "noKind";
    case 409:
      return "conflict";
    case 400:
    case 422:
      return "invalid";
    case 502:
    case 503:
    case 504:
      return "unreachable";
    default:
      return "other";
  }
}

function remedyOf(
  fault: KubeFault,
  said: string,
  what: string,
): string | undefined {
  switch (fault) {
    case "forbidden":
      return permissionRemedy(said);
    case "unauthorized":
      return "Its credentials are wrong or have ended: check by kubectl auth whoami";
    case "noKind":
      return `The API has no such kind of object: check by kubectl api-resources what is installed (${what.split(" ")[1] ?? ""})`;
    case "quota":
      return "Raise the namespace's ResourceQuota, or ask for less";
    case "terminating":
      return "Wait until the namespace is gone, or use another";
    default:
      return /feature gate not enabled/i.test(said)
        ? "Turn it on in the KubeVirt resource, under spec.configuration.developerConfiguration.featureGates"
        : undefined;
  }
}

const DENIED =
  /User "([^"]*)" cannot (\S+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)")?/;

function permissionRemedy(said: string): string {
  const match = DENIED.exec(said);
  if (match === null) {
    return "The user of the kubeconfig lacks a permission";
  }
  const [, user, verb, resource, group, namespace] = match;
  const kind = group ? `${resource}.${group}` : resource;
  const where =
    namespace === undefined ? " --all-namespaces" : ` -n ${namespace}`;
  return `User ${user} needs the verb ${verb} on ${kind}${namespace === undefined ? " in the whole cluster" : ` in namespace ${namespace}`}; check by kubectl auth can-i ${verb} ${kind}${where}`;
}
