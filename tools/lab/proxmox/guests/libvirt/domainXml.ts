import { XMLBuilder } from "fast-xml-parser";
import { type NetworkDevice, networksOf } from "../../config/nets";
import { parseProperties } from "../../config/propertyString";
import type { Device, GuestDisk, GuestSpec } from "../backend";
import type { Names } from "./names";

/** How the hypervisor runs machines. */
export interface Host {
  readonly accelerator: "kvm" | "tcg";
  /** Kernel and initial RAM disk that a guest of the lab's image boots without a boot loader. */
  readonly directBoot?: {
    readonly kernel: string;
    readonly initrd: string;
    readonly arguments: string;
  };
}

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  format: true,
  suppressEmptyNode: true,
});

/** The libvirt domain that stands for a running machine of Proxmox. */
export function renderDomain(
  { machine, config, disks }: GuestSpec,
  names: Names,
  { accelerator, directBoot }: Host,
): string {
  const { vmId } = machine;
  const memory = (config.memory ?? "512").replace("current=", "");
  const cpus = Number(config.cores ?? 1) * Number(config.sockets ?? 1);
  const isQ35 = (config.machine ?? "").includes("q35");
  const uuid = parseProperties(config.smbios1 ?? "").get("uuid");
  return builder.build({
    domain: {
      "@type": accelerator === "kvm" ? "kvm" : "qemu",
      name: names.domain(vmId),
      title: config.name ?? `VM ${vmId}`,
      ...(uuid === undefined ? {} : { uuid }),
      memory: { "@unit": "MiB", "#text": memory },
      vcpu: cpus,
      os: {
        type: {
          "@arch": "x86_64",
          "@machine": isQ35 ? "q35" : "pc",
          "#text": "hvm",
        },
        ...(directBoot === undefined
          ? { boot: { "@dev": "hd" } }
          : {
              kernel: directBoot.kernel,
              initrd: directBoot.initrd,
              cmdline: directBoot.arguments,
            }),
      },
      features: { acpi: "", apic: "" },
      cpu: {
        "@mode": accelerator === "kvm" ? "host-passthrough" : "maximum",
      },
      on_poweroff: "destroy",
      on_reboot: "restart",
      on_crash: "destroy",
      devices: devices(config, disks, names, vmId),
    },
  });
}

function devices(
  config: Readonly<Record<string, string>>,
  disks: readonly GuestDisk[],
  names: Names,
  vmId: number,
): unknown {
  return {
    disk: disks.map(disk),
    controller: [
      {
        "@type": "scsi",
        "@index": 0,
        "@model": (config.scsihw ?? "lsi").startsWith("virtio")
          ? "virtio-scsi"
          : "lsilogic",
      },
      { "@type": "virtio-serial", "@index": 0 },
    ],
    interface: [...networksOf(config).values()]
      .filter(({ bridge }) => bridge !== undefined)
      .map((card) => network(card, names)),
    // Always there, as Proxmox's own is read by nobody who has not configured it.
    serial: {
      "@type": "pty",
      log: { "@file": names.console(vmId), "@append": "on" },
      target: { "@port": 0 },
    },
    console: { "@type": "pty", target: { "@type": "serial", "@port": 0 } },
    ...((parseProperties(config.agent ?? "0", "enabled").get("enabled") ??
      "0") === "1"
      ? {
          channel: {
            "@type": "unix",
            target: { "@type": "virtio", "@name": "org.qemu.guest_agent.0" },
          },
        }
      : {}),
    memballoon: { "@model": config.balloon === "0" ? "none" : "virtio" },
    rng: {
      "@model": "virtio",
      backend: { "@model": "random", "#text": "/dev/urandom" },
    },
  };
}

const buses: Readonly<Record<string, [bus: string, prefix: string]>> = {
  scsi: ["scsi", "sd"],
  virtio: ["virtio", "vd"],
  sata: ["sata", "sd"],
  ide: ["ide", "hd"],
};

function disk({ key, file, format, isCd }: GuestDisk): unknown {
  const [, kind = "", index = "0"] = /^([a-z]+)(\d+)$/.exec(key) ?? [];
  const [bus, prefix] = buses[kind] ?? ["virtio", "vd"];
  const letter = String.fromCharCode(97 + Number(index));
  return {
    "@type": "file",
    "@device": isCd ? "cdrom" : "disk",
    driver: {
      "@name": "qemu",
      "@type": format,
      ...(isCd ? {} : { "@discard": "unmap" }),
    },
    source: { "@file": file },
    target: { "@dev": `${prefix}${letter}`, "@bus": bus },
    ...(isCd ? { readonly: "" } : {}),
    alias: { "@name": `ua-${key}` },
  };
}

function network(card: NetworkDevice, names: Names): unknown {
  return {
    "@type": "network",
    mac: { "@address": card.mac.toLowerCase() },
    source: { "@network": names.network(card.bridge ?? "") },
    model: { "@type": card.model },
    ...(card.options.get("link_down") === "1"
      ? { link: { "@state": "down" } }
      : {}),
  };
}

/** One device, as libvirt takes it for a domain that runs. */
export function renderDevice(device: Device, names: Names): string {
  return builder.build(
    device.kind === "disk"
      ? { disk: disk(device.disk) }
      : { interface: network(device.card, names) },
  );
}

/** The libvirt network that stands for a bridge of the node. */
export function renderNetwork(
  name: string,
  addresses: NetworkAddresses,
): string {
  return builder.build({
    network: {
      name,
      forward: { "@mode": "nat" },
      ip: {
        "@address": addresses.gateway,
        "@prefix": addresses.prefix,
        dhcp: {
          range: { "@start": addresses.first, "@end": addresses.last },
        },
      },
    },
  });
}

/** Addresses of a bridge's network. */
export interface NetworkAddresses {
  /** The node's own address. */
  readonly gateway: string;
  readonly prefix: number;
  /** First and last address that DHCP gives away: the upper half. */
  readonly first: string;
  readonly last: string;
}

/**
 * The addresses of a network by its CIDR. The lower half is left for machines with addresses of their
 * own.
 */
export function networkAddresses(cidr: string): NetworkAddresses {
  const [address = "", prefixText = ""] = cidr.split("/");
  const prefix = Number(prefixText);
  const parts = address.split(".").map(Number);
  const base = parts.reduce((sum, part) => sum * 256 + part, 0);
  const size = 2 ** (32 - prefix);
  if (parts.length !== 4 || !(prefix >= 16 && prefix <= 28) || base % size) {
    throw new Error(
      `The network "${cidr}" is none: wanted is an IPv4 network with a prefix of 16 to 28, as 10.141.0.0/24.`,
    );
  }
  return {
    gateway: dotted(base + 1),
    prefix,
    first: dotted(base + size / 2),
    last: dotted(base + Math.min(size, size / 2 + 4096) - 2),
  };
}

function dotted(value: number): string {
  return [24, 16, 8, 0]
    .map((shift) => Math.floor(value / 2 ** shift) % 256)
    .join(".");
}
