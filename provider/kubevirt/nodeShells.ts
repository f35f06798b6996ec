import type { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import type { NodeStep } from "@corral-iac/corral/core/kubevirt/nodeSteps";

import type { OperationContext } from "../frame/context";
import { isOutOfReach, RootShell, RootShellError } from "../guest/rootShell";
import type { Clock } from "../guest/wait";
import { publicBlobOf } from "../ssh/keyPair";
import { sshPool } from "../ssh/shared";
import type { SshPool } from "../ssh/pool";
import { tellOfMachine } from "./machineWait";
import type { CloneShells, ClusterNode } from "./nodes";
import { portForward } from "./portForward";

/** A node with all that is needed to get into it. */
export interface ReachableNode extends ClusterNode {
  /** Name of its machine. */
  readonly machine: string;
  /** Its address in the pod network. */
  readonly address: string;
  readonly user: string;
  readonly port: number;
  readonly privateKey: string;
  readonly hostKey: string;
}

const POLL_MILLISECONDS = 2000;

/** Gets into machines over ssh: through the Kubernetes API, or at their address. */
export class SshNodeShells implements CloneShells {
  constructor(
    private readonly namespace: string,
    private readonly nodes: readonly ReachableNode[],
    private readonly reachedBy: "api" | "address",
    private readonly client: KubeClient,
    private readonly ctx: Pick<OperationContext, "signal" | "log">,
    private readonly clock: Clock,
    private readonly pool: Pick<SshPool, "use"> = sshPool(),
  ) {}

  async reach(node: ClusterNode, timeoutSeconds: number): Promise<void> {
    const { signal, log } = this.ctx;
    const end = this.clock.now() + timeoutSeconds * 1000;
    const shell = this.shellOf(node);
    for (;;) {
      try {
        await shell.run({
          what: `logging in to ${node.nodeName}`,
          script: "true",
          signal,
          timeoutSeconds: 60,
        });
        return;
      } catch (error) {
        if (!isNotThere(error)) {
          throw error;
        }
        if (this.clock.now() >= end) {
          throw await this.notReached(node, timeoutSeconds, error);
        }
        log.status(`${node.nodeName}: ${error.message}`);
        await this.clock.sleep(POLL_MILLISECONDS, signal);
        signal.throwIfAborted();
      }
    }
  }

  /** With what KubeVirt says of the machine: ssh alone does not say why nobody answers. */
  private async notReached(
    node: ClusterNode,
    timeoutSeconds: number,
    cause: RootShellError,
  ): Promise<Error> {
    const { namespace } = this;
    const { machine: name } = this.find(node);
    const { signal } = this.ctx;
    const lines = await tellOfMachine({ namespace, name }, this.client, signal);
    return new Error(
      [
        `${cause.message}, for ${timeoutSeconds} s`,
        ...(lines.length > 0 ? [`machine ${namespace}/${name}:`] : []),
        ...lines.map((line) => `  ${line}`),
        "The machine stays; the next up waits again.",
      ].join("\n"),
      { cause },
    );
  }

  async run(node: ClusterNode, step: NodeStep): Promise<string> {
    const { stdout } = await this.shellOf(node).run({
      what: step.name,
      script: step.script,
      signal: this.ctx.signal,
      timeoutSeconds: step.timeoutSeconds,
    });
    return stdout;
  }

  async loginKey(node: ClusterNode): Promise<string> {
    const { privateKey } = this.find(node);
    return (await publicBlobOf(privateKey)).toString("base64");
  }

  private find({ nodeName }: ClusterNode): ReachableNode {
    const node = this.nodes.find((one) => one.nodeName === nodeName);
    if (node === undefined) {
      throw new Error(`there is no machine for the node ${nodeName}`);
    }
    return node;
  }

  private shellOf(one: ClusterNode): RootShell {
    const node = this.find(one);
    const { machine, address, user, port, privateKey, hostKey } = node;
    const access = { user, port, privateKey, hostKey };
    return new RootShell(
      this.pool,
      this.reachedBy === "address"
        ? { ...access, host: address }
        : {
            ...access,
            host: machine,
            tunnel: portForward(this.client, {
              namespace: this.namespace,
              machine,
              port,
            }),
          },
    );
  }
}

/** Whether a machine was not reached because it lets nobody in: it answers, and has no keys to do so. */
export function letsNobodyIn(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    isOutOfReach(cause) &&
    (cause.sshFault === "auth" || cause.sshFault === "closed")
  );
}

/** A machine that starts, or that is too busy to answer in time. */
function isNotThere(error: unknown): error is RootShellError {
  return (
    isOutOfReach(error) ||
    (error instanceof RootShellError && error.fault === "timeout")
  );
}
