import type { CloudInitFileSpec, CloudInitSpec } from "../cloudInit";
import { authorityDigest } from "./clusterAuthority";
import {
  API_PORT,
  initConfig,
  joinConfig,
  type KubeadmCluster,
  parseVersion,
} from "./kubeadm";
import type { NodeRole } from "./labels";
import type { GuestNetwork } from "./nodeNetwork";
import { shellWord } from "./shell";

/** Where the packages of a node come from. */
export type NodeInstall =
  /** Debian or Ubuntu: containerd from the distribution, Kubernetes from pkgs.k8s.io. */
  | "packages"
  /** The image has containerd, kubelet, kubeadm and kubectl already. */
  | "image";

/** A user's own scripts, by when they run. */
export interface NodeHooks {
  /** Before anything is installed. */
  readonly beforeInstall?: string;
  /** Before kubeadm runs. */
  readonly beforeKubeadm?: string;
  /** When the node is a member of its cluster. */
  readonly afterKubeadm?: string;
}

/** How a node becomes a member of its cluster at its first boot. */
export interface NodeBoot {
  readonly role: NodeRole;
  readonly nodeName: string;
  readonly network: GuestNetwork;
  readonly cluster: KubeadmCluster;
  readonly install: NodeInstall;
  /** What makes pods reach each other; `undefined` leaves that to the user's hooks. */
  readonly networkPlugin: NetworkPlugin | undefined;
  readonly hooks: NodeHooks;
  /** Longest time that a worker waits for the control plane, and kubeadm for what it starts. */
  readonly waitSeconds: number;
}

/** A network plugin by its manifest. */
export interface NetworkPlugin {
  /** What `kubectl apply -f` is given: an address, or a path in the machine. */
  readonly manifest: string;
  /** Whether its manifest names the pod network, and an annotation says where a node is reached. */
  readonly isFlannel: boolean;
}

/** Folder of Corral's own files in a node. */
export const NODE_FOLDER = "/etc/corral-node";
/** Prefix of Flannel's annotations. */
const FLANNEL = "flannel.alpha.coreos.com";
const SCRIPT = `${NODE_FOLDER}/boot.sh`;
const CONFIG = `${NODE_FOLDER}/kubeadm.yaml`;
const MANIFEST = `${NODE_FOLDER}/network.yaml`;
/** Where kubeadm looks for certificates before it makes them. */
const PKI = "/etc/kubernetes/pki";

/** The cloud-init of a node that is bootstrapped. Pure. */
export function bootstrapCloudInit(node: NodeBoot): CloudInitSpec {
  return {
    hostname: node.nodeName,
    files: [
      {
        path: "/etc/modules-load.d/corral-node.conf",
        content: "overlay\nbr_netfilter\n",
      },
      {
        path: "/etc/sysctl.d/90-corral-node.conf",
        content:
          "net.ipv4.ip_forward=1\nnet.bridge.bridge-nf-call-iptables=1\nnet.bridge.bridge-nf-call-ip6tables=1\n",
      },
      { path: CONFIG, mode: "0600", content: kubeadmConfig(node) },
      ...authorityFiles(node),
      ...hookFiles(node.hooks),
      { path: SCRIPT, mode: "0700", content: bootScript(node) },
    ],
    runCommands: [SCRIPT],
  };
}

/**
 * The cloud-init of a node that is cloned: it is a member already, and keeps the name and address that
 * it has in its cluster.
 */
export function cloneCloudInit(nodeName: string): CloudInitSpec {
  return { hostname: nodeName };
}

function kubeadmConfig(boot: NodeBoot): string {
  const { role, nodeName, network, cluster, waitSeconds } = boot;
  const { endpointName, token, authority } = cluster;
  const node = { nodeName, address: network.address };
  return role === "control-plane"
    ? initConfig(cluster, node, waitSeconds)
    : joinConfig(
        {
          endpointName,
          token,
          authorityDigest: authorityDigest(authority.certificate),
        },
        node,
        waitSeconds,
      );
}

