import { type Fault, show } from "./faults";

/** Longest name of a machine: it is a host name, and stands in the names of its disks. */
export const LONGEST_NAME = 40;

/** Longest name of what machines share: a machine's or hypervisor's, a hyphen and its own. */
export const LONGEST_SHARED_NAME = 2 * LONGEST_NAME + 1;

/**
 * Whether a component may be called so. Names become names on hypervisors and host names, so they
 * are kept to what all of them allow.
 */
export function isGoodName(name: string, longest = LONGEST_NAME): boolean {
  return name.length <= longest && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name);
}

/** What {@link isGoodName} allows, in words that stand after "must be". */
export function describeNameForm(longest = LONGEST_NAME): string {
  return `1 to ${longest} lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen`;
}

/** The fault of a component's name. */
export function nameFaults(name: string, longest = LONGEST_NAME): Fault[] {
  return isGoodName(name, longest)
    ? []
    : [
        {
          path: "name",
          problem: `is ${show(name)}, must be ${describeNameForm(longest)}`,
        },
      ];
}
