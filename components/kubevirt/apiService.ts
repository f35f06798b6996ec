import * as pulumi from "@pulumi/pulumi";
import { API_PORT } from "../core/kubevirt/kubeadm";
import { MACHINE_LABEL } from "../core/kubevirt/labels";
import type { KubeApi } from "../guest/ops/kube";
import { KubevirtLoadBalancer } from "../guest/ops/kubevirtLoadBalancer";
import { KubevirtApiService, type KubevirtClusterArgs } from "./args";
import { DEFAULTS } from "./defaults";
import type { MadeMachine } from "./machine";
import type { Marks } from "./place";
import { KubernetesObject } from "./resource";

/** The address of the cluster's API: as asked, a load balancer's, or that of its Service inside. */
export function makeApiService(
  args: KubevirtClusterArgs,
  { machine }: MadeMachine,
  owner: {
    readonly component: pulumi.ComponentResource;
    readonly name: string;
    readonly namespace: string;
    readonly marks: Marks;
    readonly api: KubeApi;
    readonly resource: pulumi.CustomResourceOptions;
    readonly place: readonly pulumi.Resource[];
  },
): pulumi.Input<string> {
  const { component, name, namespace, marks, api, resource, place } = owner;
  if (args.apiService !== KubevirtApiService.LoadBalancer) {
    return (
      args.apiServer ??
      `https://${machine.nodeName}.${namespace}.svc:${API_PORT}`
    );
  }
  const service = `${machine.nodeName}-api`;
  const made = new KubernetesObject(
    `${name}-api`,
    "v1",
    "Service",
    {
      metadata: {
        name: service,
        namespace,
        labels: marks.labels,
        annotations: pulumi
          .output(marks.annotations)
          // Pulumi's plugin would wait for the machine as well, and see the address late.
          .apply((own) => ({ ...own, "pulumi.com/skipAwait": "true" })),
      },
      spec: {
        type: "LoadBalancer",
        selector: { [MACHINE_LABEL]: machine.name },
        ports: [
          {
            name: "api",
            port: API_PORT,
            targetPort: API_PORT,
            protocol: "TCP",
          },
        ],
      },
    },
    { ...resource, dependsOn: [...place] },
  );
  const balancer = new KubevirtLoadBalancer(
    `${name}-api-address`,
    {
      ...api,
      namespace,
      service,
      serviceId: made.metadata.apply(({ uid }) => uid),
      timeoutSeconds: args.ready?.timeoutSeconds ?? DEFAULTS.readySeconds,
    },
    { parent: component, deletedWith: made },
  );
  return pulumi.interpolate`https://${balancer.address}:${API_PORT}`;
}
