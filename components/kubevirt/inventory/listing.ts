import { field } from "../../core/argumentRules";
import type {
  HypervisorObject,
  Listing,
  OwnerMark,
} from "../../core/inventory/lister";
import type { KubeClient, KubeObject } from "../../core/kube-client/client";
import { isKubeFault, type KubeError } from "../../core/kube-client/errors";
import { KINDS } from "../../core/kube-client/kinds";
import {
  label,
  MACHINE_LABEL,
  ownerOf,
  STAMP_LABEL,
} from "../../core/kubevirt/labels";
import { isText } from "../../core/later";
import { namePrefix, type StackName } from "../../core/names";
import { describeOwner } from "../../core/stamp";
import { handles, LISTED, type ListedKind } from "./kinds";

/** What the state knows of a cluster. */
export interface KnownThere {
  /** Namespaces that it speaks of: looked into one by one where the whole cluster may not be listed. */
  readonly namespaces: readonly string[];
  /** Handles of the objects that its resources refer to here. */
  readonly handles: ReadonlySet<string>;
  /** Uids of all objects that it knows, here or elsewhere. */
  readonly uids: ReadonlySet<string>;
}

/**
 * Everything in a cluster that carries a stamp, and what else is in a namespace that may have to go.
 *
 * @param stack whose objects are to be recognized.
 */
export async function listKubevirt(
  client: KubeClient,
  stack: StackName,
  known: KnownThere,
): Promise<Listing> {
  const listed = await Promise.all(
    LISTED.map((kind) => listKind(client, kind, known.namespaces)),
  );
  const objects = LISTED.flatMap((kind, index) =>
    (listed[index]?.found ?? [])
      .filter((object) => !isOwned(object))
      .map((object) => stampedObject(kind, object, stack, known)),
  );
  const ownNamespaces = objects.filter(
    ({ kind, handle, owner }) =>
      kind === "Namespace" && owner && !known.handles.has(handle),
  );
  const strangers = await Promise.all(
    ownNamespaces.map(({ name }) => strangersIn(client, name)),
  );
  return {
    objects: [...objects, ...strangers.flat()],
    blind: [
      ...listed.flatMap(({ blind }) => blind),
      ...elsewhere(
        listed.flatMap(({ refused }) => refused ?? []),
        known.namespaces,
      ),
    ],
  };
}

interface ListedObjects {
  readonly found: KubeObject[];
  readonly blind: Listing["blind"][number][];
  /** Why not all of the cluster was looked at. */
  readonly refused?: KubeError;
}

async function listKind(
  client: KubeClient,
  { kind, api, namespaced }: ListedKind,
  namespaces: readonly string[],
): Promise<ListedObjects> {
  try {
    const found = await client.list(api, undefined, { label: STAMP_LABEL });
    return { found, blind: [] };
  } catch (error) {
    if (isKubeFault(error, "noKind")) {
      return { found: [], blind: [] }; // Without the kind there is none.
    }
    if (!isKubeFault(error, "forbidden")) {
      throw error;
    }
    const parts = await Promise.all(
      namespaces.map((namespace) =>
        lookInto(namespace, namespaced ? kind : "Namespace", async () =>
          namespaced
            ? client.list(api, namespace, { label: STAMP_LABEL })
            : [(await client.find(api, "", namespace)) ?? []].flat(),
        ),
      ),
    );
    return {
      found: parts.flatMap(({ found }) => found),
      blind: parts.flatMap(({ blind }) => blind),
      refused: error,
    };
  }
}

async function lookInto(
  namespace: string,
  kind: string,
  look: () => Promise<KubeObject[]>,
): Promise<ListedObjects> {
  try {
    return { found: await look(), blind: [] };
  } catch (error) {
    if (!isKubeFault(error, "forbidden")) {
      throw error;
    }
    const prefix =
      kind === "Namespace"
        ? handles.namespace(namespace)
        : handles.within(kind, namespace);
    return { found: [], blind: [{ prefix, why: error.message }] };
  }
}

/** One line for all kinds that may be in other namespaces; their handles are nobody's. */
function elsewhere(
  refused: readonly KubeError[],
  namespaces: readonly string[],
): Listing["blind"] {
  const [first] = refused;
  if (first === undefined) {
    return [];
  }
  const where =
    namespaces.length === 0 ? "" : ` outside of ${namespaces.join(", ")}`;
  const more =
    refused.length === 1
      ? ""
      : ` (and so for ${refused.length - 1} more kinds)`;
  return [
    {
      prefix: "*",
      why: `what there is${where} cannot be seen: ${first.message}${more}`,
    },
  ];
}

