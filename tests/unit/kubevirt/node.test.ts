import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as fc from "fast-check";
import { parseAllDocuments } from "yaml";
import { authorityDigest } from "@corral-iac/corral/core/kubevirt/clusterAuthority";
import { newClusterAuthority } from "@corral-iac/corral-ops/kubevirt/newClusterAuthority";
import {
  initConfig,
  joinConfig,
  newCertificateKey,
  newToken,
} from "@corral-iac/corral/core/kubevirt/kubeadm";
import {
  bootstrapCloudInit,
  cloneCloudInit,
  networkPluginLines,
  type NodeBoot,
  overlayAddressLine,
} from "@corral-iac/corral/core/kubevirt/nodeBoot";
import { guestNetwork } from "@corral-iac/corral/core/kubevirt/nodeNetwork";
import {
  cleanSteps,
  clonedControlPlaneSteps,
  clonedWorkerSteps,
  forgetStep,
  freshTokenStep,
  joinStep,
  leaveStep,
  memberStep,
  nodesReadyStep,
  readJoin,
} from "@corral-iac/corral/core/kubevirt/nodeSteps";
import { shellWord } from "@corral-iac/corral/core/kubevirt/shell";

const TOKEN = "abcdef.0123456789abcdef";
const AUTHORITY = newClusterAuthority();
const DIGEST = authorityDigest(AUTHORITY.certificate);
const FLANNEL = {
  manifest: "https://example.org/kube-flannel.yml",
  isFlannel: true,
};
const CLUSTER = {
  version: "1.34.3",
  endpointName: "cks-control-plane",
  podNetwork: "10.244.0.0/16",
  serviceNetwork: "10.96.0.0/12",
  token: TOKEN,
  certificateKey: "f".repeat(64),
  authority: AUTHORITY,
  certificateNames: ["cluster.example.org"],
};

function boot(words: Partial<NodeBoot> = {}): NodeBoot {
  return {
    role: "control-plane",
    nodeName: "cks-control-plane",
    network: guestNetwork("10.250.0.0/16", 0),
    cluster: CLUSTER,
    install: "packages",
    networkPlugin: FLANNEL,
    hooks: {},
    waitSeconds: 600,
    ...words,
  };
}

const worker = (words: Partial<NodeBoot> = {}) =>
  boot({
    role: "worker",
    nodeName: "cks-worker-node",
    network: guestNetwork("10.250.0.0/16", 1),
    ...words,
  });

const fileOf = (node: NodeBoot, path: string) =>
  bootstrapCloudInit(node).files?.find((file) => file.path === path);
const scriptOf = (node: NodeBoot) =>
  fileOf(node, "/etc/corral-node/boot.sh")?.content ?? "";
const documents = (yaml: string) =>
  parseAllDocuments(yaml).map(
    (document) => document.toJS() as Record<string, Record<string, unknown>>,
  );

/** Whether a shell can read a script: throws what it says otherwise. */
function readable(script: string): void {
  execFileSync("sh", ["-n"], { input: script, stdio: "pipe" });
}

describe("KubeVirt: kubeadm", () => {
  const node = { nodeName: "cks-control-plane", address: "10.250.0.2" };

  it("is told a stable endpoint name, fixed node name and address", () => {
    const [init, cluster, kubelet] = documents(initConfig(CLUSTER, node));
    assert.equal(
      cluster?.controlPlaneEndpoint as unknown,
      "cks-control-plane:6443",
    );
    assert.equal(cluster?.kubernetesVersion as unknown, "v1.34.3");
    assert.deepEqual(cluster?.networking, {
      podSubnet: "10.244.0.0/16",
      serviceSubnet: "10.96.0.0/12",
    });
    assert.deepEqual(cluster?.apiServer?.certSANs, [
      "cks-control-plane",
      "localhost",
      "127.0.0.1",
      "cluster.example.org",
    ]);
    assert.equal(init?.nodeRegistration?.name, "cks-control-plane");
    assert.equal(init?.localAPIEndpoint?.advertiseAddress, "10.250.0.2");
    assert.equal(init?.certificateKey as unknown, "f".repeat(64));
    assert.equal(kubelet?.cgroupDriver as unknown, "systemd");
  });

  it("joins workers by name and token, and to the cluster's own authority only", () => {
    const [join] = documents(
      joinConfig(
        {
          endpointName: CLUSTER.endpointName,
          token: TOKEN,
          authorityDigest: DIGEST,
        },
        node,
      ),
    );
    assert.deepEqual(join?.discovery, {
      bootstrapToken: {
        apiServerEndpoint: "cks-control-plane:6443",
        token: TOKEN,
        caCertHashes: [DIGEST],
      },
      tlsBootstrapToken: TOKEN,
    });
  });

  it("waits for what it starts as long as the cluster is waited for, and never shorter than by itself", () => {
    const waits = (seconds: number) =>
      documents(initConfig(CLUSTER, node, seconds))[0]?.timeouts
        ?.controlPlaneComponentHealthCheck;
    assert.equal(waits(1200), "1200s");
    assert.equal(waits(30), "240s");
  });

  it("is given tokens and keys of the form that it takes, each another", () => {
    const tokens = Array.from({ length: 200 }, newToken);
    assert.ok(
      tokens.every((token) => /^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(token)),
    );
    assert.equal(new Set(tokens).size, 200);
    assert.match(newCertificateKey(), /^[0-9a-f]{64}$/);
  });
});

