import { ownerOf } from "@corral-iac/corral/core/kubevirt/labels";
import type {
  KubeObject,
  KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";

const KINDS =
  "vm,vmi,dv,pvc,secret,service,role,rolebinding,resourcequota,vmsnapshot,volumesnapshot";

/** Objects of a kind that a stack made, by kubectl. */
export async function objectsOf(
  lab: KubevirtLab,
  stack: string,
  kinds: string,
): Promise<KubeObject[]> {
  const { items } = JSON.parse(
    await lab.kubectl(
      ...["get", kinds, "-A", "-l", "corral-iac.dev/stamp", "-o", "json"],
    ),
  ) as { items: KubeObject[] };
  return items.filter((item) => ownerOf(item)?.stack === stack);
}

/** Everything that a stack made and that is still there, by kubectl: `KIND NAMESPACE/NAME`. */
export async function everythingOf(
  lab: KubevirtLab,
  stack: string,
): Promise<string[]> {
  const found = await objectsOf(lab, stack, `${KINDS},namespace`);
  return found.map(
    ({ kind, metadata }) =>
      `${kind} ${metadata.namespace ?? ""}/${metadata.name}`,
  );
}

/** Everything in a namespace but what Kubernetes itself puts there, by kubectl. */
export async function everythingIn(
  lab: KubevirtLab,
  namespace: string,
): Promise<string[]> {
  return namesIn(lab, namespace, KINDS);
}

/** Names of objects in a namespace, by kubectl; with their kinds where there are several. */
export async function namesIn(
  lab: KubevirtLab,
  namespace: string,
  kinds: string,
): Promise<string[]> {
  const text = await lab.kubectl("get", kinds, "-n", namespace, "-o", "name");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (kinds.includes(",") ? line : line.replace(/^[^/]*\//, "")));
}

/** The uids of a stack's objects of a kind, by name. */
export async function uidsOf(
  lab: KubevirtLab,
  stack: string,
  kind: string,
): Promise<Map<string, string>> {
  return new Map(
    (await objectsOf(lab, stack, kind)).map(({ metadata }) => [
      metadata.name,
      (metadata as { uid?: string }).uid ?? "",
    ]),
  );
}