/** The authority that a control plane signs with; workers never have its key. */
function authorityFiles({ role, cluster }: NodeBoot): CloudInitFileSpec[] {
  const { certificate, key } = cluster.authority;
  return role === "control-plane"
    ? [
        { path: `${PKI}/ca.crt`, mode: "0644", content: certificate },
        { path: `${PKI}/ca.key`, mode: "0600", content: key },
      ]
    : [];
}

function hookFiles(hooks: NodeHooks): CloudInitFileSpec[] {
  return Object.entries(hooks).flatMap(([name, content]) =>
    content === undefined
      ? []
      : [
          {
            path: `${NODE_FOLDER}/hooks/${name}`,
            mode: "0700",
            content: content.startsWith("#!")
              ? content
              : `#!/bin/sh\nset -e\n${content}\n`,
          },
        ],
  );
}

/** Stands on its own feet: run again, it does what is left to do. */
function bootScript(node: NodeBoot): string {
  const { role, cluster, hooks } = node;
  const hook = (name: keyof NodeHooks) =>
    hooks[name] === undefined ? [] : [`${NODE_FOLDER}/hooks/${name}`];
  return `${[
    "#!/bin/sh",
    "set -eu",
    "export DEBIAN_FRONTEND=noninteractive KUBECONFIG=/etc/kubernetes/admin.conf",
    'step() { echo "corral-node: $*"; }',
    ...hook("beforeInstall"),
    "modprobe overlay || true",
    "modprobe br_netfilter || true",
    "sysctl --quiet --system || true",
    "swapoff -a",
    "sed -i '/\\sswap\\s/s/^[^#]/#&/' /etc/fstab || true",
    ...(node.install === "packages" ? installLines(cluster.version) : []),
    ...containerdLines(cluster.version),
    ...hook("beforeKubeadm"),
    ...(role === "control-plane" ? initLines(node) : joinLines(node)),
    ...hook("afterKubeadm"),
    "step done",
  ].join("\n")}\n`;
}

function installLines(version: string): string[] {
  const { major, minor } = parseVersion(version) ?? { major: 1, minor: 0 };
  const channel = `https://pkgs.k8s.io/core:/stable:/v${major}.${minor}/deb`;
  const packages = ["kubelet", "kubeadm", "kubectl"]
    .map((name) => `'${name}=${version}-*'`)
    .join(" ");
  return [
    "step installing containerd and Kubernetes",
    "apt-get -q -y -o DPkg::Lock::Timeout=300 update",
    "apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends ca-certificates curl gpg containerd conntrack ethtool iptables socat",
    "install -d -m 0755 /etc/apt/keyrings",
    `curl -fsSL --retry 5 ${channel}/Release.key | gpg --batch --yes --dearmor -o /etc/apt/keyrings/kubernetes.gpg`,
    `echo 'deb [signed-by=/etc/apt/keyrings/kubernetes.gpg] ${channel}/ /' > /etc/apt/sources.list.d/kubernetes.list`,
    "apt-get -q -y update",
    `apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends ${packages}`,
    "apt-mark hold kubelet kubeadm kubectl",
  ];
}

function containerdLines(version: string): string[] {
  return [
    "step configuring containerd",
    "mkdir -p /etc/containerd",
    // Its own default for the image that holds a pod's namespaces is older, and one more to be pulled.
    `pause=$(kubeadm config images list --kubernetes-version v${version} 2>/dev/null | grep /pause: || true)`,
    "containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml",
    `[ -z "$pause" ] || sed -i "s#sandbox_image = .*#sandbox_image = \\"$pause\\"#" /etc/containerd/config.toml`,
    "systemctl enable --quiet containerd kubelet",
    "systemctl restart containerd",
  ];
}

