import type { PiecePin, Platform, Release } from "./pins";

/**
 * The pieces of the lab for KubeVirt: a Kubernetes control plane, KubeVirt's controllers, and the
 * plugin that talks to them. They take a quarter of an hour to build, so only who needs them asks
 * for them.
 */
export const kubevirtPieceNames = [
  "etcd",
  "kubeApiserver",
  "kubeControllerManager",
  "kubeScheduler",
  "kubectl",
  "kwok",
  "virtApi",
  "virtController",
  "kubevirtManifests",
  "snapshotController",
  "kubernetesPlugin",
] as const;

type KubevirtPieceName = (typeof kubevirtPieceNames)[number];

export const kubernetesVersion = "1.34.3";
const kubevirtVersion = "1.6.0";
const etcdVersion = "3.6.5";

/** A program of Kubernetes, by a module in that folder. Without the variables it says a version that clients cannot read. */
export function kubernetes(
  binary: string,
  aboutSeconds: number,
  folder = "kubernetes",
): PiecePin {
  const [major = "", minor = ""] = kubernetesVersion.split(".");
  const version = "k8s.io/component-base/version";
  return {
    title: binary,
    version: kubernetesVersion,
    binary,
    place: { kind: "tool" },
    go: {
      folder,
      package: `k8s.io/kubernetes/cmd/${binary}`,
      variables: {
        [`${version}.gitVersion`]: `v${kubernetesVersion}`,
        [`${version}.gitMajor`]: major,
        [`${version}.gitMinor`]: minor,
      },
      aboutSeconds,
    },
    release: kubernetesRelease(binary),
  };
}

/** Servers are released for Linux only. */
function kubernetesRelease(binary: string) {
  return ({ os, arch }: Platform): Release | undefined => {
    const url = `https://dl.k8s.io/release/v${kubernetesVersion}/bin/${os}/${arch}/${binary}`;
    return os === "linux" || binary === "kubectl"
      ? { url, checksumsUrl: `${url}.sha256` }
      : undefined;
  };
}

/** A program of KubeVirt, which is released in container images only. */
function kubevirt(binary: string, goPackage: string, aboutSeconds: number) {
  return {
    title: binary,
    version: kubevirtVersion,
    binary,
    place: { kind: "tool" },
    go: { folder: "kubevirt", package: goPackage, aboutSeconds },
  } as const;
}

export const kubevirtPins: Readonly<Record<KubevirtPieceName, PiecePin>> = {
  etcd: {
    title: "etcd",
    version: etcdVersion,
    binary: "etcd",
    place: { kind: "tool" },
    go: {
      folder: "etcd",
      package: "go.etcd.io/etcd/server/v3",
      aboutSeconds: 45,
    },
    release: ({ os, arch }) => {
      const base = `https://github.com/etcd-io/etcd/releases/download/v${etcdVersion}`;
      const stem = `etcd-v${etcdVersion}-${os}-${arch}`;
      return os === "linux"
        ? {
            url: `${base}/${stem}.tar.gz`,
            checksumsUrl: `${base}/SHA256SUMS`,
            member: `${stem}/etcd`,
          }
        : undefined;
    },
  },
  kubeApiserver: kubernetes("kube-apiserver", 250),
  kubeControllerManager: kubernetes("kube-controller-manager", 60),
  kubeScheduler: kubernetes("kube-scheduler", 35),
  kubectl: kubernetes("kubectl", 30),
  kwok: {
    title: "kwok",
    version: "0.7.0",
    binary: "kwok",
    place: { kind: "tool" },
    go: {
      folder: "kwok",
      package: "sigs.k8s.io/kwok/cmd/kwok",
      aboutSeconds: 80,
    },
  },
  virtApi: kubevirt("virt-api", "kubevirt.io/kubevirt/cmd/virt-api", 110),
  virtController: kubevirt(
    "virt-controller",
    "kubevirt.io/kubevirt/cmd/virt-controller",
    30,
  ),
  // Corral's own program on KubeVirt's functions: prints what its operator would install.
  kubevirtManifests: kubevirt("kubevirt-manifests", "./manifests", 30),
  snapshotController: {
    title: "snapshot-controller",
    version: "8.6.0",
    binary: "snapshot-controller",
    place: { kind: "tool" },
    go: {
      folder: "snapshot-controller",
      package:
        "github.com/kubernetes-csi/external-snapshotter/v8/cmd/snapshot-controller",
      aboutSeconds: 120,
    },
  },
  kubernetesPlugin: {
    title: "Pulumi plugin kubernetes",
    version: "4.18.1",
    binary: "pulumi-resource-kubernetes",
    place: { kind: "plugin", plugin: "kubernetes" },
    go: {
      folder: "kubernetes-plugin",
      package: ".",
      embeds: {
        "schema.json":
          "github.com/pulumi/pulumi-kubernetes/provider/v4/cmd/pulumi-resource-kubernetes/schema.json",
        "terraform-mapping.json":
          "github.com/pulumi/pulumi-kubernetes/provider/v4/cmd/pulumi-resource-kubernetes/terraform-mapping.json",
      },
      variables: {
        "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version":
          "4.18.1",
      },
      aboutSeconds: 300,
    },
  },
};
