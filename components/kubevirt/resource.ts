import * as pulumi from "@pulumi/pulumi";

/** Version of Pulumi's plugin `kubernetes` that these classes were written for. */
export const KUBERNETES_PLUGIN_VERSION = "4.18.1";

/** What of an object's metadata the plugin answers. */
export interface KubernetesMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  /** Counts changes of its spec. */
  readonly generation?: number;
}

/**
 * Kinds that are gone as soon as they are deleted. The plugin misses that now and then, and looks again
 * only when its time is up, after 10 minutes unless told otherwise
 * (https://github.com/pulumi/pulumi-kubernetes/issues/3317).
 */
const GONE_AT_ONCE: readonly string[] = [
  "ResourceQuota",
  "Role",
  "RoleBinding",
  "Secret",
  "Service",
];

/** The content of an object: all but its kind. */
export interface KubernetesContent {
  readonly metadata: pulumi.Input<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/**
 * An object of Kubernetes, by Pulumi's own plugin
 * (https://www.pulumi.com/registry/packages/kubernetes/), any kind of it. The package
 * `@pulumi/kubernetes` is not depended on: Pulumi would fetch its plugin, 400 MB, for every program
 * that has Corral below it. So the plugin is fetched when the first of these is made.
 */
export class KubernetesObject extends pulumi.CustomResource {
  declare readonly metadata: pulumi.Output<KubernetesMetadata>;

  /** @param apiVersion as in a manifest: `v1`, `kubevirt.io/v1`. */
  constructor(
    name: string,
    apiVersion: string,
    kind: string,
    content: KubernetesContent,
    opts: pulumi.CustomResourceOptions,
  ) {
    const group = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
    super(
      `kubernetes:${group}:${kind}`,
      name,
      { ...content, apiVersion, kind },
      pulumi.mergeOptions(
        {
          version: KUBERNETES_PLUGIN_VERSION,
          ...(GONE_AT_ONCE.includes(kind) && {
            customTimeouts: { delete: "30s" },
          }),
        },
        opts,
      ),
    );
  }
}

/** A provider of Kubernetes: what a `kubernetes.Provider` of Pulumi's package is to the engine. */
export class KubernetesProvider extends pulumi.ProviderResource {
  constructor(
    name: string,
    args: {
      readonly kubeconfig?: pulumi.Input<string | undefined>;
      readonly context?: pulumi.Input<string | undefined>;
    },
    opts: pulumi.ResourceOptions = {},
  ) {
    super(
      "kubernetes",
      name,
      {
        kubeconfig:
          args.kubeconfig === undefined
            ? undefined
            : pulumi.secret(args.kubeconfig),
        context: args.context,
      },
      pulumi.mergeOptions({ version: KUBERNETES_PLUGIN_VERSION }, opts),
    );
  }
}
