import assert from "node:assert/strict";
import {
  collection,
  type KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import {
  makeRunning,
  type SeenSnapshot,
  sharedKubevirt,
  simulatedGuests,
  takeSnapshot,
  TestNamespaces,
  volumeSnapshotOf,
} from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";

describe("KubevirtCluster with what cannot work", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let namespaces: TestNamespaces;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    namespaces = new TestNamespaces(lab);
    program = await KubevirtProgram.make("kubebad");
  });

  after(async () => {
    await program.remove();
    await namespaces.remove();
  });

  /** A cluster of one machine. */
  const args = (more: object = {}) => ({
    ...simulatedGuests(lab),
    strategy: "bootstrap",
    workers: 0,
    ...more,
  });
  const run = async (more: object | undefined) => {
    program.declare(more === undefined ? {} : { web: args(more) });
    return program.stack.up();
  };
  const fails = async (more: object, ...why: RegExp[]) => {
    const { exitCode, output } = await run(more);
    assert.notEqual(exitCode, 0, output);
    why.forEach((part) => assert.match(output, part));
  };
  const works = async (more: object) => {
    const { exitCode, output } = await run(more);
    assert.equal(exitCode, 0, output);
  };
  afterEach(async () => {
    const { exitCode, output } = await run(undefined);
    assert.equal(exitCode, 0, output);
  });

  const uidOf = async (namespace: string) =>
    lab.kubectl(
      ...[
        "get",
        "vm",
        "-n",
        namespace,
        "-o",
        "jsonpath={.items[*].metadata.uid}",
      ],
    );

  it("takes over no namespace of somebody else, and uses it where it is named", async () => {
    const namespace = "corral-kubebad-web";
    await lab.kubectl("create", "namespace", namespace);
    try {
      await fails(
        { ready: { until: "none" } },
        /there is a Namespace corral-kubebad-web already, of somebody who is not Corral/,
      );
      await works({ namespace, ready: { until: "none" } });
      await run(undefined);
      assert.match(await lab.kubectl("get", "ns", namespace), /Active/);
    } finally {
      await lab.kubectl("delete", "namespace", namespace);
    }
  });

  it("says that the API cannot be reached, and goes on when it can", async () => {
    const text = (await lab.kubectl("config", "view", "--raw", "-o", "json"))
      .replace(/https:\/\/127\.0\.0\.1:\d+/, "https://127.0.0.1:1")
      .concat("\n");
    await fails({ kubeconfig: text }, /127\.0\.0\.1:1\b.*refused/i);
    await works({ ready: { until: "none" } });
  });

  it("names the contexts that there are where another is asked for", async () => {
    await fails(
      { context: "production" },
      /context "production"/,
      /does not exist|has no context|lab/,
    );
  });

  it("says of credentials that have ended what to do, and shows none", async () => {
    const text = (await lab.kubectl("config", "view", "--raw", "-o", "json"))
      .replace(/"token": "[^"]*"/, '"token": "planted-ended-token"')
      .concat("\n");
    program.declare({ web: args({ kubeconfig: text, strategy: "auto" }) });
    const { exitCode, output } = await program.stack.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /credentials|Unauthorized/);
    assert.doesNotMatch(output, /planted-ended-token/);
  });

  it("says which verb on what an account lacks, and goes on when it has it", async () => {
    const namespace = await namespaces.make("bad-rights");
    const all = (groups: string[], resources: string[]) => ({
      apiGroups: groups,
      resources,
      verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
    });
    const rules = [
      all([""], ["services", "secrets"]),
      all(["rbac.authorization.k8s.io"], ["roles", "rolebindings"]),
      {
        ...all(["cdi.kubevirt.io"], ["datavolumes", "datavolumes/source"]),
      },
      {
        apiGroups: ["kubevirt.io"],
        resources: ["virtualmachines", "virtualmachineinstances"],
        verbs: ["get", "list", "watch"],
      },
    ];
    const kubeconfig = await lab.kubeconfigFor("narrow", rules, namespace);
    await fails(
      { kubeconfig, namespace },
      /narrow" cannot (create|patch) resource "virtualmachines" in API group "kubevirt.io" in the namespace/,
    );
    const wide = [...rules, all(["kubevirt.io"], ["virtualmachines"])];
    await lab.api.delete(
      `${collection("rbac.authorization.k8s.io/v1", "roles", namespace)}/narrow`,
    );
    await lab.kubeconfigFor("narrow", wide, namespace);
    await works({ kubeconfig, namespace });
  });

  it("says that a namespace is going, and goes on when it is there anew", async () => {
    const namespace = await namespaces.make("bad-going");
    const held = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "held", namespace, finalizers: ["example.com/held"] },
    };
    await lab.api.create(collection("v1", "configmaps", namespace), held);
    await lab.kubectl("delete", "namespace", namespace, "--wait=false");
    await fails({ namespace }, /being terminated/);
    await lab.kubectl(
      ...["patch", "configmap", "held", "-n", namespace, "--type=merge"],
      ...["-p", '{"metadata":{"finalizers":null}}'],
    );
    await lab.kubectl(
      ...["wait", "--for=delete", `namespace/${namespace}`, "--timeout=60s"],
    );
    await lab.kubectl("create", "namespace", namespace);
    await works({ namespace, ready: { until: "none" } });
  });

  it("says that a quota is exceeded, keeps the machine, and goes on when there is more", async () => {
    const tight = { quota: { memoryMib: 512 } };
    await fails(
      { ...tight, ready: { timeoutSeconds: 10 } },
      /exceeded quota: corral/,
      /The machine stays; the next up waits again/,
    );
    const namespace = "corral-kubebad-web";
    const uid = await uidOf(namespace);
    await works({ quota: { memoryMib: 8192 } });
    assert.equal(await uidOf(namespace), uid);
  });

  it("says that an image is not there, keeps the machine, and takes another image", async () => {
    await fails(
      {
        image: { url: "http://images.invalid/none.qcow2" },
        ready: { timeoutSeconds: 5 },
      },
      /Unable to connect to http data source.*images\.invalid/,
    );
    await works({ generation: 2 });
  });

  it("bootstraps where one of two snapshots is broken, and refuses where snapshots are demanded", async () => {
    const namespace = await namespaces.make("bad-templates");
    const names = { controlPlane: "control-plane", worker: "worker" };
    const made: SeenSnapshot[] = [];
    for (const role of Object.values(names)) {
      await makeRunning(lab, namespace, `${role}-vm`);
      made.push(await takeSnapshot(lab, namespace, role, `${role}-vm`));
    }
    const [, worker] = made;
    assert.ok(worker);
    await lab.kubectl(
      ...["delete", "volumesnapshot", "-n", namespace],
      ...["--wait=false", await volumeSnapshotOf(lab, worker)],
    );
    const snapshots = { namespace, ...names };
    const wish = { workers: 1, snapshots };
    await fails(
      { ...wish, strategy: "snapshot" },
      /strategy is snapshot, and the snapshots cannot be used: the worker's snapshot/,
    );
    await works({ ...wish, strategy: "auto", ready: { until: "none" } });
    const { ["web.strategyReason"]: why } =
      await program.stack.outputs<Record<string, string>>();
    assert.match(why ?? "", /the worker's snapshot .*worker/);
  });
});
