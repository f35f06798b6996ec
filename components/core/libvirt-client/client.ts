import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";

import { XMLParser } from "fast-xml-parser";

import { isLocalOnly, reachableAddresses } from "../addresses";
import { isFault, LibvirtError } from "./errors";
import {
  infoFields,
  lines,
  parseDomainInfo,
  parseDomainInterfaces,
  parseDomainState,
  parseInterfaceAddresses,
  parseLeases,
  tableRows,
} from "./parse";
import type { DomainInfo, DomainState } from "./parse";
import { Virsh } from "./virsh";
import type { VirshOptions } from "./virsh";

export interface StoragePool {
  readonly name: string;
  /** For instance `dir`, `logical`, `rbd`. */
  readonly type: string;
  /** Folder or device; empty for kinds that have none. */
  readonly targetPath: string;
  readonly active: boolean;
}

/** What Corral asks of a libvirt daemon, by virsh. Every call is bounded and can be stopped. */
export class LibvirtClient {
  readonly virsh: Virsh;

  constructor(connection: string | Virsh) {
    this.virsh =
      typeof connection === "string" ? new Virsh(connection) : connection;
  }

  get uri(): string {
    return this.virsh.uri.text;
  }

  /** @param domain Name or UUID. */
  async domainState(
    domain: string,
    options?: VirshOptions,
  ): Promise<DomainState> {
    return parseDomainState(
      await this.virsh.run(["domstate", domain, "--reason"], options),
    );
  }

  /**
   * State, and whether the domain starts with the hypervisor.
   *
   * @param domain Name or UUID.
   */
  async domainInfo(
    domain: string,
    options?: VirshOptions,
  ): Promise<DomainInfo> {
    return parseDomainInfo(await this.virsh.run(["dominfo", domain], options));
  }

  /** Names of all domains, running or not. */
  async domainNames(options?: VirshOptions): Promise<string[]> {
    return lines(await this.virsh.run(["list", "--all", "--name"], options));
  }

  /** Names of all storage pools, active or not. */
  async poolNames(options?: VirshOptions): Promise<string[]> {
    return lines(
      await this.virsh.run(["pool-list", "--all", "--name"], options),
    );
  }

  /**
   * Looks a pool up. If there is none of that name the error lists those that exist.
   */
  async pool(name: string, options?: VirshOptions): Promise<StoragePool> {
    let xml: string;
    try {
      xml = await this.virsh.run(["pool-dumpxml", name], options);
    } catch (error) {
      if (isFault(error, "noPool")) {
        const names = await this.poolNames(options);
        const known =
          names.length > 0
            ? `the pools there are: ${names.join(", ")}`
            : "it has none";
        throw new LibvirtError(
          "noPool",
          `libvirt at ${this.uri} has no pool "${name}"; ${known}`,
        );
      }
      throw error;
    }
    const info = infoFields(await this.virsh.run(["pool-info", name], options));
    return { name, ...parsePool(xml), active: info.State === "running" };
  }

  /** Names of a pool's volumes. The pool must be active. */
  async volumeNames(pool: string, options?: VirshOptions): Promise<string[]> {
    const output = await this.virsh.run(["vol-list", pool], options);
    return tableRows(output).flatMap(([name]) => (name ? [name] : []));
  }

  /** Makes libvirt look for files that it did not make itself. */
  async refreshPool(pool: string, options?: VirshOptions): Promise<void> {
    await this.virsh.run(["pool-refresh", pool], options);
  }

  /**
   * As {@link refreshPool}; but libvirt refuses to while something is uploaded to the pool, and what
   * it knows then has to serve.
   */
  async refreshPoolIfIdle(pool: string, options?: VirshOptions): Promise<void> {
    try {
      await this.refreshPool(pool, options);
    } catch (error) {
      if (!(
        error instanceof LibvirtError &&
        error.message.includes("asynchronous jobs running")
      )) {
        throw error;
      }
    }
  }