function stampedObject(
  { kind }: ListedKind,
  object: KubeObject,
  stack: StackName,
  known: KnownThere,
): HypervisorObject {
  const found = plainObject(kind, object);
  // One API may have two addresses: what the state knows by the other is no leftover here.
  const isKnownElsewhere =
    known.uids.has(found.id) && !known.handles.has(found.handle);
  const owner = isKnownElsewhere ? undefined : ownerMark(kind, object, stack);
  return { ...found, ...(owner && { owner }) };
}

function plainObject(kind: string, object: KubeObject): HypervisorObject {
  const namespace = metadata(object, "namespace");
  const name = metadata(object, "name");
  return {
    kind,
    name: namespace === "" ? name : `${namespace}/${name}`,
    id: metadata(object, "uid"),
    handle: handles.object(kind, namespace, name),
    uses: namespace === "" ? [] : [handles.namespace(namespace)],
    detail: detailOf(object),
  };
}

/**
 * Only what says in both places whose it is proves it: a label alone is set quickly. And a copy has all
 * labels of what it was made from: a VirtualMachineClone, or what Velero restored somewhere else.
 */
function ownerMark(
  kind: string,
  object: KubeObject,
  stack: StackName,
): OwnerMark | undefined {
  const owner = ownerOf(object);
  const isCopy =
    label(object, RESTORED_LABEL) !== undefined ||
    (kind === "VirtualMachine" &&
      label(object, MACHINE_LABEL) !== metadata(object, "name"));
  return owner !== undefined &&
    owner.id === label(object, STAMP_LABEL) &&
    !isCopy
    ? {
        stampId: owner.id,
        namesThisStack: namePrefix(owner) === namePrefix(stack),
        description: describeOwner(owner),
      }
    : undefined;
}

/** https://velero.io/docs/main/restore-reference/ */
const RESTORED_LABEL = "velero.io/restore-name";

function detailOf(object: KubeObject): string {
  const states = [
    field(object, "status", "printableStatus"),
    field(object, "status", "phase"),
  ].filter((state) => isText(state) && state !== "");
  const isGoing = metadata(object, "deletionTimestamp") !== "";
  return [...states.slice(0, 1), ...(isGoing ? ["being deleted"] : [])].join(
    ", ",
  );
}

/** Kinds that hold somebody's work, which would go with their namespace. */
const WORK = [
  { kind: "VirtualMachine", api: KINDS.virtualMachine },
  { kind: "VirtualMachineSnapshot", api: KINDS.machineSnapshot },
  { kind: "DataVolume", api: KINDS.dataVolume },
  { kind: "PersistentVolumeClaim", api: KINDS.claim },
  { kind: "Pod", api: KINDS.pod },
];
/** What belongs to these comes and goes with them. */
const OWNERS = [
  "VirtualMachineInstance",
  "PersistentVolumeClaim",
  "DataVolume",
];

/** What is in a namespace of ours and not ours. */
async function strangersIn(
  client: KubeClient,
  namespace: string,
): Promise<HypervisorObject[]> {
  const found = await Promise.all(
    WORK.map(async ({ kind, api }) => {
      try {
        const all = await client.list(api, namespace);
        return all
          .filter((object) => label(object, STAMP_LABEL) === undefined)
          .filter((object) =>
            kind === "Pod"
              ? !ownersOf(object).some((owner) => OWNERS.includes(owner))
              : !isOwned(object),
          )
          .map((object) => plainObject(kind, object));
      } catch (error) {
        if (isKubeFault(error, "noKind")) {
          return [];
        }
        if (isKubeFault(error, "forbidden")) {
          // What cannot be seen may be there.
          return [hidden(kind, namespace)];
        }
        throw error;
      }
    }),
  );
  return found.flat();
}

function hidden(kind: string, namespace: string): HypervisorObject {
  return {
    kind,
    name: `objects in ${namespace} that may not be listed`,
    id: "",
    handle: handles.object(kind, namespace, "*"),
    uses: [handles.namespace(namespace)],
    detail: "",
  };
}

/** What belongs to another object goes with it. */
function isOwned(object: KubeObject): boolean {
  return ownersOf(object).length > 0;
}

function ownersOf(object: KubeObject): string[] {
  const owners = field(object, "metadata", "ownerReferences");
  return (Array.isArray(owners) ? (owners as unknown[]) : []).map((owner) =>
    String(field(owner, "kind")),
  );
}

function metadata(object: KubeObject, name: string): string {
  const value = field(object, "metadata", name);
  return isText(value) ? value : "";
}
