import { field } from "../argumentRules";
import { parseQuantity } from "./quantity";
import { isObserved } from "./trouble";

/** What a machine needs so that it is as it is declared. */
export type RestartNeed =
  /** Nothing: it is, or it is off. */
  | "nothing"
  /** KubeVirt has not looked at the declaration yet. */
  | "unseen"
  /** KubeVirt changes it while it runs. */
  | "live"
  /** It is as declared after a restart only. */
  | "restart";

/** Conditions of an instance that KubeVirt is changing while it runs. */
const LIVE_CHANGES = ["HotVCPUChange", "HotMemoryChange"];

/**
 * What KubeVirt makes of a VirtualMachine that was changed
 * (https://kubevirt.io/user-guide/user_workloads/vm_rollout_strategies/). It gives the new size to the
 * running instance where that can be had live, and moves the instance to another node for it. Where it
 * cannot, it says RestartRequired, or nothing at all when nobody reports the instance's memory.
 */
export function restartNeed(machine: unknown, instance: unknown): RestartNeed {
  if (machine === undefined || instance === undefined) {
    return "nothing";
  }
  if (condition(machine, "RestartRequired") === "True") {
    return "restart";
  }
  // While a change is under way the machine may not count as seen.
  if (isChangedLive(instance)) {
    // It would wait for ever for the move to another node.
    return condition(instance, "LiveMigratable") === "False"
      ? "restart"
      : "live";
  }
  if (!isObserved(machine)) {
    return "unseen";
  }
  return isSame(declaredSize(machine), declaredSize(instance))
    ? "nothing"
    : "restart";
}

interface Size {
  readonly sockets: unknown;
  readonly bytes: number | undefined;
}

/** The size in the spec of a machine, or of its instance. */
function declaredSize(object: unknown): Size {
  const spec = field(object, "spec");
  const domain = field(field(spec, "template", "spec") ?? spec, "domain");
  return {
    sockets: field(domain, "cpu", "sockets"),
    bytes: bytesOf(field(domain, "memory", "guest")),
  };
}

/** What is not said on one side does not differ. */
function isSame(one: Size, other: Size): boolean {
  const agree = (first: unknown, second: unknown) =>
    first === undefined || second === undefined || first === second;
  return agree(one.sockets, other.sockets) && agree(one.bytes, other.bytes);
}

function isChangedLive(instance: unknown): boolean {
  const status = field(instance, "status");
  const reached = {
    sockets: field(status, "currentCPUTopology", "sockets"),
    bytes: bytesOf(field(status, "memory", "guestRequested")),
  };
  return (
    LIVE_CHANGES.some((type) => condition(instance, type) === "True") ||
    !isSame(declaredSize(instance), reached)
  );
}

function bytesOf(value: unknown): number | undefined {
  return typeof value === "string" ? parseQuantity(value) : undefined;
}

/** Status of a condition; undefined when the object does not have it. */
function condition(object: unknown, type: string): unknown {
  const conditions = field(object, "status", "conditions");
  return field(
    (Array.isArray(conditions) ? (conditions as unknown[]) : []).find(
      (one) => field(one, "type") === type,
    ),
    "status",
  );
}
