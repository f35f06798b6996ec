/** How far a guest has to come, least first. */
export const untilLevels = [
  "none",
  "agent",
  "address",
  "ssh",
  "cloudInit",
] as const;
export type Until = (typeof untilLevels)[number];

/** The way into the guest, by which cloud-init is asked. */
export const throughWays = ["ssh", "agent"] as const;
export type Through = (typeof throughWays)[number];

export type Stage =
  "machine" | "agent" | "address" | "port" | "login" | "cloudInit";

const stagesOf: Record<Through, Record<Until, readonly Stage[]>> = {
  ssh: {
    none: [],
    agent: ["machine", "agent"],
    address: ["machine", "address"],
    ssh: ["machine", "address", "port", "login"],
    cloudInit: ["machine", "address", "port", "login", "cloudInit"],
  },
  agent: {
    none: [],
    agent: ["machine", "agent"],
    address: ["machine", "agent", "address"],
    ssh: ["machine", "agent", "address", "port", "login"],
    // Needs no network, and knows why there is none.
    cloudInit: ["machine", "agent", "cloudInit", "address"],
  },
};

/** What is waited for, in its order. */
export function stagesUntil(
  until: Until,
  through: Through = "ssh",
): readonly Stage[] {
  return stagesOf[through][until];
}

/** How far a guest has to come, or has been seen to come, and by which way. */
export interface Extent {
  readonly until: Until;
  readonly through?: Through | undefined;
}

/** True if `wanted` asks for more than what has been seen already. */
export function asksForMore(wanted: Extent, seen: Extent): boolean {
  const known = stagesUntil(seen.until, seen.through);
  return stagesUntil(wanted.until, wanted.through).some(
    (stage) => !known.includes(stage),
  );
}

/** What is waited for, in words; for the status line and for the error. */
export function describeStage(
  stage: Stage,
  address: string | undefined,
): string {
  switch (stage) {
    case "machine":
      return "the machine to run";
    case "agent":
      return "its guest agent to answer";
    case "address":
      return "an IP address";
    case "port":
      return `the ssh port at ${address} to open`;
    case "login":
      return `the ssh login at ${address}`;
    case "cloudInit":
      return address === undefined
        ? "cloud-init in the guest to finish"
        : `cloud-init in the guest at ${address} to finish`;
  }
}

/** What a user can do if the wait ended at this stage. */
export function remedyOf(stage: Stage): string {
  switch (stage) {
    case "machine":
      return "Start the machine, or set until to none for one that is meant to be off.";
    case "agent":
      return (
        "Check that the guest boots, that qemu-guest-agent is installed and started in it, and that " +
        "the machine's guest agent option is on; or set through to ssh, which needs no agent where " +
        "address is given."
      );
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
