import type * as pulumi from "@pulumi/pulumi";
import { LibvirtClient } from "../core/libvirt-client/client";
import { guarded } from "../shared/beforeCreate";
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

function guard(
  check: Check,
): (uri: pulumi.Output<string>) => pulumi.CustomResourceOptions {
  return (uri) =>
    guarded(uri, (known, inputs) => check(new LibvirtClient(known), inputs));
}
