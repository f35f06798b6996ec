import type { OperationContext } from "@corral-iac/corral-ops/frame/context";
import type { ClusterNode } from "@corral-iac/corral-ops/kubevirt/nodes";
import type { NodeRole } from "@corral-iac/corral/core/kubevirt/labels";
import {
  ROLE_LABEL,
  SESSION_LABEL,
  VERSION_ANNOTATION,
} from "@corral-iac/corral/core/kubevirt/labels";

/** What of a VirtualMachineSnapshot a test says; the rest is as of one that is ready. */
export interface SnapshotWords {
  readonly namespace?: string;
  readonly name?: string;
  readonly source?: string;
  readonly labels?: Record<string, string>;
  readonly ready?: boolean;
  readonly createdAt?: string;
  readonly phase?: string;
  readonly error?: string;
}

/** A VirtualMachineSnapshot as the API shows it (recorded from KubeVirt 1.6.0, shortened). */
export function snapshotObject(words: SnapshotWords = {}) {
  const {
    namespace = "vm-templates",
    name = "cks-control-plane-base-snapshot",
    source = "cks-control-plane-base",
    ready = true,
    createdAt = "2026-01-01T10:00:00Z",
    phase = "Succeeded",
  } = words;
  return {
    apiVersion: "snapshot.kubevirt.io/v1beta1",
    kind: "VirtualMachineSnapshot",
    metadata: { namespace, name, labels: words.labels },
    spec: {
      source: { apiGroup: "kubevirt.io", kind: "VirtualMachine", name: source },
    },
    status: {
      phase,
      readyToUse: ready,
      creationTime: createdAt,
      virtualMachineSnapshotContentName: `vmsnapshot-content-${name}`,
      conditions: [
        { type: "Progressing", status: "False", reason: "Operation complete" },
        { type: "Ready", status: ready ? "True" : "False" },
      ],
      ...(words.error === undefined ? {} : { error: { message: words.error } }),
    },
  };
}

/** The content behind a snapshot. */
export function contentObject(
  volumes: readonly (readonly [volume: string, size: string])[] = [
    ["root", "20Gi"],
  ],
  annotations: Record<string, string> = { [VERSION_ANNOTATION]: "1.34.3" },
) {
  return {
    kind: "VirtualMachineSnapshotContent",
    spec: {
      source: { virtualMachine: { metadata: { annotations } } },
      volumeBackups: volumes.map(([volumeName, storage]) => ({
        volumeName,
        volumeSnapshotName: `vmsnapshot-volume-${volumeName}`,
        persistentVolumeClaim: {
          spec: { resources: { requests: { storage } } },
        },
      })),
    },
  };
}

/** A VirtualMachine of a session. */
export function sessionMachine(session: string, role: NodeRole, name: string) {
  return {
    metadata: {
      namespace: `ns-${session}`,
      name,
      labels: { [SESSION_LABEL]: session, [ROLE_LABEL]: role },
    },
  };
}

/** A node of a cluster as Corral names it; 0 is the control plane. */
export function node(index: number, instanceId = `uid-${index}`): ClusterNode {
  return {
    nodeName:
      index === 0
        ? "cks-control-plane"
        : `cks-worker-node${index > 1 ? `-${index}` : ""}`,
    index,
    instanceId,
  };
}

/** What an operation gets that nobody listens to. */
export function quietContext(name: string): OperationContext {
  const quiet = () => undefined;
  return {
    urn: "urn",
    name,
    log: {
      debug: quiet,
      info: quiet,
      warn: quiet,
      error: quiet,
      status: quiet,
    },
    signal: new AbortController().signal,
    deadline: undefined,
  };
}
