import type * as pulumi from "@pulumi/pulumi";

/** The snapshot that is taken once all steps are done. */
export interface ProxmoxFinalFormArgs {
  /**
   * Name of the snapshot: 2 to 40 letters, digits, `-` and `_`, that start with a letter. Default
   * `final-form`. A change takes it anew.
   */
  name?: pulumi.Input<string>;
  /** What the snapshot is, for people. Default: none. */
  description?: pulumi.Input<string>;
  /** Whether the guest's memory is in it. Default false. */
  includeMemory?: pulumi.Input<boolean>;
  /** Any text: a change takes the snapshot anew. Default: it is taken once. */
  revision?: pulumi.Input<string>;
  /**
   * Longest time to wait for a locked machine and for the snapshot itself, in seconds. Default 600.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}
