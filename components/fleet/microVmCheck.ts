import { eachItem, textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import { isRecord } from "../core/later";
import { microVmRules } from "../microvm/validation";
import { entries, type Named, under } from "./checkNames";

/** The faults of a microVM beside its shape. */
export function microVmFaults(
  path: string,
  { host, interfaces, ...args }: Record<string, unknown>,
  { microVmHosts, machines }: Record<string, unknown>,
): Fault[] {
  const hosts = entries(microVmHosts);
  const name = path.replace(/^microVms\./, "");
  return [
    ...knownHost(`${path}.host`, host, hosts),
    ...eachItem(`${path}.interfaces`, interfaces, (nicPath, nic) =>
      knownHost(`${nicPath}.host`, nic.host, hosts),
    ),
    ...(entries(machines).some(([one]) => one === name)
      ? [{ path, problem: "is the name of one of machines too" }]
      : []),
    ...under(
      path,
      microVmRules({
        ...args,
        host: placeOf(host, hosts) ?? {},
        ...(Array.isArray(interfaces) && {
          interfaces: interfaces.map((nic: unknown) =>
            isRecord(nic) ? { ...nic, host: placeOf(nic.host, hosts) } : nic,
          ),
        }),
      }),
    ),
  ];
}

function knownHost(path: string, host: unknown, hosts: Named): Fault[] {
  const known = hosts.map(([one]) => one).join(", ") || "none is declared";
  return textForm(
    path,
    host,
    (text) => hosts.some(([one]) => one === text),
    `a host of this fleet: ${known}`,
  );
}

/** What the fleet says of the place that a host becomes. */
function placeOf(
  host: unknown,
  hosts: Named,
): Record<string, unknown> | undefined {
  const [name, target] = hosts.find(([one]) => one === host) ?? [];
  return target === undefined
    ? undefined
    : {
        connection: { host: target.host, port: target.port },
        network: target.network ?? name,
        acceleration: target.accelerator,
      };
}
