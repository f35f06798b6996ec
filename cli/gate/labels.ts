import { createHash } from "node:crypto";

/** What happens to a resource that is not kept. */
export type Harm = "replace" | "delete";

/** GitHub takes no longer name of a label. */
export const LONGEST_LABEL = 50;

const HASH_LENGTH = 12;

/** A resource that a label can name. */
export interface Labelled {
  readonly stack: string;
  readonly name: string;
  readonly urn: string;
}

/**
 * The label that allows one harm to one resource: `allow-replace:<stack>/<name>`. A name that is
 * too long, has other characters than a label should have, or belongs to several resources is
 * told apart by a hash of the URN: `allow-replace:prod/a-long-na~0123456789ab`.
 *
 * @param isShared whether another protected resource of the stack has the same name.
 */
export function labelFor(
  harm: Harm,
  { stack, name, urn }: Labelled,
  isShared = false,
): string {
  const plain = `allow-${harm}:${stack}/${name}`;
  if (plain.length <= LONGEST_LABEL && !isShared && /^[\w.:/-]+$/.test(plain)) {
    return plain;
  }
  const hash = createHash("sha256").update(urn).digest("hex");
  return (
    plain.replace(/[^\w.:/-]/g, "-").slice(0, LONGEST_LABEL - HASH_LENGTH - 1) +
    `~${hash.slice(0, HASH_LENGTH)}`
  );
}

/** The stack that a label of this kind names; undefined when it is a label of another kind. */
export function stackOfLabel(label: string): string | undefined {
  return /^allow-(?:replace|delete):([^/]*)/.exec(label)?.[1];
}
