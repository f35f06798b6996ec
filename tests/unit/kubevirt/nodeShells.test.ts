import assert from "node:assert/strict";
import { RootShellError } from "@corral-iac/corral-ops/guest/rootShell";
import type { Clock } from "@corral-iac/corral-ops/guest/wait";
import { SshNodeShells } from "@corral-iac/corral-ops/kubevirt/nodeShells";
import { SshError } from "@corral-iac/corral-ops/ssh/errors";
import type { SshSession } from "@corral-iac/corral-ops/ssh/pool";
import type { SshTarget } from "@corral-iac/corral-ops/ssh/target";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { KubeApi } from "./kubeApi";

const MACHINES = "virtualmachines.kubevirt.io";
const INSTANCES = "virtualmachineinstances.kubevirt.io";
const NODE = {
  nodeName: "cks-worker-node",
  machine: "vm1",
  index: 1,
  instanceId: "uid-1",
  address: "10.0.0.1",
  user: "corral",
  port: 22,
  privateKey: "none",
  hostKey: "none",
};

describe("the way into a machine of KubeVirt", () => {
  let api: KubeApi;
  let client: KubeClient;
  let tried: string[];

  beforeEach(async () => {
    api = await KubeApi.start();
    api.kinds.add("events");
    api.put(MACHINES, {
      metadata: { namespace: "t", name: "vm1" },
      status: { printableStatus: "Running" },
    });
    api.put(INSTANCES, {
      metadata: { namespace: "t", name: "vm1" },
      status: {
        phase: "Running",
        conditions: [
          {
            type: "AgentConnected",
            status: "False",
            reason: "NoAgent",
            message: "none answers",
          },
        ],
      },
    });
    api.put("events", {
      metadata: { namespace: "t", name: "e1" },
      reason: "FailedMount",
      message: "no such volume",
    });
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
    tried = [];
  });
  afterEach(async () => {
    client.close();
    await api.stop();
  });

  /** Time passes when somebody sleeps. */
  function sleepingClock(): Clock {
    let now = 0;
    return {
      now: () => now,
      async sleep(milliseconds) {
        now += milliseconds;
      },
    };
  }

  /** @param answers what comes of each try, the last one of all further. */
  function shells(
    answers: readonly (SshError | "ok")[],
    reachedBy: "api" | "address" = "api",
  ) {
    const session = {
      exec: async () => {
        const answer = answers[Math.min(tried.length, answers.length) - 1];
        if (answer instanceof SshError) {
          throw answer;
        }
        return { code: 0, exitSignal: undefined, stdout: "", stderr: "" };
      },
    } as Partial<SshSession> as SshSession;
    const pool = {
      use: <T>(
        target: SshTarget,
        _signal: AbortSignal,
        work: (session: SshSession) => Promise<T>,
      ) => {
        tried.push(target.host);
        return work(session);
      },
    };
    const log = { debug() {}, info() {}, warn() {}, error() {}, status() {} };
    const { signal } = new AbortController();
    return new SshNodeShells(
      "t",
      [NODE],
      reachedBy,
      client,
      { log, signal },
      sleepingClock(),
      pool,
    );
  }

  it("waits for one that starts, and for one that is too busy to answer", async () => {
    const answers = [
      new SshError("refused", "connection refused"),
      new SshError("timeout", "the ssh handshake was not done within 30 s"),
      "ok" as const,
    ];
    await shells(answers).reach(NODE, 60);
    assert.deepEqual(tried, ["vm1", "vm1", "vm1"]);
    tried = [];
    await shells(answers, "address").reach(NODE, 60);
    assert.equal(tried[0], "10.0.0.1");
  });

  it("gives up with the machine's status, conditions and last events", async () => {
    const refused = [new SshError("refused", "connection refused")];
    await assert.rejects(shells(refused).reach(NODE, 60), (error: Error) => {
      assert.deepEqual(error.message.split("\n").slice(1), [
        "machine t/vm1:",
        "  status Running, instance Running",
        "  AgentConnected is false: NoAgent: none answers",
        "  FailedMount: no such volume",
        "The machine stays; the next up waits again.",
      ]);
      assert.match(
        error.message,
        /^logging in to cks-worker-node failed on .*: connection refused, for 60 s\n/,
      );
      assert.ok(error.cause instanceof RootShellError);
      return true;
    });
    assert.equal(tried.length, 31);
  });

  it("says why nobody answers also where one may not look at the machine", async () => {
    api.interfere = () => ({ status: 403, body: { message: "forbidden" } });
    const refused = [new SshError("refused", "connection refused")];
    await assert.rejects(
      shells(refused).reach(NODE, 4),
      /connection refused, for 4 s\nThe machine stays/,
    );
  });

  it("does not wait where waiting does not help", async () => {
    const noRoot = [new SshError("root", "a password is required")];
    await assert.rejects(shells(noRoot).reach(NODE, 60), /may not act as root/);
    assert.equal(tried.length, 1);
  });
});
