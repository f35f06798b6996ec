import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { type Change, KubeProxy } from "../kubeProxy";
import {
  makeRunning,
  simulatedGuests,
  takeSnapshot,
  TestNamespaces,
} from "../kubevirtLab";
import { KubevirtProgram } from "../kubevirtProgram";
import { type ApiPoint, apiPoints } from "./apiPoints";
import { corralUpAfter } from "./corralUp";
import { EngineRun } from "./engineRun";
import { type Step, stepsOf } from "./steps";
import { whenStepStarts } from "./watch";

type KubevirtPoint = ApiPoint<Change>;

/** What of ours is looked for by kubectl, and what comes with it. */
const STAMPED =
  "namespace,vm,vmi,dv,pvc,vmsnapshot,secret,service,role,rolebinding,resourcequota";
const STAMP = "corral-iac.dev/stamp";

/** A stack with a cluster from snapshots of another namespace, or base snapshots, whose runs are cut off. */
export class KubevirtSubject {
  private runs = 0;

  private constructor(
    private readonly lab: KubevirtLab,
    private readonly proxy: KubeProxy,
    private readonly program: KubevirtProgram,
    private readonly namespaces: TestNamespaces,
    private readonly steps: readonly Step[],
    /** What changes the API when nothing goes wrong. */
    private readonly changes: readonly Change[],
    /** What there is of the stack then. */
    private readonly whole: readonly string[],
  ) {}

  /**
   * Makes everything once, to know how it goes, and destroys it again.
   *
   * @param name of the stack.
   * @param of a cluster that is cloned, or the base that others are cloned from.
   */
  static async make(
    lab: KubevirtLab,
    name: string,
    of: "cluster" | "base",
  ): Promise<KubevirtSubject> {
    const namespaces = new TestNamespaces(lab);
    const proxy = await KubeProxy.start(lab);
    const program = await KubevirtProgram.make(name);
    const common = simulatedGuests(proxy);
    program.declare({
      web:
        of === "cluster"
          ? {
              ...common,
              strategy: "snapshot",
              quota: { cores: 64 },
              snapshots: await makeSnapshots(lab, namespaces),
            }
          : {
              ...common,
              component: "KubevirtBaseSnapshots",
              namespace: `kill-gold-${randomBytes(3).toString("hex")}`,
            },
    });
    const steps = await stepsOf(program.stack);
    proxy.changes.length = 0;
    const { exitCode, output } = await program.stack.up();
    assert.equal(exitCode, 0, output);
    const changes = [...proxy.changes];
    const subject = new KubevirtSubject(
      lab,
      proxy,
      program,
      namespaces,
      steps,
      changes.filter(
        ({ line }, index) =>
          changes.findIndex((other) => other.line === line) === index,
      ),
      await census(lab, await stampIdOf(program)),
    );
    await subject.assertDestroys();
    return subject;
  }

  /** The engine killed at each step's start and in each change; the provider in each change. */
  get points(): KubevirtPoint[] {
    return apiPoints(this.steps, this.changes, lastingLine);
  }

  /**
   * Lets a fault strike a first `up`, recovers by `corral up`, compares cluster and state, and destroys
   * all.
   *
   * @returns how many seconds `corral up` took.
   * @throws when anything is lost, double, unknown to the state or left behind.
   */
  async survive(point: KubevirtPoint): Promise<number> {
    this.runs += 1;
    const run = EngineRun.start(this.program.stack, this.runs);
    try {
      const struck = this.strikeAt(point, run);
      await run.ended();
      assert.ok(await struck(), `it was over before\n${run.output}`);
      const seconds = await corralUpAfter(run, this.program.stack);
      await this.assertWhole();
      await this.assertDestroys();
      return seconds;
    } finally {
      this.proxy.onChange = () => "delivered";
      await run.endAll();
    }
  }

  /** Destroys all, and ends. */
  async remove(): Promise<void> {
    await this.program.remove();
    await this.end();
  }

  /** For after a failure: whatever stands there goes without being asked. */
  async abandon(): Promise<void> {
    this.program.abandon();
    const left = await this.lab.kubectl(
      ...["get", "namespace", "--selector", STAMP, "--output", "json"],
    );
    const { items } = JSON.parse(left) as { items: Named[] };
    for (const { metadata } of items) {
      if (ownerStack(metadata) === this.program.stack.name) {
        await this.lab.kubectl(
          ...["delete", "namespace", metadata.name, "--wait=false"],
        );
      }
    }
    await this.end();
  }

