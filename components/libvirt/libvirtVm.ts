import * as pulumi from "@pulumi/pulumi";
import { macAddress, objectName } from "../core/names";
import { gibToBytes } from "../core/units";
import { type GuestConnection, OnCloudInitChange } from "../guest/args";
import { guestAccess } from "../guest/access";
import { AppliedRevision } from "../guest/ops/appliedRevision";
import { CloudInitDisk } from "../guest/ops/cloudInitDisk";
import { ConsoleLog } from "../guest/ops/consoleLog";
import { GuestReady } from "../guest/ops/guestReady";
import { LibvirtPower } from "../guest/ops/libvirtPower";
import { checkComponent } from "../shared/checkArgs";
import { stampComponent } from "../shared/identity";
import * as libvirt from "../sdks/libvirt";
import { Accelerator, type LibvirtVmArgs } from "./args";
import { keptInOwnPool } from "./dataDiskRules";
import { makeDataDisks } from "./dataDisks";
import { renderDomainXslt } from "./domainXslt";
import { checkSameHypervisor, hypervisorOf } from "./hypervisor";
import { LibvirtImage } from "./libvirtImage";
import { LibvirtNetwork } from "./libvirtNetwork";
import { LibvirtPool } from "./libvirtPool";
import { guardDomain, guardVolume } from "./preflight";
import { readyOrDefault } from "../guest/ready";
import { cloudInitDocuments } from "../guest/cloudInitDocuments";
import { SECRET_ARGUMENTS, validateLibvirtVm } from "./validation";
import { keepsDataDisks } from "../shared/keepsDataDisks";
import { withSecrets } from "../shared/secrets";

/**
 * A virtual machine on a libvirt host: a root disk over an image, disks for data, cloud-init, one
 * network interface, and a wait until the guest is ready.
 */
export class LibvirtVm extends pulumi.ComponentResource {
  /** Name of the domain on the hypervisor. */
  public readonly name: pulumi.Output<string>;
  /** UUID of the domain. A new one says that the machine was made anew. */
  public readonly domainId: pulumi.Output<string>;
  /** IPv4 address of the guest; empty when nothing waited for it (`ready.until: none`). */
  public readonly address: pulumi.Output<string>;
  /** MAC address of the guest's interface. */
  public readonly macAddress: pulumi.Output<string>;
  /** How to reach the guest over ssh. Its private key is a secret. */
  public readonly connection: pulumi.Output<GuestConnection>;
  /** What `cloud-init status --long` said; empty unless `ready.until` is `cloudInit`. */
  public readonly cloudInitStatus: pulumi.Output<string>;

  constructor(
    name: string,
    args: LibvirtVmArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:LibvirtVm",
      name,
      withSecrets(args, SECRET_ARGUMENTS),
      opts,
    );
    const checked = checkSameHypervisor(
      this,
      `LibvirtVm "${name}"`,
      args.uri,
      checkComponent({ type: "LibvirtVm", name }, args, (given) => [
        ...validateLibvirtVm(given),
        ...keptInOwnPool(given, keepsDataDisks()),
      ]),
    );
    const { identity, stamp, shortId } = stampComponent(
      this,
      "LibvirtVm",
      name,
      checked,
    );
    const { uri, resource, component } = hypervisorOf(this, name, args.uri);
    const domainName = objectName(identity);
    const child = { parent: this };

    const pool = args.pool?.create
      ? new LibvirtPool(
          `${name}-pool`,
          { uri: args.uri, path: args.pool.create.path },
          component,
        ).name
      : pulumi.output(args.pool?.name ?? "default");

    const network = args.network?.create
      ? new LibvirtNetwork(
          `${name}-network`,
          { uri: args.uri, cidr: args.network.create.cidr },
          component,
        ).name
      : pulumi.output(args.network?.name ?? "default");

    const image = args.image.name
      ? {
          name: pulumi.output(args.image.name),
          pool: pulumi.output(args.image.pool ?? pool),
        }
      : new LibvirtImage(
          `${name}-image`,
          { uri: args.uri, pool, path: args.image.path, url: args.image.url },
          component,
        );

    const access = guestAccess(
      this,
      name,
      domainName,
      args.cloudInit,
      args.ssh,
    );
    const mac = pulumi.output(args.macAddress ?? macAddress(identity));
    const documents = cloudInitDocuments(
      name,
      args.cloudInit,
      access,
      mac,
      pulumi.interpolate`${domainName}-${shortId}`,
    );
    const followCloudInit =
      args.onCloudInitChange === OnCloudInitChange.Replace;
    const madeFrom = new AppliedRevision(
      `${name}-made-from`,
      { revision: documents.digest, follow: followCloudInit },
      child,
    );