function initLines({ network, cluster, networkPlugin }: NodeBoot): string[] {
  return [
    // Before the Service has an endpoint, the node has to find itself.
    `grep -q ' ${cluster.endpointName}$' /etc/hosts || echo '${network.address} ${cluster.endpointName}' >> /etc/hosts`,
    "if [ ! -e /etc/kubernetes/admin.conf ]; then",
    "  step kubeadm init",
    `  kubeadm init --config ${CONFIG} --upload-certs --skip-token-print --skip-certificate-key-print`,
    "fi",
    ...(networkPlugin === undefined
      ? []
      : [
          "step network plugin",
          ...networkPluginLines(networkPlugin, cluster.podNetwork),
        ]),
    ...(networkPlugin?.isFlannel ? [overlayAddressLine("kubectl")] : []),
  ];
}

/** Flannel's manifest names 10.244.0.0/16, and it gives no node a network outside of what it names. */
export function networkPluginLines(
  { manifest, isFlannel }: NetworkPlugin,
  podNetwork: string,
): string[] {
  const source = shellWord(manifest);
  return isFlannel
    ? [
        manifest.startsWith("/")
          ? `cp ${source} ${MANIFEST}`
          : `curl -fsSL --retry 5 -o ${MANIFEST} ${source}`,
        `sed -i 's#"Network": *"[^"]*"#"Network": "${podNetwork}"#' ${MANIFEST}`,
        `kubectl apply -f ${MANIFEST}`,
      ]
    : [`kubectl apply -f ${source}`];
}

function joinLines({
  cluster,
  waitSeconds,
  networkPlugin,
}: NodeBoot): string[] {
  const address = `https://${cluster.endpointName}:${API_PORT}/readyz`;
  const giveUp = (why: string) =>
    `    [ "$(date +%s)" -lt "$end" ] || { echo "corral-node: ${why} within ${waitSeconds} s" >&2; exit 1; }`;
  return [
    `end=$(($(date +%s) + ${waitSeconds}))`,
    "if [ ! -e /etc/kubernetes/kubelet.conf ]; then",
    "  step waiting for the control plane",
    // The certificate is checked by kubeadm; here only an answer counts.
    `  until curl -ksf --max-time 5 -o /dev/null ${address}; do`,
    giveUp(`${address} gave no answer`),
    "    sleep 3",
    "  done",
    "  step kubeadm join",
    // A worker that comes later has a token that is made valid again meanwhile.
    `  until kubeadm join --config ${CONFIG}; do`,
    giveUp("kubeadm join did not succeed"),
    "    kubeadm reset --force >/dev/null 2>&1 || true",
    "    sleep 5",
    "  done",
    "fi",
    "step waiting for the node",
    `until ${nodeRegistered('"$(hostname)"')}; do`,
    giveUp("the kubelet did not register its node"),
    "  sleep 2",
    "done",
    ...(networkPlugin?.isFlannel ? [overlayAddressLine(NODE_KUBECTL)] : []),
  ];
}

/** kubectl with what a kubelet may do, which concerns its own node only. */
export const NODE_KUBECTL = "kubectl --kubeconfig /etc/kubernetes/kubelet.conf";

/** Whether a node is there: `kubeadm join` ends when the kubelet has a certificate, a while before. */
export function nodeRegistered(node: string): string {
  return `${NODE_KUBECTL} get node ${node} >/dev/null 2>&1`;
}

/**
 * Flannel sends to the address that a node's annotation says: that of its Service, since the one that
 * the node itself sees is behind masquerade. A kubelet may annotate its own node. Flannel reads the first
 * annotation only when it starts, and writes the second; where it runs already, as in a clone, the other
 * nodes take the second at once.
 */
export function overlayAddressLine(kubectl: string): string {
  return (
    "node=$(hostname); address=$(getent ahostsv4 \"$node.$(sed -n 's/^search \\([^ ]*\\).*/\\1/p' /etc/resolv.conf)\" | awk 'NR == 1 { print $1 }') && " +
    `[ -n "$address" ] && ${kubectl} annotate --overwrite node "$node" "${FLANNEL}/public-ip-overwrite=$address" "${FLANNEL}/public-ip=$address"`
  );
}
