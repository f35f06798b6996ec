import assert from "node:assert/strict";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { waitForLoadBalancer } from "@corral-iac/corral-ops/kubevirt/loadBalancerWait";
import { FakeClock } from "../provider/fakeClock";
import { KubeApi } from "./kubeApi";

const place = { namespace: "web", name: "cks-control-plane-api" };

describe("the address of a load balancer", () => {
  let api: KubeApi;
  let client: KubeClient;

  beforeEach(async () => {
    api = await KubeApi.start();
    api.put("services", { metadata: place, status: { loadBalancer: {} } });
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  const give = (ingress: object) =>
    api.put("services", {
      metadata: place,
      status: { loadBalancer: { ingress: [ingress] } },
    });

  /** @param thirdLook what happens at the third look at the Service. */
  async function wait(thirdLook: () => void = () => undefined) {
    const clock = new FakeClock();
    let looks = 0;
    api.interfere = () => {
      if (++looks === 3) {
        thirdLook();
      }
      return undefined;
    };
    const running = waitForLoadBalancer(
      { ...place, timeoutSeconds: 60 },
      client,
      {
        log: { debug() {}, info() {}, warn() {}, error() {}, status() {} },
        signal: new AbortController().signal,
      },
      clock,
    );
    return clock.runWithServer(running);
  }

  it("is taken when it comes, be it an IP address or a name", async () => {
    assert.equal(await wait(() => give({ ip: "192.0.2.8" })), "192.0.2.8");
    give({ hostname: "k.example.org" });
    assert.equal(await wait(), "k.example.org");
  });

  it("is waited for no longer than asked, and what to do is said", async () => {
    await assert.rejects(
      wait(),
      /no load balancer gave the Service web\/cks-control-plane-api an address within 60 s .*leave apiService out/,
    );
  });
});
