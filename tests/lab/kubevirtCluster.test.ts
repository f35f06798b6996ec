import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  guestLabel,
  type KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import { type Connection, Guest } from "../support/guest";
import {
  sharedKubevirt,
  simulatedGuests,
  takeSnapshot,
} from "../support/kubevirtLab";
import { KubevirtProgram } from "../support/kubevirtProgram";

const CALLS = "/var/log/node-calls";

const ADMIN_CONF = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  clusters: [
    { name: "k", cluster: { server: "https://cks-control-plane:6443" } },
  ],
  users: [],
});

/**
 * What a node has that the lab's Debian has not: each program notes that it was called. The machines,
 * cloud-init, systemd and ssh are real; a real Kubernetes is in `npm run test:long`.
 */
const STAND_INS = `cat > /usr/local/bin/stand-in <<'END'
#!/bin/sh
name=$(basename "$0")
echo "$name $*" >> ${CALLS}
case "$name $*" in
  "curl "*" -o "*) echo '"Network": "10.244.0.0/16"' > "$(echo "$*" | sed 's/.* -o //; s/ .*//')" ;;
  "containerd config default") echo 'SystemdCgroup = false' ;;
  "kubeadm init"*) echo '${ADMIN_CONF}' > /etc/kubernetes/admin.conf ;;
  "kubeadm join"*) mkdir -p /etc/kubernetes; : > /etc/kubernetes/kubelet.conf ;;
  "kubectl"*"get nodes -o name") echo node/cks-control-plane; echo node/of-the-original ;;
  "kubelet"*) exec sleep infinity ;;
esac
END
chmod 0755 /usr/local/bin/stand-in
for name in containerd curl kubeadm kubectl kubelet; do
  ln -sf stand-in "/usr/local/bin/$name"
done
printf '[Service]\\nType=oneshot\\nExecStart=true\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/containerd.service
printf '[Service]\\nExecStart=/usr/local/bin/kubelet\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/kubelet.service
systemctl daemon-reload
`;

interface Machine {
  readonly name: string;
  readonly address: string;
}

describe("a KubevirtCluster whose machines are real guests", function () {
  this.timeout(600_000);
  this.bail(true);
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-nodes-"));
  const guests: Guest[] = [];
  let lab: KubevirtLab;
  let program: KubevirtProgram;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    program = await KubevirtProgram.make("kubereal");
  });

  after(async () => {
    await Promise.all(guests.map((guest) => guest.disconnect()));
    await program.remove();
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  const cluster = (more: object) => {
    const { configureNodes: _, ...args } = simulatedGuests(lab);
    return {
      ...args,
      labels: { [guestLabel]: "real" },
      ready: { timeoutSeconds: 400 },
      ...more,
    };
  };
  const web = () =>
    cluster({
      strategy: "bootstrap",
      kubernetes: {
        install: "image",
        podNetwork: "10.201.0.0/16",
        hooks: { beforeInstall: STAND_INS },
      },
    });

  const up = (clusters: Record<string, object>) => program.up(clusters);
  const output = <T>(name: string) => program.output<T>(name);

  /** The control plane and the worker, logged in to with the host keys that are pinned. */
  async function open(name: string): Promise<[Guest, Guest]> {
    const connections = await output<Connection[]>(`${name}.connections`);
    const [controlPlane, worker] = connections.map(
      (connection) =>
        new Guest(connection, fs.mkdtempSync(path.join(scratch, "ssh-"))),
    );
    assert.ok(controlPlane && worker);
    guests.push(controlPlane, worker);
    return [controlPlane, worker];
  }
  const calls = async (guest: Guest) =>
    (await guest.run(`sudo cat ${CALLS}`)).split("\n");
  const includes = (lines: readonly string[], call: RegExp) =>
    assert.ok(
      lines.some((line) => call.test(line)),
      `${call.source} is not among\n${lines.join("\n")}`,
    );

  it("is bootstrapped by one `up`, and made one cluster from inside", async () => {
    await up({ web: web() });
    const [controlPlane, worker] = await open("web");
    const machines = await output<Machine[]>("web.machines");
    assert.equal(await controlPlane.run("hostname"), "cks-control-plane");
    assert.equal(await worker.run("hostname"), "cks-worker-node");
    // Behind masquerade each has an address of its own, which its clones have too.
    assert.equal(await controlPlane.run("hostname -I"), "10.250.0.2");
    assert.match(await worker.run("hostname -I"), /^10\.250\.\d+\.2$/);

    const ofControlPlane = await calls(controlPlane);
    includes(ofControlPlane, /^kubeadm init --config /);
    includes(
      ofControlPlane,
      /^kubectl .*wait --for=condition=Ready .*node\/cks-control-plane node\/cks-worker-node$/,
    );
    includes(ofControlPlane, /^kubectl apply -f \/etc\/corral-node\/network/);
    assert.equal(
      await controlPlane.run("sudo cat /etc/corral-node/network.yaml"),
      '"Network": "10.201.0.0/16"',
    );
    const ofWorker = await calls(worker);
    includes(ofWorker, /^kubeadm join --config /);
    // The cluster's DNS led the worker to its own Service.
    includes(
      ofWorker,
      new RegExp(
        `^kubectl .*annotate .*cks-worker-node .*public-ip=${machines[1]?.address}$`,
      ),
    );
  });

  it("is cloned with what is on it, and each clone is put right from inside", async () => {
    const [original] = await open("web");
    await original.run(
      `echo kept | sudo tee /var/lib/kept; sudo truncate --size 0 ${CALLS}; sync`,
    );
    const namespace = await output<string>("web.namespace");
    for (const machine of ["cks-control-plane-web", "cks-worker-node-web"]) {
      await takeSnapshot(lab, namespace, `${machine}-saved`, machine);
    }
    await up({
      web: web(),
      copy: cluster({ strategy: "snapshot", fromSession: "web" }),
    });
    assert.deepEqual(await output("copy.skippedSteps"), []);

    const [controlPlane, worker] = await open("copy");
    assert.equal(await controlPlane.run("cat /var/lib/kept"), "kept");
    assert.equal(await controlPlane.run("hostname"), "cks-control-plane");
    assert.equal(await worker.run("hostname"), "cks-worker-node");
    // The same inside, as its certificates demand; another machine outside.
    assert.equal(await controlPlane.run("hostname -I"), "10.250.0.2");
    const ofControlPlane = await calls(controlPlane);
    // Once at its boot, and once more when its name was set.
    assert.equal(
      ofControlPlane.filter((line) => line.startsWith("kubelet")).length,
      2,
    );
    includes(ofControlPlane, /^kubectl .*get --raw \/readyz$/);
    includes(ofControlPlane, /^kubectl .*delete .*node\/of-the-original$/);
    assert.ok(
      !ofControlPlane.some((line) => line.startsWith("kubeadm init")),
      "a clone is no new cluster",
    );
  });

  it("leaves nothing when it is destroyed", async () => {
    const namespaces = [
      await output<string>("web.namespace"),
      await output<string>("copy.namespace"),
    ];
    const { exitCode, output: said } = await program.stack.destroy();
    assert.equal(exitCode, 0, said);
    const left = await lab.kubectl("get", "namespaces", "--output", "name");
    namespaces.forEach((name) => assert.ok(!left.includes(name), left));
  });
});
