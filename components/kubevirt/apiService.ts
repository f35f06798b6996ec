import * as pulumi from "@pulumi/pulumi";
import { API_PORT } from "../core/kubevirt/kubeadm";
import { MACHINE_LABEL } from "../core/kubevirt/labels";
import { KubevirtApiService, type KubevirtClusterArgs } from "./args";
import { loadBalancerAddress } from "./cluster";
import { DEFAULTS } from "./defaults";
import type { MadeMachine } from "./machine";
import type { Marks } from "./place";
import { KubernetesObject } from "./resource";

/** The address of the cluster's API: as asked, a load balancer's, or that of its Service inside. */
export function makeApiService(
  args: KubevirtClusterArgs,
  controlPlane: MadeMachine,
  owner: {
    readonly name: string;
    readonly namespace: string;
    readonly marks: Marks;
    readonly resource: pulumi.CustomResourceOptions;
  },
): pulumi.Input<string> {
  const { name, namespace, marks, resource } = owner;
  const { machine, ready } = controlPlane;
  if (args.apiService !== KubevirtApiService.LoadBalancer) {
    return (
      args.apiServer ??
      `https://${machine.nodeName}.${namespace}.svc:${API_PORT}`
    );
  }
  const service = new KubernetesObject(
    `${name}-api`,
    "v1",
    "Service",
    {
      metadata: { name: `${machine.nodeName}-api`, namespace, ...marks },
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
      // Answered by the plugin, which waits for an address.
      status: undefined,
    },
    {
      ...resource,
      // Pulumi's plugin waits for an endpoint as well.
      dependsOn: [ready],
      customTimeouts: {
        create: `${args.ready?.timeoutSeconds ?? DEFAULTS.readySeconds}s`,
      },
    },
  );
  return service.status.apply(
    (status) => `https://${loadBalancerAddress(status)}:${API_PORT}`,
  );
}
