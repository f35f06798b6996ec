import * as pulumi from "@pulumi/pulumi";
import type { GuestConnection } from "./args";

/**
 * A connection field by field, for resources that work inside the guest. An Output of a whole connection
 * is a secret as a whole, because its private key is one: taken so, no message could name the guest, and
 * no diff show what has changed. Its other fields are none.
 *
 * @param checked nothing is made before it is there.
 */
export function openConnection(
  connection: pulumi.Input<GuestConnection>,
  checked: pulumi.Input<boolean> = true,
): GuestConnection {
  if (
    !pulumi.Output.isInstance(connection) &&
    !(connection instanceof Promise)
  ) {
    return {
      ...connection,
      privateKey: checkedSecret(connection.privateKey, checked),
    };
  }
  const known = pulumi.output(connection);
  return {
    host: pulumi.unsecret(known.host),
    port: pulumi.unsecret(known.port),
    user: pulumi.unsecret(known.user),
    privateKey: checkedSecret(known.privateKey, checked),
    hostKey: pulumi.unsecret(known.hostKey),
    // Where there is none the engine gets none, whatever its type says.
    instanceId: pulumi.unsecret(
      known.apply(({ instanceId }) => instanceId),
    ) as pulumi.Output<string>,
  };
}

function checkedSecret(
  privateKey: pulumi.Input<string>,
  checked: pulumi.Input<boolean>,
): pulumi.Output<string> {
  return pulumi.secret(pulumi.all([privateKey, checked]).apply(([key]) => key));
}