describe("KubeVirt: the first boot of a node", () => {
  it("is a script that a shell can read, for all kinds of nodes", () => {
    for (const install of ["packages", "image"] as const) {
      for (const networkPlugin of [FLANNEL, undefined]) {
        readable(scriptOf(boot({ install, networkPlugin })));
        readable(scriptOf(worker({ install, networkPlugin })));
      }
    }
  });

  it("installs the version asked for, and nothing when the image has it", () => {
    const script = scriptOf(boot());
    assert.match(script, /'kubeadm=1\.34\.3-\*'/);
    assert.match(script, /stable:\/v1\.34\/deb/);
    assert.doesNotMatch(scriptOf(boot({ install: "image" })), /apt-get/);
  });

  it("has containerd hold pods with the image that kubeadm has, where it says one", () => {
    const line =
      scriptOf(boot())
        .split("\n")
        .find((one) => one.includes("sandbox_image")) ?? "";
    const config = (pause: string) =>
      execFileSync(
        "sh",
        [
          "-c",
          `file=$(mktemp); echo '    sandbox_image = "registry.k8s.io/pause:3.6"' > $file; pause='${pause}'; ${line.replaceAll("/etc/containerd/config.toml", "$file")}; cat $file; rm $file`,
        ],
        { encoding: "utf8" },
      ).trim();
    assert.equal(
      config("registry.k8s.io/pause:3.10.1"),
      'sandbox_image = "registry.k8s.io/pause:3.10.1"',
    );
    assert.equal(config(""), 'sandbox_image = "registry.k8s.io/pause:3.6"');
  });

  it("makes the cluster once, and joins once", () => {
    assert.match(
      scriptOf(boot()),
      /if \[ ! -e \/etc\/kubernetes\/admin\.conf \]; then\n[^]*kubeadm init/,
    );
    assert.match(
      scriptOf(worker()),
      /if \[ ! -e \/etc\/kubernetes\/kubelet\.conf \]; then\n[^]*kubeadm join/,
    );
  });

  it("says something of its node when the kubelet has registered it, a while after it has joined", () => {
    assert.match(
      scriptOf(worker()),
      /kubeadm join[^]*\nuntil kubectl .*kubelet\.conf get node "\$\(hostname\)"[^]*annotate/,
    );
  });

  it("waits for the control plane no longer than asked", () => {
    assert.match(scriptOf(worker({ waitSeconds: 42 })), /\+ 42\)\)/);
  });

  it("keeps secrets out of command lines, in a file that root alone reads", () => {
    for (const node of [boot(), worker()]) {
      assert.doesNotMatch(scriptOf(node), /abcdef\.0123|ffffffff/);
      const config = fileOf(node, "/etc/corral-node/kubeadm.yaml");
      assert.equal(config?.mode, "0600");
      assert.match(config?.content ?? "", /abcdef\.0123456789abcdef/);
    }
  });

  it("has Flannel use the cluster's pod network, and leaves another plugin's manifest as it is", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-node-"));
    const manifest = path.join(folder, "flannel.yml");
    fs.writeFileSync(
      manifest,
      '  net-conf.json: |\n    {\n      "Network": "10.244.0.0/16",\n      "Backend": { "Type": "vxlan" }\n    }\n',
    );
    const lines = networkPluginLines(
      { manifest, isFlannel: true },
      "10.9.0.0/16",
    );
    const applied = execFileSync("sh", ["-eu"], {
      input: ['kubectl() { cat "$3"; }', ...lines]
        .join("\n")
        .replaceAll("/etc/corral-node", folder),
      encoding: "utf8",
    });
    fs.rmSync(folder, { recursive: true });
    assert.match(applied, /"Network": "10\.9\.0\.0\/16",\n {6}"Backend"/);
    assert.deepEqual(
      networkPluginLines(
        { manifest: "/opt/cni.yml", isFlannel: false },
        "10.9.0.0/16",
      ),
      ["kubectl apply -f /opt/cni.yml"],
    );
  });

  it("tells Flannel the address of its Service, also one that runs already", () => {
    const said = execFileSync("sh", ["-eu"], {
      input: [
        "hostname() { echo cks-worker-node; }",
        "getent() { echo '10.1.2.3 STREAM x'; }",
        'kubectl() { echo "$*"; }',
        overlayAddressLine("kubectl"),
      ].join("\n"),
      encoding: "utf8",
    });
    assert.equal(
      said.trim(),
      "annotate --overwrite node cks-worker-node flannel.alpha.coreos.com/public-ip-overwrite=10.1.2.3 flannel.alpha.coreos.com/public-ip=10.1.2.3",
    );
  });

  it("gives the authority's key to the control plane alone, and its digest to workers", () => {
    const key = fileOf(boot(), "/etc/kubernetes/pki/ca.key");
    assert.equal(key?.mode, "0600");
    assert.equal(key?.content, AUTHORITY.key);
    assert.equal(
      fileOf(boot(), "/etc/kubernetes/pki/ca.crt")?.content,
      AUTHORITY.certificate,
    );
    const files = bootstrapCloudInit(worker()).files ?? [];
    assert.ok(!files.some(({ content }) => content?.includes("PRIVATE KEY")));
    assert.ok(files.some(({ content }) => content?.includes(DIGEST)));
  });

  it("runs the user's scripts at their time", () => {
    const hooks = {
      beforeInstall: "echo one",
      beforeKubeadm: "#!/usr/bin/python3\nprint(2)",
      afterKubeadm: "echo three",
    };
    const order = [...scriptOf(boot({ hooks })).matchAll(/hooks\/(\w+)/g)];
    assert.deepEqual(
      order.map(([, name]) => name),
      ["beforeInstall", "beforeKubeadm", "afterKubeadm"],
    );
    const own = "/etc/corral-node/hooks/beforeKubeadm";
    assert.match(fileOf(boot({ hooks }), own)?.content ?? "", /^#!.*python3/);
    assert.doesNotMatch(scriptOf(boot()), /hooks/);
  });

  it("of a clone only says its name", () => {
    assert.deepEqual(cloneCloudInit("cks-worker-node"), {
      hostname: "cks-worker-node",
    });
  });
});

