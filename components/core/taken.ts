import { namePrefix } from "./names";
import { describeOwner, type OwnershipStamp } from "./stamp";

/** What to say of something that carries the stamp of what is about to be made. A command follows. */
export const LEFTOVER =
  "It carries this machine's own stamp: an earlier run made it and was cut off before it could note it down. `corral up` removes it; by hand:";

/** Something that has what another one wants. */
export interface Taken {
  /** What both want: `the name "web"`, `vmId 8101`. */
  readonly subject: string;
  /** What has it: `domain "web"`. */
  readonly object: string;
  /** What kind of thing has it: `domain`. */
  readonly kind: string;
  /** The hypervisor. */
  readonly place: string;
  /** The stamp of what has it; undefined: Corral did not make it. */
  readonly found: OwnershipStamp | undefined;
  /** The stamp of what wants it. */
  readonly own: OwnershipStamp | undefined;
  /** The command that removes it by hand. */
  readonly remove: string;
  /** What to do where it is somebody else's. */
  readonly wayOut: string;
}

/** Whose it is, and what to do about it. */
export function takenProblem(taken: Taken): string {
  const { subject, object, kind, place, found, own, remove, wayOut } = taken;
  if (found === undefined) {
    return `${subject} is taken at ${place} by a ${kind} that Corral did not make; ${wayOut}`;
  }
  if (found.id === own?.id) {
    return `${object} exists already at ${place}. ${LEFTOVER} ${remove}`;
  }
  const owner = `${subject} is taken at ${place} by the ${kind} of ${describeOwner(found)}`;
  if (own !== undefined && namePrefix(found) === namePrefix(own)) {
    return (
      `${owner}: another stack of this name made it, or this one before its state was restored or lost. ` +
      `If it was this one: corral orphans --stack ${own.stack} --stamp ${found.id}; else ${wayOut}`
    );
  }
  return `${owner}; ${wayOut}`;
}
