import { field } from "../../core/argumentRules";
import type {
  InventoryContext,
  Lister,
  Reference,
  StateResource,
} from "../../core/inventory/lister";
import { isText } from "../../core/later";
import { readConsole } from "./console";
import { LISTED, placeInHandle } from "./kinds";
import type { KnownThere } from "./listing";
import { listKubevirt } from "./listing";
import { KubePlaces } from "./places";
import { removeFromKubevirt } from "./removal";
import { statusOfMachines } from "./status";
import { surveyKubevirt } from "./survey";
import { timesOfMachines } from "./times";

/**
 * The inventory of clusters with KubeVirt. A place is the address of an API, such as
 * `https://10.0.0.1:6443`. A kubeconfig is a secret, so the state is read with its secrets.
 */
export async function kubevirtLister(
  context: InventoryContext,
): Promise<Lister> {
  const places = new KubePlaces(context.environment);
  const plain = new Map(
    (await context.plainResources()).map((one) => [keyOf(one), one]),
  );
  const uids = new Set(
    [...plain.values()]
      .map(({ outputs }) => field(outputs, "metadata", "uid"))
      .filter(isText),
  );
  let references: readonly Reference[] = [];

  const knownAt = (place: string): KnownThere => {
    const handles = new Set(
      references
        .filter((reference) => reference.place === place)
        .map(({ handle }) => handle),
    );
    return {
      namespaces: [
        ...new Set(
          [...handles].map((handle) => placeInHandle(handle).namespace),
        ),
      ],
      handles,
      uids,
    };
  };

  return {
    hypervisor: "kubevirt",
    removalOrder: LISTED.map(({ kind }) => kind),
    survey(resources) {
      const survey = surveyKubevirt(
        resources.map((resource) => plain.get(keyOf(resource)) ?? resource),
        (wish) => places.placeOf(wish),
      );
      references = survey.references;
      return survey;
    },
    async declaredPlace(declaration) {
      const { kubeconfig, context: name } = (declaration ?? {}) as {
        kubeconfig?: unknown;
        context?: unknown;
      };
      const key = field(kubeconfig, "fromConfig");
      return places.placeOf({
        kubeconfig: isText(key)
          ? await context.configValue(key)
          : isText(kubeconfig)
            ? kubeconfig
            : undefined,
        context: isText(name) ? name : undefined,
      });
    },
    list: async (place, stack) =>
      listKubevirt(places.clientAt(place), stack, knownAt(place)),
    remove: async (place, object) =>
      removeFromKubevirt(places.clientAt(place), object),
    status: async (place, asked) =>
      statusOfMachines(places.clientAt(place), place, asked),
    times: async (place, asked) =>
      timesOfMachines(places.clientAt(place), place, asked),
    console: async (place, handle, wish) =>
      readConsole(places.clientAt(place), handle, wish),
    // What a cut-off run made is made again; what the state forgot, `up` takes up by its name.
    adoptedAs: () => undefined,
  };
}

/** While a resource waits for its replacement's end, its URN stands twice in the state. */
function keyOf({ urn, id = "" }: StateResource): string {
  return `${urn}::${id}`;
}
