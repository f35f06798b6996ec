import { OPS_PLUGIN_VERSION } from "@corral-iac/corral/guest/ops/plugin";

const OLDER = "0.0.1";

/** An exported state as a version of corral-ops left it that is not this one. */
export function asOfOlderPlugin(exported: string): string {
  const provider = (version: string) =>
    `pulumi:providers:corral-ops::default_${version.replaceAll(".", "_")}`;
  const renamed = exported.replaceAll(
    provider(OPS_PLUGIN_VERSION),
    provider(OLDER),
  );
  const state = JSON.parse(renamed) as ExportedState;
  const resource = state.deployment.resources.find(({ urn }) =>
    urn.endsWith(provider(OLDER)),
  );
  if (!resource) {
    throw new Error(
      `the state has no provider ${provider(OPS_PLUGIN_VERSION)}`,
    );
  }
  resource.inputs.version = OLDER;
  resource.outputs.version = OLDER;
  return JSON.stringify(state);
}

interface ExportedState {
  readonly deployment: {
    readonly resources: readonly {
      readonly urn: string;
      readonly inputs: { version?: string };
      readonly outputs: { version?: string };
    }[];
  };
}
