import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import {
  label,
  type NodeRole,
  ROLE_LABEL,
  SNAPSHOT_LABEL,
  STAMP_LABEL,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  judgeSnapshot,
  type SnapshotFinding,
} from "@corral-iac/corral/core/kubevirt/snapshots";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";

/** A machine and the snapshot that is taken of it. */
export interface SnapshotOrder {
  readonly machine: string;
  readonly role: NodeRole;
  /** Name of the VirtualMachineSnapshot. */
  readonly name: string;
  /** The name that it stands for. */
  readonly standsFor: string;
}

/** Snapshots that are taken together. */
export interface SnapshotSet {
  readonly namespace: string;
  readonly orders: readonly SnapshotOrder[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly stampId: string;
  /** Whether the machines are stopped before: only then a snapshot is of one moment for sure. */
  readonly stop: boolean;
  readonly timeoutSeconds: number;
}

const POLL_MILLISECONDS = 1000;

/** Takes snapshots of machines in parallel, bounded; removes and waits. */
export class SnapshotTaker {
  private readonly end: number;

  constructor(
    private readonly set: SnapshotSet,
    private readonly client: KubeClient,
    private readonly ctx: Pick<OperationContext, "signal" | "log">,
    private readonly clock: Clock,
  ) {
    this.end = clock.now() + set.timeoutSeconds * 1000;
  }

  /** @throws Error with what is in the way of each; what was taken stays, and is taken up again. */
  async take(): Promise<SnapshotFinding[]> {
    const { orders, stop } = this.set;
    if (stop) {
      await Promise.all(orders.map((order) => this.stop(order.machine)));
    }
    await Promise.all(orders.map((order) => this.order(order)));
    return this.whenReady();
  }

  /** Removes them, and waits until they are gone. */
  async remove(): Promise<void> {
    const { namespace, orders } = this.set;
    const own = async () => {
      const found = await this.snapshots();
      return orders.filter((_, index) => this.isOwn(found[index]));
    };
    for (const { name } of await own()) {
      await this.client.delete(KINDS.machineSnapshot, namespace, name, {
        signal: this.ctx.signal,
      });
    }
    for (;;) {
      const left = await own();
      if (left.length === 0) {
        return;
      }
      const names = left.map(({ name }) => name).join(", ");
      await this.pause(`the snapshots ${names} are not gone`);
    }
  }

  /** What there is of each, as it is now. */
  async look(): Promise<SnapshotFinding[]> {
    const found = await this.snapshots();
    return this.set.orders.map(({ role, name }, index) =>
      judgeSnapshot(
        role,
        { namespace: this.set.namespace, name },
        found[index],
      ),
    );
  }

  private snapshots(): Promise<(Record<string, unknown> | undefined)[]> {
    const { namespace, orders } = this.set;
    return Promise.all(
      orders.map(({ name }) =>
        this.client.find(KINDS.machineSnapshot, namespace, name, {
          signal: this.ctx.signal,
        }),
      ),
    );
  }

  /**
   * A machine whose run strategy is RerunOnFailure stays off when its instance is deleted, by which
   * KubeVirt shuts the guest down; its declaration stays as it is.
   */
  private async stop(machine: string): Promise<void> {
    const { namespace } = this.set;
    const { signal } = this.ctx;
    const running = () =>
      this.client.find(KINDS.instance, namespace, machine, { signal });
    if ((await running()) === undefined) {
      return;
    }
    await this.client.delete(KINDS.instance, namespace, machine, { signal });
    while ((await running()) !== undefined) {
      await this.pause(`machine ${namespace}/${machine} has not stopped`);
    }
  }

