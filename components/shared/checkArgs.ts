import * as pulumi from "@pulumi/pulumi";
import { type Fault, show, throwIfFaulty } from "../core/faults";
import { LATER } from "../core/later";
import { nameFaults } from "../core/nameRule";

/** A component to check. */
export interface CheckedComponent {
  /** Type of the component, for example `LibvirtVm`. */
  readonly type: string;
  /** The component's own name in the program. */
  readonly name: string;
  /** Longest name that is allowed. Default: a machine's. */
  readonly longestName?: number;
}

/** Checks a component's name and its arguments, as {@link checkArgs} does. */
export function checkComponent<T extends object>(
  { type, name, longestName }: CheckedComponent,
  args: T,
  validate: (args: unknown) => Fault[],
): pulumi.Output<boolean> {
  const wrongName = nameFaults(name, longestName);
  return checkArgs(`${type} "${name}"`, args, (given) => [
    ...wrongName,
    ...validate(given),
  ]);
}

/**
 * Checks a component's arguments before anything is made: plain values at once, and values that are
 * Outputs when they are known. The text of secret Outputs is not shown in faults.
 *
 * @returns an Output that fails when a late value is wrong; the component's first child takes it as
 *   an input, and all others depend on that child.
 * @throws InvalidArgumentsError with all faults of the plain values.
 */
export function checkArgs<T extends object>(
  subject: string,
  args: T,
  validate: (args: unknown) => Fault[],
): pulumi.Output<boolean> {
  throwIfFaulty(subject, validate(plainPart(args)));
  return pulumi.output(args as pulumi.Inputs).apply(async (known) => {
    throwIfFaulty(
      subject,
      hide(validate(known), await secretTexts(args, known)),
    );
    return true;
  });
}

function plainPart(value: unknown): unknown {
  if (isLate(value)) {
    return LATER;
  }
  if (Array.isArray(value)) {
    return value.map(plainPart);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .map(([key, inner]) => [key, plainPart(inner)]),
    );
  }
  return value;
}

function isLate(
  value: unknown,
): value is pulumi.Output<unknown> | Promise<unknown> {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

/** The texts that stand in secret Outputs. */
async function secretTexts(args: unknown, known: unknown): Promise<string[]> {
  if (pulumi.Output.isInstance(args)) {
    return (await pulumi.isSecret(args)) ? texts(known) : [];
  }
  if (typeof args !== "object" || args === null) {
    return [];
  }
  const inner = (known ?? {}) as Record<string, unknown>;
  const found = await Promise.all(
    Object.entries(args).map(([key, value]) => secretTexts(value, inner[key])),
  );
  return found.flat();
}

function texts(value: unknown): string[] {
  if (typeof value === "string") {
    return [value];
  }
  return typeof value === "object" && value !== null
    ? Object.values(value).flatMap(texts)
    : [];
}

function hide(faults: readonly Fault[], secrets: readonly string[]): Fault[] {
  const shown = secrets.map((text) => `is ${show(text)}`);
  return faults.map((fault) => {
    const start = shown.find((text) => fault.problem.startsWith(text));
    return start === undefined
      ? fault
      : {
          ...fault,
          problem: `is a secret${fault.problem.slice(start.length)}`,
        };
  });
}
