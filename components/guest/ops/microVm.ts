import type * as pulumi from "@pulumi/pulumi";
import type { GuestConnection } from "../args";

/** The stamp of a component: whose everything is. */
export interface MicroVmStamp {
  /** The stamp's id. */
  id: pulumi.Input<string>;
  /** Name of the Pulumi project. */
  project: pulumi.Input<string>;
  /** Name of the Pulumi stack. */
  stack: pulumi.Input<string>;
  /** Type of the component that owns it. */
  component: pulumi.Input<string>;
  /** Name of the component. */
  name: pulumi.Input<string>;
}

/** What every resource on a host of microVMs takes. */
export interface OnMicroVmHost {
  /** How the host is reached; its user is root, or may run everything by sudo without a password. */
  connection: pulumi.Input<GuestConnection>;
  /** The stamp of the component that owns what is made. */
  stamp: pulumi.Input<MicroVmStamp>;
}

/** What every part of a machine takes beside that. */
export interface PartOfMicroVm {
  /** Whether a connection to another host is an error (`refuse`, the default) or moves the machine. */
  onHostChange?: pulumi.Input<string | undefined>;
}
