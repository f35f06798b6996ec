import * as pulumi from "@pulumi/pulumi";
import { withSecrets } from "../shared/secrets";
import type { GuestBastion, GuestConnection } from "./args";

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
  if (!isLater(connection)) {
    return {
      ...connection,
      privateKey: checkedSecret(connection.privateKey, checked),
      ...(connection.bastion === undefined
        ? {}
        : { bastion: withSecrets(connection.bastion, ["privateKey"]) }),
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
    // Secret as a whole: whether there is one is known later. The provider takes it apart.
    bastion: pulumi
      .unsecret(known.apply(({ bastion }) => bastion))
      .apply((bastion) =>
        pulumi.output(
          bastion === undefined ? undefined : pulumi.secret(bastion),
        ),
      ) as pulumi.Output<pulumi.Unwrap<GuestBastion>>,
    instanceId: pulumi.unsecret(
      known.apply(({ instanceId }) => instanceId),
    ) as pulumi.Output<string>,
  };
}

function isLater<T>(
  value: pulumi.Input<T>,
): value is Promise<T> | pulumi.OutputInstance<T> {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

function checkedSecret(
  privateKey: pulumi.Input<string>,
  checked: pulumi.Input<boolean>,
): pulumi.Output<string> {
  return pulumi.secret(pulumi.all([privateKey, checked]).apply(([key]) => key));
}
