import { randomBytes } from "node:crypto";
import { guestYaml } from "../guestYaml";
import type { ClusterAuthority } from "./clusterAuthority";

/** Port of the Kubernetes API. */
export const API_PORT = 6443;

/** What a cluster is made with. */
export interface KubeadmCluster {
  /** Kubernetes version, for example `1.34.3`. */
  readonly version: string;
  /** Name by which all nodes reach the API: the control plane's Service and node. Never changes. */
  readonly endpointName: string;
  readonly podNetwork: string;
  readonly serviceNetwork: string;
  /** A bootstrap token, `abcdef.0123456789abcdef`. A secret. */
  readonly token: string;
  /** 64 hexadecimal digits that the uploaded certificates are encrypted with. A secret. */
  readonly certificateKey: string;
  /** What the cluster's certificates are signed by; workers are told its digest. */
  readonly authority: ClusterAuthority;
  /** Further names and addresses that the API's certificate is for. */
  readonly certificateNames: readonly string[];
}

/** How a worker finds its cluster, and knows that it is the right one. */
export interface KubeadmJoin {
  /** Name by which the API is reached. */
  readonly endpointName: string;
  /** `sha256:HEX` of the public key of the cluster's certificate authority. */
  readonly authorityDigest: string;
  /** A bootstrap token. A secret. */
  readonly token: string;
}

/** One node as kubeadm registers it. */
export interface KubeadmNode {
  readonly nodeName: string;
  readonly address: string;
}

const API_VERSION = "kubeadm.k8s.io/v1beta4";
const CONTAINERD = "unix:///run/containerd/containerd.sock";
/** Long enough for slow workers; later ones get tokens of their own. */
const TOKEN_TTL = "2h0m0s";
/** kubeadm's own bound for a control plane to become healthy, in seconds. */
const DEFAULT_WAIT_SECONDS = 240;

/**
 * kubeadm's configuration of a control plane
 * (https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/).
 *
 * @param waitSeconds longest time for each of kubeadm's waits.
 */
export function initConfig(
  cluster: KubeadmCluster,
  node: KubeadmNode,
  waitSeconds = DEFAULT_WAIT_SECONDS,
): string {
  return documents([
    {
      apiVersion: API_VERSION,
      kind: "InitConfiguration",
      bootstrapTokens: [bootstrapToken(cluster.token)],
      certificateKey: cluster.certificateKey,
      localAPIEndpoint: { advertiseAddress: node.address, bindPort: API_PORT },
      nodeRegistration: registration(node),
      timeouts: waits(waitSeconds, [
        "controlPlaneComponentHealthCheck",
        "kubeletHealthCheck",
        "kubernetesAPICall",
        "etcdAPICall",
      ]),
    },
    {
      apiVersion: API_VERSION,
      kind: "ClusterConfiguration",
      kubernetesVersion: `v${cluster.version}`,
      controlPlaneEndpoint: `${cluster.endpointName}:${API_PORT}`,
      networking: {
        podSubnet: cluster.podNetwork,
        serviceSubnet: cluster.serviceNetwork,
      },
      apiServer: {
        certSANs: [
          ...new Set([
            cluster.endpointName,
            "localhost",
            "127.0.0.1",
            ...cluster.certificateNames,
          ]),
        ],
        extraArgs: [
          {
            // A node's address means something to itself only; its name is that of a Service.
            name: "kubelet-preferred-address-types",
            value: "Hostname,InternalIP",
          },
        ],
      },
    },
    {
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      cgroupDriver: "systemd",
    },
  ]);
}

/**
 * kubeadm's configuration of a worker that joins.
 *
 * @param waitSeconds longest time for each of kubeadm's waits.
 */
export function joinConfig(
  { endpointName, authorityDigest, token }: KubeadmJoin,
  node: KubeadmNode,
  waitSeconds = DEFAULT_WAIT_SECONDS,
): string {
  return documents([
    {
      apiVersion: API_VERSION,
      kind: "JoinConfiguration",
      discovery: {
        bootstrapToken: {
          apiServerEndpoint: `${endpointName}:${API_PORT}`,
          token,
          caCertHashes: [authorityDigest],
        },
        tlsBootstrapToken: token,
      },
      nodeRegistration: registration(node),
      timeouts: waits(waitSeconds, [
        "kubeletHealthCheck",
        "kubernetesAPICall",
        "tlsBootstrap",
      ]),
    },
  ]);
}

/** kubeadm's configuration for `kubeadm token create`. */
export function tokenConfig(token: string): string {
  return documents([
    {
      apiVersion: API_VERSION,
      kind: "InitConfiguration",
      bootstrapTokens: [bootstrapToken(token)],
    },
  ]);
}

function bootstrapToken(token: string) {
  return {
    token,
    ttl: TOKEN_TTL,
    usages: ["signing", "authentication"],
    groups: ["system:bootstrappers:kubeadm:default-node-token"],
  };
}

function registration({ nodeName, address }: KubeadmNode) {
  return {
    name: nodeName,
    criSocket: CONTAINERD,
    kubeletExtraArgs: [{ name: "node-ip", value: address }],
  };
}

/** Slow machines, as those inside other machines, take longer than kubeadm waits by itself. */
function waits(seconds: number, names: readonly string[]) {
  const wait = `${Math.max(seconds, DEFAULT_WAIT_SECONDS)}s`;
  return Object.fromEntries(names.map((name) => [name, wait]));
}

function documents(parts: readonly unknown[]): string {
  return parts.map(guestYaml).join("---\n");
}

/** A bootstrap token (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). */
export function newToken(): string {
  return `${letters(6)}.${letters(16)}`;
}

/** A key for `kubeadm init --upload-certs`: 32 bytes. */
export function newCertificateKey(): string {
  return randomBytes(32).toString("hex");
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

function letters(count: number): string {
  let text = "";
  while (text.length < count) {
    for (const byte of randomBytes(count)) {
      // 252 is the largest multiple of 36 that a byte holds: no letter is likelier than another.
      if (byte < 252 && text.length < count) {
        text += ALPHABET[byte % ALPHABET.length];
      }
    }
  }
  return text;
}

/** The parts of a Kubernetes version; undefined when the text is none. */
export function parseVersion(
  version: string,
): { major: number; minor: number; patch: number } | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)$/.exec(version);
  return match === null
    ? undefined
    : {
        major: Number(match[1]),
        minor: Number(match[2]),
        patch: Number(match[3]),
      };
}
