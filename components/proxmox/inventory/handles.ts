/** Pulumi's types of the objects that the inventory knows. */
export const TYPES = {
  machine: "proxmox:index/virtualEnvironmentVm:VirtualEnvironmentVm",
  file: "proxmox:index/virtualEnvironmentFile:VirtualEnvironmentFile",
  provider: "pulumi:providers:proxmox",
};

/** Handles of objects, as the listing and the survey of the state both give them. */
export const handles = {
  /** VM ids are unique in a cluster. */
  machine: (vmId: number | string) => `vm:${vmId}`,
  /** Of a storage that is not shared, nodes are not told apart: a snippet's name has its owner's stamp. */
  snippet: (volumeId: string) => `snippet:${volumeId}`,
  snippetsOf: (storage: string) => `snippet:${storage}:`,
  allSnippets: "snippet:",
};
