import * as path from "node:path";

import type { Certificates } from "./certificates";

/** The processes of one lab, in the order in which they are started. */
export const partNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kwok",
  "snapshot-controller",
  "virt-api",
  "virt-controller",
  // Corral's own: they stand in for a CSI driver with CDI, and for virt-handler with its guests.
  "storage",
  "handler",
] as const;

export type PartName = (typeof partNames)[number];

/** Programs of the parts, and what is run once. */
export type Binaries = Readonly<
  Record<
    Exclude<PartName, "storage" | "handler"> | "kubectl" | "kubevirt-manifests",
    string
  >
>;

/** TCP ports of 127.0.0.1, one lab's own. */
export interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly apiserver: number;
  readonly virtApi: number;
  readonly virtController: number;
  readonly handler: number;
  readonly kwok: number;
}

export const portNames: readonly (keyof Ports)[] = [
  "etcd",
  "etcdPeer",
  "apiserver",
  "virtApi",
  "virtController",
  "handler",
  "kwok",
];

/** A program and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** Where a lab keeps what its parts read and write. */
export interface LabPaths {
  readonly folder: string;
  readonly kubeconfig: (user: string) => string;
  /** Certificate and key of one of KubeVirt's secrets. */
  readonly kubevirtPair: (secret: string) => readonly [string, string];
  readonly tokens: string;
}

export function labPaths(folder: string): LabPaths {
  const inFolder = (...names: string[]) => path.join(folder, ...names);
  return {
    folder,
    kubeconfig: (user) => inFolder("kubeconfigs", user),
    kubevirtPair: (secret) => [
      inFolder("certificates", `${secret}.crt`),
      inFolder("certificates", `${secret}.key`),
    ],
    tokens: inFolder("tokens.csv"),
  };
}

/** Users of the control plane that sign in by a token of their own. */
export const users = {
  admin: "system:masters",
  kwok: "system:masters",
  storage: "system:masters",
  "snapshot-controller": "system:masters",
  "kube-controller-manager": "",
  "kube-scheduler": "",
} as const;

/** KubeVirt's service accounts, so that the permissions are the real ones. */
export const kubevirtAccounts = {
  "virt-api": "kubevirt-apiserver",
  "virt-controller": "kubevirt-controller",
  handler: "kubevirt-handler",
} as const;

/** The command line of every part. */
export function commandsOf(
  binaries: Binaries,
  ports: Ports,
  certificates: Certificates,
  paths: LabPaths,
): Readonly<Record<PartName, Command>> {
  const program = (name: "storage" | "handler"): Command => ({
    command: process.execPath,
    args: [path.join(__dirname, name, "main.js"), paths.folder],
  });
  return {
    etcd: { command: binaries.etcd, args: etcdArguments(ports, paths) },
    "kube-apiserver": {
      command: binaries["kube-apiserver"],
      args: apiserverArguments(ports, certificates, paths),
    },
    "kube-controller-manager": {
      command: binaries["kube-controller-manager"],
      args: [
        `--kubeconfig=${paths.kubeconfig("kube-controller-manager")}`,
        `--controllers=${controllers.join(",")}`,
        // Its own permissions do not suffice for its controllers.
        "--use-service-account-credentials",
        `--service-account-private-key-file=${certificates.serviceAccountKey}`,
        `--root-ca-file=${certificates.authority}`,
        "--leader-elect=false",
        "--secure-port=0",
        // A busy machine must not lose its nodes.
        "--node-monitor-grace-period=10m",
      ],
    },
    "kube-scheduler": {
      command: binaries["kube-scheduler"],
      args: [
        `--kubeconfig=${paths.kubeconfig("kube-scheduler")}`,
        "--leader-elect=false",
        "--secure-port=0",
      ],
    },
    kwok: {
      command: binaries.kwok,
      args: [
        `--kubeconfig=${paths.kubeconfig("kwok")}`,
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--cidr=10.244.0.0/16",
        "--node-ip=127.0.0.1",
        "--node-lease-duration-seconds=200",
        `--server-address=127.0.0.1:${ports.kwok}`,
      ],
    },
    "snapshot-controller": {
      command: binaries["snapshot-controller"],
      args: [
        `--kubeconfig=${paths.kubeconfig("snapshot-controller")}`,
        "--leader-election=false",
      ],
    },
    "virt-api": {
      command: binaries["virt-api"],
      args: virtApiArguments(ports, paths),
    },
    "virt-controller": {
      command: binaries["virt-controller"],
      args: virtControllerArguments(ports, paths),
    },
    storage: program("storage"),
    handler: program("handler"),
  };
}

