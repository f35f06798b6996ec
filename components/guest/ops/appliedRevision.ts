import * as pulumi from "@pulumi/pulumi";
import { opsOptions } from "./plugin";

/** Arguments of {@link AppliedRevision}. */
export interface AppliedRevisionArgs {
  /** The declared revision, for instance a digest. */
  revision: pulumi.Input<string>;
  /** Whether a new revision is applied. Default false. */
  follow?: pulumi.Input<boolean>;
}

/**
 * Remembers which revision of a document a machine was made from: a resource whose replacement
 * trigger is `applied` is replaced exactly when the user wants a new revision applied.
 */
export class AppliedRevision extends pulumi.CustomResource {
  /** The revision that the machine was made from. */
  declare readonly applied: pulumi.Output<string>;

  constructor(
    name: string,
    args: AppliedRevisionArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "corral-ops:index:AppliedRevision",
      name,
      { ...args, applied: undefined },
      opsOptions(opts),
    );
  }
}
