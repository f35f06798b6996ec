import { type NodeStep, step } from "./nodeSteps";

const ADMIN = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
/** Says that the node was closed by Corral, and may be opened by it. */
const MARK = "corral-iac.dev/drained";

/** Run on the control plane: moves a node's pods away before its machine restarts. */
export function drainStep(node: string, timeoutSeconds: number): NodeStep {
  return step(
    `drain ${node}`,
    [
      `${ADMIN} annotate --overwrite node ${node} ${MARK}=true`,
      `${ADMIN} drain ${node} --ignore-daemonsets --delete-emptydir-data --force --timeout=${timeoutSeconds}s`,
    ],
    { timeoutSeconds: timeoutSeconds + 30 },
  );
}

/** Run on the control plane: waits for a node whose machine has restarted, and opens it again. */
export function backStep(node: string, timeoutSeconds: number): NodeStep {
  return step(
    `wait for ${node}`,
    [
      `end=$(($(date +%s) + ${timeoutSeconds}))`,
      // The control plane's own restart takes the API away.
      `until ${ADMIN} get --raw /readyz >/dev/null 2>&1; do`,
      '  [ "$(date +%s)" -lt "$end" ] || { echo "the API gave no answer" >&2; exit 1; }',
      "  sleep 2",
      "done",
      `${ADMIN} wait --for=condition=Ready --timeout=${timeoutSeconds}s node/${node}`,
      ...openLines(node),
    ],
    { timeoutSeconds: 2 * timeoutSeconds + 30 },
  );
}

/** Run on the control plane: opens a node that a run left closed which was cut off. */
export function openStep(node: string): NodeStep {
  return step(`open ${node}`, openLines(node));
}

function openLines(node: string): string[] {
  const path = `{.metadata.annotations.${MARK.replaceAll(".", "\\.")}}`;
  return [
    `if [ "$(${ADMIN} get node ${node} -o 'jsonpath=${path}')" = true ]; then`,
    `  ${ADMIN} uncordon ${node}`,
    `  ${ADMIN} annotate node ${node} ${MARK}-`,
    "fi",
  ];
}
