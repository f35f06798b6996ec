import assert from "node:assert/strict";
import { isListed } from "@corral-iac/cli/inventory/listers";
import { takeInventory } from "@corral-iac/cli/inventory/take";
import type {
  InventoryContext,
  StateResource,
} from "@corral-iac/corral/core/inventory/lister";
import {
  MACHINE_LABEL,
  ownerAnnotations,
  stampLabels,
} from "@corral-iac/corral/core/kubevirt/labels";
import { removeFromKubevirt } from "@corral-iac/corral/kubevirt/inventory/removal";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { kubevirtLister } from "@corral-iac/corral/kubevirt/inventory/lister";
import { KubeApi, refusal } from "../kubevirt/kubeApi";

const STACK = { project: "corral", stack: "prod" };
const STAMP = {
  ...STACK,
  id: "0123456789abcdef",
  component: "KubevirtCluster",
  name: "web",
};
const CLUSTER = "urn:pulumi:prod::corral::corral:index:KubevirtCluster::web";
const child = (type: string, name: string) =>
  `urn:pulumi:prod::corral::corral:index:KubevirtCluster$${type}::${name}`;
const PROVIDER = child("pulumi:providers:kubernetes", "web-kubernetes");
const KINDS = [
  ...["virtualmachines.kubevirt.io", "virtualmachineinstances.kubevirt.io"],
  "virtualmachinesnapshots.snapshot.kubevirt.io",
  ...["datavolumes.cdi.kubevirt.io", "persistentvolumeclaims", "pods"],
  "rolebindings.rbac.authorization.k8s.io",
  "roles.rbac.authorization.k8s.io",
  ...["services", "secrets", "resourcequotas", "namespaces"],
];

const meta = (namespace: string, name: string, stamp = STAMP) => ({
  ...(namespace === "" ? {} : { namespace }),
  name,
  uid: `uid-${namespace}-${name}`,
  labels: stampLabels(stamp.id),
  annotations: ownerAnnotations(stamp),
});
const machine = (name: string, stamp = STAMP, label = name) => ({
  metadata: {
    ...meta("web", name, stamp),
    labels: {
      ...stampLabels(stamp.id),
      [MACHINE_LABEL]: label,
    },
  },
  status: { printableStatus: "Running" },
});

