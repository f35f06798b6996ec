/** How far a guest has to come, least first. */
export const untilLevels = ["none", "address", "ssh", "cloudInit"] as const;
export type Until = (typeof untilLevels)[number];

/** What is waited for, in this order. */
export type Stage = "machine" | "address" | "port" | "login" | "cloudInit";

const stagesOf: Record<Until, readonly Stage[]> = {
  none: [],
  address: ["machine", "address"],
  ssh: ["machine", "address", "port", "login"],
  cloudInit: ["machine", "address", "port", "login", "cloudInit"],
};

export function stagesUntil(until: Until): readonly Stage[] {
  return stagesOf[until];
}

/** True if `wanted` asks for more than what has been seen already. */
export function asksForMore(wanted: Until, seen: Until): boolean {
  return untilLevels.indexOf(wanted) > untilLevels.indexOf(seen);
}

export function furthest(a: Until, b: Until): Until {
  return asksForMore(a, b) ? a : b;
}

/** What is waited for, in words; for the status line and for the error. */
export function describeStage(
  stage: Stage,
  address: string | undefined,
): string {
  switch (stage) {
    case "machine":
      return "the machine to run";
    case "address":
      return "an IP address";
    case "port":
      return `the ssh port at ${address} to open`;
    case "login":
      return `the ssh login at ${address}`;
    case "cloudInit":
      return `cloud-init in the guest at ${address} to finish`;
  }
}

/** What a user can do if the wait ended at this stage. */
export function remedyOf(stage: Stage): string {
  switch (stage) {
    case "machine":
      return "Start the machine, or set until to none for one that is meant to be off.";
    case "address":
      return (
        "Check that the guest boots and asks for an address by DHCP on this network. One whose " +
        "address is set by hand is found by its guest agent only: install qemu-guest-agent in it."
      );
    case "port":
      return (
        "Check that the guest boots, runs an ssh server, and can be reached from this machine. " +
        "Where it cannot, as on another host's NAT network, set until to address."
      );
    case "login":
      return (
        "Check that cloud-init makes the user with this key and hands in the pinned host key, or " +
        "set until to address for a guest without ssh."
      );
    case "cloudInit":
      return (
        "Look at /var/log/cloud-init-output.log in the guest; give a larger timeoutSeconds if it " +
        "only needs longer."
      );
  }
}
