import * as pulumi from "@pulumi/pulumi";
import { renderStaticNetworkConfig } from "../core/cloudInit";
import { objectName } from "../core/names";
import { guestAccess } from "../guest/access";
import {
  type GuestBastion,
  type GuestConnection,
  OnCloudInitChange,
} from "../guest/args";
import { cloudInitDocuments } from "../guest/cloudInitDocuments";
import { AppliedRevision } from "../guest/ops/appliedRevision";
import { GuestReady } from "../guest/ops/guestReady";
import { MicroVmService } from "../guest/ops/microVmService";
import { readyOrDefault } from "../guest/ready";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import { withSecrets } from "../shared/secrets";
import { type MicroVmArgs, MicroVmHypervisor } from "./args";
import {
  makeImage,
  makeInterfaces,
  makeMounts,
  makeRootDisk,
  makeVolumes,
  openPlace,
} from "./parts";
import { SECRET_ARGUMENTS, validateMicroVm } from "./validation";

/**
 * A microVM on a Linux host, as a systemd service: its kernel, disks that outlive it where they shall,
 * an address of the host's network, closed to its neighbours, and a wait until the guest is ready.
 */
export class MicroVm extends pulumi.ComponentResource {
  /** Name of the machine on its host. */
  public readonly name: pulumi.Output<string>;
  /** IPv4 address of the guest, in the host's network. */
  public readonly address: pulumi.Output<string>;
  /** MAC address of the guest's first interface. */
  public readonly macAddress: pulumi.Output<string>;
  /** The systemd unit on the host: `journalctl -u UNIT` shows the guest's console. */
  public readonly unitName: pulumi.Output<string>;
  /** What runs the machine. */
  public readonly hypervisor: pulumi.Output<string>;
  /** Its version. */
  public readonly hypervisorVersion: pulumi.Output<string>;
  /** How to reach the guest over ssh, through its host. Its private keys are secrets. */
  public readonly connection: pulumi.Output<GuestConnection>;
  /** What `cloud-init status --long` said; empty unless `ready.until` is `cloudInit`. */
  public readonly cloudInitStatus: pulumi.Output<string>;

  constructor(
    name: string,
    args: MicroVmArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:MicroVm",
      name,
      withSecrets(args, SECRET_ARGUMENTS),
      opts,
    );
    const checked = checkComponent(
      { type: "MicroVm", name },
      args,
      validateMicroVm,
    );
    const { identity, stamp, shortId } = stampComponent(
      this,
      "MicroVm",
      name,
      checked,
    );
    const child = { parent: this };
    const host = openPlace(args.host, checked);
    const machine = objectName(identity);
    const { connection } = host;
    const site = {
      ...child,
      name,
      machine,
      identity,
      stamp,
      connection,
      onHostChange: args.onHostChange,
    };

    const interfaces = makeInterfaces(site, [
      { ...host, address: args.address, macAddress: args.macAddress },
      ...(args.interfaces ?? []).map(({ host: other, ...nic }) => ({
        ...openPlace(other, checked),
        ...nic,
      })),
    ]);
    const [first] = interfaces;
    const address = pulumi.output(first?.address ?? "");
    const mac = pulumi.output(first?.mac ?? "");

    const access = guestAccess(this, name, machine, args.cloudInit, args.ssh);
    const documents = cloudInitDocuments(
      name,
      args.cloudInit,
      access,
      mac,
      pulumi.interpolate`${machine}-${shortId}`,
      {
        networkConfig: pulumi
          .output(interfaces)
          .apply(renderStaticNetworkConfig),
        mounts: makeMounts(args.volumes ?? [], args.sharedFolders ?? []),
      },
    );
    const followCloudInit =
      args.onCloudInitChange === OnCloudInitChange.Replace;
    const madeFrom = new AppliedRevision(
      `${name}-made-from`,
      { revision: documents.digest, follow: followCloudInit },
      child,
    );

    const kernel = makeImage(site, "kernel", args.kernel);
    const initrd = args.initrd && makeImage(site, "initrd", args.initrd);
    const root =
      args.rootDisk && makeRootDisk(site, args.rootDisk, madeFrom.applied);
    const volumes = makeVolumes(site, args.volumes ?? []);

    const hypervisor = args.hypervisor ?? MicroVmHypervisor.CloudHypervisor;
    const service = new MicroVmService(
      `${name}-service`,
      {
        connection,
        onHostChange: args.onHostChange,
        name: machine,
        hostname: pulumi
          .output(args.cloudInit?.hostname)
          .apply((given) => (given ?? name).replace(/\..*$/, "")),
        stamp,
        hypervisor,
        acceleration: host.acceleration,
        vcpus: args.vcpus,
        memoryMib: args.memoryMib,
        kernel: kernel.path,
        initrd: initrd?.path,
        kernelArguments: args.kernelArguments,
        disks: [...(root ? [root.disk] : []), ...volumes],
        hasRootDisk: root !== undefined,
        interfaces,
        vsockCid: args.vsockCid,
        sharedFolders: args.sharedFolders?.map(
          ({ mountPoint: _inTheGuest, ...share }) => share,
        ),
        userData: documents.userData,
        metaData: documents.metaData,
        networkConfig: documents.networkConfig,
        allow: args.allow,
        running: args.running,
        restart: args.restart,
        cpuQuotaPercent: args.limits?.cpuQuotaPercent,
        memoryOverheadMib: args.limits?.memoryOverheadMib,
        stopTimeoutSeconds: args.stopTimeoutSeconds,
      },
      {
        ...child,
        ignoreChanges: followCloudInit
          ? []
          : ["userData", "metaData", "networkConfig"],
      },
    );

    const ready = new GuestReady(
      `${name}-ready`,
      {
        ...readyOrDefault(args.ready, args.running ?? true),
        machine: {
          // A machine that was started anew is waited for anew.
          id: pulumi.interpolate`${machine}@${service.startId}`,
          name: machine,
          microVm: { connection, name: machine },
        },
        address,
        ssh: {
          user: access.user,
          port: access.port,
          privateKey: access.privateKey,
          hostKey: access.hostKey,
          bastion: bastionOf(connection),
        },
      },
      { ...child, dependsOn: [service], deleteBeforeReplace: true },
    );

    this.name = pulumi.output(machine);
    this.address = address;
    this.macAddress = mac;
    this.unitName = service.unitName;
    this.hypervisor = pulumi.output<string>(hypervisor);
    this.hypervisorVersion = service.hypervisorVersion;
    this.cloudInitStatus = ready.cloudInitStatus;
    this.connection = pulumi.output({
      host: ready.address,
      port: access.port,
      user: access.user,
      privateKey: access.privateKey,
      hostKey: access.hostKey,
      bastion: bastionOf(connection),
      instanceId: pulumi.interpolate`${shortId}-${root?.volume.volumeId ?? service.startId}`,
    });
    this.registerOutputs({
      name: this.name,
      address: this.address,
      macAddress: this.macAddress,
      unitName: this.unitName,
      hypervisor: this.hypervisor,
      hypervisorVersion: this.hypervisorVersion,
      cloudInitStatus: this.cloudInitStatus,
      connection: this.connection,
    });
  }
}

/** The host as the way to its machines. */
function bastionOf(connection: GuestConnection): GuestBastion {
  const { host, port, user, privateKey, hostKey, bastion } = connection;
  return {
    host,
    port,
    user,
    privateKey,
    hostKey,
    ...(bastion !== undefined && { bastion }),
  };
}
