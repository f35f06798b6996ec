import type { StackName } from "../names";
import type { MachineTimes } from "./stage";
import type { MachineStatus } from "./status";

/** A resource in the engine's state, as far as an inventory looks into it. Secrets are encrypted. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  /** Missing for components. */
  readonly id?: string;
  /** `URN::ID` of the provider that made it. */
  readonly provider?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** URN of the component that it stands in. */
  readonly parent?: string;
}

/**
 * Who an object on a hypervisor says it belongs to. Objects with a field for metadata carry the
 * whole stamp, others the first digits of its id in their name.
 */
export interface OwnerMark {
  /** The stamp's id, or the part of it that stands in names. */
  readonly stampId: string;
  /** Whether it names this project and this stack, as other stacks of the same name do too. */
  readonly namesThisStack: boolean;
  /** Owner in words; missing where only a name tells. */
  readonly description?: string;
  /** Left on the hypervisor on purpose when its machine was deleted. */
  readonly kept?: boolean;
}

/** Something on a hypervisor, whoever made it. */
export interface HypervisorObject {
  /** In the hypervisor's own words: `domain`, `volume`, `network`, `pool`. */
  readonly kind: string;
  readonly name: string;
  /** As the hypervisor itself tells objects of this kind apart: a UUID, a path. */
  readonly id: string;
  /** What the state's resource for it refers to; unique on its hypervisor. */
  readonly handle: string;
  /** Missing for what Corral did not make. */
  readonly owner?: OwnerMark;
  /** Handles of what it uses, such as a domain's volumes. */
  readonly uses: readonly string[];
  /** State, size or place, for people. */
  readonly detail: string;
}

/** What there is on one hypervisor. */
export interface Listing {
  readonly objects: readonly HypervisorObject[];
  /** Handles begin so where the lister could not look, and why: `volume:backup/` of a pool that is off. */
  readonly blind: readonly { readonly prefix: string; readonly why: string }[];
  /** What is being made there right now, of which nobody can tell yet whose it is. */
  readonly unsettled?: readonly string[];
  /** Stamps for which something is done there right now, perhaps for a run that is dead. */
  readonly atWork?: readonly string[];
}

/** What a resource of the state stands for on a hypervisor. */
export interface Reference {
  readonly urn: string;
  readonly type: string;
  /** The hypervisor, as {@link Lister.list} takes it. */
  readonly place: string;
  readonly handle: string;
  /** Whether it may be missing without anything being wrong, like a log that nobody has written yet. */
  readonly mayBeMissing?: boolean;
}

/** What a stack's state says of one kind of hypervisor. */
export interface Survey {
  /** The hypervisors that it speaks of. */
  readonly places: readonly string[];
  readonly references: readonly Reference[];
}

/** How an object becomes a resource of the state. */
export interface AdoptedAs {
  /** Pulumi's type token. */
  readonly type: string;
  /** The provider's id of the object. */
  readonly id: string;
  /** Outputs without which the provider does not find the object. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** What an inventory may need beside the state as it is exported. */
export interface InventoryContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The state's resources with their secrets in plain: kept in memory only, and for as long as needed. */
  plainResources(): Promise<readonly StateResource[]>;
  /** A value of the stack's configuration, also a secret one; undefined when it is not set. */
  configValue(key: string): Promise<string | undefined>;
  /** Tells the user what is waited for. */
  say(line: string): void;
}

/** What is to be shown of a console. */
export interface ConsoleWish {
  /** How many of the last lines are shown first. */
  readonly lines: number;
  /** Whether what comes later is shown too. */
  readonly follow: boolean;
  write(text: string): void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * The inventory of one kind of hypervisor: the one place that knows how to list, recognize and
 * remove what Corral makes there. Each kind has one; recovery, `corral orphans` and tests know no other.
 */
export interface Lister {
  /** The kind of hypervisor, as in the fleet file: `libvirt`. */
  readonly hypervisor: string;
  /** Kinds of objects in the order of removal: what uses others first. */
  readonly removalOrder: readonly string[];
  survey(resources: readonly StateResource[]): Survey;
  /** The place of a hypervisor as a fleet file declares one of this kind. */
  declaredPlace(declaration: unknown): string | Promise<string>;
  /**
   * Everything there is, of whomever.
   *
   * @param stack whose objects are to be recognized.
   */
  list(place: string, stack: StackName): Promise<Listing>;
  /** Removes an object for good. Nothing happens when it is gone already. */
  remove(place: string, object: HypervisorObject): Promise<void>;
  /** Ends what is done for stamps whose run is dead; there where listings tell of it. */
  endWork?(place: string, stampIds: readonly string[]): Promise<void>;
  /** The machines of a place, as they are right now. */
  status(
    place: string,
    references: readonly Reference[],
  ): Promise<MachineStatus[]>;
  /** When the stages of each machine were; missing where the hypervisor notes nothing of it. */
  times?(
    place: string,
    references: readonly Reference[],
  ): Promise<MachineTimes[]>;
  /** Shows a machine's console; missing where the hypervisor keeps none. */
  console?(place: string, handle: string, wish: ConsoleWish): Promise<void>;
  /** As what an object can be taken into the state; undefined: it holds nothing worth it. */
  adoptedAs(object: HypervisorObject): AdoptedAs | undefined;
}
