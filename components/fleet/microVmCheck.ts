import { textForm } from "../core/argumentRules";
import type { Fault } from "../core/faults";
import { microVmRules } from "../microvm/validation";
import { entries, under } from "./checkNames";

/** The faults of a microVM beside its shape. */
export function microVmFaults(
  path: string,
  { host, ...args }: Record<string, unknown>,
  { microVmHosts, machines }: Record<string, unknown>,
): Fault[] {
  const hosts = entries(microVmHosts);
  const target = hosts.find(([name]) => name === host)?.[1];
  const name = path.replace(/^microVms\./, "");
  const known = hosts.map(([one]) => one).join(", ") || "none is declared";
  return [
    ...textForm(
      `${path}.host`,
      host,
      () => target !== undefined,
      `a host of this fleet: ${known}`,
    ),
    ...(entries(machines).some(([one]) => one === name)
      ? [{ path, problem: "is the name of one of machines too" }]
      : []),
    ...under(
      path,
      microVmRules({ ...args, host: { acceleration: target?.accelerator } }),
    ),
  ];
}
