import {
  clonedControlPlaneSteps,
  clonedWorkerSteps,
  bootDoneStep,
  forgetKeysStep,
  forgetStep,
  freshTokenStep,
  isMember,
  joinStep,
  leaveStep,
  memberStep,
  nodesReadyStep,
  type NodeStep,
  overlaySteps,
  readAdminConfStep,
  readJoin,
  removeNodesStep,
  renewTokenStep,
} from "@corral-iac/corral/core/kubevirt/nodeSteps";
import type { KubeadmJoin } from "@corral-iac/corral/core/kubevirt/kubeadm";
import { messageOf } from "@corral-iac/corral/core/errors";
import type { NetworkPlugin } from "@corral-iac/corral/core/kubevirt/nodeBoot";
import { guestNetwork } from "@corral-iac/corral/core/kubevirt/nodeNetwork";

/** A machine that is a node of a cluster. */
export interface ClusterNode {
  readonly nodeName: string;
  /** 0 for the control plane; workers count from 1. */
  readonly index: number;
  /** Another one is another machine. */
  readonly instanceId: string;
}

/** What a cluster is put right with. */
export interface NodesWish {
  /** `snapshot`: its machines are clones. */
  readonly decided: "snapshot" | "bootstrap";
  /** The control plane first. */
  readonly nodes: readonly ClusterNode[];
  /** What was put right before. */
  readonly before: readonly ClusterNode[];
  readonly nodeNetwork: string;
  readonly networkPlugin: NetworkPlugin | undefined;
  /** A secret. */
  readonly token: string;
  readonly timeoutSeconds: number;
}

/** The inside of machines. */
export interface NodeShells {
  /** Waits, bounded, until the machine lets one in. */
  reach(node: ClusterNode, timeoutSeconds: number): Promise<void>;
  /** Runs a step as root; what it prints. Throws when it fails. */
  run(node: ClusterNode, step: NodeStep): Promise<string>;
}

/** The inside of machines that may be clones. */
export interface CloneShells extends NodeShells {
  /** The public key that one gets in by: the base64 of a line of authorized_keys. */
  loginKey(node: ClusterNode): Promise<string>;
}

export interface NodesLog {
  status(line: string): void;
  info(line: string): void;
  warn(line: string): void;
}

export interface NodesResult {
  /** As kubeadm wrote it. A secret. */
  readonly adminConf: string;
  /** Steps that failed and may: `NODE: STEP`. */
  readonly skipped: readonly string[];
}

/**
 * Makes the machines one cluster: clones get what differs from their originals, workers that are
 * further clones an identity of their own, workers that go are taken out, and all nodes become Ready.
 * Can be run again after it failed.
 */
export async function putNodesRight(
  wish: NodesWish,
  shells: CloneShells,
  log: NodesLog,
): Promise<NodesResult> {
  return new Nodes(wish, shells, log).run();
}

class Nodes {
  private readonly skipped: string[] = [];

  constructor(
    private readonly wish: NodesWish,
    private readonly shells: CloneShells,
    private readonly log: NodesLog,
  ) {}

  async run(): Promise<NodesResult> {
    const { nodes, before, timeoutSeconds } = this.wish;
    const [controlPlane, ...workers] = nodes;
    if (controlPlane === undefined) {
      throw new Error("a cluster has a control plane");
    }
    const isNew = (node: ClusterNode) =>
      !before.some(
        (other) =>
          other.nodeName === node.nodeName &&
          other.instanceId === node.instanceId,
      );
    await this.shells.reach(controlPlane, timeoutSeconds);
    if (isNew(controlPlane)) {
      await this.controlPlaneSteps(controlPlane);
    }
    const gone = before
      .map(({ nodeName }) => nodeName)
      .filter((name) => !nodes.some(({ nodeName }) => nodeName === name));
    if (gone.length > 0 && !isNew(controlPlane)) {
      await this.step(controlPlane, removeNodesStep(gone));
    }
    const added = workers.filter(isNew);
    if (added.length > 0) {
      await this.addWorkers(controlPlane, added, isNew(controlPlane));
    }
    const names = nodes.map(({ nodeName }) => nodeName);
    await this.step(controlPlane, nodesReadyStep(names, timeoutSeconds));
    return {
      adminConf: await this.step(controlPlane, readAdminConfStep()),
      skipped: this.skipped,
    };
  }

