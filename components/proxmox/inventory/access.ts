import type {
  InventoryContext,
  StateResource,
} from "../../core/inventory/lister";
import type { ProxmoxEndpoint } from "../../core/proxmox-client/endpoint";
import { TYPES } from "./handles";
import { originOf } from "./survey";

/** A hypervisor as the fleet file declares it. */
export interface DeclaredProxmox {
  readonly endpoint?: unknown;
  /** `fromConfig: KEY` in the file. */
  readonly apiToken?: unknown;
  readonly insecure?: unknown;
}

type Known = Pick<ProxmoxEndpoint, "apiToken" | "insecure">;

/**
 * How a place is asked: its token is looked for in the environment, in the state, where the fleet
 * file points, and in the provider's configuration, in this order.
 *
 * @throws Error that says what to set when there is none.
 */
export async function accessTo(
  place: string,
  context: InventoryContext,
  declared: DeclaredProxmox | undefined,
): Promise<ProxmoxEndpoint> {
  const known =
    fromEnvironment(place, context.environment) ??
    fromResources(place, await context.plainResources()) ??
    (await fromDeclaration(declared, context)) ??
    (await fromConfiguration(place, context));
  if (known === undefined) {
    throw new Error(
      `no API token is known for ${place}: neither the state nor the stack's configuration has one. ` +
        `Set PROXMOX_VE_ENDPOINT=${place} and PROXMOX_VE_API_TOKEN=USER@REALM!TOKENID=UUID`,
    );
  }
  return { endpoint: place, ...known };
}

/** The variables that the Terraform provider knows, where they are of this place. */
export function fromEnvironment(
  place: string,
  environment: InventoryContext["environment"],
): Known | undefined {
  const { PROXMOX_VE_ENDPOINT, PROXMOX_VE_API_TOKEN, PROXMOX_VE_INSECURE } =
    environment;
  return PROXMOX_VE_API_TOKEN && originOf(PROXMOX_VE_ENDPOINT) === place
    ? { apiToken: PROXMOX_VE_API_TOKEN, insecure: isTrue(PROXMOX_VE_INSECURE) }
    : undefined;
}

/** That of a provider, else of any resource of Corral's own that works with this API. */
export function fromResources(
  place: string,
  resources: readonly StateResource[],
): Known | undefined {
  const providers = resources.filter(({ type }) => type === TYPES.provider);
  const own = resources.filter(({ type }) => type.startsWith("corral-ops:"));
  for (const { inputs } of [...providers, ...own]) {
    const found = endpointIn(inputs).find(
      ({ endpoint, apiToken }) =>
        originOf(endpoint) === place && typeof apiToken === "string",
    );
    if (found !== undefined) {
      const { apiToken, insecure } = found;
      return { apiToken: String(apiToken), insecure: isTrue(insecure) };
    }
  }
  return undefined;
}

/** Objects with an endpoint among inputs, at any depth. */
function endpointIn(value: unknown): Readonly<Record<string, unknown>>[] {
  if (typeof value !== "object" || value === null) {
    return [];
  }
  const object = value as Readonly<Record<string, unknown>>;
  return [
    ...("endpoint" in object ? [object] : []),
    ...Object.values(object).flatMap(endpointIn),
  ];
}

async function fromDeclaration(
  declared: DeclaredProxmox | undefined,
  context: InventoryContext,
): Promise<Known | undefined> {
  const { fromConfig } = (declared?.apiToken ?? {}) as {
    fromConfig?: unknown;
  };
  const apiToken =
    typeof fromConfig === "string"
      ? await context.configValue(fromConfig)
      : undefined;
  return apiToken === undefined
    ? undefined
    : { apiToken, insecure: isTrue(declared?.insecure) };
}

async function fromConfiguration(
  place: string,
  context: InventoryContext,
): Promise<Known | undefined> {
  const [endpoint, apiToken, insecure] = await Promise.all(
    ["endpoint", "apiToken", "insecure"].map((key) =>
      context.configValue(`proxmox:${key}`),
    ),
  );
  return apiToken !== undefined && originOf(endpoint) === place
    ? { apiToken, insecure: isTrue(insecure) }
    : undefined;
}

/** Providers keep truth values as text. */
function isTrue(value: unknown): boolean {
  return /^(true|1)$/i.test(String(value));
}
