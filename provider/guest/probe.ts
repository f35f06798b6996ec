/** What one look at a stage has found. */
export type Finding<T> =
  /** The stage is reached. */
  | { readonly is: "ready"; readonly value: T }
  /** Not yet; `detail` says what was seen, for instance `connection refused`. */
  | { readonly is: "waiting"; readonly detail: string }
  /** It will never be: waiting on makes no sense. */
  | {
      readonly is: "failed";
      readonly reason: string;
      readonly remedy?: string;
    };

export const ready = <T>(value: T): Finding<T> => ({ is: "ready", value });
export const waiting = (detail: string): Finding<never> => ({
  is: "waiting",
  detail,
});
export const failed = (reason: string, remedy?: string): Finding<never> => ({
  is: "failed",
  reason,
  ...(remedy === undefined ? {} : { remedy }),
});

/**
 * What a hypervisor knows of a guest. One implementation for each hypervisor. Every call looks once,
 * is bounded by itself, and stops when the signal aborts.
 */
export interface GuestProbe {
  /** Does the machine run? */
  machine(signal: AbortSignal): Promise<Finding<void>>;
  /** Does its guest agent answer? Missing where it cannot be asked. */
  agent?(signal: AbortSignal): Promise<Finding<void>>;
  /** Addresses that the guest may be reached at, best first; ready means at least one. */
  addresses(signal: AbortSignal): Promise<Finding<readonly string[]>>;
  /** The last lines of the guest's console; `undefined` if it has none that can be read. */
  console(signal: AbortSignal): Promise<readonly string[] | undefined>;
}

/** What the guest itself answers. The same for all hypervisors. */
export interface GuestAccess {
  port(address: string, signal: AbortSignal): Promise<Finding<void>>;
  login(address: string, signal: AbortSignal): Promise<Finding<void>>;
  /** Ready with the output of `cloud-init status --long`. */
  cloudInit(
    address: string,
    signal: AbortSignal,
  ): Promise<Finding<CloudInitOutcome>>;
}

export interface CloudInitOutcome {
  readonly status: string;
  /** Done, but something did not go as it should. */
  readonly degraded: boolean;
}
