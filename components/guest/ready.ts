import * as pulumi from "@pulumi/pulumi";
import { type ReadyArgs, ReadyUntil } from "./args";

const DEFAULT_TIMEOUT_SECONDS = 300;

/** What is waited for: as asked, else ssh; nothing on a machine that is not running. */
export function readyOrDefault(
  ready: ReadyArgs | undefined,
  running: pulumi.Input<boolean>,
): { until: pulumi.Output<ReadyUntil>; timeoutSeconds: pulumi.Output<number> } {
  return {
    until: pulumi
      .all([ready?.until, running])
      .apply(([until, isRunning]) =>
        isRunning ? (until ?? ReadyUntil.Ssh) : ReadyUntil.None,
      ),
    timeoutSeconds: pulumi.output(
      ready?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    ),
  };
}
