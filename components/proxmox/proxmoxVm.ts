import * as pulumi from "@pulumi/pulumi";
import { macAddress, objectName } from "../core/names";
import type { GuestConnection } from "../guest/args";
import { filesForState } from "../guest/fileInjection";
import { GuestReady } from "../guest/ops/guestReady";
import { ProxmoxShutdown } from "../guest/ops/proxmoxShutdown";
import { ProxmoxTemplate } from "../guest/ops/proxmoxTemplate";
import { ProxmoxVmId } from "../guest/ops/proxmoxVmId";
import * as proxmox from "../sdks/proxmox";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import type { ProxmoxVmArgs } from "./args";
import { proxmoxCloudInit } from "./cloudInit";
import { dataDisk } from "./dataDisk";
import { checkSameServer, proxmoxHypervisorOf } from "./hypervisor";
import { machineInputs, networksOf } from "./machineInputs";
import { renderDescription, renderTags } from "./owner";
import { guardMachine } from "./preflight";
import { knownAddress, proxmoxReady } from "./ready";
import { makeSteps } from "./steps";
import {
  machineNameFaults,
  PROXMOX_SECRETS,
  validateProxmoxVm,
} from "./validation";

/**
 * A virtual machine on Proxmox VE: cloned from a template or made from an image, and then taken
 * through the steps to its final form, each of them a resource.
 */
export class ProxmoxVm extends pulumi.ComponentResource {
  /** Name of the machine at Proxmox VE. */
  public readonly name: pulumi.Output<string>;
  /** VM id. */
  public readonly vmId: pulumi.Output<number>;
  /** Node that the machine is on. */
  public readonly node: pulumi.Output<string>;
  /** MAC address of the first network interface; empty when there is none. */
  public readonly macAddress: pulumi.Output<string>;
  /** IP address of the guest; empty when nothing waited for it. */
  public readonly address: pulumi.Output<string>;
  /** What `cloud-init status --long` said; empty unless `ready.until` is `cloudInit`. */
  public readonly cloudInitStatus: pulumi.Output<string>;
  /** How to reach the guest over ssh. Its private key is a secret. */
  public readonly connection: pulumi.Output<GuestConnection>;

