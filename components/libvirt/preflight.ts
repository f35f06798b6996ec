import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";
import { LibvirtClient } from "../core/libvirt-client/client";
import {
  checkDomain,
  checkNetwork,
  checkPool,
  checkVolume,
  type NewInputs,
} from "./preflightChecks";

/** Looks before something is made; throws with what is in the way. */
type Check = (client: LibvirtClient, inputs: NewInputs) => Promise<void>;

/** Resource options that look at the hypervisor before a domain is made. */
export const guardDomain = guard(checkDomain);
/** Resource options that look at the hypervisor before a volume or cloud-init disk is made. */
export const guardVolume = guard(checkVolume);
/** Resource options that look at the hypervisor before a network is made. */
export const guardNetwork = guard(checkNetwork);
/** Resource options that look at the hypervisor before a pool is made. */
export const guardPool = guard(checkPool);

/**
 * A `beforeCreate` hook. It refuses and deletes nothing: a replacement, a restored state or a second
 * operator look the same to it. It runs right before the creation, so it sees what is there then.
 */
function guard(
  check: Check,
): (uri: pulumi.Output<string>) => pulumi.CustomResourceOptions {
  return (uri) => {
    if (pulumi.runtime.getMonitor() instanceof MockMonitor) {
      return {}; // The SDK's mocks know no hooks.
    }
    return {
      hooks: {
        beforeCreate: [
          async ({ newInputs }) => {
            const client = new LibvirtClient(await known(uri));
            await check(client, (newInputs ?? {}) as NewInputs);
          },
        ],
      },
    };
  };
}

/** The value of an Output inside a hook, where everything is known. */
function known(output: pulumi.Output<string>): Promise<string> {
  return new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });
}
