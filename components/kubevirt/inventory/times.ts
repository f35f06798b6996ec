import { field } from "../../core/argumentRules";
import type { Reference } from "../../core/inventory/lister";
import type { MachineTimes, Span } from "../../core/inventory/stage";
import type { KubeClient } from "../../core/kube-client/client";
import { KINDS } from "../../core/kube-client/kinds";
import { machineTimes } from "../../core/kubevirt/machineTimes";
import { MACHINES, placeInHandle } from "./kinds";

/** The times of the machines of a cluster, as its API has them. */
export async function timesOfMachines(
  client: KubeClient,
  place: string,
  references: readonly Reference[],
): Promise<MachineTimes[]> {
  const machines = references.filter(
    (one) => MACHINES.includes(one.type) && one.place === place,
  );
  return Promise.all(
    machines.map(async ({ urn, handle }) => {
      const { namespace, name } = placeInHandle(handle);
      return { urn, spans: await timesOfMachine(client, namespace, name) };
    }),
  );
}

/** The stages of one machine; none of one that is gone. */
export async function timesOfMachine(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<Span[]> {
  const [machine, instance] = await Promise.all([
    client.find(KINDS.virtualMachine, namespace, name),
    client.find(KINDS.instance, namespace, name),
  ]);
  const templates = field(machine, "spec", "dataVolumeTemplates");
  const dataVolumes = await Promise.all(
    (Array.isArray(templates) ? (templates as unknown[]) : []).map((one) =>
      client.find(
        KINDS.dataVolume,
        namespace,
        String(field(one, "metadata", "name")),
      ),
    ),
  );
  return machineTimes({ machine, instance, dataVolumes });
}
