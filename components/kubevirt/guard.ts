import * as pulumi from "@pulumi/pulumi";
import { field } from "../core/argumentRules";
import { KubeClient, type KubeObject } from "../core/kube-client/client";
import { isKubeFault } from "../core/kube-client/errors";
import { kubeAccess, type KubeWish } from "../core/kube-client/kubeconfig";
import { ownerOf } from "../core/kubevirt/labels";
import { isText } from "../core/later";
import { describeOwner, type OwnershipStamp } from "../core/stamp";
import type { KubeApi } from "../guest/ops/kube";
import { guarded, type NewInputs } from "../shared/beforeCreate";
import { listedKind } from "./inventory/kinds";

/**
 * Resource options that refuse to make an object where one of that name is, unless the same component has
 * made it: Pulumi's provider would take over whatever is there, and delete it in the end.
 */
export function unlessOthers(
  { kubeconfig, context }: KubeApi,
  stamp: pulumi.Input<OwnershipStamp>,
): pulumi.CustomResourceOptions {
  return guarded(
    { kubeconfig, context, stamp },
    ({ stamp: own, ...wish }, inputs) => refuseOthers(wish, own, inputs),
  );
}

/** @throws Error when an object of that name is there, and another's. */
export async function refuseOthers(
  wish: KubeWish,
  own: OwnershipStamp,
  inputs: NewInputs,
): Promise<void> {
  const there = await lookFor(wish, inputs);
  const owner = ownerOf(there);
  if (there !== undefined && owner?.id !== own.id) {
    throw new Error(takenMessage(inputs, owner));
  }
}

async function lookFor(
  wish: KubeWish,
  inputs: NewInputs,
): Promise<KubeObject | undefined> {
  const kind = listedKind(text(inputs.kind));
  const client = clientOf(wish);
  if (kind === undefined || client === undefined) {
    return undefined;
  }
  const { namespace, name } = placeOf(inputs);
  try {
    return await client.find(kind.api, namespace, name);
  } catch (error) {
    if (isKubeFault(error, "noKind")) {
      return undefined; // The provider says so itself.
    }
    throw error;
  } finally {
    client.close();
  }
}

/** undefined where only the provider that is handed in knows where the cluster is. */
function clientOf(wish: KubeWish): KubeClient | undefined {
  try {
    return new KubeClient(kubeAccess(wish));
  } catch (error) {
    if (isKubeFault(error, "config")) {
      return undefined;
    }
    throw error;
  }
}

function takenMessage(
  inputs: NewInputs,
  owner: OwnershipStamp | undefined,
): string {
  const { namespace, name } = placeOf(inputs);
  const place = namespace === "" ? name : `${namespace}/${name}`;
  const whose =
    owner === undefined
      ? "somebody who is not Corral"
      : `the ${describeOwner(owner)}`;
  const remedy =
    inputs.kind === "Namespace"
      ? "To use it as it is, name it: namespace of KubevirtCluster, createNamespace: false of KubevirtBaseSnapshots"
      : "Use another namespace (there is one cluster in each), or remove it";
  return `there is a ${text(inputs.kind)} ${place} already, of ${whose}, and it is not taken over. ${remedy}`;
}

function placeOf(inputs: NewInputs): { namespace: string; name: string } {
  return {
    namespace: text(field(inputs.metadata, "namespace")),
    name: text(field(inputs.metadata, "name")),
  };
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}
