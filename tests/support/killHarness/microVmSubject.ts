import assert from "node:assert/strict";
import * as fs from "node:fs";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { ensureTinyGuest } from "@corral-iac/tools/lab/host/images";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { type HostCensus, hostCensus } from "../labHost";
import { TestStack } from "../testStack";
import { corralUpAfter } from "./corralUp";
import { EngineRun } from "./engineRun";
import { HostHold } from "./hostHold";
import { type MicroVmPoint, microVmPoints } from "./microVmPoints";
import { cutSsh, mendSsh } from "./sshCut";
import { type Step, stepsOf } from "./steps";
import { whenStepStarts } from "./watch";

const PLUGIN = /^node pulumi-resource-corral-ops$/;

/** How long packets are dropped: the fault itself, so measured by the clock. */
const CUT_SECONDS = 20;

/** What a run may take to come to the moment, or to fail after its host had no power. */
const PATIENCE_SECONDS = 90;

/** A machine with everything that lies on a host, on a host of its own; its runs are cut off. */
export class MicroVmSubject {
  private runs = 0;

  private constructor(
    readonly host: LabHost,
    readonly stack: TestStack,
    readonly hold: HostHold,
    private readonly steps: readonly Step[],
    private readonly before: HostCensus,
    /** What there is when nothing goes wrong. */
    private readonly whole: HostCensus,
  ) {}

  /** Makes the machine once, to know how it goes, and destroys it again. */
  static async make(name: string): Promise<MicroVmSubject> {
    const host = await LabHost.start();
    try {
      const stack = await TestStack.make(name);
      stack.declare(await fleet(host));
      await stack.setSecret("edgeKey", host.connection.privateKey);
      const hold = new HostHold(host);
      await hold.install();
      const before = await hostCensus(host);
      const steps = await stepsOf(stack);
      const { exitCode, output } = await stack.up();
      assert.equal(exitCode, 0, output);
      const whole = await hostCensus(host);
      const subject = new MicroVmSubject(
        ...[host, stack, hold, steps, before, whole],
      );
      await subject.assertDestroys();
      return subject;
    } catch (error) {
      await host.remove();
      throw error;
    }
  }

  get points(): MicroVmPoint[] {
    return microVmPoints(this.steps);
  }

  /**
   * Lets a fault strike a first `up`, recovers by `corral up`, compares host and state, and destroys
   * all.
   *
   * @returns how many seconds `corral up` took.
   * @throws when anything is lost, double, unknown to the state or left behind.
   */
  async survive(point: MicroVmPoint): Promise<number> {
    const run = await this.start(point);
    try {
      await this.strike(point, run);
      const { hung } = await run.ended(PATIENCE_SECONDS);
      assert.ok(!hung, `the run that was struck did not end\n${run.output}`);
      const seconds = await this.recover(run);
      await this.assertDestroys();
      return seconds;
    } finally {
      await mendSsh(this.host);
      await this.hold.release();
      await run.endAll();
    }
  }

  /** An `up` that will be held at the point's moment, if it has one. */
  async start({ moment }: Pick<MicroVmPoint, "moment">): Promise<EngineRun> {
    if (moment !== undefined) {
      await this.hold.set(moment);
    }
    this.runs += 1;
    return EngineRun.start(this.stack, this.runs);
  }

  /** `corral up`, and everything is as it was declared. */
  async recover(run: EngineRun): Promise<number> {
    const seconds = await corralUpAfter(run, this.stack);
    await this.assertWhole();
    return seconds;
  }

  /** Everything that was declared is there once, nothing else, and the state knows it. */
  async assertWhole(): Promise<void> {
    const found = await hostCensus(this.host);
    assert.deepEqual(diffCensus(lasting(this.whole), lasting(found)), []);
    const { pending } = await this.stack.exportedState();
    assert.deepEqual(pending, [], "operations that the state calls pending");
    const orphans = await this.stack.corral("orphans");
    assert.equal(orphans.exitCode, 0, orphans.output);
    // A look at everything: files to the byte, unit, rules, interface, hypervisor, lease.
    const next = await this.stack.preview("--refresh", "--expect-no-changes");
    assert.equal(next.exitCode, 0, next.output);
    await this.assertContents();
  }

