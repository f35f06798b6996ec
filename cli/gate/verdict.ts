import { type ExportedState, isEmptyState } from "../engine/exportedState";
import {
  errorsOf,
  type Diagnostic,
  type PreviewDigest,
  type Step,
} from "../engine/previewDigest";
import { DEPLOYED_KEY } from "./deployed";
import { stackOfLabel } from "./labels";
import {
  protectedChanges,
  renames,
  type ProtectedChange,
  type Rename,
} from "./protectedChanges";

/** What the gate decides about. */
export interface GateInput {
  readonly stack: string;
  /** Labels of the pull request. */
  readonly labels: readonly string[];
  /** Stacks that have a file. */
  readonly stacks: readonly string[];
  /** Whether the stack's file marks it as deployed, here and where the change is to go. */
  readonly deployed: { readonly here: boolean; readonly base: boolean };
  readonly subject: GateSubject;
}

/** What could be had of the stack. */
export type GateSubject =
  | {
      readonly kind: "previewed";
      readonly preview: PreviewDigest;
      readonly state: ExportedState;
    }
  /** Its file is removed by this change. */
  | { readonly kind: "fileRemoved" }
  /** The backend has no such stack. */
  | { readonly kind: "unknownStack" }
  /** There is no access to the backend, as in a pull request from a fork. */
  | { readonly kind: "noBackend" }
  /** Something failed, or what was read cannot be relied on. */
  | { readonly kind: "unreadable"; readonly faults: readonly string[] };

/** A protected change and whether a label allows it. */
export interface JudgedChange extends ProtectedChange {
  readonly isAllowed: boolean;
}

/** What the gate says. */
export interface Verdict {
  readonly stack: string;
  readonly outcome: "passed" | "blocked" | "failed";
  /** Why it failed, apart from changes that no label allows. */
  readonly faults: readonly string[];
  readonly notes: readonly string[];
  readonly changes: readonly JudgedChange[];
  readonly renames: readonly Rename[];
  /** Everything the engine would do. */
  readonly steps: readonly Step[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Decides whether a change of a stack may be merged. */
export function judge(input: GateInput): Verdict {
  const findings = findingsOf(input);
  const isBlocked = findings.changes.some(({ isAllowed }) => !isAllowed);
  return {
    stack: input.stack,
    outcome:
      findings.faults.length > 0 ? "failed" : isBlocked ? "blocked" : "passed",
    ...findings,
    notes: [...markNotes(input), ...findings.notes, ...strangeLabels(input)],
  };
}

type Findings = Omit<Verdict, "stack" | "outcome">;

function findingsOf(input: GateInput): Findings {
  const { subject } = input;
  const isDeployed = input.deployed.here || input.deployed.base;
  if (subject.kind === "previewed") {
    return previewFindings(input, subject, isDeployed);
  }
  const nothing = { changes: [], renames: [], steps: [], diagnostics: [] };
  if (subject.kind === "unreadable") {
    return { ...nothing, faults: subject.faults, notes: [] };
  }
  const [deployed, otherwise] = WITHOUT_PREVIEW[subject.kind];
  return isDeployed
    ? { ...nothing, faults: [deployed], notes: [] }
    : { ...nothing, faults: [], notes: [otherwise] };
}

/** What it means that there is no preview: for a stack that is marked deployed, and for others. */
const WITHOUT_PREVIEW = {
  fileRemoved: [
    `The stack's file is removed, and it is marked as deployed (${DEPLOYED_KEY}): its machines would be left to themselves. Take the mark away in a change of its own, destroy the stack, then remove the file.`,
    "The stack's file is removed; it was not marked as deployed.",
  ],
  unknownStack: [
    `The stack is marked as deployed (${DEPLOYED_KEY}), and the backend has no stack of that name. Is it the right backend?`,
    "The backend has no stack of that name yet: there is nothing that could be replaced or deleted, and nothing was previewed.",
  ],
  noBackend: [
    `The stack is marked as deployed (${DEPLOYED_KEY}), and this run has no access to its backend, as in a pull request from a fork. Push the branch to this repository to have it previewed.`,
    "This run has no access to a backend: nothing was previewed. The stack is not marked as deployed.",
  ],
} as const;

function previewFindings(
  { stack, labels }: GateInput,
  { preview, state }: Extract<GateSubject, { kind: "previewed" }>,
  isDeployed: boolean,
): Findings {
  const changes = protectedChanges(preview.steps, state).map((change) => ({
    ...change,
    isAllowed: labels.includes(change.label),
  }));
  const isEmpty = isEmptyState(state);
  return {
    faults: [
      ...errorsOf(preview).map((message) => `Pulumi reports: ${message}`),
      ...(isDeployed && isEmpty
        ? [
            `The stack is marked as deployed (${DEPLOYED_KEY}), and its state is empty: a lost state or the wrong backend. An update would make every machine a second time.`,
          ]
        : []),
      ...mismatches(stack, preview, state),
    ],
    notes: [
      ...(isEmpty || isDeployed
        ? []
        : [
            `The stack has a state and is not marked as deployed. Set ${DEPLOYED_KEY}: true in its file, so that a lost state is noticed.`,
          ]),
      ...state.pendingOperations.map(
        ({ type, resource }) =>
          `An earlier run was interrupted while ${type} ${resource.urn}: run corral up, which looks what became of it.`,
      ),
      ...unusedLabels(stack, labels, changes),
    ],
    changes,
    renames: renames(preview.steps),
    steps: preview.steps,
    diagnostics: preview.diagnostics,
  };
}

/** Signs that the preview was made from another state than the one that is looked at. */
function mismatches(
  stack: string,
  { steps }: PreviewDigest,
  { resources }: ExportedState,
): string[] {
  const alive = new Set(
    resources.filter((entry) => entry.delete !== true).map(({ urn }) => urn),
  );
  const all = new Set(resources.map(({ urn }) => urn));
  const strange = steps.filter(({ op, urn, oldState }) =>
    op === "create"
      ? alive.has(urn)
      : oldState !== undefined && oldState.external !== true
        ? !all.has(oldState.urn)
        : false,
  );
  const foreign = [...steps, ...resources].find(
    ({ urn }) => !urn.startsWith(`urn:pulumi:${stack}::`),
  );
  return [
    ...(foreign
      ? [`${foreign.urn} does not belong to the stack "${stack}".`]
      : []),
    ...(strange[0]
      ? [
          `Preview and state do not belong together, for example at ${strange[0].urn}: another run may have changed the stack meanwhile. Run this check again.`,
        ]
      : []),
  ];
}

function markNotes({ deployed, subject }: GateInput): string[] {
  return deployed.base && !deployed.here && subject.kind !== "fileRemoved"
    ? [
        `This change takes away the mark ${DEPLOYED_KEY}. It still holds for this check.`,
      ]
    : [];
}

function unusedLabels(
  stack: string,
  labels: readonly string[],
  changes: readonly ProtectedChange[],
): string[] {
  const used = new Set(changes.map(({ label }) => label));
  return labels
    .filter((label) => stackOfLabel(label) === stack && !used.has(label))
    .map(
      (label) =>
        `The label ${label} matches nothing that this preview would replace or delete.`,
    );
}

/** Labels that name a stack which does not exist. */
function strangeLabels({ labels, stacks, stack }: GateInput): string[] {
  return labels
    .filter((label) => {
      const named = stackOfLabel(label);
      return named !== undefined && named !== stack && !stacks.includes(named);
    })
    .map((label) => `The label ${label} names no stack that has a file.`);
}
