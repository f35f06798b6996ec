import { jsonReader, UnreadableError } from "./readJson";

/** A resource of a state. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  /** Waits to be deleted: another of the same URN has taken its place. */
  readonly delete?: boolean;
  readonly parent?: string;
  readonly dependencies?: readonly string[] | null;
}

/** What `pulumi stack export` prints, as far as it is looked at. */
export interface ExportedState {
  readonly resources: readonly StateResource[];
  /** What an interrupted run had begun and did not report. */
  readonly pendingOperations: readonly {
    readonly type: string;
    readonly resource: StateResource;
  }[];
}

const RESOURCE = {
  type: "object",
  required: ["urn", "type"],
  properties: {
    urn: { type: "string" },
    type: { type: "string" },
    custom: { type: "boolean" },
    delete: { type: "boolean" },
    parent: { type: "string" },
    dependencies: { type: ["array", "null"], items: { type: "string" } },
  },
};

const SCHEMA = {
  type: "object",
  required: ["version", "deployment"],
  properties: {
    version: { type: "integer" },
    deployment: {
      type: "object",
      required: ["manifest"],
      properties: {
        manifest: { type: "object" },
        resources: { type: ["array", "null"], items: RESOURCE },
        pending_operations: {
          type: ["array", "null"],
          items: {
            type: "object",
            required: ["type", "resource"],
            properties: { type: { type: "string" }, resource: RESOURCE },
          },
        },
      },
    },
  },
};

interface Printed {
  readonly deployment: {
    readonly resources?: StateResource[] | null;
    readonly pending_operations?: ExportedState["pendingOperations"] | null;
  };
}

const SUBJECT = "the stack's state";
const read = jsonReader<Printed>(SUBJECT, SCHEMA);

/**
 * Reads what `pulumi stack export` printed.
 *
 * @throws UnreadableError when it is no state, or does not hold together.
 */
export function readState(text: string): ExportedState {
  const { deployment } = read(text);
  const resources = deployment.resources ?? [];
  const faults = [...doubles(resources), ...danglingReferences(resources)];
  if (faults.length > 0) {
    throw new UnreadableError(SUBJECT, [
      ...faults.slice(0, 5),
      "pulumi state repair mends such a state",
    ]);
  }
  return { resources, pendingOperations: deployment.pending_operations ?? [] };
}

/** Whether a state has nothing that was made: no resource, or only the stack and its providers. */
export function isEmptyState({ resources }: ExportedState): boolean {
  return !resources.some(
    ({ type, custom }) => custom === true && !type.startsWith("pulumi:"),
  );
}

function doubles(resources: readonly StateResource[]): string[] {
  const seen = new Set<string>();
  return resources
    .filter((resource) => resource.delete !== true)
    .filter(({ urn }) => seen.size === seen.add(urn).size)
    .map(({ urn }) => `${urn} stands in it twice`);
}

function danglingReferences(resources: readonly StateResource[]): string[] {
  const known = new Set(resources.map(({ urn }) => urn));
  return resources.flatMap(({ urn, parent, dependencies }) =>
    [...(parent ? [parent] : []), ...(dependencies ?? [])]
      .filter((reference) => !known.has(reference))
      .map((reference) => `${urn} refers to ${reference}, which is missing`),
  );
}
