import * as pulumi from "@pulumi/pulumi";
import { LONGEST_SHARED_NAME } from "../core/nameRule";
import { checkComponent } from "../shared/checkArgs";
import { withSecrets } from "../shared/secrets";
import type { GuestBastion } from "./args";
import { DOCKER_CHECK, dockerScript } from "./dockerFeature";
import type { GuestFeatureArgs } from "./guestFeatureArgs";
import {
  FEATURE_SECRETS,
  featureName,
  validateGuestFeature,
} from "./guestFeatureRules";
import { featureCommand, renderFeatureProgram } from "./guestFeatureScript";
import { RemoteCommand } from "./ops/remoteCommand";

const DEFAULT_TIMEOUT_SECONDS = 600;

/**
 * Something that is set up in a guest over ssh, as root: docker, or whatever a script of yours does.
 * It runs by Pulumi's own plugin `command`.
 */
export class GuestFeature extends pulumi.ComponentResource {
  /**
   * The end of what the script wrote to standard output when it last ran; empty where it never had
   * to. A secret where `environment` is given.
   */
  public readonly output: pulumi.Output<string>;

  constructor(
    name: string,
    args: GuestFeatureArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(
      "corral:index:GuestFeature",
      name,
      withSecrets(args, FEATURE_SECRETS),
      opts,
    );
    const checked = checkComponent(
      { type: "GuestFeature", name, longestName: LONGEST_SHARED_NAME },
      args,
      validateGuestFeature,
    );
    const label = featureName(args) ?? name;
    const hasSecrets = args.environment !== undefined;

    const program = pulumi
      .all([pulumi.unsecret(checked), scripts(args), instanceOf(args)])
      .apply(([, known, instanceId]) =>
        renderFeatureProgram({ key: name, instanceId, ...known }),
      );
    const command = new RemoteCommand(
      `${name}-command`,
      {
        connection: pulumi
          .output(args.connection)
          .apply(({ bastion, ...guest }) => ({
            ...hopOf(guest),
            ...(bastion === undefined ? {} : { proxy: hopOf(bastion) }),
          })),
        create: featureCommand(label, "create"),
        update: featureCommand(label, "update"),
        delete:
          args.remove === undefined
            ? undefined
            : featureCommand(label, "delete"),
        stdin: hasSecrets ? pulumi.secret(program) : program,
        // sshd accepts no variables that it is not told of, and the plugin would warn.
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        // Also in the state: what is undone, is undone before what it stands on.
        dependsOn: opts?.dependsOn,
        // With the machine goes all that was set up in it.
        deletedWith: opts?.deletedWith,
        additionalSecretOutputs: hasSecrets ? ["stdout", "stderr"] : [],
      },
    );

    this.output = hasSecrets ? pulumi.secret(command.stdout) : command.stdout;
    this.registerOutputs({ output: this.output });
  }
}

/** A way that the plugin `command` goes. */
function hopOf({
  host,
  port,
  user,
  privateKey,
  hostKey,
}: pulumi.Unwrap<GuestBastion>) {
  return {
    ...{ host, user, privateKey, hostKey },
    ...(port === undefined ? {} : { port }),
    dialErrorLimit: 10,
    perDialTimeout: 15,
  };
}

/** What runs in the guest. */
function scripts(args: GuestFeatureArgs) {
  return pulumi
    .all([
      pulumi.output(args.docker),
      args.script,
      args.check,
      args.remove,
      pulumi.output(args.environment),
      pulumi.output(args.triggers),
      args.timeoutSeconds,
    ])
    .apply(
      ([docker, script, check, remove, environment, triggers, seconds]) => ({
        ...(docker === undefined
          ? { script: script ?? "", check, remove }
          : { script: dockerScript(docker.users ?? []), check: DOCKER_CHECK }),
        environment,
        triggers,
        timeoutSeconds: seconds ?? DEFAULT_TIMEOUT_SECONDS,
      }),
    );
}

/** A secret as a part of the connection only: previews shall show how a script changes. */
function instanceOf(args: GuestFeatureArgs): pulumi.Output<string | undefined> {
  return pulumi.unsecret(
    pulumi.output(args.connection).apply(({ instanceId }) => instanceId),
  );
}
