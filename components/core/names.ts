import { createHash } from "node:crypto";

/** A stack and its project. */
export interface StackName {
  readonly project: string;
  /** May be called `organization/project/stack`. */
  readonly stack: string;
}

/** What identifies a machine for good: it never changes while the machine lives. */
export interface Identity extends StackName {
  /** The component's own name in the program. */
  readonly name: string;
}

/**
 * The name of an object on a hypervisor: `<project>-<stack>-<name>`, so that two stacks on one
 * hypervisor never collide and an operator sees whose it is.
 */
export function objectName(identity: Identity): string {
  return `${namePrefix(identity)}${identity.name}`;
}

/** How the names of everything that a stack makes on a hypervisor begin. */
export function namePrefix({ project, stack }: StackName): string {
  return `${project}-${stackBaseName(stack)}-`;
}

/**
 * A locally administered unicast MAC address derived from the identity: a replaced machine keeps it,
 * and with it its DHCP lease. Begins with 52 as QEMU's own do; the other 40 bits are a digest, since
 * the 24 behind QEMU's whole prefix 52:54:00 would be too few for a site of thousands of machines.
 *
 * @param index which of the machine's interfaces, from 0.
 */
export function macAddress(identity: Identity, index = 0): string {
  const digest = createHash("sha256")
    .update([identity.project, identity.stack, identity.name, index].join("\0"))
    .digest("hex");
  return `52${digest.slice(0, 10)}`.match(/../g)?.join(":") ?? "";
}

/**
 * A stack's own name, without the organization and project that may stand before it: names on the
 * hypervisor and files carry this part alone.
 */
export function stackBaseName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}
