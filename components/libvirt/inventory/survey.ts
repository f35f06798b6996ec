import type {
  Reference,
  StateResource,
  Survey,
} from "../../core/inventory/lister";
import { DEFAULT_POOL, DEFAULT_URI } from "../defaults";

const PROVIDER = "pulumi:providers:libvirt";

/** What the state says of libvirt hosts. A place is a connection URI. Pure. */
export function surveyLibvirt(resources: readonly StateResource[]): Survey {
  const providers = new Map(
    resources
      .filter(({ type }) => type === PROVIDER)
      .map((provider) => [provider.urn, text(provider, "uri") || DEFAULT_URI]),
  );
  const references = resources.flatMap((resource) => {
    const place =
      text(resource, "uri") || providers.get(providerUrn(resource) ?? "");
    const found = objectOf(resource);
    const { urn, type } = resource;
    return place !== undefined && found !== undefined
      ? [{ urn, type, place, ...found }]
      : [];
  });
  const places = [
    ...providers.values(),
    ...references.map(({ place }) => place),
  ];
  return { places: [...new Set(places)], references };
}

/** The connection URI of a hypervisor of the fleet file; the embedded lab is on this machine. */
export function declaredUri(declaration: unknown): string {
  const uri = (declaration as { uri?: unknown } | undefined)?.uri;
  return typeof uri === "string" ? uri : DEFAULT_URI;
}

/** Handles of objects, as the listing gives them too. */
export const handles = {
  domain: (uuid: string) => `domain:${uuid}`,
  network: (uuid: string) => `network:${uuid}`,
  pool: (name: string) => `pool:${name}`,
  volume: (pool: string, name: string) => `volume:${pool}/${name}`,
  volumesOf: (pool: string) => `volume:${pool}/`,
};

function objectOf(
  resource: StateResource,
): Pick<Reference, "handle" | "mayBeMissing"> | undefined {
  const pool = text(resource, "pool") || DEFAULT_POOL;
  switch (resource.type) {
    case "libvirt:index/domain:Domain":
      return { handle: handles.domain(resource.id ?? "") };
    case "libvirt:index/network:Network":
      return { handle: handles.network(resource.id ?? "") };
    case "libvirt:index/pool:Pool":
      return { handle: handles.pool(text(resource, "name")) };
    case "libvirt:index/volume:Volume":
    case "corral-ops:index:CloudInitDisk":
      return { handle: handles.volume(pool, text(resource, "name")) };
    case "corral-ops:index:LibvirtDisk":
      return { handle: handles.volume(pool, text(resource, "volumeName")) };
    case "corral-ops:index:ConsoleLog":
      return {
        handle: handles.volume(pool, text(resource, "fileName")),
        mayBeMissing: true,
      };
    default:
      return undefined;
  }
}

/** The URN of `URN::ID`. */
function providerUrn({ provider }: StateResource): string | undefined {
  return provider?.replace(/::[^:]*$/, "");
}

function text({ inputs, outputs }: StateResource, field: string): string {
  const value = outputs?.[field] ?? inputs?.[field];
  return typeof value === "string" ? value : "";
}