describe("KubeVirt inventory", () => {
  let api: KubeApi;
  beforeEach(async () => {
    api = await KubeApi.start();
    KINDS.forEach((kind) => api.kinds.add(kind));
  });
  afterEach(() => api.stop());

  const provider = (urn = PROVIDER, parent = CLUSTER): StateResource => ({
    urn,
    type: "pulumi:providers:kubernetes",
    id: "1",
    parent,
    inputs: { kubeconfig: api.kubeconfig() },
  });
  const base = (): StateResource[] => [
    { urn: CLUSTER, type: "corral:index:KubevirtCluster" },
    {
      urn: child("corral-ops:index:Stamp", "web-stamp"),
      type: "corral-ops:index:Stamp",
      id: "s",
      outputs: { stampId: STAMP.id },
    },
    provider(),
  ];
  const inState = (
    kind: string,
    id: string,
    more: Partial<StateResource> = {},
  ): StateResource => {
    const [namespace = "", name = namespace] = id.split("/");
    const type = `kubernetes:${kind === "VirtualMachine" ? "kubevirt.io" : "core"}/v1:${kind}`;
    return {
      urn: child(type, id),
      type,
      id,
      provider: `${PROVIDER}::1`,
      inputs: { metadata: { name, labels: stampLabels(STAMP.id) } },
      outputs: { metadata: { uid: `uid-${namespace}-${name}` } },
      ...more,
    };
  };
  const context = (plain: readonly StateResource[]): InventoryContext => ({
    environment: {},
    plainResources: () => Promise.resolve(plain),
    configValue: () => Promise.resolve(undefined),
    say: () => undefined,
  });
  const look = async (...more: StateResource[]) => {
    const resources = [...base(), ...more];
    // What is exported has its secrets encrypted.
    const exported = resources.map((one) =>
      one.inputs?.kubeconfig === undefined
        ? one
        : { ...one, inputs: { ...one.inputs, kubeconfig: { encrypted: "x" } } },
    );
    return takeInventory(STACK, exported, context(resources));
  };
  const names = (
    found: readonly { object: { kind: string; name: string } }[],
  ) => found.map(({ object }) => `${object.kind} ${object.name}`);

  it("finds what carries the stamp and is not in the state, and removes it in its order", async () => {
    api.put("namespaces", { metadata: meta("", "web") });
    api.put("secrets", { metadata: meta("web", "vm1-cloud-init") });
    api.put("virtualmachines.kubevirt.io", machine("vm1"));
    api.put("virtualmachines.kubevirt.io", machine("vm2"));
    const inventory = await look(inState("VirtualMachine", "web/vm2"));
    assert.deepEqual(names(inventory.leftovers), [
      "VirtualMachine web/vm1",
      "Secret web/vm1-cloud-init",
      "Namespace web",
    ]);
    // The other machine, which stays, is in it.
    assert.deepEqual(
      inventory.leftovers.map(({ usedBy }) => usedBy),
      [undefined, undefined, "VirtualMachine web/vm2"],
    );
    for (const { lister, place, object, usedBy } of inventory.leftovers) {
      if (usedBy === undefined) {
        await lister.remove(place, object);
      }
    }
    assert.deepEqual(api.namesOf("virtualmachines.kubevirt.io"), [
      "virtualmachines.kubevirt.io/web/vm2",
    ]);
    assert.deepEqual(api.namesOf("secrets"), []);
  });

  it("leaves a namespace alone in which somebody else has something", async () => {
    api.put("namespaces", { metadata: meta("", "web") });
    api.put("pods", { metadata: { namespace: "web", name: "theirs" } });
    api.put("pods", {
      metadata: {
        namespace: "web",
        name: "virt-launcher-vm1",
        ownerReferences: [{ kind: "VirtualMachineInstance", uid: "1" }],
      },
    });
    const { leftovers } = await look();
    assert.deepEqual(
      leftovers.map(({ object, usedBy }) => [object.name, usedBy]),
      [["web", "Pod web/theirs"]],
    );
  });

  it("counts neither another stack's, nor what a machine owns, nor a label without its stamp", async () => {
    const other = { ...STAMP, id: "fedcba9876543210" };
    api.put("virtualmachines.kubevirt.io", machine("other", other));
    api.put("secrets", {
      metadata: { ...meta("web", "copied"), annotations: {} },
    });
    api.put("datavolumes.cdi.kubevirt.io", {
      metadata: {
        ...meta("web", "vm1-root"),
        ownerReferences: [{ kind: "VirtualMachine", uid: "1" }],
      },
    });
    const inventory = await look();
    assert.deepEqual(inventory.leftovers, []);
    // It has this stack's name: only its user can tell.
    assert.deepEqual(names(inventory.unproven), ["VirtualMachine web/other"]);
  });

  it("knows machines that are made for their snapshot, there or gone", async () => {
    api.put("virtualmachines.kubevirt.io", machine("base"));
    const type = "corral-ops:index:KubevirtBaseMachine";
    const baseMachine = (name: string): StateResource => ({
      urn: child(type, name),
      type,
      id: `web/${name}`,
      inputs: {
        kubeconfig: api.kubeconfig(),
        namespace: "web",
        machine: name,
      },
    });
    const { leftovers, missing } = await look(
      baseMachine("base"),
      baseMachine("spent"),
    );
    assert.deepEqual([leftovers, missing], [[], []]);
  });

  it("takes no copy of what it made for its own", async () => {
    // A VirtualMachineClone has the labels of its source.
    api.put("virtualmachines.kubevirt.io", machine("copy", STAMP, "vm1"));
    const { labels, ...rest } = meta("elsewhere", "ci");
    api.put("secrets", {
      metadata: {
        ...rest,
        labels: { ...labels, "velero.io/restore-name": "of-yesterday" },
      },
    });
    const { leftovers, unproven } = await look();
    assert.deepEqual([...leftovers, ...unproven], []);
  });

  it("says what is in the state and gone", async () => {
    const { missing } = await look(inState("VirtualMachine", "web/vm1"));
    assert.deepEqual(
      missing.map(({ handle }) => handle),
      ["VirtualMachine:web/vm1"],
    );
  });

  it("knows disks that a decision cloned ahead, and snapshots that were taken", async () => {
    const own = (type: string, name: string, more: Partial<StateResource>) => ({
      urn: child(type, name),
      type,
      id: name,
      ...more,
    });
    api.put("datavolumes.cdi.kubevirt.io", {
      metadata: meta("web", "vm1-root-g2"),
    });
    api.put("virtualmachinesnapshots.snapshot.kubevirt.io", {
      metadata: meta("web", "base"),
    });
    const place = { kubeconfig: api.kubeconfig(), namespace: "web" };
    const { leftovers, missing } = await look(
      own("corral-ops:index:ProvisioningDecision", "web-decision", {
        inputs: {
          ...place,
          machines: [
            { name: "vm1", role: "worker" },
            { name: "vm2", role: "worker" },
          ],
        },
        outputs: {
          decidedGeneration: 2,
          snapshots: [{ role: "worker", disks: [{ volume: "root" }] }],
        },
      }),
      own("corral-ops:index:KubevirtSnapshots", "web-snapshots", {
        inputs: { ...place, orders: [{ name: "base" }, { name: "gone" }] },
      }),
    );
    assert.deepEqual(leftovers, []);
    assert.deepEqual(
      missing.map(({ handle }) => handle),
      ["VirtualMachineSnapshot:web/gone"],
    );
  });

  it("does not take for a leftover what the state knows by another address of the API", async () => {
    api.put("virtualmachines.kubevirt.io", machine("vm1"));
    const second = child("pulumi:providers:kubernetes", "two-kubernetes");
    const elsewhere = {
      ...provider(second),
      inputs: {
        kubeconfig: api.kubeconfig().replace("127.0.0.1", "localhost"),
      },
    };
    const inventory = await look(
      elsewhere,
      inState("VirtualMachine", "web/vm1", { provider: `${second}::1` }),
    );
    assert.deepEqual(inventory.leftovers, []);
  });

  it("leaves the cluster inside the machines alone", async () => {
    const inner = child("pulumi:providers:kubernetes", "inner");
    const lister = await kubevirtLister(
      context([
        {
          ...provider(inner),
          inputs: { kubeconfig: "nothing that can be read\n" },
        },
      ]),
    );
    const survey = lister.survey([...base(), provider(inner)]);
    assert.deepEqual(survey.places, [api.url]);
  });

  it("looks into the known namespaces where the whole cluster may not be listed", async () => {
    api.put("virtualmachines.kubevirt.io", machine("vm1"));
    api.put("virtualmachines.kubevirt.io", machine("vm2"));
    api.interfere = ({ path }) =>
      path.includes("/namespaces/web/") && !path.endsWith("secrets")
        ? undefined
        : refusal(
            403,
            "Forbidden",
            'secrets is forbidden: User "u" cannot list resource "secrets" in API group "" in the namespace "web"',
          );
    const inventory = await look(
      inState("VirtualMachine", "web/vm1"),
      inState("VirtualMachine", "web/gone"),
      inState("Secret", "web/hidden"),
    );
    assert.deepEqual(names(inventory.leftovers), ["VirtualMachine web/vm2"]);
    assert.deepEqual(
      inventory.missing.map(({ handle }) => handle),
      ["VirtualMachine:web/gone"],
    );
    assert.match(
      inventory.blind.map(({ why }) => why).join("\n"),
      /needs the verb list on secrets in namespace web[\s\S]*outside of web cannot be seen/,
    );
  });

  it("says of a cluster that cannot be asked why", async () => {
    const file = "/nowhere/kubeconfig";
    const { unreachable } = await takeInventory(
      STACK,
      base(),
      context(base().map((one) => ({ ...one, inputs: { kubeconfig: file } }))),
    );
    assert.equal(unreachable.length, 1);
    assert.match(
      unreachable[0]?.why ?? "",
      /kubeconfig .*nowhere.* cannot be read/,
    );
  });

  it("waits until a machine's disks have gone after it, and says what holds them", async () => {
    const owned = (kind: string, uid: string) => ({
      ownerReferences: [{ kind, uid }],
    });
    api.put("virtualmachines.kubevirt.io", machine("vm1"));
    api.put("datavolumes.cdi.kubevirt.io", {
      metadata: {
        ...meta("web", "vm1-root"),
        uid: "dv",
        ...owned("VirtualMachine", "uid-web-vm1"),
      },
    });
    api.put("persistentvolumeclaims", {
      metadata: {
        namespace: "web",
        name: "vm1-root",
        ...owned("DataVolume", "dv"),
      },
    });
    const client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
    const { leftovers } = await look();
    const [leftover] = leftovers;
    assert.ok(leftover);
    const bounds = { slowSeconds: 0.2, seconds: 0.2, pollMilliseconds: 10 };
    const remove = () => removeFromKubevirt(client, leftover.object, bounds);
    await assert.rejects(remove(), /its disks vm1-root are still there/);
    assert.deepEqual(api.namesOf("virtualmachines.kubevirt.io"), []);
    api.put("virtualmachines.kubevirt.io", machine("vm1"));
    const collect = setTimeout(() => api.objects.clear(), 50);
    await remove();
    clearTimeout(collect);
    client.close();
  });

  it("does not remove what has become another's", async () => {
    api.put("secrets", { metadata: meta("web", "key") });
    const { leftovers } = await look();
    const [leftover] = leftovers;
    assert.ok(leftover);
    const other = { ...STAMP, id: "fedcba9876543210" };
    api.put("secrets", {
      metadata: { ...meta("web", "key"), labels: stampLabels(other.id) },
    });
    await assert.rejects(
      leftover.lister.remove(leftover.place, leftover.object),
      /another's by now/,
    );
    // One of the same name that was made since is none of ours at all.
    api.put("secrets", { metadata: { ...meta("web", "key"), uid: "new" } });
    await leftover.lister.remove(leftover.place, leftover.object);
    assert.equal(api.namesOf("secrets").length, 1);
  });

  it("settles pending operations of what is stamped only", () => {
    const type = "kubernetes:core/v1:Secret";
    const inputs = { metadata: { labels: stampLabels(STAMP.id) } };
    assert.equal(isListed({ type, inputs }), true);
    assert.equal(isListed({ type, inputs: { metadata: {} } }), false);
    assert.equal(isListed({ type: "corral:index:KubevirtCluster" }), true);
  });
});
