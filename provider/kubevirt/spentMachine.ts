import { field } from "@corral-iac/corral/core/argumentRules";
import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import { label, STAMP_LABEL } from "@corral-iac/corral/core/kubevirt/labels";

import type { OperationContext } from "../frame/context";
import type { Clock } from "../guest/wait";

/** A machine that is made for the snapshot that is taken of it. */
export interface SpentMachine {
  readonly namespace: string;
  readonly name: string;
  /** Name of that snapshot: with it the machine has done its work. */
  readonly snapshot: string;
  readonly stampId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the VirtualMachine. */
  readonly spec: Readonly<Record<string, unknown>>;
}

const POLL_MILLISECONDS = 500;
const REMOVAL_SECONDS = 300;

/** Makes such machines, and removes them with their disks; each stamped, none of anybody else. */
export class SpentMachines {
  constructor(
    private readonly client: KubeClient,
    private readonly ctx: Pick<OperationContext, "signal" | "log">,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes the machine, or takes up the one that a run left which was cut off.
   *
   * @returns its uid.
   */
  async make(machine: SpentMachine): Promise<string> {
    const { namespace, name, labels, annotations, spec } = machine;
    const { signal } = this.ctx;
    try {
      const made = await this.client.create(
        KINDS.virtualMachine,
        namespace,
        {
          apiVersion: "kubevirt.io/v1",
          kind: "VirtualMachine",
          metadata: { name, namespace, labels, annotations },
          spec: { ...spec },
        },
        { signal },
      );
      return uidOf(made);
    } catch (error) {
      if (!isKubeFault(error, "conflict")) {
        throw error;
      }
      const there = await this.own(machine);
      if (there !== undefined) {
        return uidOf(there);
      }
      throw new Error(
        `there is a machine ${namespace}/${name} already, which is not of this stack; use another namespace or session, or remove it`,
        { cause: error },
      );
    }
  }

  /** Whether the snapshot that it is for is there and of this stack. */
  async isSpent({
    namespace,
    snapshot,
    stampId,
  }: Pick<
    SpentMachine,
    "namespace" | "snapshot" | "stampId"
  >): Promise<boolean> {
    const there = await this.client.find(
      KINDS.machineSnapshot,
      namespace,
      snapshot,
      { signal: this.ctx.signal },
    );
    return (
      label(there, STAMP_LABEL) === stampId &&
      field(there, "metadata", "deletionTimestamp") === undefined &&
      field(there, "status", "readyToUse") === true
    );
  }

  /** The machine as it is; undefined when there is none of this stack. */
  async own({
    namespace,
    name,
    stampId,
  }: Pick<SpentMachine, "namespace" | "name" | "stampId">): Promise<
    Record<string, unknown> | undefined
  > {
    const there = await this.client.find(
      KINDS.virtualMachine,
      namespace,
      name,
      { signal: this.ctx.signal },
    );
    return label(there, STAMP_LABEL) === stampId ? there : undefined;
  }

  /** Removes it, and waits until it and its disks are gone: their names may be needed at once. */
  async remove(
    machine: Pick<SpentMachine, "namespace" | "name" | "stampId">,
  ): Promise<void> {
    const { namespace, name } = machine;
    const { signal } = this.ctx;
    const there = await this.own(machine);
    if (there === undefined) {
      return;
    }
    const disks = diskNames(there);
    await this.client.delete(KINDS.virtualMachine, namespace, name, { signal });
    const end = this.clock.now() + REMOVAL_SECONDS * 1000;
    for (;;) {
      const left = await this.left(namespace, name, disks);
      if (left.length === 0) {
        return;
      }
      if (this.clock.now() >= end) {
        throw new Error(
          `${left.join(", ")} in namespace ${namespace} did not go within ${REMOVAL_SECONDS} s`,
        );
      }
      this.ctx.log.status(`waiting until ${left.join(", ")} is gone`);
      await this.clock.sleep(POLL_MILLISECONDS, signal);
      signal.throwIfAborted();
    }
  }

  private async left(
    namespace: string,
    name: string,
    disks: readonly string[],
  ): Promise<string[]> {
    const asked = [
      { kind: KINDS.virtualMachine, name, words: `the machine ${name}` },
      { kind: KINDS.instance, name, words: `the instance ${name}` },
      ...disks.flatMap((disk) => [
        { kind: KINDS.dataVolume, name: disk, words: `the disk ${disk}` },
        { kind: KINDS.claim, name: disk, words: `the claim ${disk}` },
      ]),
    ];
    const found = await Promise.all(
      asked.map((one) =>
        this.client.find(one.kind, namespace, one.name, {
          signal: this.ctx.signal,
        }),
      ),
    );
    return asked.flatMap(({ words }, index) =>
      found[index] === undefined ? [] : [words],
    );
  }
}

function diskNames(machine: unknown): string[] {
  const templates = field(machine, "spec", "dataVolumeTemplates");
  return (Array.isArray(templates) ? (templates as unknown[]) : []).flatMap(
    (template) => {
      const name = field(template, "metadata", "name");
      return typeof name === "string" ? [name] : [];
    },
  );
}

/** The uid of an object; empty when it says none. */
export function uidOf(object: unknown): string {
  const uid = field(object, "metadata", "uid");
  return typeof uid === "string" ? uid : "";
}
