import { Type } from "@sinclair/typebox";

import { defineResource, fields } from "../frame/define";
import { systemClock } from "../guest/wait";
import { kubeAt } from "../kubevirt/clients";
import {
  loadBalancerAddress,
  waitForLoadBalancer,
} from "../kubevirt/loadBalancerWait";
import { kubeFields, namespaceField } from "./kubeFields";

/** The address of a Service from outside. */
export const kubevirtLoadBalancer = defineResource({
  token: "corral-ops:index:KubevirtLoadBalancer",
  description:
    "The address that a load balancer gives to a Service: waits for it, bounded. A refresh takes the one " +
    "that it has then.",
  deleteBeforeReplace: true,
  inputs: fields({
    ...kubeFields(),
    namespace: namespaceField(),
    service: Type.String({
      minLength: 1,
      replaces: true,
      description: "Name of the Service.",
    }),
    serviceId: Type.String({
      replaces: true,
      description: "Its uid: another one is another Service, waited for anew.",
    }),
    timeoutSeconds: Type.Integer({
      minimum: 1,
      maximum: 86400,
      default: 600,
      description: "Longest time to wait, in seconds.",
    }),
  }),
  outputs: fields({
    address: Type.String({ description: "IP address or name." }),
  }),

  async create(ctx, inputs) {
    const { namespace, service: name, timeoutSeconds } = inputs;
    const address = await waitForLoadBalancer(
      { namespace, name, timeoutSeconds },
      kubeAt(inputs),
      ctx,
      systemClock,
    );
    return { id: `${namespace}/${name}`, outputs: { address } };
  },

  async read({ signal }, _id, { inputs, outputs }) {
    const { namespace, service: name } = inputs;
    const address = await loadBalancerAddress(
      kubeAt(inputs),
      { namespace, name },
      signal,
    );
    return { inputs, outputs: address === undefined ? outputs : { address } };
  },
});
