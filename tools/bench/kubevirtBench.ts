import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { StageSummary } from "@corral-iac/corral/core/inventory/stage";
import execa from "execa";
import { kubevirtUp } from "../lab/kubevirt";
import { PulumiStack } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
import { type KubeRequest, KubeProxy } from "./kubeProxy";
import { measure } from "./measure";

/** What is measured of clusters, in this order. */
export const KUBEVIRT_OPERATIONS = [
  "create",
  "no-op up",
  "refresh",
  "destroy",
] as const;
export type KubevirtOperation = (typeof KUBEVIRT_OPERATIONS)[number];

export const STRATEGIES = ["bootstrap", "snapshot"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** One command on some clusters. */
export interface KubevirtFigure {
  readonly strategy: Strategy;
  readonly clusters: number;
  readonly operation: KubevirtOperation;
  readonly seconds: number;
  /** Requests of Corral's own resources. */
  readonly corral: number;
  /** Requests of Pulumi's plugin for Kubernetes, which makes the objects. */
  readonly plugin: number;
  /** Of both: those that are not GET. */
  readonly changing: number;
}

/** How long the stages of some clusters took. */
export interface KubevirtStages {
  readonly clusters: number;
  readonly stages: readonly StageSummary[];
}

export interface KubevirtFigures {
  readonly figures: readonly KubevirtFigure[];
  readonly stages: readonly KubevirtStages[];
  /** Whether it was on the lab, whose storage and guests are simulated. */
  readonly isLab: boolean;
}

export interface KubevirtBenchOptions {
  readonly repository: string;
  readonly toolchain: Toolchain;
  /** Numbers of clusters, and how often each is measured. */
  readonly rounds: readonly { machines: number; runs: number }[];
  /** A cluster of the user's own; default: the lab. */
  readonly target?: KubevirtTarget | undefined;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** A cluster with KubeVirt. */
export interface KubevirtTarget {
  readonly kubeconfig: string;
  /** Image that clusters are bootstrapped from, an address. */
  readonly image: string;
}

/** Nobody fetches it: the lab's storage is simulated. */
const LAB_IMAGE = "http://images.example/debian.qcow2";

/**
 * Makes, leaves alone, refreshes and destroys clusters of two machines, by bootstrap and from snapshots,
 * and counts what the Kubernetes API is asked.
 */
export async function benchKubevirt(
  options: KubevirtBenchOptions,
): Promise<KubevirtFigures> {
  const { target, log } = options;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-kube-"));
  const lab = target === undefined ? await kubevirtUp({ log }) : undefined;
  const kubeconfig = target?.kubeconfig ?? lab?.kubeconfig ?? "";
  const proxy = await KubeProxy.start(
    { kubeconfig, context: undefined },
    path.join(folder, "proxy"),
  );
  const bench = new KubevirtBench(options, proxy, folder);
  try {
    await bench.prepare();
    for (const { machines: clusters, runs } of options.rounds) {
      for (let run = 0; run < runs; run += 1) {
        for (const strategy of STRATEGIES) {
          await bench.round(strategy, clusters);
        }
      }
    }
    return { ...bench.result(), isLab: lab !== undefined };
  } finally {
    await bench.clean();
    await proxy.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

class KubevirtBench {
  private readonly figures: KubevirtFigure[] = [];
  private readonly stages: KubevirtStages[] = [];
  private readonly stacks: PulumiStack[] = [];
  /** In names of namespaces: what a former run left is in nobody's way. */
  private readonly mark = randomBytes(2).toString("hex");

  constructor(
    private readonly options: KubevirtBenchOptions,
    private readonly proxy: KubeProxy,
    private readonly folder: string,
  ) {}

  result(): Pick<KubevirtFigures, "figures" | "stages"> {
    return { figures: this.figures, stages: this.stages };
  }

  /** Makes the snapshots that clusters are cloned from. */
  async prepare(): Promise<void> {
    const stack = await this.stackOf("base", {
      kubevirtBaseSnapshots: {
        gold: {
          kubevirt: "here",
          namespace: this.templates,
          keepMachines: false,
          ...this.machines(),
        },
      },
    });
    this.options.log("  KubeVirt: base snapshots");
    await this.run(stack, "up", 1);
  }

  async round(strategy: Strategy, clusters: number): Promise<void> {
    const name = `${strategy}-${clusters}`;
    const cluster = {
      kubevirt: "here",
      strategy,
      ...(strategy === "snapshot"
        ? { snapshots: { namespace: this.templates } }
        : {}),
      ...this.machines(),
    };
    const stack = await this.stackOf(name, {
      kubevirtClusters: Object.fromEntries(
        Array.from({ length: clusters }, (_, index) => [
          `c${index + 1}`,
          cluster,
        ]),
      ),
    });
    for (const operation of KUBEVIRT_OPERATIONS) {
      const before = this.proxy.requests.length;
      const seconds = await this.run(
        stack,
        operation === "refresh" || operation === "destroy" ? operation : "up",
        clusters,
      );
      const figure = {
        strategy,
        clusters,
        operation,
        seconds,
        ...countsOf(this.proxy.requests.slice(before)),
      };
      this.figures.push(figure);
      this.options.log(
        `  KubeVirt, ${strategy}, clusters: ${clusters}: ${operation} ${seconds.toFixed(1)} s, ` +
          `requests: ${figure.corral} of Corral, ${figure.plugin} of the plugin`,
      );
      if (operation === "create") {
        this.stages.push({ clusters, stages: await stagesOf(stack) });
      }
    }
  }

  /** Destroys what is left, also after a failure. */
  async clean(): Promise<void> {
    for (const stack of this.stacks.reverse()) {
      const { exitCode, output } = await stack.run([
        ...["destroy", "--yes", "--skip-preview"],
      ]);
      if (exitCode !== 0) {
        this.options.log(output);
      }
    }
  }

  private get templates(): string {
    return `corral-bench-${this.mark}`;
  }

  private machines() {
    const { target } = this.options;
    const size = { cores: 2, memoryMib: 2048 };
    return {
      image: { url: target?.image ?? LAB_IMAGE },
      controlPlane: size,
      worker: size,
      // The lab's guests run in the books only.
      ...(target === undefined ? { configureNodes: false } : {}),
    };
  }

  private async stackOf(name: string, fleet: object): Promise<PulumiStack> {
    const { repository, toolchain } = this.options;
    const stack = new PulumiStack(
      {
        program: repository,
        stack: `bench-${this.mark}-${name}`,
        folder: path.join(this.folder, `${name}-${this.stacks.length}`),
      },
      toolchain,
    );
    await stack.ensure();
    stack.configure({
      config: {
        "corral:fleet": {
          kubevirts: { here: { kubeconfig: this.proxy.kubeconfig } },
          ...fleet,
        },
      },
    });
    this.stacks.push(stack);
    return stack;
  }

  private async run(
    stack: PulumiStack,
    command: string,
    clusters: number,
  ): Promise<number> {
    const { signal, target } = this.options;
    const { seconds } = await measure(
      stack.command([command, "--yes", "--skip-preview"]),
      {
        // A real cluster bootstraps for a quarter of an hour.
        timeoutSeconds: (target === undefined ? 180 : 1800) + 20 * clusters,
        signal,
      },
    );
    return seconds;
  }
}

function countsOf(
  requests: readonly KubeRequest[],
): Pick<KubevirtFigure, "corral" | "plugin" | "changing"> {
  const count = (wanted: (request: KubeRequest) => boolean) =>
    requests.filter(wanted).length;
  return {
    corral: count(({ by }) => by === "corral"),
    plugin: count(({ by }) => by === "plugin"),
    changing: count(({ method }) => method !== "GET"),
  };
}

async function stagesOf(stack: PulumiStack): Promise<StageSummary[]> {
  const { file, args, cwd, env } = stack.corralCommand("timeline", ["--json"]);
  const { stdout } = await execa(file, [...args], { cwd, env });
  const { summary } = JSON.parse(stdout) as { summary: StageSummary[] };
  return summary;
}