  private async end(): Promise<void> {
    await this.proxy.stop();
    await this.namespaces.remove();
  }

  /** @returns whether it has struck. */
  private strikeAt(
    { fault, step, change }: KubevirtPoint,
    run: EngineRun,
  ): () => Promise<boolean> {
    if (step !== undefined) {
      const watch = whenStepStarts(run.eventLog, step.urn, () => run.kill());
      return () => {
        watch.close();
        return watch.came;
      };
    }
    let struck = false;
    this.proxy.onChange = (seen) => {
      if (
        struck ||
        change === undefined ||
        lastingLine(seen) !== lastingLine(change)
      ) {
        return "delivered";
      }
      struck = true;
      if (fault === "engine killed") {
        run.kill();
      } else {
        run.killPlugins(
          change.plugin === "corral-ops"
            ? /^node pulumi-resource-corral-ops$/
            : /^pulumi-resource-kubernetes$/,
        );
      }
      return "lost";
    };
    return () => Promise.resolve(struck);
  }

  /** Everything that was declared is there once, nothing else, and the state knows it. */
  private async assertWhole(): Promise<void> {
    const { stack } = this.program;
    const stampId = await stampIdOf(this.program);
    assert.deepEqual(await census(this.lab, stampId), this.whole);
    const { pending } = await stack.exportedState();
    assert.deepEqual(pending, [], "operations that the state calls pending");
    const orphans = await stack.corral("orphans");
    assert.equal(orphans.exitCode, 0, orphans.output);
    const next = await stack.preview("--expect-no-changes", "--diff");
    assert.equal(next.exitCode, 0, next.output);
  }

  private async assertDestroys(): Promise<void> {
    const { exitCode, output } = await this.program.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await ofStack(this.lab, this.program.stack.name), []);
  }
}

/** A change as it is the next time too: namespaces are others then. */
function lastingLine({ line }: Change): string {
  return line.replace(/\b(kill-[a-z]+)-[0-9a-f]{6}\b/g, "$1");
}

interface Named {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** Everything with a stamp, and all disks and machines of its namespaces, as kubectl has it. */
async function census(lab: KubevirtLab, stampId: string): Promise<string[]> {
  const ours = await listed(lab, STAMPED, "--selector", `${STAMP}=${stampId}`);
  const places = new Set(
    ours.flatMap(({ metadata }) => metadata.namespace ?? []),
  );
  const near = await listed(lab, "vm,dv,pvc,vmsnapshot,volumesnapshot");
  const all = [
    ...ours,
    ...near.filter(({ metadata }) => places.has(metadata.namespace ?? "")),
  ].map(({ kind, metadata: { namespace = "", name } }) =>
    `${kind} ${namespace}/${name}`
      .replaceAll(stampId, "STAMP")
      // Names that KubeVirt makes have a snapshot's uid.
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID"),
  );
  return [...new Set(all)].sort();
}

/** What a stack of that name has made, with whatever stamp. */
async function ofStack(lab: KubevirtLab, stack: string): Promise<string[]> {
  const found = await listed(lab, STAMPED, "--selector", STAMP);
  return found
    .filter(({ metadata }) => ownerStack(metadata) === stack)
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

async function listed(
  lab: KubevirtLab,
  kinds: string,
  ...flags: string[]
): Promise<Named[]> {
  const text = await lab.kubectl(
    ...["get", kinds, "--all-namespaces", "--output", "json", ...flags],
  );
  return (JSON.parse(text) as { items: Named[] }).items;
}

function ownerStack({ annotations }: Named["metadata"]): string | undefined {
  return / stack=(\S+)/.exec(annotations?.["corral-iac.dev/owner"] ?? "")?.[1];
}

async function stampIdOf(program: KubevirtProgram): Promise<string> {
  const { resources } = await program.stack.exportedState();
  const stamp = resources.find(({ type }) => type === "corral-ops:index:Stamp");
  return String(stamp?.outputs?.stampId);
}

/** Snapshots of a control plane and a worker, in a namespace of their own. */
async function makeSnapshots(
  lab: KubevirtLab,
  namespaces: TestNamespaces,
): Promise<object> {
  const namespace = await namespaces.make("kill-templates");
  for (const role of ["control-plane", "worker"]) {
    await makeRunning(lab, namespace, `${role}-vm`);
    await takeSnapshot(lab, namespace, role, `${role}-vm`);
  }
  return { namespace, controlPlane: "control-plane", worker: "worker" };
}
