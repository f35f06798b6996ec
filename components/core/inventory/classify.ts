import { shortStampId } from "../stamp";
import type {
  HypervisorObject,
  Listing,
  Reference,
  StateResource,
} from "./lister";

/** An object with the hypervisor that it is on. */
export interface Located {
  readonly place: string;
  readonly object: HypervisorObject;
}

/** How state and hypervisors differ. */
export interface Comparison {
  /** On a hypervisor with a stamp of this state, and no resource refers to it: provably a leftover. */
  readonly leftovers: readonly Located[];
  /** In the state, and not on the hypervisor. */
  readonly missing: readonly Reference[];
  /** Left on the hypervisor on purpose; with what uses it now, where something took it up. */
  readonly kept: readonly (Located & { readonly usedBy?: string })[];
  /**
   * Named like this stack's, with a stamp that the state does not know: another stack of the same
   * name, or this one's before its state was restored. Nobody but the user can tell.
   */
  readonly unproven: readonly Located[];
  /** Where nobody could look. */
  readonly blind: readonly { readonly place: string; readonly why: string }[];
  /** What is being made right now, of which nobody can tell yet whose it is. */
  readonly unsettled: readonly {
    readonly place: string;
    readonly what: string;
  }[];
  /** Where something is done for stamps of this state right now. */
  readonly atWork: readonly {
    readonly place: string;
    readonly stampIds: readonly string[];
  }[];
}

/** What is compared, all of one kind of hypervisor. */
export interface ComparisonInput {
  readonly references: readonly Reference[];
  /** Ids of the stamps that the state knows. */
  readonly stampIds: readonly string[];
  /** What there is, by hypervisor. */
  readonly listings: ReadonlyMap<string, Listing>;
}

const STAMP_TYPE = "corral-ops:index:Stamp";

/** Ids of the stamps that a stack's state knows. */
export function stampIds(resources: readonly StateResource[]): string[] {
  return resources
    .filter(({ type }) => type === STAMP_TYPE)
    .flatMap(({ outputs }) =>
      typeof outputs?.stampId === "string" ? [outputs.stampId] : [],
    );
}

/** Compares the state with what is on the hypervisors. Pure: it looks nowhere by itself. */
export function compare(input: ComparisonInput): Comparison {
  const { references, listings } = input;
  const isOurs = stampTest(input.stampIds);
  const referred = new Set(
    references.map(({ place, handle }) => at(place, handle)),
  );
  const strangers = [...listings].flatMap(([place, { objects }]) =>
    objects
      .filter(({ owner, handle }) => owner && !referred.has(at(place, handle)))
      .map((object) => ({ place, object })),
  );
  const userOf = usersIn(listings);
  const kept = strangers
    .filter(({ object }) => object.owner?.kept)
    .map((found) => {
      const usedBy = userOf(found);
      return usedBy === undefined ? found : { ...found, usedBy };
    });
  const others = strangers.filter(({ object }) => !object.owner?.kept);
  return {
    leftovers: others.filter(({ object }) => isOurs(object)),
    kept,
    unproven: others.filter(
      ({ object }) => !isOurs(object) && object.owner?.namesThisStack,
    ),
    missing: references.filter(
      ({ place, handle, mayBeMissing }) =>
        mayBeMissing !== true && isGone(listings.get(place), handle),
    ),
    blind: [...listings].flatMap(([place, { blind }]) =>
      blind.map(({ why }) => ({ place, why })),
    ),
    unsettled: [...listings].flatMap(([place, { unsettled = [] }]) =>
      unsettled.map((what) => ({ place, what })),
    ),
    atWork: [...listings].flatMap(([place, { atWork = [] }]) => {
      const ours = atWork.filter((id) => input.stampIds.includes(id));
      return ours.length > 0 ? [{ place, stampIds: ours }] : [];
    }),
  };
}

/**
 * Splits leftovers into those that can go and those that something else uses, which stays: a volume
 * in a machine that is not itself a leftover is somebody's data.
 */
export function removable(
  leftovers: readonly Located[],
  listings: ReadonlyMap<string, Listing>,
): { readonly free: Located[]; readonly used: (Located & { by: string })[] } {
  const going = new Set(
    leftovers.map(({ place, object }) => at(place, object.handle)),
  );
  const userOf = usersIn(listings, (user) => !going.has(user));
  return {
    free: leftovers.filter((leftover) => userOf(leftover) === undefined),
    used: leftovers.flatMap((leftover) => {
      const by = userOf(leftover);
      return by === undefined ? [] : [{ ...leftover, by }];
    }),
  };
}

/**
 * What uses an object, in words.
 *
 * @param counts whether a user counts, by its place and handle. Default: all do.
 */
function usersIn(
  listings: ReadonlyMap<string, Listing>,
  counts: (user: string) => boolean = () => true,
): (used: Located) => string | undefined {
  const users = new Map<string, string>();
  for (const [place, { objects }] of listings) {
    for (const { handle, kind, name, uses } of objects) {
      if (counts(at(place, handle))) {
        uses.forEach((used) => users.set(at(place, used), `${kind} ${name}`));
      }
    }
  }
  return ({ place, object }) => users.get(at(place, object.handle));
}

function stampTest(
  ids: readonly string[],
): (object: HypervisorObject) => boolean {
  const whole = new Set(ids);
  const short = new Set(ids.map(shortStampId));
  return ({ owner }) =>
    owner !== undefined &&
    (whole.has(owner.stampId) ||
      (owner.stampId === shortStampId(owner.stampId) &&
        short.has(owner.stampId)));
}

/** A hypervisor that was not listed says nothing of what is there. */
function isGone(listing: Listing | undefined, handle: string): boolean {
  return (
    listing !== undefined &&
    !listing.objects.some((object) => object.handle === handle) &&
    !listing.blind.some(({ prefix }) => handle.startsWith(prefix))
  );
}

function at(place: string, handle: string): string {
  return `${place}\n${handle}`;
}
