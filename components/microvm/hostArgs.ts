import type * as pulumi from "@pulumi/pulumi";
import type { GuestOuterBastion } from "../guest/args";
import type { Accelerator } from "../libvirt/args";
import type { MicroVmHypervisor } from "./args";

/** Arguments of MicroVmHost. */
export interface MicroVmHostArgs {
  /** The host's address or name. Another one is another host: the network there is made anew. */
  host: pulumi.Input<string>;
  /**
   * TCP port of its ssh server. Default 22.
   * @minimum 1
   * @maximum 65535
   * @asType integer
   */
  port?: pulumi.Input<number>;
  /**
   * User to log in as. Default `root`; another one has to be allowed to run everything by sudo without
   * a password.
   */
  user?: pulumi.Input<string>;
  /** Private key in OpenSSH's PEM format, without a passphrase. A secret. */
  privateKey: pulumi.Input<string>;
  /** The host's public host key, `ssh-ed25519 AAAA...`, which it has to show. */
  hostKey: pulumi.Input<string>;
  /** A host to go through. Default: none. */
  bastion?: pulumi.Input<GuestOuterBastion>;
  /** Name of the network on the host, unique there. Default: the component's name. */
  network?: pulumi.Input<string>;
  /**
   * The machines' subnet, which may overlap nothing that the host has an address in or a route to.
   * Default `10.0.0.0/24`.
   */
  subnet?: pulumi.Input<string>;
  /** The host's own address in the subnet. Default: its first one. */
  gateway?: pulumi.Input<string>;
  /**
   * An interface of the host, such as the bridge `br0`, into whose network the machines go: `subnet` is
   * a part of that network that nobody else has addresses in, and whoever is there reaches the machines
   * as his neighbours, as far as `allow` lets him. Default: a network behind the host.
   */
  lan?: pulumi.Input<string>;
  /**
   * Whether the outside sees the host's address instead of the machines'. Default true, and false with
   * `lan`. Without it your own routers have to know the way to the subnet.
   */
  nat?: pulumi.Input<boolean>;
  /** What runs the guests' instructions. Default `kvm`; `tcg` is for QEMU alone. */
  accelerator?: pulumi.Input<Accelerator>;
  /** Hypervisors that the host must have. Default: any one. */
  hypervisors?: pulumi.Input<pulumi.Input<MicroVmHypervisor>[]>;
  /**
   * Memory that must be available on the host when the network is made or changed, in MiB. Default 0.
   * @minimum 0
   * @asType integer
   */
  freeMemoryMib?: pulumi.Input<number>;
  /**
   * Disk that must be free on the host at /var/lib when the network is made or changed, in GiB.
   * Default 0.
   * @minimum 0
   */
  freeDiskGib?: pulumi.Input<number>;
}
