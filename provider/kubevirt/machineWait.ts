import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  explainMachine,
  machineAddress,
  type MachineSight,
  machineStage,
} from "@corral-iac/corral/core/kubevirt/trouble";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";

/** A machine that is waited for. */
export interface MachineWait {
  readonly namespace: string;
  readonly name: string;
  /** `running`: KubeVirt says Ready. `agent`: the guest agent answers, too. */
  readonly until: "running" | "agent";
  readonly timeoutSeconds: number;
}

const POLL_MILLISECONDS = 1000;
const REPORT_MILLISECONDS = 10_000;
/** A failure is KubeVirt's last word only when it lasts: it tries again. */
const FAILURE_MILLISECONDS = 30_000;

/**
 * Waits for a machine, bounded.
 *
 * @returns its address in the pod network.
 * @throws Error with the machine's status, conditions and last events.
 */
export async function waitForMachine(
  { namespace, name, until, timeoutSeconds }: MachineWait,
  client: KubeClient,
  { signal, log }: Pick<OperationContext, "signal" | "log">,
  clock: Clock,
): Promise<string> {
  const start = clock.now();
  let reported = start;
  let failedSince: number | undefined;
  for (;;) {
    const sight = await lookAt(client, namespace, name, signal);
    const stage = machineStage(sight);
    if (stage === until || stage === "agent") {
      return machineAddress(sight.instance);
    }
    const now = clock.now();
    failedSince = stage === "failed" ? (failedSince ?? now) : undefined;
    const hasFailed =
      failedSince !== undefined && now - failedSince >= FAILURE_MILLISECONDS;
    if (hasFailed || now - start >= timeoutSeconds * 1000) {
      const lines = await explain(client, namespace, name, sight, signal);
      const what =
        until === "agent" && stage === "running"
          ? "its guest agent gave no answer (is qemu-guest-agent installed?)"
          : "it is not running";
      throw new Error(
        [
          `machine ${namespace}/${name}: ${what}${hasFailed ? ", and KubeVirt reports a failure" : ` within ${timeoutSeconds} s`}`,
          ...lines.map((line) => `  ${line}`),
          "The machine stays; the next up waits again.",
        ].join("\n"),
      );
    }
    if (now - reported >= REPORT_MILLISECONDS) {
      reported = now;
      log.status(`${name}: ${explainMachine(sight)[0] ?? stage}`);
    }
    await clock.sleep(POLL_MILLISECONDS, signal);
    signal.throwIfAborted();
  }
}

/** Why a machine is where it is: its status, conditions and last events, as far as one may see them. */
export async function tellOfMachine(
  { namespace, name }: Pick<MachineWait, "namespace" | "name">,
  client: KubeClient,
  signal: AbortSignal,
): Promise<string[]> {
  return ifSeen(
    lookAt(client, namespace, name, signal).then((sight) =>
      explain(client, namespace, name, sight, signal),
    ),
  );
}

async function explain(
  client: KubeClient,
  namespace: string,
  name: string,
  sight: MachineSight,
  signal: AbortSignal,
): Promise<string[]> {
  const [events, dataVolumes] = await Promise.all([
    eventsOf(client, namespace, name, signal),
    dataVolumesOf(client, namespace, sight.machine, signal),
  ]);
  return explainMachine({ ...sight, events, dataVolumes });
}

async function lookAt(
  client: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<MachineSight> {
  const [machine, instance] = await Promise.all([
    client.find(KINDS.virtualMachine, namespace, name, { signal }),
    client.find(KINDS.instance, namespace, name, { signal }),
  ]);
  return { machine, instance, events: [] };
}

function eventsOf(
  client: KubeClient,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<unknown[]> {
  return ifSeen(
    client.list(
      KINDS.event,
      namespace,
      { field: `involvedObject.name=${name}` },
      { signal },
    ),
  );
}

/** The disks that the machine makes for itself. */
async function dataVolumesOf(
  client: KubeClient,
  namespace: string,
  machine: unknown,
  signal: AbortSignal,
): Promise<unknown[]> {
  const templates = field(machine, "spec", "dataVolumeTemplates");
  const found = await Promise.all(
    (Array.isArray(templates) ? (templates as unknown[]) : []).map((one) => {
      const name = String(field(one, "metadata", "name"));
      const volume = client.find(KINDS.dataVolume, namespace, name, { signal });
      return ifSeen(volume.then((there) => (there ? [there] : [])));
    }),
  );
  return found.flat();
}

/** It helps to understand; an account that may not see it gets the rest. */
async function ifSeen<T>(looking: Promise<T[]>): Promise<T[]> {
  try {
    return await looking;
  } catch (error) {
    if (isKubeFault(error, "aborted")) {
      throw error;
    }
    return [];
  }
}
