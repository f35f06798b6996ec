import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";

/** Inputs of the resource that is about to be made, secrets among them. */
export type NewInputs = Readonly<Record<string, unknown>>;

/**
 * Resource options that look at the hypervisor right before something is made, and refuse by an
 * error. They delete nothing and take nothing over: a replacement, a restored state or a second
 * operator look the same to them (docs/decisions/guards-as-hooks.md).
 *
 * @param access what the look needs; known by then.
 */
export function guarded<T>(
  access: pulumi.Input<T>,
  check: (access: pulumi.Unwrap<T>, inputs: NewInputs) => Promise<void>,
): pulumi.CustomResourceOptions {
  if (pulumi.runtime.getMonitor() instanceof MockMonitor) {
    return {}; // The SDK's mocks know no hooks.
  }
  return {
    hooks: {
      beforeCreate: [
        async ({ newInputs }) => {
          const inputs = await known(pulumi.output(newInputs as NewInputs));
          await check(await known(pulumi.output(access)), inputs);
        },
      ],
    },
  };
}

/** The value of an Output inside a hook, where everything is known. */
function known<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });
}
