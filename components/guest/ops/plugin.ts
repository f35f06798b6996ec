import * as pulumi from "@pulumi/pulumi";

/** Version of the plugin `corral-ops` that these classes were written for. */
export const OPS_PLUGIN_VERSION = "0.1.0";

/** Makes the engine take this version of the plugin; what the caller gave goes before. */
export function opsOptions(
  opts: pulumi.CustomResourceOptions | undefined,
  own: pulumi.CustomResourceOptions = {},
): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions({ version: OPS_PLUGIN_VERSION, ...own }, opts);
}
