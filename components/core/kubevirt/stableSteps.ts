import { type NodeStep, waitingStep } from "./nodeSteps";

const ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf";

/**
 * The steps on the control plane that wait until a cluster has come to rest: what is snapshotted before
 * comes up half-made in every clone.
 */
export function stableSteps(timeoutSeconds: number): NodeStep[] {
  const end = `end=$(($(date +%s) + ${timeoutSeconds}))`;
  return [
    waitingStep(
      "wait until all nodes are Ready",
      [
        `${ADMIN} wait --for=condition=Ready --timeout=${timeoutSeconds}s nodes --all`,
      ],
      timeoutSeconds,
    ),
    waitingStep(
      "wait until the system's deployments are complete",
      [
        `${ADMIN} -n kube-system wait --for=condition=Available --timeout=${timeoutSeconds}s deployments --all`,
      ],
      timeoutSeconds,
    ),
    waitingStep(
      "wait until all pods are Ready",
      [
        end,
        "while :; do",
        // Pods that have done their work are never Ready; every other one has to be.
        `  left=$(${ADMIN} get pods --all-namespaces --no-headers --field-selector=status.phase!=Succeeded | awk '{ split($3, ready, "/"); if (ready[1] != ready[2]) print $1 "/" $2 " " $4 }')`,
        '  [ -n "$left" ] || break',
        '  [ "$(date +%s)" -lt "$end" ] || { echo "these pods are not Ready: $left" >&2; exit 1; }',
        "  sleep 2",
        "done",
      ],
      timeoutSeconds,
    ),
  ];
}
