import * as pulumi from "@pulumi/pulumi";
import type { KubeApi } from "../guest/ops/kube";
import type { OwnershipStamp } from "../core/stamp";
import type { KubevirtQuotaArgs } from "./args";
import { unlessOthers } from "./guard";
import { KubernetesObject, KubernetesProvider } from "./resource";

/** Any type of the Kubernetes provider, to ask for the provider by. */
const ANY_TYPE = "kubernetes:core/v1:Namespace";

/** How a component's objects are made, and how Corral's own resources ask the same API. */
export interface KubernetesPlace {
  readonly api: KubeApi;
  /** Options for objects of Kubernetes. */
  readonly resource: pulumi.CustomResourceOptions;
}

/**
 * Finds a component's Kubernetes: the provider that is handed to it, else one made from `kubeconfig`
 * and `context`, else the stack's default provider (docs/decisions/inherited-provider-first.md). A
 * provider does not tell its kubeconfig, so Corral's own resources take theirs from the arguments, the
 * stack's configuration or, like the provider, the surroundings.
 */
export function kubernetesPlaceOf(
  parent: pulumi.ComponentResource,
  name: string,
  given: KubeApi,
  stamp: pulumi.Input<OwnershipStamp>,
): KubernetesPlace {
  const config = new pulumi.Config("kubernetes");
  const kubeconfig = given.kubeconfig ?? config.getSecret("kubeconfig");
  const api = {
    kubeconfig:
      kubeconfig === undefined ? undefined : pulumi.secret(kubeconfig),
    context: given.context ?? config.get("context"),
  };
  const guard = unlessOthers(api, stamp);
  const isHandedIn = parent.getProvider(ANY_TYPE) !== undefined;
  if (
    isHandedIn ||
    (given.kubeconfig === undefined && given.context === undefined)
  ) {
    return { api, resource: { ...guard, parent } };
  }
  const provider = new KubernetesProvider(`${name}-kubernetes`, api, {
    parent,
  });
  return { api, resource: { ...guard, parent, provider } };
}

/** Labels and annotations of what is made. */
export interface Marks {
  readonly labels: pulumi.Input<Record<string, string>>;
  readonly annotations: pulumi.Input<Record<string, string>>;
}

/** Makes a namespace with its quota; what is to be in it depends on both. */
export function makeNamespace(
  name: string,
  namespace: string,
  quota: KubevirtQuotaArgs | undefined,
  marks: Marks,
  options: pulumi.CustomResourceOptions,
): pulumi.Resource[] {
  const made = new KubernetesObject(
    `${name}-namespace`,
    "v1",
    "Namespace",
    { metadata: { name: namespace, ...marks } },
    options,
  );
  if (quota === undefined) {
    return [made];
  }
  const { cores, memoryMib, storageGib, disks } = quota;
  const amount = (value: pulumi.Input<number> | undefined, unit: string) =>
    value === undefined ? undefined : pulumi.interpolate`${value}${unit}`;
  return [
    made,
    new KubernetesObject(
      `${name}-quota`,
      "v1",
      "ResourceQuota",
      {
        metadata: { name: "corral", namespace, ...marks },
        spec: {
          hard: {
            "requests.cpu": amount(cores, ""),
            "requests.memory": amount(memoryMib, "Mi"),
            "requests.storage": amount(storageGib, "Gi"),
            persistentvolumeclaims: amount(disks, ""),
          },
        },
      },
      { ...options, dependsOn: [made] },
    ),
  ];
}
