import { DEFAULT_URI } from "../libvirt/defaults";
import { libvirtProvider } from "../libvirt/hypervisor";
import { LibvirtImage } from "../libvirt/libvirtImage";
import { LibvirtNetwork } from "../libvirt/libvirtNetwork";
import { LibvirtPool } from "../libvirt/libvirtPool";
import { LibvirtVm } from "../libvirt/libvirtVm";
import type * as libvirt from "../sdks/libvirt";
import type {
  Accelerator,
  LibvirtImageSource,
  LibvirtNetworkSource,
  LibvirtPoolSource,
} from "../libvirt/args";
import { type EmbeddedLab, readEmbeddedLab } from "./lab";
import type { MachineOutputs } from "./program";
import type { Fleet, LibvirtHypervisor, LibvirtMachine } from "./types";

/** A hypervisor of the fleet, with what its machines share. */
interface Host {
  readonly uri: string;
  readonly provider: libvirt.Provider;
  readonly lab: EmbeddedLab | undefined;
  readonly declared: LibvirtHypervisor;
  readonly pools: Record<string, LibvirtPool>;
  readonly networks: Record<string, LibvirtNetwork>;
  readonly images: Record<string, LibvirtImage>;
}

/** Makes the fleet's libvirt machines, and before them what they share. */
export function makeLibvirtMachines(
  fleet: Fleet,
): Record<string, MachineOutputs> {
  const hosts = mapValues(
    fleet.hypervisors ?? {},
    (name, { libvirt: declared }) => declared && makeHost(name, declared),
  );
  const outputs: Record<string, MachineOutputs> = {};
  for (const [name, { libvirt: machine }] of Object.entries(
    fleet.machines ?? {},
  )) {
    const host = machine && hosts[machine.hypervisor];
    if (host) {
      outputs[name] = makeMachine(name, machine, host);
    }
  }
  return outputs;
}

function makeHost(hostName: string, declared: LibvirtHypervisor): Host {
  const lab = declared.embeddedLab ? readEmbeddedLab() : undefined;
  const uri = declared.uri ?? lab?.uri ?? DEFAULT_URI;
  const provider = libvirtProvider(hostName, uri);
  const opts = { provider };
  const pools = mapValues(
    declared.pools ?? {},
    (name, { path }) =>
      new LibvirtPool(`${hostName}-${name}`, { uri, path }, opts),
  );
  return {
    uri,
    provider,
    lab,
    declared,
    pools,
    networks: mapValues(
      declared.networks ?? {},
      (name, { cidr }) =>
        new LibvirtNetwork(`${hostName}-${name}`, { uri, cidr }, opts),
    ),
    images: mapValues(
      declared.images ?? {},
      (name, { pool, ...source }) =>
        new LibvirtImage(
          `${hostName}-${name}`,
          { uri, pool: pool && (pools[pool]?.name ?? pool), ...source },
          opts,
        ),
    ),
  };
}

function makeMachine(
  name: string,
  machine: LibvirtMachine,
  host: Host,
): MachineOutputs {
  const { hypervisor, ...args } = machine;
  const vm = new LibvirtVm(
    name,
    {
      ...args,
      uri: host.uri,
      accelerator:
        args.accelerator ??
        host.declared.accelerator ??
        (host.lab?.accelerator as Accelerator | undefined),
      pool: poolOf(args.pool, host),
      image: imageOf(args.image, host),
      network: networkOf(args.network, host),
    },
    { provider: host.provider },
  );
  return {
    kind: "libvirt",
    name: vm.name,
    id: vm.domainId,
    address: vm.address,
    macAddress: vm.macAddress,
    cloudInitStatus: vm.cloudInitStatus,
    connection: vm.connection,
  };
}

function poolOf(
  pool: LibvirtPoolSource | undefined,
  { pools, lab }: Host,
): LibvirtPoolSource | undefined {
  if (pool === undefined) {
    return lab && { name: lab.pool };
  }
  return typeof pool.name === "string"
    ? { name: pools[pool.name]?.name ?? pool.name }
    : pool;
}

function imageOf(
  image: LibvirtImageSource | undefined,
  { images, lab }: Host,
): LibvirtImageSource {
  if (image === undefined) {
    return { name: lab?.image, pool: lab?.pool };
  }
  const shared =
    typeof image.name === "string" ? images[image.name] : undefined;
  return shared ? { name: shared.name, pool: shared.pool } : image;
}

function networkOf(
  network: LibvirtNetworkSource | undefined,
  { networks }: Host,
): LibvirtNetworkSource | undefined {
  return typeof network?.name === "string"
    ? { name: networks[network.name]?.name ?? network.name }
    : network;
}

function mapValues<T, R>(
  record: Record<string, T>,
  make: (key: string, value: T) => R,
): Record<string, R> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, make(key, value)]),
  );
}
