import * as pulumi from "@pulumi/pulumi";

/** Version of Pulumi's plugin `command` that this class was written for. */
export const COMMAND_PLUGIN_VERSION = "1.2.1";

/** Which of a command's outputs are shown while it runs. */
export enum RemoteCommandLogging {
  Stdout = "stdout",
  Stderr = "stderr",
  StdoutAndStderr = "stdoutAndStderr",
  None = "none",
}

/** A host that is gone through. */
export interface RemoteCommandProxy {
  /** Name or address. */
  host: pulumi.Input<string>;
  /** TCP port of the ssh server. Default 22. */
  port?: pulumi.Input<number>;
  /** User to log in as. Default `root`. */
  user?: pulumi.Input<string>;
  /** Private key in OpenSSH's PEM format. A secret. */
  privateKey?: pulumi.Input<string>;
  /** Its public host key, `ssh-ed25519 AAAA...`. Default: any key is accepted. */
  hostKey?: pulumi.Input<string>;
  /** How often a failed connection is tried again. Default 10; -1 for ever. */
  dialErrorLimit?: pulumi.Input<number>;
  /** Seconds until one attempt to connect fails. Default 15; 0 for never. */
  perDialTimeout?: pulumi.Input<number>;
}

/** How the machine is logged in to. */
export interface RemoteCommandConnection {
  /** Name or address. */
  host: pulumi.Input<string>;
  /** TCP port of the ssh server. Default 22. */
  port?: pulumi.Input<number>;
  /** User to log in as. Default `root`. */
  user?: pulumi.Input<string>;
  /** Private key in OpenSSH's PEM format. A secret. */
  privateKey?: pulumi.Input<string>;
  /** Its public host key, `ssh-ed25519 AAAA...`. Default: any key is accepted. */
  hostKey?: pulumi.Input<string>;
  /** How often a failed connection is tried again. Default 10; -1 for ever. */
  dialErrorLimit?: pulumi.Input<number>;
  /** Seconds until one attempt to connect fails. Default 15; 0 for never. */
  perDialTimeout?: pulumi.Input<number>;
  /** A host to go through. Default: none. */
  proxy?: pulumi.Input<RemoteCommandProxy>;
}

/** Arguments of {@link RemoteCommand}. */
export interface RemoteCommandArgs {
  /** How the machine is logged in to. A secret as a whole. */
  connection: pulumi.Input<RemoteCommandConnection>;
  /** Run when the resource is made. */
  create?: pulumi.Input<string>;
  /** Run when any argument has changed. Default: `create`. */
  update?: pulumi.Input<string>;
  /** Run, as it stands in the state, when the resource is deleted. */
  delete?: pulumi.Input<string>;
  /** What all three find on standard input. */
  stdin?: pulumi.Input<string>;
  /** A change makes the resource anew: `create` runs, and then the former one's `delete`. */
  triggers?: pulumi.Input<unknown[]>;
  /** Which outputs are shown while a command runs. Default: both. */
  logging?: pulumi.Input<RemoteCommandLogging>;
  /** Whether `update` and `delete` get the former outputs in their environment. Default true. */
  addPreviousOutputInEnv?: pulumi.Input<boolean>;
}

/**
 * A command that runs on another machine over ssh: `remote.Command` of Pulumi's own package
 * `@pulumi/command` (https://www.pulumi.com/registry/packages/command/api-docs/remote/command/).
 * That package is not depended on, because Pulumi would fetch its plugin for every program that has
 * Corral below it; so the plugin is fetched when the first of these is made.
 */
export class RemoteCommand extends pulumi.CustomResource {
  /** Standard output of the last run, without its last newline. */
  declare readonly stdout: pulumi.Output<string>;
  /** Standard error of the last run, without its last newline. */
  declare readonly stderr: pulumi.Output<string>;

  constructor(
    name: string,
    args: RemoteCommandArgs,
    opts?: pulumi.CustomResourceOptions,
  ) {
    super(
      "command:remote:Command",
      name,
      {
        ...args,
        connection: pulumi.secret(args.connection),
        stdout: undefined,
        stderr: undefined,
      },
      pulumi.mergeOptions(
        { version: COMMAND_PLUGIN_VERSION, replaceOnChanges: ["triggers[*]"] },
        opts,
      ),
    );
  }
}
