import assert from "node:assert/strict";

import {
  hostsLines,
  searchDomains,
} from "@corral-iac/tools/lab/kubevirt/real/names";
import { guestView } from "@corral-iac/tools/lab/kubevirt/real/podNetwork";

const service = (namespace: string, name: string, selector?: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { namespace, name },
  spec: selector && { selector: { ...selector } },
});
const guest = (namespace: string, machine: string, address: string) => ({
  namespace,
  address,
  labels: { machine, team: "a" },
});

describe("lab for KubeVirt: names of Services for real guests", () => {
  it("lead to the guests of their namespace that they select", () => {
    const services = [
      service("web", "cks-worker-node", { machine: "w" }),
      service("web", "cks-control-plane", { machine: "c" }),
      service("web", "all", { team: "a" }),
      service("web", "none"),
      service("other", "cks-control-plane", { machine: "c" }),
    ];
    const guests = [
      guest("web", "c", "10.142.1.2"),
      guest("web", "w", "10.142.1.3"),
    ];
    assert.deepEqual(hostsLines(services, guests), [
      "10.142.1.2 all.web.svc.cluster.local",
      "10.142.1.2 cks-control-plane.web.svc.cluster.local",
      "10.142.1.3 all.web.svc.cluster.local",
      "10.142.1.3 cks-worker-node.web.svc.cluster.local",
    ]);
  });

  it("are looked up in the domains of a pod", () => {
    assert.deepEqual(searchDomains("web"), [
      "web.svc.cluster.local",
      "svc.cluster.local",
      "cluster.local",
    ]);
  });
});

describe("lab for KubeVirt: what a guest sees of the network", () => {
  it("is KubeVirt's own network, or the one that its machine asks for", () => {
    assert.deepEqual(guestView(), {
      gateway: "10.0.2.1",
      address: "10.0.2.2",
      prefix: 24,
      netmask: "255.255.255.0",
    });
    assert.deepEqual(guestView("10.250.3.0/25"), {
      gateway: "10.250.3.1",
      address: "10.250.3.2",
      prefix: 25,
      netmask: "255.255.255.128",
    });
  });

  it("is none where there is no network", () => {
    assert.throws(() => guestView("10.250.3.0/31"), /vmNetworkCIDR/);
    assert.throws(() => guestView("nonsense"), /vmNetworkCIDR/);
  });
});
