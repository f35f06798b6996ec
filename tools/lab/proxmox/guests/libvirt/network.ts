import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { virsh, virshList } from "../../../daemons";
import { networkAddresses, renderNetwork } from "./domainXml";
import type { Names } from "./names";

/** Makes the networks that stand for the node's bridges, and removes them. */
export class Networks {
  constructor(
    private readonly names: Names,
    private readonly folder: string,
  ) {}

  /** @param bridges each with its network's CIDR. */
  async make(bridges: Readonly<Record<string, string>>): Promise<void> {
    const active = await virshList("net-list", "--name");
    for (const [bridge, cidr] of Object.entries(bridges)) {
      const name = this.names.network(bridge);
      if (!active.includes(name)) {
        const file = path.join(this.folder, `${bridge}.xml`);
        fs.writeFileSync(file, renderNetwork(name, networkAddresses(cidr)));
        // Transient: nothing of it outlives a reboot.
        await virsh(["net-create", file]);
      }
    }
  }

  async remove(): Promise<void> {
    const active = await virshList("net-list", "--name");
    for (const name of active.filter((one) => this.names.owns(one))) {
      await virsh(["net-destroy", name]);
    }
  }
}

/**
 * A network of its own for each simulator: 10.141.N.0/24 with an N that no interface of this machine
 * has.
 */
export function freeCidr(id: string, index: number): string {
  const taken = Object.values(os.networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .map(({ address }) => address);
  const first = (parseInt(id.slice(0, 4), 16) + index) % 256;
  for (let step = 0; step < 256; step += 1) {
    const candidate = (first + step) % 256;
    if (!taken.some((one) => one.startsWith(`10.141.${candidate}.`))) {
      return `10.141.${candidate}.0/24`;
    }
  }
  throw new Error("All networks 10.141.0.0/24 to 10.141.255.0/24 are in use.");
}
