import { ensureTool, type PieceName } from "../../toolchain";
import type { Binaries } from "./parts";

const pieces: Readonly<Record<keyof Binaries, PieceName>> = {
  etcd: "etcd",
  "kube-apiserver": "kubeApiserver",
  "kube-controller-manager": "kubeControllerManager",
  "kube-scheduler": "kubeScheduler",
  kubectl: "kubectl",
  kwok: "kwok",
  "virt-api": "virtApi",
  "virt-controller": "virtController",
  "kubevirt-manifests": "kubevirtManifests",
  "snapshot-controller": "snapshotController",
};

/** The lab's programs, built where they are missing: a quarter of an hour for all. */
export async function ensureBinaries(
  log: (line: string) => void,
): Promise<Binaries> {
  const found: [string, string][] = [];
  for (const [name, piece] of Object.entries(pieces)) {
    found.push([name, await ensureTool(piece, { log })]);
  }
  return Object.fromEntries(found) as Binaries;
}
