import * as pulumi from "@pulumi/pulumi";
import type { Identity } from "../core/names";
import type { OwnershipStamp } from "../core/stamp";
import { Stamp } from "../guest/ops/stamp";

/** Who a component is: its identity, and the stamp that everything it makes carries. */
export interface ComponentIdentity {
  readonly identity: Identity;
  /** The resource that keeps the stamp's random id in the state. */
  readonly stampResource: Stamp;
  readonly stamp: pulumi.Output<OwnershipStamp>;
  /** The part of the stamp's id that stands in names. */
  readonly shortId: pulumi.Output<string>;
}

/**
 * Makes the ownership stamp of a component: its first child, on which all others depend.
 *
 * @param checked the component's checked arguments: nothing is made when they are wrong.
 */
export function stampComponent(
  parent: pulumi.ComponentResource,
  component: string,
  name: string,
  checked: pulumi.Output<boolean>,
): ComponentIdentity {
  const identity = {
    project: pulumi.getProject(),
    stack: pulumi.getStack(),
    name,
  };
  const stampResource = new Stamp(
    `${name}-stamp`,
    { ...identity, component: checked.apply(() => component) },
    { parent },
  );
  const stamp = stampResource.stampId.apply((id) => ({
    id,
    component,
    ...identity,
  }));
  return { identity, stampResource, stamp, shortId: stampResource.shortId };
}
