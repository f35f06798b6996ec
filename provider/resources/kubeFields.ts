import { Type } from "@sinclair/typebox";

/** The fields by which a Kubernetes API is reached. */
export function kubeFields() {
  return {
    kubeconfig: Type.Optional(
      Type.String({
        minLength: 1,
        secret: true,
        description:
          "Text of a kubeconfig, or the path of one. Default: as for kubectl.",
      }),
    ),
    context: Type.Optional(
      Type.String({
        minLength: 1,
        description: "Context of the kubeconfig. Default: its current one.",
      }),
    ),
  };
}

/** Name of a namespace that a resource is in. */
export function namespaceField() {
  return Type.String({
    pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    allowed:
      "at most 63 lower-case letters, digits and hyphens, not at its ends",
    replaces: true,
    description: "Namespace of the machines.",
  });
}
