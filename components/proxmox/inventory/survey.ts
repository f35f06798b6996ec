import type {
  Reference,
  StateResource,
  Survey,
} from "../../core/inventory/lister";
import { endpointOrigin } from "../../core/proxmox-client/endpoint";
import { handles, TYPES } from "./handles";

/**
 * What the state says of Proxmox VE. A place is an endpoint, such as `https://pve:8006`. Pure.
 *
 * @param fallback endpoint of providers that took theirs from the environment.
 */
export function surveyProxmox(
  resources: readonly StateResource[],
  fallback: string | undefined,
): Survey {
  const providers = new Map(
    resources
      .filter(({ type }) => type === TYPES.provider)
      .map(({ urn, inputs }) => [
        urn,
        originOf(inputs?.endpoint) ?? originOf(fallback),
      ]),
  );
  const references = resources.flatMap((resource): Reference[] => {
    const place = providers.get(providerUrn(resource) ?? "");
    const handle = handleOf(resource);
    const { urn, type } = resource;
    return place !== undefined && handle !== undefined
      ? [{ urn, type, place, handle }]
      : [];
  });
  const places = [...providers.values()].flatMap((place) => place ?? []);
  return { places: [...new Set(places)], references };
}

/** The one form of an endpoint; undefined for what is none. */
export function originOf(endpoint: unknown): string | undefined {
  if (typeof endpoint !== "string") {
    return undefined;
  }
  try {
    return endpointOrigin(endpoint);
  } catch {
    return undefined;
  }
}

function handleOf({ type, id, inputs }: StateResource): string | undefined {
  if (id === undefined) {
    return undefined;
  }
  switch (type) {
    case TYPES.machine:
      return handles.machine(id);
    case TYPES.file:
      return inputs?.contentType === "snippets"
        ? handles.snippet(id)
        : undefined;
    default:
      return undefined;
  }
}

/** The URN of `URN::ID`. */
function providerUrn({ provider }: StateResource): string | undefined {
  return provider?.replace(/::[^:]*$/, "");
}
