import type {
  HypervisorObject,
  Listing,
  OwnerMark,
} from "../../core/inventory/lister";
import { LibvirtClient } from "../../core/libvirt-client/client";
import { lines, tableRows } from "../../core/libvirt-client/parse";
import { namePrefix, type StackName } from "../../core/names";
import { describeOwner, parseStamp } from "../../core/stamp";
import { parseDomain, parseNetwork } from "./domainXml";
import { markInName, withoutRotation } from "./nameMark";
import { handles } from "./survey";

/** Pools with many volumes take their time to be read anew. */
const REFRESH_SECONDS = 120;

/**
 * Everything on a libvirt host, in few calls of virsh, which matters over ssh.
 *
 * @param uri connection URI.
 * @param stack whose objects are to be recognized.
 * @param client default: one for the URI.
 */
export async function listLibvirt(
  uri: string,
  stack: StackName,
  client = new LibvirtClient(uri),
): Promise<Listing> {
  const { virsh } = client;
  // Alone and first: when the daemon cannot be reached, this says so.
  const domainIds = lines(await virsh.run(["list", "--all", "--uuid"]));
  const [networkIds = "", allPools = "", activePools = ""] = await virsh.runAll(
    [
      ["net-list", "--all", "--uuid"],
      ["pool-list", "--all", "--name"],
      ["pool-list", "--name"],
    ],
  );
  const active = lines(activePools);
  const dumps = await virsh.runAll(
    [
      ...domainIds.map((uuid) => ["dumpxml", uuid]),
      ...domainIds.map((uuid) => ["domstate", uuid]),
      ...lines(networkIds).map((uuid) => ["net-dumpxml", uuid]),
      ...active.flatMap((pool) => [
        // Files that libvirt did not make itself are seen by this only. Fails while a volume is
        // being written there, and what is known already is listed all the same.
        ["pool-refresh", pool],
        ["vol-list", pool],
      ]),
    ],
    { timeoutSeconds: REFRESH_SECONDS },
  );
  const take = <T>(items: readonly T[], each = 1) =>
    dumps.splice(0, items.length * each);
  const domainXmls = take(domainIds);
  const states = take(domainIds);
  const networkXmls = take(lines(networkIds));
  const volumeLists = take(active, 2).filter((_, index) => index % 2 === 1);

  const volumes = active.flatMap((pool, index) =>
    volumesOf(pool, volumeLists[index] ?? "", stack),
  );
  const networks = networkXmls.flatMap((xml) => networkObject(xml, stack));
  const handlesOf: UsedHandles = {
    volumeAt: new Map(volumes.map(({ path, object }) => [path, object.handle])),
    networkOf: new Map(networks.map(({ name, handle }) => [name, handle])),
  };
  return {
    objects: [
      ...domainXmls.flatMap((xml, index) =>
        domainObject(xml, states[index] ?? "", handlesOf, stack),
      ),
      ...networks,
      ...volumes.map(({ object }) => object),
      ...lines(allPools).map((pool) =>
        poolObject(pool, active.includes(pool), stack),
      ),
    ],
    blind: lines(allPools)
      .filter((pool) => !active.includes(pool))
      .map((pool) => ({
        prefix: handles.volumesOf(pool),
        why: `pool "${pool}" is not active, its volumes cannot be seen; start it by: virsh -c ${uri} pool-start ${pool}`,
      })),
  };
}

/** Handles of what domains use, as their XML names it. */
interface UsedHandles {
  readonly volumeAt: ReadonlyMap<string, string>;
  readonly networkOf: ReadonlyMap<string, string>;
}

function domainObject(
  xml: string,
  state: string,
  { volumeAt, networkOf }: UsedHandles,
  stack: StackName,
): HypervisorObject[] {
  const domain = parseDomain(xml);
  if (domain === undefined) {
    return [];
  }
  return [
    {
      kind: "domain",
      name: domain.name,
      id: domain.uuid,
      handle: handles.domain(domain.uuid),
      ...ownerIn(xml, stack),
      uses: [
        ...domain.disks.flatMap(
          ({ path = "", pool, volume }) =>
            (pool !== undefined && volume !== undefined
              ? handles.volume(pool, volume)
              : volumeAt.get(path)) ?? [],
        ),
        ...domain.networks.flatMap((name) => networkOf.get(name) ?? []),
      ],
      detail: state.trim(),
    },
  ];
}

function networkObject(xml: string, stack: StackName): HypervisorObject[] {
  const network = parseNetwork(xml);
  return network === undefined
    ? []
    : [
        {
          kind: "network",
          name: network.name,
          id: network.uuid,
          handle: handles.network(network.uuid),
          ...ownerIn(xml, stack),
          uses: [],
          detail: "",
        },
      ];
}

function volumesOf(
  pool: string,
  list: string,
  stack: StackName,
): { path: string; object: HypervisorObject }[] {
  return tableRows(list).flatMap(([name, path]) => {
    if (name === undefined || path === undefined) {
      return [];
    }
    const object = {
      kind: "volume",
      name,
      id: path,
      handle: handles.volume(pool, withoutRotation(name)),
      ...optional(markInName(name, stack)),
      uses: [],
      detail: `pool ${pool}`,
    };
    return [{ path, object }];
  });
}

function poolObject(
  name: string,
  active: boolean,
  stack: StackName,
): HypervisorObject {
  return {
    kind: "pool",
    name,
    id: name,
    handle: handles.pool(name),
    ...optional(markInName(name, stack)),
    uses: [],
    detail: active ? "active" : "inactive",
  };
}

function ownerIn(xml: string, stack: StackName): { owner?: OwnerMark } {
  const stamp = parseStamp(xml);
  return stamp === undefined
    ? {}
    : {
        owner: {
          stampId: stamp.id,
          namesThisStack: namePrefix(stamp) === namePrefix(stack),
          description: describeOwner(stamp),
        },
      };
}

function optional(owner: OwnerMark | undefined): { owner?: OwnerMark } {
  return owner === undefined ? {} : { owner };
}
