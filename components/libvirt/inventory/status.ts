import { reachableAddresses } from "../../core/addresses";
import type { Reference } from "../../core/inventory/lister";
import type { MachineStatus } from "../../core/inventory/status";
import { LibvirtClient } from "../../core/libvirt-client/client";
import { parseInterfaceAddresses } from "../../core/libvirt-client/parse";

const DOMAIN = "libvirt:index/domain:Domain";

/** The domains among the references, as they are right now, by one call of virsh. */
export async function statusOfDomains(
  uri: string,
  references: readonly Reference[],
): Promise<MachineStatus[]> {
  const domains = references.filter(
    ({ type, place }) => type === DOMAIN && place === uri,
  );
  const ids = domains.map(({ handle }) =>
    handle.slice(handle.indexOf(":") + 1),
  );
  const { virsh } = new LibvirtClient(uri);
  // Alone and first: when the daemon cannot be reached, this says so.
  await virsh.run(["list", "--name"]);
  const outputs = await virsh.runAll(
    ids.flatMap((id) => [
      ["domstate", id],
      ["domstats", id, "--balloon", "--vcpu"],
      ["domifaddr", id, "--full"],
    ]),
  );
  return domains.map(({ urn }, index) => {
    const [state = "", stats = "", interfaces = ""] = outputs.slice(
      index * 3,
      index * 3 + 3,
    );
    return {
      urn,
      state: state.trim() || "gone",
      ...statsOf(stats),
      addresses: reachableAddresses(
        parseInterfaceAddresses(interfaces),
        undefined,
      ),
    };
  });
}

/** Reads `virsh domstats` (https://libvirt.org/manpages/virsh.html#domstats), which counts in KiB. */
export function statsOf(
  output: string,
): Pick<MachineStatus, "vcpus" | "memoryMib" | "residentMib"> {
  const fields = new Map(
    output.split("\n").flatMap((line) => {
      const [key, value] = line.trim().split("=");
      return key && value ? [[key, Number(value)] as const] : [];
    }),
  );
  const mib = (key: string) => {
    const kib = fields.get(key);
    return kib === undefined ? undefined : Math.round(kib / 1024);
  };
  return {
    ...optional("vcpus", fields.get("vcpu.current")),
    ...optional("memoryMib", mib("balloon.current")),
    ...optional("residentMib", mib("balloon.rss")),
  };
}

function optional<K extends string>(
  key: K,
  value: number | undefined,
): Partial<Record<K, number>> {
  return value === undefined
    ? {}
    : ({ [key]: value } as Partial<Record<K, number>>);
}
