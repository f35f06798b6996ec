import { LibvirtClient } from "@corral-iac/corral/core/libvirt-client/client";
import { isFault } from "@corral-iac/corral/core/libvirt-client/errors";
import { lastLines } from "@corral-iac/corral/core/libvirt-client/parse";

import { failed, ready, waiting } from "./probe";
import type { Finding, GuestProbe } from "./probe";

export interface LibvirtGuest {
  readonly uri: string;
  /** Name or UUID. */
  readonly domain: string;
  readonly macAddress?: string | undefined;
  readonly consolePool?: string | undefined;
  readonly consoleFile?: string | undefined;
}

const consoleLines = 20;
const consoleBytes = 32 * 1024;

/** What a libvirt daemon knows of a guest. */
export class LibvirtProbe implements GuestProbe {
  private readonly client: LibvirtClient;
  /** A daemon that has answered before is waited for when it is away for a moment. */
  private answered = false;

  constructor(
    private readonly guest: LibvirtGuest,
    client?: LibvirtClient,
  ) {
    this.client = client ?? new LibvirtClient(guest.uri);
  }

  async machine(signal: AbortSignal): Promise<Finding<void>> {
    const { domain, uri } = this.guest;
    try {
      const { state, reason } = await this.client.domainState(domain, {
        signal,
      });
      this.answered = true;
      return judgeState(domain, state, reason);
    } catch (error) {
      if (isFault(error, "noDomain")) {
        return failed(
          `there is no domain ${domain} at ${uri}`,
          "Run pulumi up --refresh: the machine was removed behind Pulumi's back.",
        );
      }
      return this.whenNoAnswer(error);
    }
  }

  async addresses(signal: AbortSignal): Promise<Finding<readonly string[]>> {
    const { domain, macAddress } = this.guest;
    try {
      const found = await this.client.domainAddresses(domain, macAddress, {
        signal,
      });
      const by = macAddress ? `of ${macAddress}` : `of ${domain}`;
      return found.length > 0
        ? ready(found)
        : waiting(`no address ${by} in DHCP leases, guest agent or ARP table`);
    } catch (error) {
      return this.whenNoAnswer(error);
    }
  }

  async console(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { consolePool, consoleFile } = this.guest;
    if (!consolePool || !consoleFile) {
      return undefined;
    }
    // libvirt did not make the file as a volume, so it has to look for it first.
    await this.client.refreshPool(consolePool, { signal });
    try {
      const range = [consoleBytes, { signal }] as const;
      const text = await this.client.volumeTail(
        consolePool,
        consoleFile,
        ...range,
      );
      return lastLines(text, consoleLines);
    } catch (error) {
      if (isFault(error, "noVolume")) {
        return [];
      }
      throw error;
    }
  }

  /** The first look tells an address that is wrong from a daemon that is only restarting. */
  private whenNoAnswer(error: unknown): Finding<never> {
    if (
      isFault(error, "timeout") ||
      (isFault(error, "unreachable") && this.answered)
    ) {
      return waiting(error.message);
    }
    throw error;
  }
}

/** Whether a machine in this state can still get ready. */
export function judgeState(
  domain: string,
  state: string,
  reason: string,
): Finding<void> {
  const text = `the domain ${domain} is ${state}${reason && reason !== "unknown" ? ` (${reason})` : ""}`;
  if (state === "running" || state === "idle" || state === "no state") {
    return ready(undefined);
  }
  if (state === "paused" && /i\/o error/i.test(reason)) {
    return failed(
      text,
      "The disk or its pool is full or broken: mend that, then virsh resume.",
    );
  }
  if (
    state === "paused" &&
    !/starting|migrat|snapshot|sav|dump/i.test(reason)
  ) {
    return failed(text, `Resume it: virsh resume ${domain}`);
  }
  return ["crashed", "shut off", "pmsuspended"].includes(state)
    ? failed(text)
    : waiting(text);
}
