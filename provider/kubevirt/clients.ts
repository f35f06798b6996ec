import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import {
  kubeAccess,
  type KubeWish,
} from "@corral-iac/corral/core/kube-client/kubeconfig";

const clients = new Map<string, KubeClient>();

/**
 * The one client of this process for a cluster and user, so that its connections are shared.
 *
 * @throws KubeError when the kubeconfig cannot be used.
 */
export function kubeAt({ kubeconfig, context }: KubeWish): KubeClient {
  const key = JSON.stringify([kubeconfig ?? "", context ?? ""]);
  const present = clients.get(key);
  if (present !== undefined) {
    return present;
  }
  const client = new KubeClient(kubeAccess({ kubeconfig, context }));
  clients.set(key, client);
  return client;
}

/** Ends every connection, if there ever was one. */
export function closeKubeClients(): void {
  clients.forEach((client) => client.close());
  clients.clear();
}
