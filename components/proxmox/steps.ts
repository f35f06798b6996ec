import * as pulumi from "@pulumi/pulumi";
import type { GuestConnection } from "../guest/args";
import { FileInjection } from "../guest/fileInjection";
import { GuestFeature } from "../guest/guestFeature";
import { featureName } from "../guest/guestFeatureRules";
import { NfsMount } from "../guest/nfsMount";
import type { ProxmoxMachine } from "../guest/ops/proxmox";
import { ProxmoxSnapshot } from "../guest/ops/proxmoxSnapshot";
import type { ProxmoxVmArgs } from "./args";
import { mountNames } from "./stepNames";

/** Whose steps they are. */
export interface StepOwner {
  readonly component: pulumi.ComponentResource;
  /** The component's name. */
  readonly name: string;
  /** The machine as the provider knows it. */
  readonly vm: pulumi.Resource;
  readonly machine: ProxmoxMachine;
  readonly connection: pulumi.Output<GuestConnection>;
  /** What the first step waits for. */
  readonly ready: pulumi.Resource;
}

/**
 * Takes a machine that is ready to its final form: NFS mounts, files, features, each after all of
 * the step before, and a snapshot when all is done.
 */
export function makeSteps(args: ProxmoxVmArgs, owner: StepOwner): void {
  const { component, name, vm, machine, connection } = owner;
  /** With the machine goes all that was done in it: nothing is undone before. */
  const after = (dependsOn: pulumi.Resource[]) => ({
    parent: component,
    deletedWith: vm,
    dependsOn,
  });
  let done: pulumi.Resource[] = [owner.ready];

  const names = mountNames(args.nfsMounts ?? []);
  const mounts = (args.nfsMounts ?? []).map(
    (share, index) =>
      new NfsMount(
        `${name}-mount-${names[index]}`,
        { connection, ...share },
        after(done),
      ),
  );
  done = mounts.length > 0 ? mounts : done;

  if (args.files !== undefined && args.files.length > 0) {
    done = [
      new FileInjection(
        `${name}-files`,
        { connection, files: args.files },
        after(done),
      ),
    ];
  }

  for (const feature of args.features ?? []) {
    done = [
      new GuestFeature(
        `${name}-feature-${featureName(feature)}`,
        { connection, ...feature },
        after(done),
      ),
    ];
  }

  if (args.finalForm !== undefined) {
    const { name: snapshot = "final-form", ...rest } = args.finalForm;
    // It is of the lent disks too, which stay when the machine goes.
    const isOfMachineAlone = (args.dataDisks ?? []).length === 0;
    new ProxmoxSnapshot(
      `${name}-final-form`,
      { machine, name: snapshot, ...rest },
      {
        ...after(done),
        deletedWith: isOfMachineAlone ? vm : undefined,
        deleteBeforeReplace: true,
      },
    );
  }
}