  async assertDestroys(): Promise<void> {
    const { exitCode, output } = await this.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await this.leftBehind(), []);
  }

  /** What stands on the host and did not before, as lines. */
  async leftBehind(): Promise<string[]> {
    return diffCensus(this.before, await hostCensus(this.host));
  }

  /** Leaves state and host as they are and removes both, whatever is in them. */
  async abandon(): Promise<void> {
    await this.host.remove();
    fs.rmSync(this.stack.folder, { recursive: true, force: true });
  }

  /** No upload was cut off, and no volume is half a file system. */
  private async assertContents(): Promise<void> {
    await this.host.exec(`set -e
cd /var/lib/corral/microvm
for image in images/sha256-*; do echo "\${image#*sha256-}  $image" | sha256sum --check --quiet; done
[ "$(ls images/users-*/* | wc -l)" = 2 ]
dumpe2fs -h volumes/*/data.raw 2>/dev/null | grep -q '^Filesystem volume name: *data$'
[ "$(stat -c %s volumes/*/data.raw)" = ${VOLUME_BYTES} ]`);
  }

  private async strike(point: MicroVmPoint, run: EngineRun): Promise<void> {
    const { fault, step } = point;
    if (step !== undefined) {
      const watch = whenStepStarts(run.eventLog, step.urn, () => run.kill());
      await Promise.race([watch.came, run.ended(PATIENCE_SECONDS)]);
      watch.close();
      assert.ok(await watch.came, `no step ${step.name}\n${run.output}`);
      return;
    }
    const reached = await this.hold.reached(PATIENCE_SECONDS);
    assert.ok(reached, `the host never came to it\n${run.output}`);
    switch (fault) {
      case "engine killed":
        run.kill();
        await run.waitUntilGoneOf(PLUGIN, 20);
        break;
      case "provider killed":
        run.killPlugins(PLUGIN);
        break;
      case "host without power":
        await this.host.cutPower();
        await this.host.boot();
        return;
      case "ssh cut":
        await cutSsh(this.host);
        await this.hold.release();
        await new Promise((over) => setTimeout(over, CUT_SECONDS * 1000));
        await mendSsh(this.host);
        return;
    }
    await this.hold.release();
  }
}

const VOLUME_BYTES = 32 * 1024 ** 2;

/**
 * What is the same each time that the stack is made: stamps are not, and locks come with a change and go
 * with a boot.
 */
function lasting({ files, ...others }: HostCensus): HostCensus {
  return {
    ...others,
    files: files
      .filter((file) => !file.endsWith(".lock"))
      .map((file) => file.replace(/\/[0-9a-f]{16}-/, "/STAMP-")),
  };
}

async function fleet(host: LabHost): Promise<unknown> {
  const guest = await ensureTinyGuest();
  const { address, connection } = host;
  return {
    hypervisors: {},
    machines: {},
    microVmHosts: {
      edge: {
        host: address,
        hostKey: connection.hostKey,
        privateKey: { fromConfig: "edgeKey" },
        subnet: "10.62.0.0/24",
        accelerator: "tcg",
        hypervisors: ["qemu"],
      },
    },
    microVms: {
      web: {
        host: "edge",
        hypervisor: "qemu",
        memoryMib: 96,
        kernel: { file: guest.kernel },
        initrd: { file: guest.initrd },
        volumes: [
          { name: "data", sizeGib: 1 / 32, mountPoint: "/data", keep: false },
        ],
        // The guest is not what is looked at; it boots, and is not asked to shut down.
        ready: { until: "none" },
        stopTimeoutSeconds: 0,
      },
    },
  };
}
