import * as pulumi from "@pulumi/pulumi";
import * as libvirt from "../sdks/libvirt";
import { DEFAULT_URI } from "./defaults";

/** The hypervisor of a component, and the options by which its children reach it. */
export interface Hypervisor {
  readonly uri: pulumi.Output<string>;
  /** Options for a resource of the libvirt provider. */
  readonly resource: pulumi.CustomResourceOptions;
  /** Options for a component inside the component. */
  readonly component: pulumi.ComponentResourceOptions;
}

/**
 * Finds a component's hypervisor. A libvirt provider handed to the component is used, or the default
 * one where the stack's configuration has `libvirt:uri`; else the component makes one of its own.
 * Components that share a provider share its processes.
 *
 * @param uri the component's argument; default: that of the provider, `libvirt:uri`, or
 *   {@link DEFAULT_URI}.
 */
export function hypervisorOf(
  parent: pulumi.ComponentResource,
  name: string,
  uri: string | undefined,
): Hypervisor {
  const configured = new pulumi.Config("libvirt").get("uri");
  const inherited = parent.getProvider("libvirt:index/domain:Domain");
  const inherit = { resource: { parent }, component: { parent } };
  if (inherited !== undefined) {
    const known =
      inherited instanceof libvirt.Provider ? inherited.uri : configured;
    return {
      uri: pulumi.output(uri ?? known).apply((found) => found ?? DEFAULT_URI),
      ...inherit,
    };
  }
  if (configured !== undefined && (uri ?? configured) === configured) {
    return { uri: pulumi.output(configured), ...inherit };
  }
  const provider = libvirtProvider(`${name}-hypervisor`, uri ?? DEFAULT_URI, {
    parent,
  });
  return {
    uri: provider.uri,
    resource: { parent, provider },
    component: { parent, providers: [provider] },
  };
}

/** A libvirt provider for one connection URI. */
export function libvirtProvider(
  name: string,
  uri: string,
  opts: pulumi.ResourceOptions = {},
): libvirt.Provider {
  return new libvirt.Provider(
    name,
    { uri },
    // CLI 3.259 notes the SDK's version first and the bridge's from the second run on; neither
    // chooses the plugin, which the package reference pins.
    { ...opts, ignoreChanges: ["version"] },
  );
}
