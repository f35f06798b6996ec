/** What counts where a cluster's arguments say nothing. */
export const DEFAULTS = {
  snapshotNamespace: "vm-templates",
  controlPlaneSnapshot: "cks-control-plane-base-snapshot",
  workerSnapshot: "cks-worker-base-snapshot",
  version: "1.34.3",
  podNetwork: "10.244.0.0/16",
  serviceNetwork: "10.96.0.0/12",
  nodeNetwork: "10.250.0.0/16",
  flannel:
    "https://github.com/flannel-io/flannel/releases/download/v0.27.4/kube-flannel.yml",
  cores: 2,
  memoryMib: 4096,
  diskSizeGib: 20,
  readySeconds: 600,
  diskSeconds: 300,
  shutdownSeconds: 120,
} as const;
