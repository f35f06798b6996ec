import { messageOf } from "@corral-iac/corral/core/errors";
import { failed } from "./probe";
import type {
  CloudInitOutcome,
  Finding,
  GuestAccess,
  GuestProbe,
} from "./probe";
import { inSeconds, notReadyError } from "./notReady";
import type { NotReadyError } from "./notReady";
import { describeStage, remedyOf, stagesUntil } from "./stages";
import type { Stage, Through, Until } from "./stages";

/** Time, as the wait sees it: a test gives it another one. Milliseconds. */
export interface Clock {
  now(): number;
  /** Settles early when the signal aborts; never rejects. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export interface WaitLog {
  status(line: string): void;
  debug(line: string): void;
  warn(line: string): void;
}

export interface WaitRequest {
  readonly until: Until;
  /** The way into the guest. Default: ssh. */
  readonly through?: Through | undefined;
  /** The machine's name, for messages. */
  readonly name: string;
  readonly timeoutSeconds: number;
  /** The address, where it is known beforehand. */
  readonly address?: string | undefined;
  /** `undefined` for a machine of which only the address is known. */
  readonly probe?: GuestProbe | undefined;
  /** `undefined` if nothing beyond the address is wanted. */
  readonly access?: GuestAccess | undefined;
  readonly clock: Clock;
  readonly log: WaitLog;
  /** Aborts when the wait has to stop before its time. */
  readonly signal: AbortSignal;
}

export interface WaitResult {
  /** Empty if none was looked for. */
  readonly address: string;
  /** Output of `cloud-init status --long`, empty unless that was waited for. */
  readonly cloudInitStatus: string;
}

/** Between two looks at the same stage. */
const pollMilliseconds: Record<Stage, number> = {
  machine: 1000,
  agent: 1000,
  address: 1000,
  port: 500,
  login: 1000,
  cloudInit: 250,
};
/** Between two status lines, and between two looks back at the machine and its address. */
const reportMilliseconds = 5000;
/** A refused login or an unexpected host key is told to the user at once when it lasts this long. */
const graceMilliseconds = 30_000;

/**
 * Waits for a guest, stage by stage. While it waits for one stage it looks back at the machine now
 * and then, so that one that crashed, or got another address, is seen.
 */
export async function waitForGuest(request: WaitRequest): Promise<WaitResult> {
  return new GuestWait(request).run();
}

class GuestWait {
  private readonly start: number;
  private readonly deadline: number;
  private readonly timeout = new AbortController();
  private readonly signal: AbortSignal;
  private stage: Stage = "machine";
  private stageStart: number;
  private candidates: readonly string[];
  private candidate = 0;
  private lastDetail = "";
  /** How long a look had been going on that the end of the wait cut short. */
  private cutShortAfter = 0;
  private lastReport: number;
  private lastLookBack: number;
  private warned = false;

  constructor(private readonly request: WaitRequest) {
    this.start = request.clock.now();
    this.deadline = this.start + request.timeoutSeconds * 1000;
    this.signal = AbortSignal.any([request.signal, this.timeout.signal]);
    this.stageStart = this.start;
    this.lastReport = this.start;
    this.lastLookBack = this.start;
    this.candidates = request.address === undefined ? [] : [request.address];
  }

  async run(): Promise<WaitResult> {
    const { until, through } = this.request;
    const outcome = await this.withTimeout(async () => {
      let found: CloudInitOutcome | undefined;
      for (const stage of stagesUntil(until, through)) {
        found = (await this.reach(stage)) ?? found;
      }
      return found;
    });
    if (outcome?.degraded) {
      this.request.log.warn(
        `cloud-init has finished, but not without faults:\n${outcome.status}`,
      );
    }
    return {
      address: this.address ?? "",
      cloudInitStatus: outcome?.status ?? "",
    };
  }

  private get address(): string | undefined {
    return this.candidates[
      this.candidate % Math.max(1, this.candidates.length)
    ];
  }

  /** Aborts looks that are under way when the time is over. */
  private async withTimeout<T>(work: () => Promise<T>): Promise<T> {
    const finished = new AbortController();
    const left = this.deadline - this.request.clock.now();
    void this.request.clock.sleep(left, finished.signal).then(() => {
      if (!finished.signal.aborted) {
        this.timeout.abort();
      }
    });
    try {
      return await work();
    } finally {
      finished.abort();
    }
  }

  /** Looks at the stage until it is reached. */
  private async reach(stage: Stage): Promise<CloudInitOutcome | undefined> {
    const { clock, log } = this.request;
    this.stage = stage;
    this.stageStart = clock.now();
    this.lastDetail = "";
    for (;;) {
      const lookStart = clock.now();
      const finding = await this.look(stage);
      if (finding.is === "ready") {
        const seconds = inSeconds(clock.now() - this.stageStart);
        log.debug(
          `${this.request.name}: had ${this.waitedFor()} after ${seconds}`,
        );
        return finding.value;
      }
      if (finding.is === "failed") {
        throw await this.error(finding.reason, finding.remedy);
      }
      this.lastDetail = finding.detail || this.lastDetail;
      if (finding.detail === "" && this.signal.aborted) {
        this.cutShortAfter = clock.now() - lookStart;
      }
      await this.stopIfOver();
      await this.lookBack();
      this.report();
      this.candidate++;
      await clock.sleep(pollMilliseconds[stage], this.signal);
      await this.stopIfOver();
    }
  }

