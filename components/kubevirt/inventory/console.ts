import { field } from "../../core/argumentRules";
import type { ConsoleWish } from "../../core/inventory/lister";
import type { KubeClient, KubeObject } from "../../core/kube-client/client";
import { KINDS } from "../../core/kube-client/kinds";
import { streamText } from "../../core/kube-client/streamText";
import { explainMachine } from "../../core/kubevirt/trouble";
import { placeInHandle } from "./kinds";

/** KubeVirt's container that writes what the guest says on its serial console (logSerialConsole). */
const CONTAINER = "guest-console-log";

/**
 * Reads what a machine's guest has written on its console since the machine was started last.
 *
 * @throws Error when the machine does not run, or KubeVirt keeps no log of its console.
 */
export async function readConsole(
  client: KubeClient,
  handle: string,
  { lines, follow, write, signal }: ConsoleWish,
): Promise<void> {
  const { namespace, name } = placeInHandle(handle);
  const [machine, instance] = await Promise.all([
    client.find(KINDS.virtualMachine, namespace, name, { signal }),
    client.find(KINDS.instance, namespace, name, { signal }),
  ]);
  const uid = field(instance, "metadata", "uid");
  const pods =
    typeof uid === "string"
      ? await client.list(
          KINDS.pod,
          namespace,
          { label: `kubevirt.io/created-by=${uid}` },
          { signal },
        )
      : [];
  const pod = newest(pods);
  if (pod === undefined) {
    const why = explainMachine({ machine, instance, events: [] }).join("; ");
    throw new Error(
      `machine ${namespace}/${name} has no pod, so its console has no log: ${why}`,
    );
  }
  if (!containersOf(pod).includes(CONTAINER)) {
    throw new Error(
      `KubeVirt keeps no log of the console of machine ${namespace}/${name}: ` +
        "logSerialConsole is off for it, or disableSerialConsoleLog is set in the KubeVirt resource. " +
        `virtctl console ${name} -n ${namespace} shows what comes from now on`,
    );
  }
  const podName = String(field(pod, "metadata", "name"));
  const query = new URLSearchParams({
    container: CONTAINER,
    tailLines: String(lines),
    follow: String(follow),
  });
  await streamText(
    client,
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(podName)}/log?${query.toString()}`,
    `get pods/log ${namespace}/${podName}`,
    write,
    signal,
  );
}

/** A migration has two for a while. */
function newest(pods: readonly KubeObject[]): KubeObject | undefined {
  const made = (pod: KubeObject) =>
    String(field(pod, "metadata", "creationTimestamp"));
  return [...pods].sort((one, other) => (made(one) < made(other) ? 1 : -1))[0];
}

function containersOf(pod: KubeObject): unknown[] {
  return [
    field(pod, "spec", "containers"),
    field(pod, "spec", "initContainers"),
  ]
    .flatMap((all) => (Array.isArray(all) ? (all as unknown[]) : []))
    .map((container) => field(container, "name"));
}
