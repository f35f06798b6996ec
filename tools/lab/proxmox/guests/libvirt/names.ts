import * as path from "node:path";

/** Where QEMU's own user may read, and a census looks. */
const images = "/var/lib/libvirt/images";

/** Names of what a simulator makes on the hypervisor: all begin with `pve-ID`. */
export class Names {
  /** @param id eight hexadecimal digits. */
  constructor(readonly id: string) {}

  domain(vmId: number): string {
    return `pve-${this.id}-${vmId}`;
  }

  network(bridge: string): string {
    return `pve-${this.id}-${bridge}`;
  }

  /** Folder of the disks, cloud-init drives and consoles. */
  get folder(): string {
    return path.join(images, `pve-${this.id}`);
  }

  disk(volume: string): string {
    return path.join(this.folder, `${volume}.qcow2`);
  }

  cloudInit(vmId: number): string {
    return path.join(this.folder, `vm-${vmId}-cloudinit.iso`);
  }

  console(vmId: number): string {
    return path.join(this.folder, `vm-${vmId}-console.log`);
  }

  owns(name: string): boolean {
    return name.startsWith(`pve-${this.id}-`);
  }
}

/** The simulator that made a thing of the hypervisor; undefined when none did. */
export function idIn(name: string): string | undefined {
  return /^pve-([0-9a-f]{8})(-|$)/.exec(name)?.[1];
}

export const imagesFolder = images;
