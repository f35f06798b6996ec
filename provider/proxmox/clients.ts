import { ProxmoxClient } from "@corral-iac/corral/core/proxmox-client/client";
import type { ProxmoxEndpoint } from "@corral-iac/corral/core/proxmox-client/endpoint";

const clients = new Map<string, ProxmoxClient>();

/** The one client of this process for a server and token, so that its connections are shared. */
export function proxmoxAt({
  endpoint,
  apiToken,
  insecure = false,
}: ProxmoxEndpoint): ProxmoxClient {
  const key = JSON.stringify([endpoint, apiToken, insecure]);
  const present = clients.get(key);
  if (present !== undefined) {
    return present;
  }
  const client = new ProxmoxClient({ endpoint, apiToken, insecure });
  clients.set(key, client);
  return client;
}

/** Ends every connection, if there ever was one. */
export function closeProxmoxClients(): void {
  clients.forEach((client) => client.close());
  clients.clear();
}
