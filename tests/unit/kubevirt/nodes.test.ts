import assert from "node:assert/strict";
import {
  type NodesWish,
  putNodesRight,
} from "@corral-iac/corral-ops/kubevirt/nodes";
import { adminKubeconfig } from "@corral-iac/corral/core/kubevirt/adminKubeconfig";
import { parse } from "yaml";
import { node } from "./objects";

const TOKEN = "abcdef.0123456789abcdef";
const FRESH = "fresh0.0123456789abcdef";
/** Of the original that the control plane was cloned from. */
const DIGEST = `sha256:${"d".repeat(64)}`;
const JOIN = `kubeadm join cks-control-plane:6443 --token ${FRESH} --discovery-token-ca-cert-hash ${DIGEST} \n`;

const nodes = (count: number) =>
  Array.from({ length: count }, (_, index) => node(index));

/** What was done, as `NODE: STEP`; steps whose name is in `failing` fail. */
async function run(wish: Partial<NodesWish>, failing: readonly string[] = []) {
  const done: string[] = [];
  const scripts = new Map<string, string>();
  const log = { status() {}, info() {}, warn() {} };
  const result = await putNodesRight(
    {
      decided: "snapshot",
      nodes: nodes(2),
      before: [],
      nodeNetwork: "10.250.0.0/16",
      networkPlugin: undefined,
      token: TOKEN,
      timeoutSeconds: 60,
      ...wish,
    },
    {
      async reach({ nodeName }) {
        done.push(`${nodeName}: reach`);
      },
      loginKey: async ({ nodeName }) => `key+of/${nodeName}==`,
      async run({ nodeName }, { name, script }) {
        done.push(`${nodeName}: ${name}`);
        scripts.set(`${nodeName}: ${name}`, script);
        if (failing.includes(name)) {
          throw new Error(`${name} said no`);
        }
        return name === "make a token" ? JOIN : `said by ${name}`;
      },
    },
    log,
  );
  return { done, scripts, ...result };
}

const END = [
  "cks-control-plane: wait until all nodes are Ready",
  "cks-control-plane: read the kubeconfig",
];

describe("KubevirtNodes", () => {
  it("puts a control plane and its worker right that were cloned together", async () => {
    const { done, adminConf } = await run({});
    assert.deepEqual(done, [
      "cks-control-plane: reach",
      "cks-control-plane: forget the original's keys",
      "cks-control-plane: set the host name",
      "cks-control-plane: restart kubelet",
      "cks-control-plane: wait for the API",
      "cks-control-plane: forget nodes of the original",
      "cks-worker-node: reach",
      "cks-worker-node: forget the original's keys",
      "cks-worker-node: set the host name",
      "cks-worker-node: restart kubelet",
      ...END,
    ]);
    assert.equal(adminConf, "said by read the kubeconfig");
  });

  it("has further clones join with an identity of their own and a fresh token", async () => {
    const { done, scripts } = await run({ nodes: nodes(3) });
    assert.ok(
      done.includes("cks-worker-node-2: leave the original's identity"),
    );
    assert.ok(!done.includes("cks-worker-node: leave the original's identity"));
    const join = scripts.get("cks-worker-node-2: join") ?? "";
    assert.match(join, new RegExp(FRESH));
    assert.match(join, new RegExp(DIGEST));
    assert.match(join, /10\.250\.2\.2/);
    assert.ok(
      done.indexOf("cks-control-plane: make a token") <
        done.indexOf("cks-worker-node-2: join"),
    );
  });

  it("touches only what is new, and has a worker that was made anew join anew", async () => {
    const before = nodes(3);
    const { done } = await run({
      before,
      nodes: [node(0), node(1, "another"), node(2)],
    });
    assert.deepEqual(done, [
      "cks-control-plane: reach",
      "cks-control-plane: make a token",
      "cks-worker-node: reach",
      "cks-worker-node: forget the original's keys",
      "cks-worker-node: look whether it has joined",
      "cks-worker-node: leave the original's identity",
      "cks-control-plane: forget cks-worker-node",
      "cks-worker-node: join",
      ...END,
    ]);
  });

  it("takes workers out whose machines go", async () => {
    const { done, scripts } = await run({ before: nodes(4), nodes: nodes(2) });
    const remove =
      "cks-control-plane: remove cks-worker-node-2, cks-worker-node-3";
    assert.deepEqual(done, ["cks-control-plane: reach", remove, ...END]);
    assert.match(scripts.get(remove) ?? "", /drain cks-worker-node-3/);
  });

  it("waits for a bootstrap, and renews the token for workers that come later", async () => {
    const first = await run({ decided: "bootstrap" });
    assert.deepEqual(first.done, [
      "cks-control-plane: reach",
      "cks-control-plane: wait until cloud-init is done",
      "cks-worker-node: reach",
      "cks-worker-node: wait until cloud-init is done",
      ...END,
    ]);
    const later = await run({
      decided: "bootstrap",
      before: nodes(2),
      nodes: nodes(3),
    });
    assert.deepEqual(later.done, [
      "cks-control-plane: reach",
      "cks-control-plane: renew the token",
      "cks-worker-node-2: reach",
      "cks-worker-node-2: wait until cloud-init is done",
      ...END,
    ]);
  });

  it("goes on after steps that may fail, and tells which", async () => {
    const { skipped } = await run({}, ["restart kubelet"]);
    assert.deepEqual(skipped, [
      "cks-control-plane: restart kubelet",
      "cks-worker-node: restart kubelet",
    ]);
  });

  it("fails with all workers' errors where a step must not", async () => {
    await assert.rejects(
      run({ nodes: nodes(4) }, ["join"]),
      (error: Error) => error.message.split("\n").length === 2,
    );
    await assert.rejects(run({}, ["wait for the API"]), /said no/);
  });
});

describe("the kubeconfig of a cluster inside", () => {
  const ADMIN = [
    "apiVersion: v1",
    "kind: Config",
    "current-context: kubernetes-admin@kubernetes",
    "clusters: [{name: kubernetes, cluster: {server: 'https://cks-control-plane:6443', certificate-authority-data: QQ==}}]",
    "users: [{name: kubernetes-admin, user: {client-key-data: planted}}]",
    "",
  ].join("\n");

  it("has an address that is reached, and the name that the certificate is for", () => {
    const config = parse(
      adminKubeconfig(ADMIN, "https://10.0.0.1:6443", "cks-control-plane"),
    ) as { clusters: { cluster: object }[]; users: unknown[] };
    assert.deepEqual(config.clusters[0]?.cluster, {
      server: "https://10.0.0.1:6443",
      "tls-server-name": "cks-control-plane",
      "certificate-authority-data": "QQ==",
    });
    assert.equal(config.users.length, 1);
  });

  it("is refused when it is none, without a word of it", () => {
    for (const text of ["planted", "planted: [", "users: [planted]"]) {
      assert.throws(
        () => adminKubeconfig(text, "https://a", "b"),
        (error: Error) => !error.message.includes("planted"),
      );
    }
  });
});
