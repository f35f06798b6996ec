import * as fs from "node:fs";

import type { KubeAccess } from "./client";

/** A kubeconfig with one cluster and one user. Written as JSON, which is YAML too. */
export function kubeconfigText(
  { endpoint, authority, token }: KubeAccess,
  namespace = "default",
): string {
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "lab",
          cluster: {
            server: endpoint,
            "certificate-authority-data":
              Buffer.from(authority).toString("base64"),
          },
        },
      ],
      users: [{ name: "user", user: { token } }],
      contexts: [
        { name: "lab", context: { cluster: "lab", user: "user", namespace } },
      ],
      "current-context": "lab",
    },
    null,
    2,
  )}\n`;
}

interface Kubeconfig {
  readonly clusters: readonly {
    cluster: { server: string; "certificate-authority-data": string };
  }[];
  readonly users: readonly { user: { token: string } }[];
}

/** What {@link kubeconfigText} wrote. */
export function readKubeconfig(file: string): KubeAccess {
  const config = JSON.parse(fs.readFileSync(file, "utf8")) as Kubeconfig;
  const cluster = config.clusters[0]?.cluster;
  const user = config.users[0]?.user;
  if (cluster === undefined || user === undefined) {
    throw new Error(`${file} names no cluster or no user`);
  }
  return {
    endpoint: cluster.server,
    authority: Buffer.from(
      cluster["certificate-authority-data"],
      "base64",
    ).toString("utf8"),
    token: user.token,
  };
}

export function writeKubeconfig(
  file: string,
  access: KubeAccess,
  namespace?: string,
): void {
  fs.writeFileSync(file, kubeconfigText(access, namespace), { mode: 0o600 });
}
