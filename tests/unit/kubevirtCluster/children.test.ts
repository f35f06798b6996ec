import * as assert from "node:assert/strict";
import type * as pulumi from "@pulumi/pulumi";
import { field } from "@corral-iac/corral/core/argumentRules";
import {
  label,
  ownerOf,
  SESSION_LABEL,
  STAMP_LABEL,
} from "@corral-iac/corral/core/kubevirt/labels";
import {
  KubevirtApiService,
  KubevirtCni,
  KubevirtReadyUntil,
  KubevirtStrategy,
  type KubevirtClusterArgs,
} from "@corral-iac/corral/kubevirt/args";
import { KubevirtCluster } from "@corral-iac/corral/kubevirt/kubevirtCluster";
import { KubernetesProvider } from "@corral-iac/corral/kubevirt/resource";
import {
  byName,
  isSecret,
  type MadeResource,
  plain,
  PROJECT,
  recordResources,
  settled,
  STACK,
  STAMP_ID,
} from "../shared/mockedEngine";
import { known, mockEngine } from "../shared/outputs";

const MINIMAL: KubevirtClusterArgs = {
  image: { containerDisk: "quay.io/containerdisks/debian:12" },
};
const GIB = 2 ** 30;
const SNAPSHOTS = ["control-plane", "worker"].map((role) => ({
  role,
  namespace: "vm-templates",
  name: `cks-${role}-base-snapshot`,
  createdAt: "2026-01-01T10:00:00Z",
  kubernetesVersion: "1.33.1",
  status: "is ready to use",
  disks: [
    { volume: "root", volumeSnapshot: `root-of-${role}`, sizeBytes: 30 * GIB },
  ],
}));
const FROM_SNAPSHOTS = {
  "corral-ops:index:ProvisioningDecision": () => ({
    decided: "snapshot",
    why: "both are ready",
    fellBack: false,
    decidedGeneration: 1,
    snapshots: SNAPSHOTS,
  }),
};

async function make(
  args: KubevirtClusterArgs = MINIMAL,
  outputs = {},
  options: () => pulumi.ComponentResourceOptions = () => ({}),
): Promise<{ made: MadeResource[]; cluster: KubevirtCluster }> {
  const made = recordResources({ outputs });
  const cluster = new KubevirtCluster("web", args, options());
  await settled(cluster);
  return { made, cluster };
}

const shortTypes = (made: readonly MadeResource[]) =>
  made.map(({ type, name }) => `${type.split(":").at(-1)} ${name}`).sort();
const spec = (made: readonly MadeResource[], name: string) =>
  byName(made, name).inputs.spec;
const disks = (made: readonly MadeResource[], name: string) =>
  field(spec(made, name), "dataVolumeTemplates") as Record<string, unknown>[];
const userData = (made: readonly MadeResource[], name: string) =>
  String(field(plain(byName(made, name).inputs.stringData), "userdata"));

