import { parse, stringify } from "yaml";
import { field } from "../argumentRules";
import { isRecord } from "../later";

/**
 * The kubeconfig of a cluster's administrator, as kubeadm wrote it, with an address that can be reached
 * from outside. The certificate is for `serverName`, whatever the address is.
 *
 * @throws Error, without its content, when it is none.
 */
export function adminKubeconfig(
  adminConf: string,
  server: string,
  serverName: string,
): string {
  let config: unknown;
  try {
    config = parse(adminConf);
  } catch {
    config = undefined;
  }
  const clusters = field(config, "clusters");
  if (!isRecord(config) || !Array.isArray(clusters) || clusters.length === 0) {
    throw new Error("the control plane's admin.conf is no kubeconfig");
  }
  return stringify({
    ...config,
    clusters: (clusters as unknown[]).map((entry) => ({
      ...(isRecord(entry) ? entry : {}),
      cluster: {
        ...((field(entry, "cluster") ?? {}) as object),
        server,
        "tls-server-name": serverName,
      },
    })),
  });
}