    const rootDisk = new libvirt.Volume(
      `${name}-root`,
      {
        name: pulumi.interpolate`${domainName}-root-${shortId}.qcow2`,
        pool,
        format: "qcow2",
        baseVolumeName: image.name,
        baseVolumePool: image.pool,
        size:
          args.rootDisk?.sizeGib === undefined
            ? undefined
            : pulumi.output(args.rootDisk.sizeGib).apply(gibToBytes),
      },
      {
        ...resource,
        deleteBeforeReplace: true,
        replacementTrigger: madeFrom.applied,
        ...guardVolume(uri),
      },
    );

    const dataDisks = makeDataDisks(this, name, args.dataDisks ?? [], {
      uri,
      pool,
      domain: domainName,
      shortId,
    });

    const cloudInitDisk = new CloudInitDisk(
      `${name}-cloudinit`,
      {
        uri,
        name: pulumi.interpolate`${domainName}-cloudinit-${shortId}.iso`,
        pool,
        userData: documents.userData,
        metaData: documents.metaData,
        networkConfig: documents.networkConfig,
      },
      {
        ...child,
        deleteBeforeReplace: true,
        ignoreChanges: followCloudInit
          ? []
          : ["userData", "metaData", "networkConfig"],
        ...guardVolume(uri),
      },
    );

    const consoleFile = pulumi.interpolate`${domainName}-console-${shortId}.log`;
    const consoleLog = new ConsoleLog(
      `${name}-console`,
      { uri, pool, fileName: consoleFile },
      child,
    );

    const accelerator = pulumi.output(args.accelerator ?? Accelerator.Kvm);
    const domain = new libvirt.Domain(
      `${name}-domain`,
      {
        name: domainName,
        type: accelerator.apply((kind) =>
          kind === Accelerator.Kvm ? "kvm" : "qemu",
        ),
        cpu: {
          mode: accelerator.apply((kind) =>
            kind === Accelerator.Kvm ? "host-passthrough" : "maximum",
          ),
        },
        vcpu: args.vcpus ?? 1,
        memory: args.memoryMib ?? 1024,
        autostart: args.autostart ?? true,
        disks: [rootDisk.id, ...dataDisks.map(({ diskId }) => diskId)].map(
          (volumeId) => ({ volumeId }),
        ),
        cloudinit: cloudInitDisk.diskId,
        networkInterfaces: [
          args.network?.bridge
            ? { bridge: args.network.bridge, mac: mac.apply(upperCase) }
            : {
                networkName: network,
                mac: mac.apply(upperCase),
                waitForLease: false,
              },
        ],
        qemuAgent: false,
        xml: {
          xslt: pulumi.all([stamp, consoleLog.path]).apply(([owner, path]) =>
            renderDomainXslt({
              stamp: owner,
              consoleLogPath: path,
              dataDisks: args.dataDisks?.map((disk) => disk.name),
            }),
          ),
        },
      },
      {
        ...resource,
        deleteBeforeReplace: true,
        replacementTrigger: madeFrom.applied,
        // The provider's update of an interface changes its state alone and never the machine.
        replaceOnChanges: ["networkInterfaces"],
        // LibvirtPower has these: the provider's update cannot stop a machine, and starts one that is off.
        ignoreChanges: ["running", "autostart"],
        ...guardDomain(uri),
      },
    );

    const power = new LibvirtPower(
      `${name}-power`,
      {
        uri,
        domain: domain.name,
        domainId: domain.id,
        running: args.running ?? true,
        autostart: args.autostart ?? true,
        shutdownTimeoutSeconds: args.shutdownTimeoutSeconds,
      },
      { ...child, deleteBeforeReplace: true },
    );

    const ready = new GuestReady(
      `${name}-ready`,
      {
        ...readyOrDefault(args.ready, args.running ?? true),
        machine: {
          id: domain.id,
          name: domainName,
          libvirt: {
            uri,
            domain: domain.name,
            macAddress: mac,
            consolePool: pool,
            consoleFile,
          },
        },
        ssh: {
          user: access.user,
          port: access.port,
          privateKey: access.privateKey,
          hostKey: access.hostKey,
        },
      },
      { ...child, dependsOn: [power], deleteBeforeReplace: true },
    );

    this.name = domain.name;
    this.domainId = domain.id;
    this.address = ready.address;
    this.macAddress = mac;
    this.cloudInitStatus = ready.cloudInitStatus;
    this.connection = pulumi.output({
      host: ready.address,
      port: access.port,
      user: access.user,
      privateKey: access.privateKey,
      hostKey: access.hostKey,
      instanceId: domain.id,
    });
    this.registerOutputs({
      name: this.name,
      domainId: this.domainId,
      address: this.address,
      macAddress: this.macAddress,
      cloudInitStatus: this.cloudInitStatus,
      connection: this.connection,
    });
  }
}

function upperCase(text: string): string {
  return text.toUpperCase();
}
