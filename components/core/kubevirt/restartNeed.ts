import { field } from "../argumentRules";
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
 * What KubeVirt says of a VirtualMachine that was changed
 * (https://kubevirt.io/user-guide/user_workloads/vm_rollout_strategies/). Which changes can be made live
 * is the cluster's matter: its `vmRolloutStrategy`, its storage, and whether the machine can migrate.
 */
export function restartNeed(machine: unknown, instance: unknown): RestartNeed {
  if (machine === undefined || instance === undefined) {
    return "nothing";
  }
  if (!isObserved(machine)) {
    return "unseen";
  }
  if (holds(machine, "RestartRequired")) {
    return "restart";
  }
  return LIVE_CHANGES.some((type) => holds(instance, type))
    ? "live"
    : "nothing";
}

function holds(object: unknown, type: string): boolean {
  const conditions = field(object, "status", "conditions");
  return (
    Array.isArray(conditions) &&
    (conditions as unknown[]).some(
      (one) => field(one, "type") === type && field(one, "status") === "True",
    )
  );
}
