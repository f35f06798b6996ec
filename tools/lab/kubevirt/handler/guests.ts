import { createHash } from "node:crypto";

import type { Instance } from "./types";

/** A guest that runs, as the handler reports it. */
export interface RunningGuest {
  /** Address at which the guest answers from this machine. */
  readonly address: string;
  readonly mac: string;
  /** Whether its guest agent answers. */
  readonly hasAgent: boolean;
  readonly os?: Readonly<Record<string, string>>;
}

/** A guest as it is now: `starting`, running, or `ended` by itself. */
export type GuestView = RunningGuest | "starting" | "ended";

/** Where instances run. */
export interface Guests {
  /** Starts the guest if it was not started yet, and says how it is. */
  run(instance: Instance): Promise<GuestView>;
  /** Ends the guest; nothing of it is left. Does nothing when it is not there. */
  end(instance: Instance): Promise<void>;
}

/** Label of an instance by which its simulated guest has no agent: `"false"`. */
export const agentLabel = "lab.corral.invalid/guest-agent";

/** Label of an instance that boots a real guest: `"real"`. */
export const guestLabel = "lab.corral.invalid/guest";

/**
 * Label of an instance that boots a real guest of an image of its own: the name of a folder among the
 * lab's images. Without it, that of the lab for libvirt.
 */
export const imageLabel = "lab.corral.invalid/image";

/** How long a simulated guest boots. */
const bootMs = 300;

/**
 * Guests that run in the books only. Each has an address of its own in 127.0.0.0/8, where a test
 * can listen as if it were the guest.
 */
export class SimulatedGuests implements Guests {
  private readonly began = new Map<string, number>();

  run(instance: Instance): Promise<GuestView> {
    const { uid = "", labels = {} } = instance.metadata;
    const began = this.began.get(uid) ?? Date.now();
    this.began.set(uid, began);
    if (Date.now() - began < bootMs) {
      return Promise.resolve("starting");
    }
    const digest = createHash("sha256").update(uid).digest();
    const [a = 0, b = 0, c = 0] = digest;
    return Promise.resolve({
      address: `127.${64 + (a % 64)}.${b}.${1 + (c % 254)}`,
      mac: macOf(instance),
      hasAgent: labels[agentLabel] !== "false",
      os: {
        id: "debian",
        name: "Debian GNU/Linux",
        prettyName: "Debian GNU/Linux 12 (bookworm)",
        version: "12 (bookworm)",
        versionId: "12",
      },
    });
  }

  end({ metadata }: Instance): Promise<void> {
    this.began.delete(metadata.uid ?? "");
    return Promise.resolve();
  }
}

/** The address that the instance asks for, else one that is the same as long as it lives. */
export function macOf({ metadata, spec }: Instance): string {
  const wanted = spec.domain.devices?.interfaces?.[0]?.macAddress;
  if (wanted) {
    return wanted;
  }
  const digest = createHash("sha256")
    .update(metadata.uid ?? "")
    .digest("hex");
  return ["02", ...(digest.slice(0, 10).match(/../g) ?? [])].join(":");
}
