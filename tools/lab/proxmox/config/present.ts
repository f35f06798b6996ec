import { createHash } from "node:crypto";
import type { MachineState } from "../state/model";
import { jsonValue } from "./schema";

/**
 * The configuration as `GET config` shows it: with what is pending, as the machine will be after its
 * next start.
 *
 * @param current true: as it is now.
 */
export function presentConfig(
  machine: MachineState,
  current = false,
): Record<string, string | number> {
  const merged = current ? machine.config : configWithPending(machine);
  return { ...presentKeys(merged, machine), digest: digestOf(machine) };
}

/** The configuration of a snapshot, or one that has no lock and digest. */
export function presentKeys(
  config: Readonly<Record<string, string>>,
  { lock, parent }: Pick<MachineState, "lock" | "parent"> = {},
): Record<string, string | number> {
  return {
    ...Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        key === "cipassword" ? "**********" : jsonValue(key, value),
      ]),
    ),
    ...(lock === undefined ? {} : { lock }),
    ...(parent === undefined ? {} : { parent }),
  };
}

export function configWithPending({
  config,
  pending,
  pendingDelete,
}: MachineState): Record<string, string> {
  const merged = { ...config, ...pending };
  pendingDelete.forEach((key) => delete merged[key]);
  return merged;
}

/** What `GET pending` shows. */
export function presentPending({
  config,
  pending,
  pendingDelete,
}: MachineState): Record<string, string | number>[] {
  const keys = [...new Set([...Object.keys(config), ...Object.keys(pending)])];
  return keys.sort().map((key) => ({
    key,
    ...valueEntry("value", key, config[key]),
    ...valueEntry("pending", key, pending[key]),
    ...(pendingDelete.includes(key) ? { delete: 1 } : {}),
  }));
}

function valueEntry(
  name: string,
  key: string,
  value: string | undefined,
): Record<string, string | number> {
  if (value === undefined) {
    return {};
  }
  return {
    [name]: key === "cipassword" ? "**********" : jsonValue(key, value),
  };
}

/** SHA-1 of the configuration file: changes with every change of it. */
export function digestOf(machine: MachineState): string {
  const { config, pending, pendingDelete, lock, snapshots } = machine;
  return createHash("sha1")
    .update(JSON.stringify([config, pending, pendingDelete, lock, snapshots]))
    .digest("hex");
}
