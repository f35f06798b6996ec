import assert from "node:assert/strict";

import { SimulatedGuests } from "@corral-iac/tools/lab/kubevirt/handler/guests";
import {
  collection,
  pathOf,
  pluralOf,
} from "@corral-iac/tools/lab/kubevirt/api/paths";
import { kubeconfigText } from "@corral-iac/tools/lab/kubevirt/api/kubeconfig";
import {
  type Binaries,
  commandsOf,
  labPaths,
  partNames,
} from "@corral-iac/tools/lab/kubevirt/parts";
import { bytesOf } from "@corral-iac/tools/lab/kubevirt/storage/quantity";

const binaries: Binaries = {
  etcd: "/b/etcd",
  "kube-apiserver": "/b/kube-apiserver",
  "kube-controller-manager": "/b/kube-controller-manager",
  "kube-scheduler": "/b/kube-scheduler",
  kubectl: "/b/kubectl",
  kwok: "/b/kwok",
  "virt-api": "/b/virt-api",
  "virt-controller": "/b/virt-controller",
  "kubevirt-manifests": "/b/kubevirt-manifests",
  "snapshot-controller": "/b/snapshot-controller",
};
const ports = {
  etcd: 1001,
  etcdPeer: 1002,
  apiserver: 1003,
  virtApi: 1004,
  virtController: 1005,
  handler: 1006,
  kwok: 1007,
};
const pair = (name: string) => ({
  certificate: `/c/${name}.crt`,
  key: `/c/${name}.key`,
});

describe("lab for KubeVirt: command lines", () => {
  const commands = commandsOf(
    binaries,
    ports,
    {
      authority: "/c/ca.crt",
      server: pair("server"),
      frontProxy: pair("front"),
      frontProxyAuthority: "/c/front-ca.crt",
      serviceAccountKey: "/c/sa.key",
    },
    labPaths("/lab"),
  );
  const texts = partNames.map((name) => commands[name].args.join(" "));

  it("no secret stands in one of them", () => {
    for (const text of texts) {
      assert.doesNotMatch(text, /--token(?!-auth-file)|password/);
    }
  });

  it("every address is one of this machine", () => {
    const addresses = texts
      .flatMap((text) => text.match(/\d+\.\d+\.\d+\.\d+(?!\/)/g) ?? [])
      .filter((address) => !/^10\.(96|244)\./.test(address));
    assert.ok(addresses.length > 5);
    assert.deepEqual([...new Set(addresses)], ["127.0.0.1"]);
  });

  it("what listens has a port of this lab, or none", () => {
    const all = texts.join(" ");
    for (const port of Object.values(ports)) {
      assert.ok(
        all.includes(String(port)) || port === ports.handler,
        String(port),
      );
    }
    assert.match(commands["kube-scheduler"].args.join(" "), /--secure-port=0/);
  });
});

describe("lab for KubeVirt: the API's names", () => {
  it("kinds have the plurals by which the API serves them", () => {
    const plurals = {
      VirtualMachine: "virtualmachines",
      PriorityClass: "priorityclasses",
      StorageClass: "storageclasses",
      APIService: "apiservices",
      NetworkPolicy: "networkpolicies",
      KubeVirt: "kubevirts",
    };
    for (const [kind, plural] of Object.entries(plurals)) {
      assert.equal(pluralOf(kind), plural);
    }
  });

  it("paths are those of the core group, of other groups, and of the whole cluster", () => {
    assert.equal(
      pathOf({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p", namespace: "n" },
      }),
      "/api/v1/namespaces/n/pods/p",
    );
    assert.equal(
      pathOf({
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: "s" },
      }),
      "/apis/storage.k8s.io/v1/storageclasses/s",
    );
    assert.equal(collection("v1", "pods"), "/api/v1/pods");
  });

  it("sizes are read in both families of units", () => {
    assert.equal(bytesOf("1Gi"), 2 ** 30);
    assert.equal(bytesOf("1.5k"), 1500);
    assert.equal(bytesOf("512"), 512);
    assert.equal(bytesOf("10 Gi"), undefined);
    assert.equal(bytesOf("10Xi"), undefined);
    assert.equal(bytesOf(undefined), undefined);
  });

  it("a kubeconfig holds the authority, the token and the namespace", () => {
    const config = JSON.parse(
      kubeconfigText(
        { endpoint: "https://127.0.0.1:1", authority: "PEM", token: "t" },
        "team",
      ),
    ) as { contexts: { context: { namespace: string } }[]; users: unknown[] };
    assert.equal(config.contexts[0]?.context.namespace, "team");
    assert.deepEqual(config.users, [{ name: "user", user: { token: "t" } }]);
  });
});

describe("lab for KubeVirt: simulated guests", () => {
  const instance = (uid: string, labels = {}) => ({
    metadata: { name: "m", namespace: "n", uid, labels },
    spec: { domain: {} },
  });
  /** Runs an instance until it has booted. */
  const booted = async (guests: SimulatedGuests, uid: string, labels = {}) => {
    for (;;) {
      const guest = await guests.run(instance(uid, labels));
      if (guest !== "starting" && guest !== "ended") {
        return guest;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  it("have a loopback address and a local MAC address of their own, the same as long as they live", async () => {
    const guests = new SimulatedGuests();
    const first = await booted(guests, "one");
    assert.deepEqual(await booted(guests, "one"), first);
    const second = await booted(guests, "two");
    assert.notEqual(second.address, first.address);
    for (const { address, mac } of [first, second]) {
      assert.match(
        address,
        /^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/,
      );
      assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
    }
  });

  it("have an agent unless their label says otherwise", async () => {
    const guests = new SimulatedGuests();
    assert.equal((await booted(guests, "a")).hasAgent, true);
    const label = { "lab.corral.invalid/guest-agent": "false" };
    assert.equal((await booted(guests, "b", label)).hasAgent, false);
  });
});