describe("KubeVirt: steps inside a cloned machine", () => {
  const member = {
    nodeName: "cks-worker-node-2",
    instanceId: "uid-2",
    controlPlaneId: "uid-0",
  };
  const leave = leaveStep(member.nodeName);
  const join = joinStep({
    member,
    network: guestNetwork("10.250.0.0/16", 2),
    join: {
      endpointName: "cks-control-plane",
      token: TOKEN,
      authorityDigest: DIGEST,
    },
  });

  it("are scripts that a shell can read", () => {
    const steps = [
      ...clonedControlPlaneSteps({
        nodeName: "cks-control-plane",
        nodeNames: ["cks-control-plane", "cks-worker-node"],
        networkPlugin: FLANNEL,
      }),
      ...clonedWorkerSteps("cks-worker-node", FLANNEL),
      memberStep(member),
      leave,
      forgetStep(member.nodeName),
      join,
      freshTokenStep(),
      nodesReadyStep(["cks-control-plane"], 60),
      ...cleanSteps(),
    ];
    for (const { script } of steps) {
      readable(script);
    }
  });

  it("say which of them may fail: those of the requirements, and no wait", () => {
    const mayFail = clonedControlPlaneSteps({
      nodeName: "n",
      nodeNames: ["n"],
      networkPlugin: undefined,
    })
      .filter((step) => step.mayFail)
      .map(({ name }) => name);
    assert.deepEqual(mayFail, [
      "set the host name",
      "restart kubelet",
      "forget nodes of the original",
    ]);
    assert.equal(nodesReadyStep(["n"], 60).mayFail, false);
  });

  it("give a further worker an identity of its own before it joins", () => {
    assert.match(leave.script, /kubeadm reset --force/);
    assert.match(leave.script, /set-hostname cks-worker-node-2/);
    assert.match(
      join.script,
      /kubeadm join --config[^]*until kubectl .* get node cks-worker-node-2 /,
    );
    assert.match(join.script, new RegExp(DIGEST));
    assert.match(join.script, /10\.250\.2\.2/);
  });

  it("read the token and the authority's digest from what kubeadm prints, and tell no secret otherwise", () => {
    const printed = `kubeadm join cks-control-plane:6443 --token ${TOKEN} --discovery-token-ca-cert-hash ${DIGEST} \n`;
    assert.deepEqual(readJoin(printed), {
      token: TOKEN,
      authorityDigest: DIGEST,
    });
    assert.throws(
      () => readJoin(`${TOKEN}\n`),
      (error: Error) =>
        /no join command/.test(error.message) && !error.message.includes(TOKEN),
    );
  });

  it("forget no node of the cluster itself", () => {
    const forget = clonedControlPlaneSteps({
      nodeName: "a",
      nodeNames: ["a", "b"],
      networkPlugin: undefined,
    }).find(({ name }) => name.startsWith("forget"));
    const said = execFileSync("sh", [], {
      input: `kubectl() { if [ "$3" = get ]; then printf 'node/%s\\n' a b old-b; else echo "$*"; fi; }\n${forget?.script}`,
      encoding: "utf8",
    });
    assert.match(said, /delete --wait=false node\/old-b\n$/);
    assert.equal(said.trim().split("\n").length, 1);
  });

  it("take any text as one word", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[\0\n]/.test(text)),
        (text) => {
          const said = execFileSync("sh", [
            "-c",
            `printf %s ${shellWord(text)}`,
          ]);
          assert.equal(said.toString(), Buffer.from(text).toString());
        },
      ),
      { numRuns: 30 },
    );
  });
});
