import type { ExportedState } from "../engine/exportedState";
import type { Operation, Step } from "../engine/previewDigest";
import {
  firstKey,
  propertyChanges,
  type PropertyChange,
} from "../engine/propertyChanges";
import { parseUrn, shortType } from "../engine/urn";
import { type Harm, labelFor } from "./labels";
import { PROTECTED_TYPES } from "./protectedTypes";

/** A machine or disk that a preview would replace or delete. */
export interface ProtectedChange {
  readonly harm: Harm;
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  /** What it is: machine, disk. */
  readonly kind: string;
  /** The component it belongs to, for example `LibvirtVm web`; undefined for one on its own. */
  readonly component: string | undefined;
  readonly label: string;
  /** The arguments that force a replacement. */
  readonly reasons: readonly PropertyChange[];
  /** It is forgotten, and stays on the hypervisor. */
  readonly isRetained: boolean;
}

/** A deletion beside a creation of the same kind. */
export interface Rename {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
}

/** What each operation does to what exists. `delete-replaced` alone is the rest of an older run. */
const HARM: Readonly<Partial<Record<Operation, Harm>>> = {
  replace: "replace",
  "create-replacement": "replace",
  "import-replacement": "replace",
  "read-replacement": "replace",
  delete: "delete",
  "delete-replaced": "delete",
};

/** The protected resources that a preview's steps would replace or delete, each once. */
export function protectedChanges(
  steps: readonly Step[],
  state: ExportedState,
): ProtectedChange[] {
  const shared = sharedNames(state);
  const changes = new Map<string, ProtectedChange>();
  for (const step of steps) {
    const change = changeOf(step, shared);
    const known = change && changes.get(change.urn);
    // A replacement says why; its own deletion and creation add nothing.
    if (change && (known === undefined || betterTold(change, known))) {
      changes.set(change.urn, change);
    }
  }
  return [...changes.values()];
}

function betterTold(one: ProtectedChange, other: ProtectedChange): boolean {
  return one.harm === other.harm
    ? one.reasons.length > other.reasons.length
    : one.harm === "replace";
}

function changeOf(
  step: Step,
  shared: ReadonlySet<string>,
): ProtectedChange | undefined {
  const harm = HARM[step.op];
  const before = step.oldState;
  // What exists has the URN of the state; an alias may give it a new one.
  const urn = before?.urn ?? step.urn;
  const parts = parseUrn(urn);
  const kind = parts && PROTECTED_TYPES[parts.type];
  if (
    harm === undefined ||
    parts === undefined ||
    kind === undefined ||
    before?.external === true
  ) {
    return undefined;
  }
  const { stack, name, type } = parts;
  return {
    harm,
    urn,
    name,
    type,
    kind,
    component: componentOf(before?.parent),
    label: labelFor(harm, { stack, name, urn }, shared.has(name)),
    reasons: harm === "replace" ? reasonsOf(step) : [],
    isRetained: before?.retainOnDelete === true,
  };
}

/** The changed arguments that force the replacement; all that changed where none is named. */
function reasonsOf(step: Step): PropertyChange[] {
  const changes = propertyChanges(step);
  const forcing = changes.filter(({ path }) =>
    step.replaceReasons?.includes(firstKey(path)),
  );
  return forcing.length > 0 ? forcing : changes;
}

function componentOf(parent: string | undefined): string | undefined {
  const parts = parent === undefined ? undefined : parseUrn(parent);
  return parts === undefined || parts.type === "pulumi:pulumi:Stack"
    ? undefined
    : `${shortType(parts.type)} ${parts.name}`;
}

/** Names that several protected resources of a state have: a label by name would name them all. */
function sharedNames({ resources }: ExportedState): Set<string> {
  const names = resources
    .filter((resource) => resource.delete !== true)
    .flatMap(({ urn }) => {
      const parts = parseUrn(urn);
      return parts && PROTECTED_TYPES[parts.type] ? [parts.name] : [];
    });
  return new Set(names.filter((name, at) => names.indexOf(name) !== at));
}

/**
 * What looks like a rename: a protected resource is deleted, and one of the same type, in a
 * component of the same type, is created. Pairs are told only where they are plain: where several
 * go and come, by order.
 */
export function renames(steps: readonly Step[]): Rename[] {
  const created = steps
    .filter(({ op }) => op === "create" || op === "import")
    .map(({ urn, newState }) => ({
      urn: parseUrn(urn),
      shown: shownName(urn, newState?.parent),
    }));
  return steps.flatMap(({ op, urn, oldState }) => {
    const gone = parseUrn(urn);
    const kind = gone && PROTECTED_TYPES[gone.type];
    if (op !== "delete" || gone === undefined || kind === undefined) {
      return [];
    }
    const at = created.findIndex(
      (candidate) =>
        candidate.urn?.type === gone.type &&
        candidate.urn.parentTypes.join() === gone.parentTypes.join(),
    );
    const [successor] = at < 0 ? [] : created.splice(at, 1);
    return successor
      ? [{ kind, from: shownName(urn, oldState?.parent), to: successor.shown }]
      : [];
  });
}

function shownName(urn: string, parent: string | undefined): string {
  const name = parseUrn(urn)?.name ?? urn;
  const component = componentOf(parent);
  return component === undefined ? name : `${name} of ${component}`;
}
