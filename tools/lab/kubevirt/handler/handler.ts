import type { KubeApi } from "../api/client";
import { Controller } from "../api/controller";
import { collection, pathOf } from "../api/paths";
import { guestLabel, type Guests, macOf, type RunningGuest } from "./guests";
import type { Condition, Instance, InstanceStatus } from "./types";

const apiVersion = "kubevirt.io/v1";

/** How often a guest that starts is looked at. */
const lookMs = 250;

/** How often a real guest that runs is looked at. */
const watchMs = 2000;

/** Phases after which nothing comes. */
const finalPhases: readonly string[] = ["Succeeded", "Failed"];

/**
 * Stands in for virt-handler: takes instances whose pod runs from `Scheduled` to `Running`, and
 * ends them. Everything else, the machine's states above all, is KubeVirt's own doing.
 */
export class Handler {
  private readonly controller: Controller<Instance>;

  constructor(
    private readonly api: KubeApi,
    private readonly guests: { simulated: Guests; real: Guests },
    log: (line: string) => void,
  ) {
    this.controller = new Controller<Instance>({
      api,
      log,
      path: collection(apiVersion, "virtualmachineinstances"),
      step: (instance) => this.step(instance),
      gone: (instance) => this.guestsOf(instance).end(instance),
    });
  }

  start(): void {
    this.controller.start();
  }

  stop(): void {
    this.controller.stop();
  }

  find(namespace: string, name: string): Instance | undefined {
    return this.controller.find(namespace, name);
  }

  /** Notes that file systems are frozen, or no longer. */
  async setFrozen(instance: Instance, isFrozen: boolean): Promise<void> {
    const { fsFreezeStatus, ...rest } = instance.status ?? {};
    void fsFreezeStatus;
    await this.write(
      instance,
      isFrozen ? { ...rest, fsFreezeStatus: "frozen" } : rest,
    );
  }

  private guestsOf({ metadata }: Instance): Guests {
    return isReal({ metadata }) ? this.guests.real : this.guests.simulated;
  }

  private async step(instance: Instance): Promise<number | undefined> {
    const { phase = "", nodeName } = instance.status ?? {};
    if (nodeName === undefined || finalPhases.includes(phase)) {
      return undefined;
    }
    if (instance.metadata.deletionTimestamp !== undefined) {
      await this.guestsOf(instance).end(instance);
      await this.write(instance, inPhase(instance, "Succeeded"));
      return undefined;
    }
    if (phase === "Scheduled") {
      return this.bring(instance);
    }
    return phase === "Running" && isReal(instance)
      ? this.watch(instance)
      : undefined;
  }

  /** From `Scheduled` to `Running`. */
  private async bring(instance: Instance): Promise<number | undefined> {
    const guest = await this.guestsOf(instance).run(instance);
    if (guest === "starting") {
      return lookMs;
    }
    await this.write(
      instance,
      guest === "ended"
        ? inPhase(instance, "Failed")
        : running(inPhase(instance, "Running"), instance, guest),
    );
    return undefined;
  }

  /** A real guest's agent answers a while after its start, and it may power off by itself. */
  private async watch(instance: Instance): Promise<number | undefined> {
    const guest = await this.guestsOf(instance).run(instance);
    if (guest === "ended") {
      await this.write(instance, inPhase(instance, "Succeeded"));
      return undefined;
    }
    if (guest !== "starting" && guest.hasAgent !== hasAgent(instance)) {
      await this.write(instance, running(instance.status, instance, guest));
    }
    return watchMs;
  }

  /** Replaces the whole object: virt-handler may update instances, and not patch them. */
  private async write(
    instance: Instance,
    status: InstanceStatus,
  ): Promise<void> {
    const kind = "VirtualMachineInstance";
    const whole = { ...instance, apiVersion, kind };
    await this.api.replace(pathOf(whole), { ...whole, status });
  }
}

function isReal({ metadata }: Pick<Instance, "metadata">): boolean {
  return metadata.labels?.[guestLabel] === "real";
}

function hasAgent({ status }: Instance): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status }) => type === "AgentConnected" && status === "True",
  );
}

function inPhase({ status }: Instance, phase: string): InstanceStatus {
  return {
    ...status,
    phase,
    phaseTransitionTimestamps: [
      ...(status?.phaseTransitionTimestamps ?? []),
      { phase, phaseTransitionTimestamp: new Date().toISOString() },
    ],
  };
}

function running(
  status: InstanceStatus | undefined,
  instance: Instance,
  guest: RunningGuest,
): InstanceStatus {
  const now = new Date().toISOString();
  const condition = (type: string): Condition => ({
    type,
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: now,
  });
  const set = [
    condition("Ready"),
    condition("LiveMigratable"),
    ...(guest.hasAgent ? [condition("AgentConnected")] : []),
  ];
  const types = [...set.map(({ type }) => type), "AgentConnected"];
  return {
    ...status,
    conditions: [
      ...(status?.conditions ?? []).filter(({ type }) => !types.includes(type)),
      ...set,
    ],
    interfaces: [
      {
        name: instance.spec.domain.devices?.interfaces?.[0]?.name ?? "default",
        mac: guest.mac || macOf(instance),
        ipAddress: guest.address,
        ipAddresses: [guest.address],
        infoSource: guest.hasAgent ? "domain, guest-agent" : "domain",
        queueCount: 1,
      },
    ],
    ...(guest.hasAgent && guest.os !== undefined
      ? { guestOSInfo: guest.os }
      : {}),
  };
}
