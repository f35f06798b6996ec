import assert from "node:assert/strict";
import { ownerAnnotations } from "@corral-iac/corral/core/kubevirt/labels";
import { refuseOthers } from "@corral-iac/corral/kubevirt/guard";
import { KubeApi, refusal } from "../kubevirt/kubeApi";

const STAMP = {
  id: "0123456789abcdef",
  project: "corral",
  stack: "prod",
  component: "KubevirtCluster",
  name: "web",
};
const NAMESPACE = { kind: "Namespace", metadata: { name: "web" } };
const MACHINE = {
  kind: "VirtualMachine",
  metadata: { namespace: "web", name: "vm1" },
};

describe("what is in the way of an object of Kubernetes", () => {
  let api: KubeApi;
  beforeEach(async () => {
    api = await KubeApi.start();
    api.kinds.add("namespaces");
    api.kinds.add("virtualmachines.kubevirt.io");
  });
  afterEach(() => api.stop());

  const make = (
    inputs: Record<string, unknown>,
    kubeconfig = api.kubeconfig(),
  ) => refuseOthers({ kubeconfig }, STAMP, inputs);
  const put = (stamp?: typeof STAMP) =>
    api.put("namespaces", {
      metadata: {
        name: "web",
        ...(stamp && { annotations: ownerAnnotations(stamp) }),
      },
    });

  it("is nothing where nothing is, or the same component has made it", async () => {
    await make(NAMESPACE);
    put(STAMP);
    await make(NAMESPACE);
    await make(MACHINE);
  });

  it("is somebody's, or another component's, who is named", async () => {
    put();
    await assert.rejects(
      make(NAMESPACE),
      /a Namespace web already, of somebody who is not Corral.*createNamespace: false/,
    );
    put({ ...STAMP, id: "fedcba9876543210", stack: "dev" });
    await assert.rejects(
      make(NAMESPACE),
      /of the KubevirtCluster "web" of corral\/dev \(stamp fedcba9876543210\)/,
    );
  });

  it("is an API that does not say it", async () => {
    api.interfere = () => refusal(403, "Forbidden", "denied");
    await assert.rejects(make(NAMESPACE), /lacks a permission/);
  });

  it("is left to the provider where only that knows the cluster, or the kind is none", async () => {
    await make(NAMESPACE, "/nowhere/kubeconfig");
    api.kinds.clear();
    await make(MACHINE);
  });
});
