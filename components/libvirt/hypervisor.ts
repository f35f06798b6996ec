import * as pulumi from "@pulumi/pulumi";
import { show, throwIfFaulty } from "../core/faults";
import * as libvirt from "../sdks/libvirt";
import { DEFAULT_URI } from "./defaults";

/** Any type of the libvirt provider, to ask for the provider by. */
const DOMAIN = "libvirt:index/domain:Domain";

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
  const inherited = parent.getProvider(DOMAIN);
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

/**
 * Adds to a component's checks that its argument `uri` does not contradict the provider that is
 * handed to it: its resources would be made at one hypervisor and looked for at another. A provider
 * that is only a reference, as from a program in another language, cannot be looked into.
 */
export function checkSameHypervisor(
  component: pulumi.ComponentResource,
  subject: string,
  uri: string | undefined,
  checked: pulumi.Output<boolean>,
): pulumi.Output<boolean> {
  const inherited = component.getProvider(DOMAIN);
  if (uri === undefined || !(inherited instanceof libvirt.Provider)) {
    return checked;
  }
  return pulumi.all([checked, inherited.uri]).apply(([fine, ofProvider]) => {
    if (ofProvider && ofProvider !== uri) {
      const problem =
        `is ${show(uri)}, must be left out or be that of the provider that is handed in: ` +
        show(ofProvider);
      throwIfFaulty(subject, [{ path: "uri", problem }]);
    }
    return fine;
  });
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
