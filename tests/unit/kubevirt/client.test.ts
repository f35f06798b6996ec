import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { KubeClient } from "@corral-iac/corral/core/kube-client/client";
import {
  KubeError,
  type KubeFault,
} from "@corral-iac/corral/core/kube-client/errors";
import { KINDS } from "@corral-iac/corral/core/kube-client/kinds";
import { kubeAccess } from "@corral-iac/corral/core/kube-client/kubeconfig";
import { KubeApi, refusal } from "./kubeApi";

const SECRET = "planted-token";
const MACHINES = "virtualmachines.kubevirt.io";
const machine = (name: string, namespace = "web") => ({
  metadata: { namespace, name, labels: { app: name } },
});

async function failure(
  work: () => unknown,
  fault: KubeFault,
): Promise<KubeError> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof KubeError, String(error));
    assert.equal(error.fault, fault, error.message);
    assert.ok(!error.message.includes(SECRET), error.message);
    return error;
  }
  assert.fail("it succeeded");
}

describe("Kubernetes client", () => {
  let api: KubeApi;
  let client: KubeClient;

  beforeEach(async () => {
    api = await KubeApi.start();
    api.put(MACHINES, machine("vm1"));
    client = new KubeClient(kubeAccess({ kubeconfig: api.kubeconfig() }));
  });

  afterEach(async () => {
    client.close();
    await api.stop();
  });

  const find = (name = "vm1") => client.find(KINDS.virtualMachine, "web", name);

  it("reads an object with its token, and says when there is none", async () => {
    assert.deepEqual(await find(), machine("vm1"));
    assert.equal(await find("vm2"), undefined);
    const [first] = api.asked;
    assert.equal(
      first?.path,
      "/apis/kubevirt.io/v1/namespaces/web/virtualmachines/vm1",
    );
    assert.equal(first?.headers.authorization, `Bearer ${SECRET}`);
  });

  it("lists all pages, of one namespace or all, by label", async () => {
    for (let index = 0; index < 5; index += 1) {
      api.put(MACHINES, machine(`vm${index}`, `ns${index % 2}`));
    }
    api.pageSize = 2;
    const names = async (...args: Parameters<typeof client.list>) =>
      (await client.list(...args)).map(
        ({ metadata }) => (metadata as { name: string }).name,
      );
    const kind = KINDS.virtualMachine;
    assert.equal((await names(kind, undefined)).length, 6);
    assert.deepEqual(await names(kind, "ns1"), ["vm1", "vm3"]);
    assert.deepEqual(await names(kind, "ns0", { label: "app=vm2" }), ["vm2"]);
  });

  it("makes and deletes; what is gone already counts as deleted", async () => {
    await client.create(KINDS.virtualMachine, "web", machine("vm2"));
    assert.deepEqual(api.namesOf(MACHINES), [
      `${MACHINES}/web/vm1`,
      `${MACHINES}/web/vm2`,
    ]);
    await client.delete(KINDS.virtualMachine, "web", "vm2");
    await client.delete(KINDS.virtualMachine, "web", "vm2");
    assert.deepEqual(api.namesOf(MACHINES), [`${MACHINES}/web/vm1`]);
    await failure(
      () => client.create(KINDS.virtualMachine, "web", machine("vm1")),
      "conflict",
    );
  });

  it("tells a missing kind from a missing object", async () => {
    const error = await failure(
      () => client.find(KINDS.machineSnapshot, "web", "s"),
      "noKind",
    );
    assert.match(error.message, /virtualmachinesnapshots.snapshot.kubevirt.io/);
  });

  it("says which verb on what is not allowed, and how to check it", async () => {
    api.interfere = () =>
      refusal(
        403,
        "Forbidden",
        'virtualmachines.kubevirt.io "vm1" is forbidden: User "ann" cannot get resource "virtualmachines" in API group "kubevirt.io" in the namespace "web"',
        "vm1",
      );
    const error = await failure(() => find(), "forbidden");
    assert.match(
      error.message,
      /User ann needs the verb get on virtualmachines.kubevirt.io in namespace web; check by kubectl auth can-i get virtualmachines.kubevirt.io -n web$/,
    );
  });

  it("knows an exceeded quota and a namespace that ends among what is forbidden", async () => {
    const said = (message: string) => {
      api.interfere = () => refusal(403, "Forbidden", message);
    };
    const create = () =>
      client.create(KINDS.virtualMachine, "web", machine("x"));
    said('datavolumes "x" is forbidden: exceeded quota: q, requested: 1');
    await failure(create, "quota");
    said(
      "unable to create new content in namespace web because it is being terminated",
    );
    await failure(create, "terminating");
    api.interfere = () => refusal(401, "Unauthorized", "Unauthorized");
    await failure(create, "unauthorized");
    api.interfere = () =>
      refusal(422, "Invalid", "admission webhook denied the request: no");
    assert.match(
      (await failure(create, "invalid")).message,
      /webhook denied the request: no/,
    );
  });

  it("repeats a read that got no answer, and never a write", async () => {
    let resets = 2;
    api.interfere = () => (resets-- > 0 ? "reset" : undefined);
    assert.deepEqual(await find(), machine("vm1"));
    assert.equal(api.asked.length, 3);
    resets = 1;
    await failure(
      () => client.create(KINDS.virtualMachine, "web", machine("vm9")),
      "unreachable",
    );
    assert.equal(api.asked.length, 4);
  });

  it("waits no longer than asked, and stops when told to", async () => {
    api.interfere = () => "silence";
    const kind = KINDS.virtualMachine;
    await failure(
      () => client.find(kind, "web", "vm1", { timeoutSeconds: 0.05 }),
      "timeout",
    );
    const stop = new AbortController();
    const work = client.find(kind, "web", "vm1", { signal: stop.signal });
    stop.abort();
    await failure(() => work, "aborted");
  });

  it("refuses a certificate that the kubeconfig does not vouch for", async () => {
    const kubeconfig = api
      .kubeconfig()
      .replace(/, certificate-authority-data: [^}]*/, "");
    const stranger = new KubeClient(kubeAccess({ kubeconfig }));
    const kind = KINDS.virtualMachine;
    await failure(() => stranger.find(kind, "web", "vm1"), "certificate");
    stranger.close();
  });

  it("takes credentials from the kubeconfig's plugin, once while they last", async () => {
    const status = {
      token: "from-plugin",
      expirationTimestamp: "2099-01-01T00:00:00Z",
    };
    const kubeconfig = api
      .kubeconfig()
      .replace(
        `{token: ${SECRET}}`,
        `{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ["-c", 'echo $SAID'], env: [{name: SAID, value: '${JSON.stringify({ status })}'}]}}`,
      );
    const other = new KubeClient(kubeAccess({ kubeconfig }));
    await other.find(KINDS.virtualMachine, "web", "vm1");
    assert.equal(api.asked[0]?.headers.authorization, "Bearer from-plugin");
    other.close();
  });
});

