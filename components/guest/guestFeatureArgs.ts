import type * as pulumi from "@pulumi/pulumi";
import type { GuestConnection } from "./args";

/** Docker: installed by the guest's own package manager, started now and at each boot. */
export interface DockerFeatureArgs {
  /**
   * Users who may use docker without sudo: they become members of the group `docker`, which is as
   * good as being root. They must exist. Default: none.
   */
  users?: pulumi.Input<pulumi.Input<string>[]>;
}

/** Something that is set up in a guest over ssh: exactly one of `docker` and `script`. */
export interface FeatureArgs {
  /** Docker. */
  docker?: DockerFeatureArgs;
  /** What messages call a script's feature. Lower-case letters, digits and hyphens. */
  name?: string;
  /**
   * Shell script that sets the feature up, run by root with `sh`, or by what its first line `#!`
   * names; in the folder `/`, with nothing on standard input. A changed script runs again.
   */
  script?: pulumi.Input<string>;
  /**
   * Shell script that ends with 0 where the feature is set up. It is asked first: where it holds,
   * and the script is not another one than ran last, nothing runs. It is asked again after the script.
   * Default: the script runs when the resource is made and whenever script, triggers or environment
   * change.
   */
  check?: pulumi.Input<string>;
  /** Shell script that undoes it, run by root when the feature is deleted. Default: nothing is run. */
  remove?: pulumi.Input<string>;
  /**
   * Environment variables of all these scripts. Secrets: they reach the guest on standard input, and
   * their values are masked in what the scripts write.
   */
  environment?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Any texts: when one changes, the script runs again, whatever the check says. */
  triggers?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Longest time for check and script together, in seconds. Default 600. After it they are ended in
   * the guest, the update fails, and the next one tries again.
   * @minimum 1
   * @maximum 86400
   * @asType integer
   */
  timeoutSeconds?: pulumi.Input<number>;
}

/** Arguments of GuestFeature. */
export interface GuestFeatureArgs extends FeatureArgs {
  /** How the guest is reached: the `connection` of a machine. Its user must be root or have sudo. */
  connection: pulumi.Input<GuestConnection>;
}
