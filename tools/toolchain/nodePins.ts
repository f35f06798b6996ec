import { kubernetes } from "./kubevirtPins";
import type { GoRecipe, PiecePin } from "./pins";

/**
 * What runs on the nodes of a Kubernetes inside guests, beside the programs that the lab for KubeVirt has
 * anyway. For one long test, so only that asks for them. Their versions are those that kubeadm asks for,
 * and that Flannel's manifest names.
 */
export const nodePieceNames = [
  "kubelet",
  "kubeadm",
  "kubeProxy",
  "coredns",
  "flannel",
  "flannelCni",
  "pause",
] as const;

type NodePieceName = (typeof nodePieceNames)[number];

/** A program that is released in container images only, or for a user's packages. */
function node(
  title: string,
  version: string,
  binary: string,
  go: GoRecipe,
): PiecePin {
  return { title, version, binary, place: { kind: "tool" }, go };
}

export const nodePins: Readonly<Record<NodePieceName, PiecePin>> = {
  kubelet: kubernetes("kubelet", 120, "kubernetes-node"),
  kubeadm: kubernetes("kubeadm", 40, "kubernetes-node"),
  kubeProxy: kubernetes("kube-proxy", 30, "kubernetes-node"),
  // With the plugins of kubeadm's Corefile only.
  coredns: node("CoreDNS", "1.12.1", "coredns", {
    folder: "coredns",
    package: ".",
    aboutSeconds: 120,
  }),
  flannel: node("Flannel", "0.27.4", "flanneld", {
    folder: "flannel",
    package: "github.com/flannel-io/flannel",
    // For amd64 it has a backend in C, which would ask for a compiler.
    amd64As: "386",
    variables: {
      "github.com/flannel-io/flannel/pkg/version.Version": "v0.27.4",
    },
    aboutSeconds: 60,
  }),
  // The plugin of Flannel as the plugins of CNI had it until 0.9.1; it has no module of its own to be had.
  flannelCni: node("Flannel's CNI plugin", "0.9.1", "flannel", {
    folder: "flannel-cni",
    package: "github.com/containernetworking/plugins/plugins/meta/flannel",
    aboutSeconds: 5,
  }),
  pause: node("pause", "3.10.1", "pause", {
    folder: "pause",
    package: ".",
    aboutSeconds: 5,
  }),
};
