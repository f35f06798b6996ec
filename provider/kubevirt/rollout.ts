import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import type { NodeStep } from "@corral-iac/corral/core/kubevirt/nodeSteps";
import {
  type RestartNeed,
  restartNeed,
} from "@corral-iac/corral/core/kubevirt/restartNeed";
import {
  backStep,
  drainStep,
  openStep,
} from "@corral-iac/corral/core/kubevirt/restartSteps";

import { machineAddress } from "@corral-iac/corral/core/kubevirt/trouble";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";
import { waitForMachine } from "./machineWait";
import type { ClusterNode, NodeShells } from "./nodes";
import { uidOf } from "./spentMachine";

/** A machine that may have to restart. */
export interface RolledMachine extends ClusterNode {
  readonly machine: string;
  /** Where it was when it was waited for; empty: nobody waits for it. */
  readonly address: string;
}

/** The machines of a cluster, and how they are restarted. */
export interface Rollout {
  readonly namespace: string;
  /** The control plane first. */
  readonly machines: readonly RolledMachine[];
  /** How far a machine must have come before the next one's turn. */
  readonly until: "running" | "agent";
  /** For each wait. */
  readonly timeoutSeconds: number;
  /** The inside of the machines; undefined when it is left alone: nothing is drained then. */
  readonly shells: NodeShells | undefined;
}

const POLL_MILLISECONDS = 1000;

/** The addresses of machines that run, by machine: a restart or a migration gives them others. */
export async function addressesNow(
  client: KubeClient,
  namespace: string,
  machines: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = await Promise.all(
    machines.map(async (machine) => {
      const instance = await client.find(KINDS.instance, namespace, machine, {
        signal,
      });
      return [machine, machineAddress(instance)] as const;
    }),
  );
  return new Map(found.filter(([, address]) => address !== ""));
}

/** Brings changed machines up to date: what KubeVirt cannot change live restarts, one after the other. */
export class RolloutRun {
  constructor(
    private readonly rollout: Rollout,
    private readonly client: KubeClient,
    private readonly ctx: Pick<OperationContext, "signal" | "log">,
    private readonly clock: Clock,
  ) {}

  /**
   * Workers first, the control plane last; the next one only when the former is back. Run again after
   * it failed, it goes on where it was.
   *
   * @returns the addresses as they are then, by machine.
   */
  async run(): Promise<Map<string, string>> {
    const { namespace, machines } = this.rollout;
    const order = [
      ...machines.filter(({ index }) => index > 0),
      ...machines.filter(({ index }) => index === 0),
    ];
    for (const machine of order) {
      if ((await this.need(machine)) === "restart") {
        await this.restart(machine);
      } else {
        await this.started(machine);
        if (machine.index > 0) {
          await this.inside(openStep(machine.nodeName));
        }
      }
    }
    return addressesNow(
      this.client,
      namespace,
      machines.map(({ machine }) => machine),
      this.ctx.signal,
    );
  }

  /** Waits, bounded, until KubeVirt has seen the change, and until a live one is made. */
  private async need({ machine }: RolledMachine): Promise<RestartNeed> {
    const { namespace, timeoutSeconds } = this.rollout;
    const { signal, log } = this.ctx;
    const end = this.clock.now() + timeoutSeconds * 1000;
    for (;;) {
      const [declared, instance] = await Promise.all([
        this.client.find(KINDS.virtualMachine, namespace, machine, { signal }),
        this.client.find(KINDS.instance, namespace, machine, { signal }),
      ]);
      const need = restartNeed(declared, instance);
      if (need === "nothing" || need === "restart") {
        return need;
      }
      if (this.clock.now() >= end) {
        log.warn(
          need === "live"
            ? `${machine} was not changed live within ${timeoutSeconds} s, and is restarted`
            : `KubeVirt has not looked at ${machine} within ${timeoutSeconds} s, and it is restarted`,
        );
        return "restart";
      }
      log.status(
        need === "live"
          ? `${machine} is changed while it runs`
          : `waiting until KubeVirt has seen the change of ${machine}`,
      );
      await this.clock.sleep(POLL_MILLISECONDS, signal);
      signal.throwIfAborted();
    }
  }

  /** One that somebody had stopped is started by its declaration. */
  private async started({ machine: name, address }: RolledMachine) {
    const { namespace, until, timeoutSeconds } = this.rollout;
    const declared = await this.client.find(
      KINDS.virtualMachine,
      namespace,
      name,
      { signal: this.ctx.signal },
    );
    if (address !== "" && field(declared, "spec", "runStrategy") === "Always") {
      await waitForMachine(
        { namespace, name, until, timeoutSeconds },
        this.client,
        this.ctx,
        this.clock,
      );
    }
  }

  private async restart(machine: RolledMachine): Promise<void> {
    const { namespace, until, timeoutSeconds, shells } = this.rollout;
    const { signal, log } = this.ctx;
    const { machine: name, nodeName } = machine;
    if (machine.index > 0) {
      await this.inside(drainStep(nodeName, timeoutSeconds));
    }
    log.info(`${name}: restart`);
    const before = uidOf(
      await this.client.find(KINDS.instance, namespace, name, { signal }),
    );
    await this.client.act(KINDS.machineActions, namespace, name, "restart", {
      signal,
    });
    await this.newInstance(name, before);
    await waitForMachine(
      { namespace, name, until, timeoutSeconds },
      this.client,
      this.ctx,
      this.clock,
    );
    await shells?.reach(machine, timeoutSeconds);
    await this.inside(backStep(nodeName, timeoutSeconds));
  }

  private async newInstance(name: string, before: string): Promise<void> {
    const { namespace, timeoutSeconds } = this.rollout;
    const { signal, log } = this.ctx;
    const end = this.clock.now() + timeoutSeconds * 1000;
    for (;;) {
      const now = uidOf(
        await this.client.find(KINDS.instance, namespace, name, { signal }),
      );
      if (now !== "" && now !== before) {
        return;
      }
      if (this.clock.now() >= end) {
        throw new Error(
          `machine ${namespace}/${name} has not restarted within ${timeoutSeconds} s; the next up goes on with it`,
        );
      }
      log.status(`${name} restarts`);
      await this.clock.sleep(POLL_MILLISECONDS, signal);
      signal.throwIfAborted();
    }
  }

  private async inside(step: NodeStep): Promise<void> {
    const { shells, machines } = this.rollout;
    const controlPlane = machines.find(({ index }) => index === 0);
    if (shells === undefined || controlPlane === undefined) {
      return;
    }
    this.ctx.log.status(step.name);
    await shells.reach(controlPlane, this.rollout.timeoutSeconds);
    await shells.run(controlPlane, step);
  }
}
