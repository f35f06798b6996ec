import { createHash } from "node:crypto";

/**
 * Where everything of Corral lies on a host of microVMs. Part of the contract between versions: a
 * machine made by one is found by the next.
 */
export const MICROVM_ROOT = "/var/lib/corral/microvm";

/** Sockets and locks: a tmpfs, empty after a boot of the host. */
export const MICROVM_RUN = "/run/corral-microvm";

/** Where systemd looks for the units that an administrator makes. */
export const UNIT_FOLDER = "/etc/systemd/system";

/** The folders of one host. Tests hand in others than {@link hostPaths}. */
export interface HostPaths {
  /** Everything that outlives a boot of the host. */
  readonly root: string;
  /** Everything that does not. */
  readonly run: string;
  readonly units: string;
}

export const hostPaths: HostPaths = {
  root: MICROVM_ROOT,
  run: MICROVM_RUN,
  units: UNIT_FOLDER,
};

/** A network of machines. */
export function networkPaths(network: string, { root, run }: HostPaths) {
  const folder = `${root}/networks/${network}`;
  return {
    folder,
    /** The stamp, and what was declared: the first file that is written. */
    record: `${folder}/network.json`,
    rules: `${folder}/network.nft`,
    /** One file for each address in use, called like the address. */
    leases: `${folder}/leases`,
    lock: `${run}/network-${network}.lock`,
  } as const;
}

/** A machine; its name is unique on the host. */
export function machinePaths(machine: string, { root, run, units }: HostPaths) {
  const folder = `${root}/machines/${machine}`;
  return {
    folder,
    /** The stamp, and what was declared: the first file that is written. */
    record: `${folder}/machine.json`,
    rules: `${folder}/machine.nft`,
    /** Takes the machine's chains out again. */
    rulesGone: `${folder}/gone.nft`,
    /** Asks the guest to shut down, and waits: what systemd runs to stop the machine. */
    stop: `${folder}/stop`,
    /** Firecracker's configuration. */
    config: `${folder}/firecracker.json`,
    /** The disk with cloud-init's documents. */
    seed: `${folder}/seed.iso`,
    /** While the machine leaves for another host, and for as long as the state may be behind. */
    leaving: `${folder}/leaving`,
    /** On the host that it comes to, until it is there for good. */
    arriving: `${folder}/arriving`,
    /** Short, because the path of a socket may have no more than 107 bytes. */
    run: `${run}/${machineHash(machine)}`,
    unit: `${units}/${machineUnit(machine)}`,
    lock: `${run}/machine-${machineHash(machine)}.lock`,
  } as const;
}

/** A volume: its file, and beside it the record with the stamp. */
export function volumePaths(
  machine: string,
  volume: string,
  { root, run }: HostPaths,
) {
  const folder = `${root}/volumes/${machine}`;
  return {
    folder,
    file: `${folder}/${volume}.raw`,
    /** What is not whole yet has this name. */
    partial: `${folder}/${volume}.raw.partial`,
    /** Where a copy from another host is until it is whole. */
    incoming: `${folder}/.${volume}.incoming`,
    record: `${folder}/${volume}.json`,
    lock: `${run}/volume-${machineHash(machine)}-${volume}.lock`,
  } as const;
}

/** An image, fetched once for each host and known by the hash of its content. */
export function imagePaths(sha256: string, { root, run }: HostPaths) {
  const folder = `${root}/images`;
  return {
    folder,
    file: `${folder}/sha256-${sha256}`,
    /** One file for each resource that needs the image: the last one to go takes it away. */
    users: `${folder}/users-${sha256}`,
    lock: `${run}/image-${sha256}.lock`,
  } as const;
}

/** The systemd unit of a machine. */
export function machineUnit(machine: string): string {
  return `corral-microvm-${machine}.service`;
}

/** The systemd unit of a machine's shared folder: no machine's name has the sign. */
export function shareUnit(machine: string, share: string): string {
  return machineUnit(machine).replace(/\.service$/, `@${share}.service`);
}

/** A shared folder's server. */
export function sharePaths(
  machine: string,
  share: string,
  { run, units }: HostPaths,
) {
  const folder = `${run}/${machineHash(machine)}-${share}`;
  return {
    run: folder,
    socket: `${folder}/fs.sock`,
    unit: `${units}/${shareUnit(machine, share)}`,
  } as const;
}

/** The systemd unit of a network. */
export function networkUnit(network: string): string {
  return `corral-microvm-network-${network}.service`;
}

/** The system user that a machine's hypervisor runs as. */
export function machineUser(machine: string): string {
  return `corral-mv-${machineHash(machine)}`;
}

/** The host's end of a machine's interface; at most 15 characters, as the kernel wants it. */
export function tapName(machine: string, index = 0): string {
  return `cv${machineHash(machine)}${index}`;
}

/** The nftables table of a network (family `inet`). */
export function networkTable(network: string): string {
  return `corral_${network.replace(/-/g, "_")}`;
}

function machineHash(machine: string): string {
  return createHash("sha256").update(machine).digest("hex").slice(0, 8);
}