/** Only those that the lab's objects need; each one costs watches. */
const controllers: readonly string[] = [
  "serviceaccount-controller",
  // Takes off the taint that every new node has.
  "node-lifecycle-controller",
  "persistentvolume-binder-controller",
  "persistentvolumeclaim-protection-controller",
  "persistentvolume-protection-controller",
  "namespace-controller",
  "garbage-collector-controller",
  "clusterrole-aggregation-controller",
  "root-ca-certificate-publisher-controller",
  "disruption-controller",
  // Counts down what is gone.
  "resourcequota-controller",
  "resourcequota-controller",
];

function etcdArguments(ports: Ports, paths: LabPaths): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    `--data-dir=${path.join(paths.folder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data die with the lab.
    "--unsafe-no-fsync",
  ];
}

function apiserverArguments(
  ports: Ports,
  certificates: Certificates,
  paths: LabPaths,
): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${ports.apiserver}`,
    "--advertise-address=127.0.0.1",
    // Loopback addresses are refused as endpoints of the service "kubernetes".
    "--endpoint-reconciler-type=none",
    "--authorization-mode=RBAC",
    "--allow-privileged",
    "--profiling=false",
    `--token-auth-file=${paths.tokens}`,
    `--client-ca-file=${certificates.authority}`,
    `--tls-cert-file=${certificates.server.certificate}`,
    `--tls-private-key-file=${certificates.server.key}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${certificates.serviceAccountKey}`,
    `--service-account-signing-key-file=${certificates.serviceAccountKey}`,
    `--requestheader-client-ca-file=${certificates.frontProxyAuthority}`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--proxy-client-cert-file=${certificates.frontProxy.certificate}`,
    `--proxy-client-key-file=${certificates.frontProxy.key}`,
  ];
}

function virtApiArguments(ports: Ports, paths: LabPaths): string[] {
  const [certificate, key] = paths.kubevirtPair("kubevirt-virt-api-certs");
  const [toHandler, toHandlerKey] = paths.kubevirtPair(
    "kubevirt-virt-handler-certs",
  );
  return [
    `--kubeconfig=${paths.kubeconfig("virt-api")}`,
    "--listen=127.0.0.1",
    `--port=${ports.virtApi}`,
    "--subresources-only",
    `--console-server-port=${ports.handler}`,
    `--tls-cert-file=${certificate}`,
    `--tls-key-file=${key}`,
    `--handler-cert-file=${toHandler}`,
    `--handler-key-file=${toHandlerKey}`,
  ];
}

function virtControllerArguments(ports: Ports, paths: LabPaths): string[] {
  const [certificate, key] = paths.kubevirtPair("kubevirt-controller-certs");
  const image = (name: string) => `quay.io/kubevirt/${name}:v1.6.0`;
  return [
    `--kubeconfig=${paths.kubeconfig("virt-controller")}`,
    "--listen=127.0.0.1",
    `--port=${ports.virtController}`,
    `--launcher-image=${image("virt-launcher")}`,
    `--exporter-image=${image("virt-exportserver")}`,
    `--prom-cert-file=${certificate}`,
    `--prom-key-file=${key}`,
  ];
}
