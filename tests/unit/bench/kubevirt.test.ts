import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { isKubeFault } from "@corral-iac/corral/core/kube-client/errors";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import { KubeProxy } from "@corral-iac/tools/bench/kubeProxy";
import type { KubevirtFigure } from "@corral-iac/tools/bench/kubevirtBench";
import {
  kubevirtGates,
  kubevirtText,
} from "@corral-iac/tools/bench/kubevirtReport";
import { parse, stringify } from "yaml";
import { KubeApi } from "../kubevirt/kubeApi";

describe("measured requests to a Kubernetes API", () => {
  let api: KubeApi;
  let proxy: KubeProxy;
  let folder: string;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-proxy-"));
    api = await KubeApi.start();
    api.put("virtualmachines.kubevirt.io", {
      metadata: { namespace: "t", name: "web" },
    });
    proxy = await KubeProxy.start(
      { kubeconfig: api.kubeconfig(), context: undefined },
      path.join(folder, "proxy"),
    );
  });

  afterEach(async () => {
    await proxy.stop();
    await api.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const clientOf = (kubeconfig: string) =>
    new KubeClient(kubeAccess({ kubeconfig, context: undefined }));

  it("go through, with the rights of the kubeconfig behind, and are counted", async () => {
    const client = clientOf(proxy.kubeconfig);
    const found = await client.find(KINDS.virtualMachine, "t", "web");
    assert.ok(found);
    await client.delete(KINDS.virtualMachine, "t", "web");
    client.close();
    assert.deepEqual(proxy.requests, [
      { method: "GET", by: "corral" },
      { method: "DELETE", by: "corral" },
    ]);
    assert.equal(api.asked[0]?.headers.authorization, "Bearer planted-token");
  });

  it("do not go through for whoever has not its kubeconfig", async () => {
    const config = parse(fs.readFileSync(proxy.kubeconfig, "utf8")) as {
      users: { user: { token: string } }[];
    };
    config.users.forEach(({ user }) => (user.token = "guessed"));
    const client = clientOf(stringify(config));
    await assert.rejects(
      client.find(KINDS.virtualMachine, "t", "web"),
      (error) => isKubeFault(error, "unauthorized"),
    );
    client.close();
    assert.deepEqual([proxy.requests, api.asked], [[], []]);
  });
});

describe("table of measured clusters", () => {
  const figure = (more: Partial<KubevirtFigure>): KubevirtFigure => ({
    strategy: "snapshot",
    clusters: 10,
    operation: "no-op up",
    seconds: 3,
    corral: 0,
    plugin: 100,
    changing: 0,
    ...more,
  });

  it("is for each cluster, and says what the lab simulates", () => {
    const figures = [figure({}), figure({ operation: "create", corral: 250 })];
    const text = kubevirtText({ figures, stages: [], isLab: true }, []);
    assert.match(text, /storage and guests are simulated/);
    assert.match(
      text,
      /\| 10 \| snapshot \| create \| 3\.0 \| 25\.0 \| 10\.0 \|/,
    );
    const own = kubevirtText({ figures, stages: [], isLab: false }, []);
    assert.doesNotMatch(own, /simulated/);
  });

  it("has a gate that is not passed when a no-op up asks, or nothing was measured", () => {
    const passed = (figures: KubevirtFigure[]) =>
      kubevirtGates(figures).every((gate) => gate.passed);
    assert.ok(passed([figure({})]));
    assert.ok(!passed([figure({ corral: 1 })]));
    assert.ok(!passed([]));
  });
});