  /** KubeVirt waits for a machine that is not there until the snapshot's deadline. */
  private async demandMachine({ machine, name }: SnapshotOrder) {
    const { namespace } = this.set;
    const { signal } = this.ctx;
    const [there, taken] = await Promise.all([
      this.client.find(KINDS.virtualMachine, namespace, machine, { signal }),
      this.client.find(KINDS.machineSnapshot, namespace, name, { signal }),
    ]);
    if (there === undefined && taken === undefined) {
      throw new Error(
        `there is no machine ${namespace}/${machine} to take the snapshot ${name} of`,
      );
    }
  }

  private async order(order: SnapshotOrder): Promise<void> {
    const { namespace, labels, annotations } = this.set;
    const { signal } = this.ctx;
    await this.demandMachine(order);
    try {
      await this.client.create(
        KINDS.machineSnapshot,
        namespace,
        {
          apiVersion: "snapshot.kubevirt.io/v1beta1",
          kind: "VirtualMachineSnapshot",
          metadata: {
            name: order.name,
            namespace,
            labels: {
              ...labels,
              [ROLE_LABEL]: order.role,
              [SNAPSHOT_LABEL]: order.standsFor,
            },
            annotations,
          },
          spec: {
            source: {
              apiGroup: "kubevirt.io",
              kind: "VirtualMachine",
              name: order.machine,
            },
            failureDeadline: `${this.set.timeoutSeconds}s`,
          },
        },
        { signal },
      );
    } catch (error) {
      if (!isKubeFault(error, "conflict")) {
        throw error;
      }
      const there = await this.client.find(
        KINDS.machineSnapshot,
        namespace,
        order.name,
        { signal },
      );
      if (!this.isOwn(there)) {
        throw new Error(
          `there is a snapshot ${namespace}/${order.name} already, which is not of this stack; use another name, or remove it`,
          { cause: error },
        );
      }
      if (field(there, "status", "phase") === "Failed") {
        await this.client.delete(KINDS.machineSnapshot, namespace, order.name, {
          signal,
        });
        throw new Error(
          `the snapshot ${namespace}/${order.name} of a former run had failed and is removed; the next up takes it anew`,
          { cause: error },
        );
      }
    }
  }

  private async whenReady(): Promise<SnapshotFinding[]> {
    for (;;) {
      const found = await this.look();
      const waiting = found.filter(({ state }) => state !== "ready");
      if (waiting.length === 0) {
        await this.demandDisks();
        return found;
      }
      const words = waiting
        .map(
          ({ namespace, name, why }) => `snapshot ${namespace}/${name} ${why}`,
        )
        .join("; ");
      if (waiting.some(({ state }) => state === "failed")) {
        throw new Error(words);
      }
      await this.pause(words);
    }
  }

  /** KubeVirt calls a snapshot ready that has left out every disk. */
  private async demandDisks(): Promise<void> {
    const { namespace, orders } = this.set;
    const found = await this.snapshots();
    const empty = orders.filter((_, index) => {
      const volumes = field(found[index], "status", "snapshotVolumes");
      const included = field(volumes, "includedVolumes");
      return (
        volumes !== undefined && !(Array.isArray(included) && included.length)
      );
    });
    for (const { name } of empty) {
      await this.client.delete(KINDS.machineSnapshot, namespace, name, {
        signal: this.ctx.signal,
      });
    }
    if (empty.length > 0) {
      const names = empty.map(({ name }) => `${namespace}/${name}`).join(", ");
      throw new Error(
        `no disk is in ${names}: there is no VolumeSnapshotClass for the driver of their storage class (kubectl get volumesnapshotclasses). They are removed; the next up takes them anew`,
      );
    }
  }

  private isOwn(snapshot: unknown): boolean {
    return label(snapshot, STAMP_LABEL) === this.set.stampId;
  }

  private async pause(what: string): Promise<void> {
    const { signal, log } = this.ctx;
    if (this.clock.now() >= this.end) {
      throw new Error(`${what} after ${this.set.timeoutSeconds} s`);
    }
    log.status(what);
    await this.clock.sleep(POLL_MILLISECONDS, signal);
    signal.throwIfAborted();
  }
}
