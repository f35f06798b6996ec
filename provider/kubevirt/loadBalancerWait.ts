import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import { isText } from "@corral-iac/corral/core/later";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";

const POLL_MILLISECONDS = 2000;

/** Address or name that a load balancer gave to a Service; undefined while it has none. */
export async function loadBalancerAddress(
  client: KubeClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<string | undefined> {
  const service = await client.find(KINDS.service, namespace, name, { signal });
  const ingress = field(service, "status", "loadBalancer", "ingress");
  const [first] = Array.isArray(ingress) ? (ingress as unknown[]) : [];
  return [field(first, "ip"), field(first, "hostname")].find(isText);
}

/**
 * Waits, bounded, until a load balancer gives a Service an address.
 *
 * @throws Error with the remedy, when none does.
 */
export async function waitForLoadBalancer(
  wish: {
    readonly namespace: string;
    readonly name: string;
    readonly timeoutSeconds: number;
  },
  client: KubeClient,
  { signal, log }: Pick<OperationContext, "signal" | "log">,
  clock: Clock,
): Promise<string> {
  const { namespace, name, timeoutSeconds } = wish;
  const end = clock.now() + timeoutSeconds * 1000;
  for (;;) {
    const address = await loadBalancerAddress(client, wish, signal);
    if (address !== undefined) {
      return address;
    }
    if (clock.now() >= end) {
      throw new Error(
        `no load balancer gave the Service ${namespace}/${name} an address within ${timeoutSeconds} s (kubectl -n ${namespace} describe service ${name}). ` +
          "Is there one in this cluster? Without one, leave apiService out, and give apiServer an address that you see to yourself",
      );
    }
    log.status(`waiting for the address of the Service ${name}`);
    await clock.sleep(POLL_MILLISECONDS, signal);
    signal.throwIfAborted();
  }
}