  private async controlPlaneSteps(node: ClusterNode): Promise<void> {
    const { decided, nodes, networkPlugin, timeoutSeconds } = this.wish;
    if (decided === "bootstrap") {
      await this.step(node, bootDoneStep(timeoutSeconds));
      return;
    }
    await this.forgetKeys(node);
    await this.steps(
      node,
      clonedControlPlaneSteps({
        nodeName: node.nodeName,
        nodeNames: nodes.map(({ nodeName }) => nodeName),
        networkPlugin,
      }),
    );
  }

  private async addWorkers(
    controlPlane: ClusterNode,
    workers: readonly ClusterNode[],
    isWithControlPlane: boolean,
  ): Promise<void> {
    const { decided, networkPlugin, timeoutSeconds, token } = this.wish;
    if (decided === "bootstrap") {
      if (!isWithControlPlane) {
        await this.step(controlPlane, renewTokenStep(token));
      }
      await this.inParallel(workers, async (node) => {
        await this.step(node, bootDoneStep(timeoutSeconds));
      });
      return;
    }
    /** The clone of the worker that the control plane knows; every other one joins anew. */
    const isKnown = ({ index }: ClusterNode) =>
      index === 1 && isWithControlPlane;
    await this.inParallel(workers.filter(isKnown), async (node) => {
      await this.forgetKeys(node);
      await this.steps(node, clonedWorkerSteps(node.nodeName, networkPlugin));
    });
    const strangers = workers.filter((node) => !isKnown(node));
    if (strangers.length === 0) {
      return;
    }
    const fresh = readJoin(await this.step(controlPlane, freshTokenStep()));
    await this.inParallel(strangers, async (node) => {
      await this.forgetKeys(node);
      await this.joinAnew(node, controlPlane, fresh);
      await this.steps(node, overlaySteps(networkPlugin));
    });
  }

  private async forgetKeys(node: ClusterNode): Promise<void> {
    const own = await this.shells.loginKey(node);
    await this.step(node, forgetKeysStep(own));
  }

  /** One that has joined already, in a run that failed after that, stays as it is. */
  private async joinAnew(
    node: ClusterNode,
    controlPlane: ClusterNode,
    fresh: Pick<KubeadmJoin, "token" | "authorityDigest">,
  ): Promise<void> {
    const { nodeName, instanceId, index } = node;
    const member = {
      nodeName,
      instanceId,
      controlPlaneId: controlPlane.instanceId,
    };
    if (isMember(await this.step(node, memberStep(member)))) {
      return;
    }
    await this.step(node, leaveStep(nodeName));
    await this.step(controlPlane, forgetStep(nodeName));
    await this.step(
      node,
      joinStep({
        member,
        network: guestNetwork(this.wish.nodeNetwork, index),
        join: { endpointName: controlPlane.nodeName, ...fresh },
      }),
    );
  }

  private async inParallel(
    nodes: readonly ClusterNode[],
    work: (node: ClusterNode) => Promise<void>,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(
      nodes.map(async (node) => {
        await this.shells.reach(node, this.wish.timeoutSeconds);
        await work(node);
      }),
    );
    const failed = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [messageOf(outcome.reason)] : [],
    );
    if (failed.length > 0) {
      throw new Error(failed.join("\n"));
    }
  }

  private async steps(
    node: ClusterNode,
    steps: readonly NodeStep[],
  ): Promise<void> {
    for (const step of steps) {
      await this.step(node, step);
    }
  }

  private async step(node: ClusterNode, step: NodeStep): Promise<string> {
    const what = `${node.nodeName}: ${step.name}`;
    this.log.status(what);
    const start = Date.now();
    try {
      const said = await this.shells.run(node, step);
      const seconds = ((Date.now() - start) / 1000).toFixed(1);
      this.log.info(`${what}: ${seconds} s`);
      return said;
    } catch (error) {
      if (!step.mayFail) {
        throw error;
      }
      this.skipped.push(what);
      this.log.warn(`${what} failed, which may be: ${messageOf(error)}`);
      return "";
    }
  }
}