describe("KubevirtCluster", () => {
  after(() => mockEngine());

  it("makes its children, all named after it", async () => {
    const { made } = await make();
    assert.deepEqual(shortTypes(made), [
      "KubeadmSecrets web-kubeadm",
      "KubevirtCluster web",
      "KubevirtNodes web-nodes",
      "KubevirtReady web-control-plane-ready",
      "KubevirtReady web-worker-ready",
      "KubevirtRollout web-rollout",
      "Namespace web-namespace",
      "ProvisioningDecision web-decision",
      "Role web-clone-role",
      "RoleBinding web-clone-binding",
      "Secret web-control-plane-cloud-init",
      "Secret web-worker-cloud-init",
      "Service web-control-plane-service",
      "Service web-worker-service",
      "SshKeyPair web-control-plane-host-key",
      "SshKeyPair web-control-plane-login-key",
      "SshKeyPair web-worker-host-key",
      "SshKeyPair web-worker-login-key",
      "Stamp web-stamp",
      "VirtualMachine web-control-plane-vm",
      "VirtualMachine web-worker-vm",
    ]);
  });

  it("has the same children whichever way its machines are made", async () => {
    const { made: bootstrapped } = await make();
    const { made: cloned } = await make(MINIMAL, FROM_SNAPSHOTS);
    assert.deepEqual(shortTypes(cloned), shortTypes(bootstrapped));
  });

  it("keeps each child when workers are added", async () => {
    const { made: one } = await make();
    const { made: three } = await make({ ...MINIMAL, workers: 3 });
    const added = shortTypes(three).filter(
      (child) => !shortTypes(one).includes(child),
    );
    assert.equal(added.length, 2 * 6);
    assert.ok(added.every((child) => /web-worker-[23]-/.test(child)));
    assert.deepEqual(spec(three, "web-worker-vm"), spec(one, "web-worker-vm"));
  });

  it("says on everything in Kubernetes whose it is", async () => {
    const { made } = await make({ ...MINIMAL, labels: { team: "a" } });
    const objects = made.filter(({ type }) => type.startsWith("kubernetes:"));
    assert.equal(objects.length, 9);
    for (const { inputs, name } of objects) {
      assert.equal(label(inputs, STAMP_LABEL), STAMP_ID, name);
      assert.equal(label(inputs, SESSION_LABEL), "web", name);
      assert.equal(label(inputs, "team"), "a", name);
      assert.deepEqual(ownerOf(inputs), {
        id: STAMP_ID,
        project: PROJECT,
        stack: STACK,
        component: "KubevirtCluster",
        name: "web",
      });
    }
  });

  it("is in a namespace of its own, or in the one that is given", async () => {
    const { made } = await make();
    const own = `${PROJECT}-${STACK}-web`;
    assert.equal(
      field(byName(made, "web-namespace").inputs, "metadata", "name"),
      own,
    );
    const { made: other, cluster } = await make({
      ...MINIMAL,
      namespace: "there",
    });
    assert.ok(!other.some(({ name }) => name === "web-namespace"));
    assert.equal(await known(cluster.namespace), "there");
    for (const { inputs, type } of other) {
      if (type.startsWith("kubernetes:")) {
        assert.equal(field(inputs, "metadata", "namespace"), "there");
      }
    }
  });

  it("limits its namespace when asked to", async () => {
    const { made } = await make({
      ...MINIMAL,
      quota: { cores: 8, memoryMib: 1024, storageGib: 100 },
    });
    assert.deepEqual(field(spec(made, "web-quota"), "hard"), {
      "requests.cpu": "8",
      "requests.memory": "1024Mi",
      "requests.storage": "100Gi",
    });
  });

  it("bootstraps machines from the image", async () => {
    const { made } = await make({
      ...MINIMAL,
      storageClass: "fast",
      controlPlane: { diskSizeGib: 40, cores: 4, memoryMib: 8192 },
    });
    assert.deepEqual(disks(made, "web-control-plane-vm"), [
      {
        metadata: { name: "cks-control-plane-web-root" },
        spec: {
          source: {
            registry: { url: "docker://quay.io/containerdisks/debian:12" },
          },
          storage: {
            resources: { requests: { storage: "40Gi" } },
            storageClassName: "fast",
          },
        },
      },
    ]);
    const domain = field(
      spec(made, "web-control-plane-vm"),
      "template",
      "spec",
      "domain",
    );
    assert.deepEqual(field(domain, "cpu"), {
      sockets: 4,
      cores: 1,
      threads: 1,
    });
    assert.deepEqual(field(domain, "memory"), { guest: "8Gi" });
    assert.match(
      userData(made, "web-control-plane-cloud-init"),
      /kubeadm init/,
    );
    assert.match(userData(made, "web-worker-cloud-init"), /kubeadm join/);
  });

  it("clones machines from snapshots of another namespace, with the permission for it", async () => {
    const { made, cluster } = await make(
      { ...MINIMAL, workers: 2, worker: { diskSizeGib: 50 } },
      FROM_SNAPSHOTS,
    );
    const sources = ["control-plane", "worker", "worker-2"].map((part) => {
      const [disk] = disks(made, `web-${part}-vm`);
      return [
        field(disk, "spec", "source", "snapshot"),
        field(disk, "spec", "storage", "resources", "requests", "storage"),
      ];
    });
    const of = (role: string) => ({
      namespace: "vm-templates",
      name: `root-of-${role}`,
    });
    assert.deepEqual(sources, [
      [of("control-plane"), "30Gi"],
      [of("worker"), "50Gi"],
      [of("worker"), "50Gi"],
    ]);
    const { inputs: role } = byName(made, "web-clone-role");
    assert.equal(field(role, "metadata", "namespace"), "vm-templates");
    assert.deepEqual(field((role.rules as unknown[])[0], "resourceNames"), [
      "root-of-control-plane",
      "root-of-worker",
    ]);
    assert.doesNotMatch(
      userData(made, "web-control-plane-cloud-init"),
      /kubeadm/,
    );
    assert.equal(await known(cluster.strategy), "snapshot");
    assert.deepEqual(
      ((await known(cluster.snapshots)) as { name: string }[]).map(
        ({ name }) => name,
      ),
      ["cks-control-plane-base-snapshot", "cks-worker-base-snapshot"],
    );
  });

  it("gives every machine an identity of its own, and every clone the address of its original", async () => {
    const { made } = await make({ ...MINIMAL, workers: 3 }, FROM_SNAPSHOTS);
    const vms = made.filter(({ type }) => type.endsWith(":VirtualMachine"));
    const templates = vms.map(({ inputs }) =>
      field(inputs, "spec", "template", "spec"),
    );
    const distinct = (values: unknown[]) =>
      assert.equal(new Set(values.map(String)).size, 4);
    distinct(templates.map((one) => field(one, "domain", "firmware", "uuid")));
    distinct(
      templates.map((one) =>
        JSON.stringify(field(one, "domain", "devices", "interfaces")),
      ),
    );
    assert.deepEqual(
      templates
        .map((one) => JSON.stringify(field(one, "networks")))
        .map((text) => /10\.250\.\d\.0/.exec(text)?.[0])
        .sort(),
      ["10.250.0.0", "10.250.1.0", "10.250.2.0", "10.250.3.0"],
    );
  });

  it("asks for the decision with all that it depends on", async () => {
    const { made } = await make({
      ...MINIMAL,
      strategy: KubevirtStrategy.Auto,
      fromSession: "s1",
      generation: 3,
      fallback: false,
    });
    const { inputs } = byName(made, "web-decision");
    assert.deepEqual(
      [inputs.strategy, inputs.generation, inputs.fallback, inputs.stampId],
      ["auto", 3, false, STAMP_ID],
    );
    assert.equal(field(inputs.wanted, "fromSession"), "s1");
    assert.equal(field(inputs.wanted, "namespace"), "vm-templates");
    assert.deepEqual(
      (inputs.machines as { name: string }[]).map(({ name }) => name),
      ["cks-control-plane-web", "cks-worker-node-web"],
    );
    assert.equal(
      field(disks(made, "web-worker-vm")[0], "metadata", "name"),
      "cks-worker-node-web-root-g3",
    );
  });

  it("takes its network plugin, hooks and versions into the machines", async () => {
    const { made } = await make({
      ...MINIMAL,
      kubernetes: {
        version: "1.33.2",
        cni: KubevirtCni.Manifest,
        manifest: "https://example.org/calico.yaml",
        hooks: { afterKubeadm: "echo mine" },
      },
    });
    const text = userData(made, "web-control-plane-cloud-init");
    assert.match(text, /https:\/\/example\.org\/calico\.yaml/);
    assert.match(text, /v1\.33\.2/);
    assert.match(text, /echo mine/);
    assert.doesNotMatch(text, /flannel/);
  });

  it("waits for every machine by its uid, as far and as long as asked", async () => {
    const { made, cluster } = await make({
      ...MINIMAL,
      ready: { until: KubevirtReadyUntil.Running, timeoutSeconds: 60 },
    });
    const { inputs } = byName(made, "web-worker-ready");
    assert.deepEqual(
      [inputs.until, inputs.timeoutSeconds, inputs.machine],
      ["running", 60, "cks-worker-node-web"],
    );
    assert.deepEqual(await known(cluster.machines), [
      {
        name: "cks-control-plane-web",
        role: "control-plane",
        nodeName: "cks-control-plane",
        address: "10.1.2.3",
      },
      {
        name: "cks-worker-node-web",
        role: "worker",
        nodeName: "cks-worker-node",
        address: "10.1.2.3",
      },
    ]);
  });

  it("keeps tokens, keys and kubeconfig secret on their way", async () => {
    const { made } = await make({ ...MINIMAL, kubeconfig: "planted: {}\n" });
    assert.ok(
      isSecret(byName(made, "web-worker-cloud-init").inputs.stringData),
    );
    for (const name of ["web-decision", "web-worker-ready", "web-kubernetes"]) {
      assert.ok(isSecret(byName(made, name).inputs.kubeconfig), name);
    }
    const text = (value: unknown): string =>
      JSON.stringify(value, (_key, inner: unknown) =>
        isSecret(inner) ? "secret" : inner,
      );
    for (const { inputs, name, type } of made) {
      // Under mocks the key pairs' own inputs have none.
      assert.doesNotMatch(
        text(inputs),
        /planted|abcdef\.0123456789abcdef|private key of/,
        `${type} ${name}`,
      );
    }
  });

  it("makes no provider of its own where it is handed one, or the surroundings say all", async () => {
    const providers = (made: readonly MadeResource[]) =>
      made
        .filter(({ type }) => type === "pulumi:providers:kubernetes")
        .map(({ name }) => name);
    assert.deepEqual(providers((await make()).made), []);
    const context = { ...MINIMAL, context: "lab" };
    assert.deepEqual(providers((await make(context)).made), ["web-kubernetes"]);
    const handed = await make(context, {}, () => ({
      provider: new KubernetesProvider("shared", { context: "lab" }),
    }));
    assert.deepEqual(providers(handed.made), ["shared"]);
  });

  it("gives the kubeconfig the address asked for, that of a load balancer, or that inside", async () => {
    const serverOf = async (args: Partial<KubevirtClusterArgs>) => {
      const { made } = await make(
        { ...MINIMAL, ...args },
        {
          "corral-ops:index:KubevirtLoadBalancer": () => ({
            address: "192.0.2.8",
          }),
        },
      );
      return byName(made, "web-nodes").inputs.server;
    };
    assert.equal(
      await serverOf({}),
      "https://cks-control-plane.shop-prod-web.svc:6443",
    );
    assert.equal(
      await serverOf({ apiServer: "https://k.example.org:6443" }),
      "https://k.example.org:6443",
    );
    assert.equal(
      await serverOf({ apiService: KubevirtApiService.LoadBalancer }),
      "https://192.0.2.8:6443",
    );
  });

  it("crashes no preview in which nothing is known yet", async () => {
    const made = recordResources({ preview: true });
    await settled(new KubevirtCluster("web", MINIMAL));
    assert.ok(made.some(({ name }) => name === "web-worker-ready"));
  });
});
