import assert from "node:assert/strict";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { readConsole } from "@corral-iac/corral/kubevirt/inventory/console";
import { type Interference, KubeApi, refusal } from "../kubevirt/kubeApi";

const HANDLE = "VirtualMachine:web/vm1";

describe("KubeVirt machines: the console", () => {
  let api: KubeApi;
  let client: KubeClient;
  beforeEach(async () => {
    api = await KubeApi.start();
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
    const metadata = { namespace: "web", name: "vm1", uid: "u1" };
    api.put("virtualmachines.kubevirt.io", {
      metadata,
      status: { printableStatus: "Stopped" },
    });
    api.put("virtualmachineinstances.kubevirt.io", { metadata });
    api.kinds.add("pods");
  });
  afterEach(async () => {
    client.close();
    await api.stop();
  });

  const pod = (name: string, created: string, containers: string[]) =>
    api.put("pods", {
      metadata: {
        namespace: "web",
        name,
        creationTimestamp: created,
        labels: { "kubevirt.io/created-by": "u1" },
      },
      spec: { containers: containers.map((one) => ({ name: one })) },
    });
  const read = async (answer: Interference) => {
    let text = "";
    api.interfere = ({ path }) => (path.endsWith("/log") ? answer : undefined);
    await readConsole(client, HANDLE, {
      lines: 7,
      follow: false,
      write: (part) => {
        text += part;
      },
      signal: new AbortController().signal,
    });
    return text;
  };

  it("is the log of the newest pod's container for it", async () => {
    pod("launcher-old", "2026-01-01T00:00:00Z", ["guest-console-log"]);
    pod("launcher-new", "2026-01-02T00:00:00Z", [
      "compute",
      "guest-console-log",
    ]);
    assert.equal(await read({ status: 200, body: "login:\n" }), "login:\n");
    const asked = api.asked.find(({ path }) => path.endsWith("/log"));
    assert.equal(asked?.path, "/api/v1/namespaces/web/pods/launcher-new/log");
    assert.equal(
      asked?.query.toString(),
      "container=guest-console-log&tailLines=7&follow=false",
    );
  });

  it("is missing where the machine does not run, or KubeVirt keeps none; both are said", async () => {
    await assert.rejects(
      read(undefined),
      /web\/vm1 has no pod.*status Stopped/,
    );
    pod("launcher", "2026-01-01T00:00:00Z", ["compute"]);
    await assert.rejects(read(undefined), /logSerialConsole is off/);
  });

  it("says which verb is lacked", async () => {
    pod("launcher", "2026-01-01T00:00:00Z", ["guest-console-log"]);
    const said =
      'pods "launcher" is forbidden: User "u" cannot get resource "pods/log" in API group "" in the namespace "web"';
    await assert.rejects(
      read(refusal(403, "Forbidden", said)),
      /needs the verb get on pods\/log in namespace web/,
    );
  });
});