  private async look(
    stage: Stage,
  ): Promise<Finding<CloudInitOutcome | undefined>> {
    try {
      return await this.lookOnce(stage);
    } catch (error) {
      // A look that was cut short by the end of the wait has found nothing.
      if (this.signal.aborted) {
        return { is: "waiting", detail: "" };
      }
      return {
        is: "failed",
        reason: messageOf(error),
      };
    }
  }

  private async lookOnce(
    stage: Stage,
  ): Promise<Finding<CloudInitOutcome | undefined>> {
    const { probe, access } = this.request;
    const nothing = { is: "ready", value: undefined } as const;
    const address = this.address ?? "";
    switch (stage) {
      case "machine":
        return without(probe ? await probe.machine(this.signal) : nothing);
      case "agent":
        return without(await this.askAgent(probe));
      case "address":
        return this.findAddress();
      case "port":
        return without(
          access ? await access.port(address, this.signal) : nothing,
        );
      case "login":
        return without(
          access ? await access.login(address, this.signal) : nothing,
        );
      case "cloudInit":
        return access ? access.cloudInit(address, this.signal) : nothing;
    }
  }

  private askAgent(probe: GuestProbe | undefined): Promise<Finding<void>> {
    return (
      probe?.agent?.(this.signal) ??
      Promise.resolve(failed("nothing says how its guest agent is asked"))
    );
  }

  private async findAddress(): Promise<Finding<undefined>> {
    const { probe, address } = this.request;
    if (address !== undefined) {
      return { is: "ready", value: undefined };
    }
    if (!probe) {
      return failed(
        "nothing says where the guest is: neither address nor a hypervisor is given",
      );
    }
    const finding = await probe.addresses(this.signal);
    if (finding.is !== "ready") {
      return finding;
    }
    this.takeCandidates(finding.value);
    return { is: "ready", value: undefined };
  }

  private takeCandidates(found: readonly string[]): void {
    if (found.join() !== this.candidates.join()) {
      this.request.log.debug(
        `${this.request.name}: addresses: ${found.join(", ")}`,
      );
      this.candidates = found;
      this.candidate = 0;
    }
  }

  /** Has the machine ended meanwhile, or got another address? */
  private async lookBack(): Promise<void> {
    const { probe, clock, address } = this.request;
    const due = clock.now() - this.lastLookBack >= reportMilliseconds;
    if (!probe || !due || this.stage === "machine") {
      return;
    }
    this.lastLookBack = clock.now();
    const machine = await this.look("machine");
    if (machine.is === "failed") {
      throw await this.error(
        machine.reason,
        machine.remedy ?? remedyOf("machine"),
      );
    }
    const hasFound = this.candidates.length > 0 && address === undefined;
    if (this.stage !== "address" && hasFound) {
      const addresses = await probe
        .addresses(this.signal)
        .catch(() => undefined);
      if (addresses?.is === "ready") {
        this.takeCandidates(addresses.value);
      }
    }
  }

  private report(): void {
    const { clock, log, name, timeoutSeconds } = this.request;
    const now = clock.now();
    if (now - this.lastReport < reportMilliseconds) {
      return;
    }
    this.lastReport = now;
    const detail = this.lastDetail ? ` (${this.lastDetail})` : "";
    log.status(
      `${name}: waiting for ${this.waitedFor()}${detail}: ` +
        `${inSeconds(now - this.start)} of ${timeoutSeconds} s`,
    );
    if (
      this.stage === "login" &&
      !this.warned &&
      now - this.stageStart >= graceMilliseconds
    ) {
      this.warned = true;
      log.warn(
        `${name}: the ssh login does not succeed since ${inSeconds(now - this.stageStart)}: ` +
          `${this.lastDetail}. Trying on until ${timeoutSeconds} s are over.`,
      );
    }
  }

  private async stopIfOver(): Promise<void> {
    const { clock, signal, timeoutSeconds } = this.request;
    if (signal.aborted) {
      const reason =
        signal.reason instanceof Error ? signal.reason.message : "stopped";
      throw await this.error(reason, "The next update waits again.");
    }
    if (this.timeout.signal.aborted || clock.now() >= this.deadline) {
      throw await this.error(`it did not come within ${timeoutSeconds} s`);
    }
  }

  private waitedFor(): string {
    return describeStage(this.stage, this.address);
  }

  /** What the user gets to see. */
  private error(
    reason: string,
    remedy = remedyOf(this.stage),
  ): Promise<NotReadyError> {
    const { name, clock, probe } = this.request;
    return notReadyError({
      name,
      stage: this.stage,
      waitedFor: this.waitedFor(),
      reason,
      lastSeen: this.lastDetail,
      totalMilliseconds: clock.now() - this.start,
      stageMilliseconds: clock.now() - this.stageStart,
      cutShortAfterMilliseconds: this.cutShortAfter,
      remedy,
      probe,
      clock,
    });
  }
}

function without(finding: Finding<void>): Finding<undefined> {
  return finding.is === "ready" ? { is: "ready", value: undefined } : finding;
}

/** The real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal.aborted || milliseconds <= 0) {
        resolve();
        return;
      }
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      // Longer than a timer can hold it is cut: nobody waits for 24 days.
      const timer = setTimeout(finish, Math.min(milliseconds, 2 ** 31 - 1));
      signal.addEventListener("abort", finish);
    }),
};