describe("kubeconfig", () => {
  let folder: string;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-kubeconfig-"));
  });

  after(() => fs.rmSync(folder, { recursive: true }));

  const config = (name: string, token: string) =>
    [
      `current-context: ${name}`,
      `clusters: [{name: c-${name}, cluster: {server: "https://${name}:6443/", insecure-skip-tls-verify: true}}]`,
      `users: [{name: u-${name}, user: {${token}}}]`,
      `contexts: [{name: ${name}, context: {cluster: c-${name}, user: u-${name}}}]`,
      "",
    ].join("\n");
  const file = (name: string, content: string) => {
    const full = path.join(folder, name);
    fs.writeFileSync(full, content);
    return full;
  };

  it("is a text, a file, or what kubectl would take", () => {
    const text = config("a", "token: t-a");
    const a = file("a", text);
    const b = file("b", config("b", "tokenFile: b.token"));
    file("b.token", "t-b\n");
    assert.equal(kubeAccess({ kubeconfig: text }).server, "https://a:6443");
    assert.equal(kubeAccess({ kubeconfig: a }).token, "t-a");
    const env = { KUBECONFIG: [a, "/not/there", b].join(path.delimiter) };
    assert.equal(kubeAccess({}, env).token, "t-a");
    assert.equal(kubeAccess({ context: "b" }, env).token, "t-b");
    fs.mkdirSync(path.join(folder, ".kube"), { recursive: true });
    file(".kube/config", text);
    assert.equal(kubeAccess({}, { HOME: folder }).token, "t-a");
  });

  it("that cannot be used is a fault without its contents", async () => {
    const wrong = (wish: Parameters<typeof kubeAccess>[0], env = {}) =>
      failure(() => kubeAccess(wish, env), "config");
    const text = config("a", `token: ${SECRET}`);
    assert.match(
      (await wrong({ kubeconfig: text, context: "z" })).message,
      /no context "z"; it has: a/,
    );
    assert.match(
      (await wrong({ kubeconfig: `${SECRET}: [\n` })).message,
      /is no YAML/,
    );
    assert.match(
      (await wrong({ kubeconfig: "/not/there" })).message,
      /cannot be read/,
    );
    assert.match(
      (await wrong({}, { HOME: "/not/there" })).message,
      /\/not\/there\/.kube\/config is not there.*KUBECONFIG/,
    );
    const plain = text.replace("https://a:6443/", "http://a");
    assert.match((await wrong({ kubeconfig: plain })).message, /https/);
  });
});
