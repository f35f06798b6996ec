import * as pulumi from "@pulumi/pulumi";
import { ReadyThrough, ReadyUntil } from "../guest/args";
import type { ProxmoxVmArgs } from "./args";
import { networksOf } from "./machineInputs";

const DEFAULT_TIMEOUT_SECONDS = 300;

/** What is waited for: as asked, else all that cloud-init does; nothing on a machine that is off. */
export function proxmoxReady({
  ready,
  running,
  cloudInitDrive,
}: ProxmoxVmArgs): {
  until: pulumi.Output<ReadyUntil>;
  through: pulumi.Output<ReadyThrough>;
  timeoutSeconds: pulumi.Output<number>;
} {
  const byDefault =
    cloudInitDrive === false ? ReadyUntil.Agent : ReadyUntil.CloudInit;
  return {
    until: pulumi
      .all([ready?.until, running ?? true])
      .apply(([until, isRunning]) =>
        isRunning ? (until ?? byDefault) : ReadyUntil.None,
      ),
    through: pulumi.output(ready?.through ?? ReadyThrough.Agent),
    timeoutSeconds: pulumi.output(
      ready?.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    ),
  };
}

/**
 * The guest's address where the arguments say it: on the first interface, without its prefix. Through
 * the agent the guest itself tells what it has.
 */
export function knownAddress(
  args: Pick<ProxmoxVmArgs, "networks">,
  through: pulumi.Output<ReadyThrough>,
): pulumi.Output<string | undefined> {
  return pulumi
    .all([networksOf(args)[0]?.ipv4?.address, through])
    .apply(([address, way]) =>
      address === undefined || address === "dhcp" || way !== ReadyThrough.Ssh
        ? undefined
        : address.replace(/\/.*$/, ""),
    );
}
