import { type Fault, show } from "./faults";
import { isRecord, isText, LATER } from "./later";

/**
 * Rules that a JSON Schema cannot say, or cannot say in words. All of them pass over what is absent,
 * of a wrong type (the schema's fault) or, but for {@link knownNow}, LATER.
 */

/**
 * What decides which resources there are. TypeScript's types say so too; YAML and other languages
 * hand in whatever stands there.
 */
export function knownNow(path: string, value: unknown): Fault[] {
  return value === LATER
    ? [
        {
          path,
          problem:
            "is an output or a secret as a whole, must stand in the program itself; outputs and secrets may be the values inside it",
        },
      ]
    : [];
}

/** Exactly one of some fields, which are forms of the same thing. */
export function oneOf(
  path: string,
  value: unknown,
  names: readonly string[],
  need: "required" | "optional",
): Fault[] {
  if (!isRecord(value)) {
    return [];
  }
  const given = names.filter((name) => value[name] !== undefined);
  const isEmpty = Object.values(value).every((inner) => inner === undefined);
  const allowed = `must have exactly one of ${names.join(", ")}`;
  if (given.length > 1) {
    return [{ path, problem: `has ${given.join(" and ")}, ${allowed}` }];
  }
  // Where something else stands in it, that is the fault: a mistyped name, or one that needs another.
  return given.length === 0 && need === "required" && isEmpty
    ? [{ path, problem: `has none, ${allowed}` }]
    : [];
}

/** A field that says more about another one and means nothing without it. */
export function onlyWith(
  path: string,
  value: unknown,
  name: string,
  companion: string,
): Fault[] {
  return isRecord(value) &&
    value[name] !== undefined &&
    value[companion] === undefined
    ? [
        {
          path,
          problem: `is given without ${companion}, must be left out or stand beside it`,
        },
      ]
    : [];
}

/** Text for which `holds` is true. */
export function textForm(
  path: string,
  value: unknown,
  holds: (text: string) => boolean,
  expected: string,
): Fault[] {
  return isText(value) && !holds(value)
    ? [{ path, problem: `is ${show(value)}, must be ${expected}` }]
    : [];
}

/** Names of things that exist: never empty. */
export function notEmpty(path: string, value: unknown): Fault[] {
  return textForm(path, value, (text) => text.trim() !== "", "a name");
}

/** An absolute path on the hypervisor or in the guest. */
export function absolutePath(path: string, value: unknown): Fault[] {
  return textForm(
    path,
    value,
    (text) => text.startsWith("/"),
    "an absolute path",
  );
}

/** An http or https address; the password in one is not shown. */
export function webAddress(path: string, value: unknown): Fault[] {
  if (isText(value) && /^https?:\/\/[^\s/]*@/.test(value)) {
    return [
      {
        path,
        problem:
          "has a user or a password in it, which the state and command lines would show; must be an address like https://host/image.qcow2 that needs none",
      },
    ];
  }
  return textForm(
    path,
    value,
    (text) => /^https?:\/\/[^\s/]+\/\S*$/.test(text),
    "an address like https://host/image.qcow2",
  );
}

/** The MAC address of one interface. */
export function macAddress(path: string, value: unknown): Fault[] {
  // The lowest bit of the first byte marks a group address, which no interface may have.
  const unicast = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i;
  return textForm(
    path,
    value,
    (text) => unicast.test(text),
    "a unicast MAC address like 52:54:00:12:34:56",
  );
}

/** The value at a path of field names; undefined when there is none. */
export function field(value: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (inner, name) => (isRecord(inner) ? inner[name] : undefined),
    value,
  );
}

/** The faults of each mapping in a list. */
export function eachItem(
  path: string,
  value: unknown,
  check: (path: string, item: Record<string, unknown>) => Fault[],
): Fault[] {
  return Array.isArray(value)
    ? value.flatMap((item, index) =>
        isRecord(item) ? check(`${path}[${index}]`, item) : [],
      )
    : [];
}
