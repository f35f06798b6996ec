import type {
  InventoryContext,
  StateResource,
} from "../../core/inventory/lister";
import type { SshAccess } from "../../core/ssh-client/openSsh";
import { TYPES } from "./handles";
import { placeOf } from "./survey";

/** How a host is logged in to: as the resources on it are, whose keys are in the state. */
export async function accessTo(
  place: string,
  context: InventoryContext,
): Promise<SshAccess> {
  const access = accessIn(place, await context.plainResources());
  if (access === undefined) {
    throw new Error(`the state has no ssh key for ${place}`);
  }
  return access;
}

/** Pure. */
export function accessIn(
  place: string,
  resources: readonly StateResource[],
): SshAccess | undefined {
  const types: readonly string[] = Object.values(TYPES);
  return resources
    .filter(({ type }) => types.includes(type))
    .map(({ inputs }) => inputs?.connection)
    .filter((connection) => placeOf(connection) === place)
    .map(asAccess)
    .find((access) => access !== undefined);
}

function asAccess(connection: unknown): SshAccess | undefined {
  const {
    host,
    port = 22,
    user,
    privateKey,
    hostKey,
    bastion,
  } = (connection ?? {}) as Record<string, unknown>;
  if (
    typeof host !== "string" ||
    typeof user !== "string" ||
    typeof privateKey !== "string" ||
    typeof hostKey !== "string"
  ) {
    return undefined;
  }
  return {
    host,
    port: Number(port),
    user,
    privateKey,
    hostKey,
    bastion: bastion === undefined ? undefined : asAccess(bastion),
  };
}
