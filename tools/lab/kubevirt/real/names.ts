import * as fs from "node:fs";
import * as path from "node:path";

import type { KubeApi, KubeObject } from "../api/client";
import { collection } from "../api/paths";

/** A guest, as Services select it. */
export interface NamedGuest {
  readonly namespace: string;
  /** Of its instance, which KubeVirt gives to its pod. */
  readonly labels: Readonly<Record<string, string>>;
  /** That of its pod. */
  readonly address: string;
}

/** A Service, as far as its name and its selector go. */
export interface NamedService extends KubeObject {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
}

const clusterDomain = "cluster.local";

/** In which domains a pod looks names up (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/). */
export function searchDomains(namespace: string): string[] {
  return [
    `${namespace}.svc.${clusterDomain}`,
    `svc.${clusterDomain}`,
    clusterDomain,
  ];
}

/** Lines as of /etc/hosts: names of Services, with the addresses of the guests that they select. */
export function hostsLines(
  services: readonly NamedService[],
  guests: readonly NamedGuest[],
): string[] {
  return services
    .flatMap(({ metadata, spec }) => {
      const selector = Object.entries(spec?.selector ?? {});
      return guests
        .filter(
          ({ namespace, labels }) =>
            namespace === metadata.namespace &&
            selector.length > 0 &&
            selector.every(([key, value]) => labels[key] === value),
        )
        .map(
          ({ address, namespace }) =>
            `${address} ${metadata.name}.${namespace}.svc.${clusterDomain}`,
        );
    })
    .sort();
}

/**
 * What the cluster's DNS tells real guests. The lab has no kube-proxy: a Service's name leads to its
 * guests at once.
 */
export class ServiceNames {
  /** @param folder the lab's. */
  constructor(
    private readonly folder: string,
    private readonly api: KubeApi,
  ) {}

  /** The file with a namespace's names, empty at first. */
  file(namespace: string): string {
    const file = path.join(this.folder, "names", namespace);
    if (!fs.existsSync(file)) {
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, "");
    }
    return file;
  }

  /** Writes a namespace's names as they are now; whether they are others than before. */
  async write(
    namespace: string,
    guests: readonly NamedGuest[],
  ): Promise<boolean> {
    const { items } = await this.api.get<{ items: NamedService[] }>(
      collection("v1", "services", namespace),
    );
    const text = hostsLines(items, guests)
      .map((line) => `${line}\n`)
      .join("");
    const file = this.file(namespace);
    if (fs.readFileSync(file, "utf8") === text) {
      return false;
    }
    fs.writeFileSync(file, text);
    return true;
  }
}
