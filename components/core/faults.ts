/** One thing wrong with what the user gave: which argument, and what about it. */
export interface Fault {
  /** Path of the argument as the user wrote it, for example `rootDisk.sizeGib`; empty for all of it. */
  readonly path: string;
  /** What it was and what is allowed, for example `is -1, must be a whole number from 1 to 65536`. */
  readonly problem: string;
}

/** Thrown when arguments are wrong. Carries every fault, not only the first one found. */
export class InvalidArgumentsError extends Error {
  constructor(
    /** What the arguments belong to, for example `LibvirtVm "web"`. */
    readonly subject: string,
    readonly faults: readonly Fault[],
  ) {
    super(renderFaults(subject, faults));
    this.name = "InvalidArgumentsError";
  }
}

/** All faults as one readable text: a headline, then a line for each fault. */
export function renderFaults(
  subject: string,
  faults: readonly Fault[],
): string {
  const noun = faults.length === 1 ? "1 fault" : `${faults.length} faults`;
  const lines = faults.map(
    ({ path, problem }) => `  ${path || "(the whole)"} ${problem}`,
  );
  return [`${subject}: ${noun} in its arguments`, ...lines].join("\n");
}

/** Throws {@link InvalidArgumentsError} when there is at least one fault. */
export function throwIfFaulty(subject: string, faults: readonly Fault[]): void {
  if (faults.length > 0) {
    throw new InvalidArgumentsError(subject, faults);
  }
}

const LONGEST_SHOWN = 80;

/**
 * A value as it is shown in a fault: short, quoted where it is text. What a list or a mapping holds
 * is never shown: there may be a secret in it.
 */
export function show(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "an empty list" : "a list";
  }
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length === 0 ? "an empty mapping" : "a mapping";
  }
  const text =
    typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > LONGEST_SHOWN
    ? `${text.slice(0, LONGEST_SHOWN - 3)}...`
    : text;
}

/** The path of something inside an argument: `joinPath("users[0]", "name")` is `users[0].name`. */
export function joinPath(path: string, part: string): string {
  return path === "" || part === "" ? path + part : `${path}.${part}`;
}
