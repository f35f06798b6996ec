import { field } from "../../core/argumentRules";
import type {
  Reference,
  StateResource,
  Survey,
} from "../../core/inventory/lister";
import type { KubeWish } from "../../core/kube-client/kubeconfig";
import { label, STAMP_LABEL } from "../../core/kubevirt/labels";
import { diskName } from "../../core/kubevirt/names";
import { isText } from "../../core/later";
import { handles, listedKind, MAKERS, TYPES } from "./kinds";

/** Types of the components whose providers count. */
const COMPONENT = /^corral:index:Kubevirt/;

/**
 * What the state says of clusters with KubeVirt. A place is the address of an API. Pure.
 *
 * @param resources with their secrets in plain: a kubeconfig is one.
 * @param placeOf the place that a kubeconfig leads to.
 */
export function surveyKubevirt(
  resources: readonly StateResource[],
  placeOf: (wish: KubeWish) => string,
): Survey {
  const providers = new Map(
    resources
      .filter(({ type }) => type === TYPES.provider)
      .filter((provider) => makesMachines(provider, resources))
      .map((provider) => [refOf(provider), placeOf(wishOf(provider))]),
  );
  const references = resources.flatMap((resource): Reference[] => {
    const { urn, type, provider = "" } = resource;
    const found = MAKERS.includes(type)
      ? { place: placeOf(wishOf(resource)), objects: ownObjects(resource) }
      : { place: providers.get(provider), objects: objectOf(resource) };
    const { place, objects } = found;
    return place === undefined
      ? []
      : objects.map((object) => ({ urn, type, place, ...object }));
  });
  const places = [
    ...providers.values(),
    ...references.map(({ place }) => place),
  ];
  return { places: [...new Set(places)], references };
}

/** Whether a resource of Kubernetes is one that Corral made. */
export function isStamped({
  inputs,
  outputs,
}: Pick<StateResource, "inputs" | "outputs">): boolean {
  return [inputs, outputs].some(
    (object) => label(object, STAMP_LABEL) !== undefined,
  );
}

/**
 * Whether Corral's machines are made by a provider, or may be once it is used. The provider of the
 * cluster inside the machines is none of these: its API is often out of reach, and has nothing of ours.
 */
function makesMachines(
  provider: StateResource,
  resources: readonly StateResource[],
): boolean {
  const users = resources.filter((one) => one.provider === refOf(provider));
  if (users.length > 0) {
    return users.some(isStamped);
  }
  const parentType = resources.find(({ urn }) => urn === provider.parent)?.type;
  return parentType !== undefined && COMPONENT.test(parentType)
    ? provider.urn.endsWith("-kubernetes")
    : resources.some(({ type }) => COMPONENT.test(type));
}

/** How resources refer to their provider. */
function refOf({ urn, id = "" }: StateResource): string {
  return `${urn}::${id}`;
}

function wishOf({ inputs }: StateResource): KubeWish {
  const { kubeconfig, context } = inputs ?? {};
  return {
    kubeconfig: isText(kubeconfig) ? kubeconfig : undefined,
    context: isText(context) ? context : undefined,
  };
}

type Found = Pick<Reference, "handle" | "mayBeMissing">;

function objectOf(resource: StateResource): Found[] {
  const { type, id } = resource;
  const [plugin, , kind = ""] = type.split(":");
  return plugin === "kubernetes" &&
    id !== undefined &&
    listedKind(kind) !== undefined &&
    isStamped(resource)
    ? [{ handle: `${kind}:${id}` }]
    : [];
}

/** What resources of Corral's own plugin make. */
function ownObjects({ type, inputs, outputs }: StateResource): Found[] {
  const namespace = text(inputs?.namespace);
  if (type === TYPES.snapshots) {
    return list(inputs?.orders).map((order) => ({
      handle: handles.object(
        "VirtualMachineSnapshot",
        namespace,
        text(field(order, "name")),
      ),
    }));
  }
  if (type === TYPES.baseMachine) {
    const name = text(inputs?.machine);
    return [
      {
        handle: handles.object("VirtualMachine", namespace, name),
        // With its snapshot it has done its work, and may be gone.
        mayBeMissing: true,
      },
    ];
  }
  return list(inputs?.machines).flatMap((machine) =>
    list(outputs?.snapshots)
      .filter((one) => field(one, "role") === field(machine, "role"))
      .flatMap((snapshot) => list(field(snapshot, "disks")))
      .map((disk) => ({
        handle: handles.object(
          "DataVolume",
          namespace,
          diskName(
            text(field(machine, "name")),
            text(field(disk, "volume")),
            Number(outputs?.decidedGeneration ?? 1),
          ),
        ),
        // Once its machine is there, it is the machine's.
        mayBeMissing: true,
      })),
  );
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}