  constructor(
    name: string,
    args: ProxmoxVmArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corral:index:ProxmoxVm", name, forState(args), opts);
    const machineName = objectName({
      project: pulumi.getProject(),
      stack: pulumi.getStack(),
      name,
    });
    const checked = checkSameServer(
      this,
      `ProxmoxVm "${name}"`,
      args.endpoint,
      checkComponent({ type: "ProxmoxVm", name }, args, (given) => [
        ...machineNameFaults(machineName),
        ...validateProxmoxVm(given),
      ]),
    );
    const { identity, stamp, shortId } = stampComponent(
      this,
      "ProxmoxVm",
      name,
      checked,
    );
    const hypervisor = proxmoxHypervisorOf(this, name, args);
    const { resource } = hypervisor;
    const child = { parent: this };

    const idFor = (given: number | undefined, part: string, key: string) =>
      given ??
      new ProxmoxVmId(`${name}-${part}`, { ...hypervisor.api, key }, child)
        .vmId;
    const vmId = idFor(args.vmId, "vm-id", machineName);
    const template =
      args.template &&
      new ProxmoxTemplate(
        `${name}-template`,
        {
          ...hypervisor.api,
          name: args.template.name,
          templateId: args.template.vmId,
          node: args.template.node,
        },
        child,
      );

    const networks = networksOf(args);
    const macAddresses = networks.map((network, index) =>
      pulumi
        .output(network.macAddress ?? macAddress(identity, index))
        .apply((mac) => mac.toUpperCase()),
    );
    const mac = macAddresses[0] ?? pulumi.output("");
    const cloudInit = proxmoxCloudInit(args, {
      component: this,
      name,
      machineName,
      shortId,
      macAddress: mac,
      hypervisor,
    });
    const { access } = cloudInit;

    const dataDisks = (args.dataDisks ?? []).map((disk, index) =>
      dataDisk(
        disk,
        index,
        disk.adopt === undefined
          ? idFor(
              disk.holderVmId,
              `disk-${disk.name}-id`,
              `${machineName}-${disk.name}`,
            )
          : 0,
        {
          name,
          machineName,
          node: args.node,
          pool: args.pool,
          stamp,
          hypervisor,
        },
      ),
    );

    const vm = new proxmox.VirtualEnvironmentVm(
      `${name}-vm`,
      machineInputs(args, {
        name: machineName,
        vmId,
        description: pulumi
          .all([stamp, vmId, args.description])
          .apply((parts) => renderDescription(...parts)),
        tags: pulumi
          .all([stamp, args.tags])
          .apply(([{ id }, tags]) => renderTags(id, tags)),
        template,
        macAddresses,
        initialization: cloudInit.initialization,
        dataDisks,
      }),
      {
        ...resource,
        ...guardMachine(hypervisor.api),
        dependsOn: cloudInit.dependsOn,
        deleteBeforeReplace: true,
        // The provider takes an image at the creation, and never again.
        replacementTrigger: pulumi.all([cloudInit.applied, args.image?.fileId]),
        ignoreChanges: [
          // Where a clone's disks were put at first: the disks themselves say where they are now.
          "clone.datastoreId",
          // A lent disk is grown by its holder; the provider refuses to do it here.
          ...dataDisks.map((_, index) => `disks[${index + 1}].size`),
          ...(cloudInit.isFollowed ? [] : ["initialization"]),
        ],
      },
    );

    const machine = {
      ...hypervisor.api,
      node: vm.nodeName,
      vmId: vm.vmId,
    };
    const shutdown = new ProxmoxShutdown(
      `${name}-shutdown`,
      { machine, timeoutSeconds: args.shutdownTimeoutSeconds },
      { ...child, deleteBeforeReplace: true },
    );

    const readiness = proxmoxReady(args);
    const ready = new GuestReady(
      `${name}-ready`,
      {
        ...readiness,
        machine: {
          id: vm.id,
          name: machineName,
          proxmox: { ...machine, macAddress: networks[0] && mac },
        },
        address: knownAddress(args, readiness.through),
        ssh: {
          user: access.user,
          port: access.port,
          privateKey: access.privateKey,
          hostKey: access.hostKey.apply((key) => key || undefined),
        },
      },
      {
        ...child,
        dependsOn: [shutdown],
        deleteBeforeReplace: true,
        ignoreChanges: cloudInit.isFollowed ? [] : ["address"],
      },
    );

    this.name = pulumi.output(machineName);
    this.vmId = vm.vmId;
    this.node = vm.nodeName;
    this.macAddress = mac.apply((known) => known.toLowerCase());
    this.address = ready.address;
    this.cloudInitStatus = ready.cloudInitStatus;
    this.connection = pulumi.output({
      host: ready.address,
      port: access.port,
      user: access.user,
      privateKey: access.privateKey,
      hostKey: ready.hostKey,
      instanceId: shutdown.instanceId,
    });

    makeSteps(args, {
      component: this,
      name,
      vm,
      machine,
      connection: this.connection,
      ready,
    });

    this.registerOutputs({
      name: this.name,
      vmId: this.vmId,
      node: this.node,
      macAddress: this.macAddress,
      address: this.address,
      cloudInitStatus: this.cloudInitStatus,
      connection: this.connection,
    });
  }
}

/** What the state keeps of the arguments: secrets encrypted, and of files no content. */
function forState(args: ProxmoxVmArgs): object {
  const kept = withSecrets(args, PROXMOX_SECRETS);
  return args.files === undefined
    ? kept
    : { ...kept, files: filesForState(args.files) };
}