  /** As {@link pool}. @throws LibvirtError also when it is not active, with the remedy. */
  async activePool(name: string, options?: VirshOptions): Promise<StoragePool> {
    const pool = await this.pool(name, options);
    if (!pool.active) {
      throw new LibvirtError(
        "other",
        `pool "${name}" at ${this.uri} is not active; start it by: virsh -c ${this.uri} pool-start ${name}`,
      );
    }
    return pool;
  }

  async deleteVolume(
    pool: string,
    volume: string,
    options?: VirshOptions,
  ): Promise<void> {
    await this.virsh.run(["vol-delete", volume, "--pool", pool], options);
  }

  /** The last bytes of a volume, as text. */
  async volumeTail(
    pool: string,
    volume: string,
    bytes: number,
    options?: VirshOptions,
  ): Promise<string> {
    const info = infoFields(
      await this.virsh.run(
        ["vol-info", volume, "--pool", pool, "--bytes"],
        options,
      ),
    );
    const size = Number.parseInt(info.Capacity ?? "0", 10);
    const offset = Math.max(0, size - bytes);
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), "corral-"));
    try {
      const file = path.join(folder, "tail");
      const range = [
        "--offset",
        String(offset),
        "--length",
        String(size - offset),
      ];
      await this.virsh.run(
        ["vol-download", volume, file, "--pool", pool, ...range],
        options,
      );
      return await fs.readFile(file, "utf8");
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * The addresses that a machine's interface may have, best first: what the network's DHCP server
   * gave it, else what the guest agent says, else what this host's ARP table has. Empty: none yet.
   *
   * @param mac Only this interface; left out: any.
   */
  async domainAddresses(
    domain: string,
    mac: string | undefined,
    options?: VirshOptions,
  ): Promise<string[]> {
    for (const source of ["lease", "agent", "arp"]) {
      let output: string;
      try {
        output = await this.virsh.run(
          ["domifaddr", domain, "--full", "--source", source],
          {
            timeoutSeconds: 10,
            ...options,
          },
        );
      } catch (error) {
        // A source that a machine does not have (no agent, no managed network) is no fault.
        if (isFault(error, "other", "timeout")) {
          continue;
        }
        throw error;
      }
      const addresses = reachableAddresses(
        parseInterfaceAddresses(output),
        mac,
      );
      if (addresses.length > 1 && source === "lease") {
        return this.newestLeaseFirst(domain, addresses, options);
      }
      if (addresses.length > 0) {
        return addresses;
      }
    }
    return [];
  }

  /**
   * A machine that was replaced keeps its MAC address and may still have the old one's lease, because
   * DHCP servers go by the client id. The lease that expires last is the newest.
   */
  private async newestLeaseFirst(
    domain: string,
    addresses: readonly string[],
    options?: VirshOptions,
  ): Promise<string[]> {
    const interfaces = parseDomainInterfaces(
      await this.virsh.run(["domiflist", domain], options),
    );
    const expiry = new Map<string, string>();
    for (const { type, source, mac } of interfaces) {
      if (type === "network") {
        const leases = await this.virsh.run(
          ["net-dhcp-leases", source, "--mac", mac],
          options,
        );
        parseLeases(leases).forEach((lease) =>
          expiry.set(lease.address, lease.expiry),
        );
      }
    }
    const rank = (address: string) =>
      `${isLocalOnly(address) ? 0 : 1}${expiry.get(address) ?? ""}`;
    return [...addresses].sort((a, b) =>
      rank(a) < rank(b) ? 1 : rank(a) > rank(b) ? -1 : 0,
    );
  }
}

/** Type and target of a pool's XML. */
export function parsePool(xml: string): { type: string; targetPath: string } {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
  });
  const document = parser.parse(xml) as {
    pool?: { "@type"?: string; target?: { path?: unknown } };
  };
  const target = document.pool?.target?.path;
  return {
    type: document.pool?.["@type"] ?? "",
    targetPath: target === undefined ? "" : String(target),
  };
}
