import assert from "node:assert/strict";
import * as fs from "node:fs";
import { bookMachine, ProxmoxStack } from "../proxmox";
import { type ApiPoint, apiPoints } from "./apiPoints";
import { corralUpAfter } from "./corralUp";
import { EngineRun } from "./engineRun";
import { type Step, stepsOf } from "./steps";
import { whenStepStarts, type Watch } from "./watch";

/** A change of the API; the task that it began is under way when it is answered. */
interface Change {
  readonly line: string;
  /** How many there have been with this one. */
  readonly count: number;
}

type ProxmoxPoint = ApiPoint<Change>;

const VM_ID = 8101;
const HOLDER_ID = 8102;
const LOOK_MILLISECONDS = 5;

/** One machine with everything that the books can hold: a clone, a data disk, a snapshot. */
const MACHINE = bookMachine({
  vmId: VM_ID,
  rootDisk: { sizeGib: 4 },
  dataDisks: [{ name: "data", sizeGib: 1, keep: false, holderVmId: HOLDER_ID }],
  finalForm: {},
});

/** A stack on a simulated Proxmox VE whose runs are cut off. */
export class ProxmoxSubject {
  private runs = 0;

  private constructor(
    private readonly bench: ProxmoxStack,
    private readonly steps: readonly Step[],
    /** What changes the API when nothing goes wrong, in its order. */
    private readonly changes: readonly string[],
    /** What there is then. */
    private readonly whole: readonly string[],
  ) {}

  /** Makes the machine once, to know how it goes, and destroys it again. */
  static async make(name: string): Promise<ProxmoxSubject> {
    const bench = await ProxmoxStack.make(name, { taskMs: 400 });
    bench.declare({ web: MACHINE });
    const steps = await stepsOf(bench.stack);
    await bench.up();
    const changes = changesOf(bench, 0);
    const whole = bench.proxmox.leftovers().sort();
    const subject = new ProxmoxSubject(bench, steps, changes, whole);
    await subject.assertDestroys();
    return subject;
  }

  /** The engine killed at each step's start and in each change; the provider in each change. */
  get points(): ProxmoxPoint[] {
    return apiPoints(
      this.steps,
      this.changes.map((line, index) => ({ line, count: index + 1 })),
      ({ line, count }) => `${line} (${count})`,
    );
  }

  /**
   * Lets a fault strike a first `up`, recovers by `corral up`, compares Proxmox VE and state, and
   * destroys all.
   *
   * @returns how many seconds `corral up` took.
   * @throws when anything is lost, double, unknown to the state or left behind.
   */
  async survive(point: ProxmoxPoint): Promise<number> {
    this.runs += 1;
    const run = EngineRun.start(this.bench.stack, this.runs);
    try {
      const struck = this.strikeAt(point, run);
      await run.ended();
      assert.ok(await struck.done(), `it was over before\n${run.output}`);
      const seconds = await corralUpAfter(run, this.bench.stack);
      await this.assertWhole();
      await this.assertDestroys();
      return seconds;
    } finally {
      await run.endAll();
    }
  }

  async remove(): Promise<void> {
    await this.bench.remove();
  }

  /** For after a failure: whatever stands there goes without being asked. */
  async abandon(): Promise<void> {
    const { proxmox, stack } = this.bench;
    await proxmox.stop();
    fs.rmSync(stack.folder, { recursive: true, force: true });
  }

  private strikeAt(
    point: ProxmoxPoint,
    run: EngineRun,
  ): { done(): Promise<boolean> } {
    const strike = () =>
      point.fault === "engine killed"
        ? run.kill()
        : run.killPlugins(this.programOf(point));
    const { step, change } = point;
    const watch =
      step === undefined
        ? this.whenChanged(change?.count ?? 0, strike)
        : whenStepStarts(run.eventLog, step.urn, strike);
    return {
      done: () => {
        watch.close();
        return watch.came;
      },
    };
  }

  /** The API has answered so many changes more than now. */
  private whenChanged(count: number, then: () => void): Watch {
    const place = this.bench.proxmox.requests.length;
    let settle: (came: boolean) => void = () => undefined;
    const came = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    const end = (result: boolean) => {
      clearInterval(timer);
      settle(result);
    };
    const timer = setInterval(() => {
      if (changesOf(this.bench, place).length >= count) {
        then();
        end(true);
      }
    }, LOOK_MILLISECONDS);
    return { came, close: () => end(false) };
  }

  private programOf({ change }: ProxmoxPoint): RegExp {
    return change?.line.includes("/snapshot")
      ? /^node pulumi-resource-corral-ops$/
      : /^terraform-provider-proxmox/;
  }

  /** Everything that was declared is there once, nothing else, and the state knows it. */
  private async assertWhole(): Promise<void> {
    const { proxmox, stack } = this.bench;
    assert.deepEqual(proxmox.leftovers().sort(), this.whole);
    const machine = proxmox.machine(VM_ID);
    assert.equal(machine.running, true);
    assert.equal(proxmox.machine(HOLDER_ID).running, false);
    assert.deepEqual(Object.keys(machine.snapshots), ["final-form"]);
    assert.match(machine.config.scsi0 ?? "", /size=4G/);
    assert.match(machine.config.scsi1 ?? "", /vm-8102-disk-0/);

    const { resources, pending } = await stack.exportedState();
    assert.deepEqual(pending, [], "operations that the state calls pending");
    const ids = resources
      .filter(({ type }) => type.endsWith(":VirtualEnvironmentVm"))
      .map(({ id = "" }) => id);
    assert.deepEqual(ids.sort(), [`${VM_ID}`, `${HOLDER_ID}`]);
    const orphans = await stack.corral("orphans");
    assert.equal(orphans.exitCode, 0, orphans.output);
    const next = await stack.preview("--expect-no-changes");
    assert.equal(next.exitCode, 0, next.output);
  }

  private async assertDestroys(): Promise<void> {
    const { exitCode, output } = await this.bench.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(this.bench.proxmox.leftovers(), []);
    assert.deepEqual(this.bench.proxmox.unknownCalls, []);
  }
}

/** What changes something at Proxmox VE; the agent is asked by POST too, and as often as it takes. */
function changesOf(bench: ProxmoxStack, since: number): string[] {
  return bench.changes(since).filter((line) => !line.includes("/agent/"));
}
