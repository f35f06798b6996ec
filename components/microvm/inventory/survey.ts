import type {
  Reference,
  StateResource,
  Survey,
} from "../../core/inventory/lister";
import { handles, TYPES } from "./handles";

/** What the state says of hosts of microVMs. A place is `user@host:port`. Pure. */
export function surveyMicroVms(resources: readonly StateResource[]): Survey {
  const machines = new Map(
    resources
      .filter(({ type }) => type === TYPES.machine)
      .map(({ id = "", inputs }) => [id, placeOf(inputs?.connection)]),
  );
  const references = resources.flatMap((resource): Reference[] => {
    const place = placeOf(resource.inputs?.connection);
    const handle = handleOf(resource);
    const { urn, type } = resource;
    return place !== undefined && handle !== undefined
      ? [
          {
            urn,
            type,
            place,
            handle,
            ...(isOnItsWay(resource, place, machines) && {
              mayBeMissing: true,
            }),
          },
        ]
      : [];
  });
  return {
    places: [...new Set(references.map(({ place }) => place))],
    references,
  };
}

/** The host of a connection; undefined: it is none. */
export function placeOf(connection: unknown): string | undefined {
  const {
    user,
    host,
    port = 22,
  } = (connection ?? {}) as {
    user?: unknown;
    host?: unknown;
    port?: unknown;
  };
  return typeof user === "string" && typeof host === "string"
    ? `${user}@${host}:${String(port)}`
    : undefined;
}

/** A volume whose machine is on another host still: a move has not come to its end. */
function isOnItsWay(
  { type, id = "" }: StateResource,
  place: string,
  machines: ReadonlyMap<string, string | undefined>,
): boolean {
  const at = machines.get(id.replace(/\/.*$/, ""));
  return type === TYPES.volume && at !== undefined && at !== place;
}

function handleOf(resource: StateResource): string | undefined {
  const { type, id = "" } = resource;
  switch (type) {
    case TYPES.machine:
      return handles.machine(id);
    case TYPES.volume: {
      const [machine = "", volume = ""] = id.split("/");
      return handles.volume(machine, volume);
    }
    case TYPES.lease:
      // The address may be another one than at first.
      return handles.lease(
        text(resource.inputs?.network),
        text(resource.outputs?.address),
      );
    case TYPES.image:
      // A file that is the host's own is nothing of ours.
      return id.startsWith("/") ? undefined : handles.image(id);
    case TYPES.network:
      return handles.network(text(resource.inputs?.network));
    default:
      return undefined;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
