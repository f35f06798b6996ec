/** What KubeVirt needs to clone disks out of another namespace. */
export interface ClonePermission {
  readonly rules: readonly Record<string, unknown>[];
  readonly subjects: readonly Record<string, unknown>[];
}

/**
 * Lets the service account of a namespace clone exactly these VolumeSnapshots. KubeVirt asks for it in
 * the name of the account `default` where the machine is, unless both are in one namespace
 * (https://github.com/kubevirt/containerized-data-importer/blob/main/doc/RBAC.md).
 */
export function clonePermission(
  targetNamespace: string,
  volumeSnapshots: readonly string[],
): ClonePermission {
  return {
    rules: [
      {
        apiGroups: ["cdi.kubevirt.io"],
        resources: ["datavolumes/source"],
        verbs: ["create"],
        // Never without names: that would be all of the namespace.
        resourceNames:
          volumeSnapshots.length > 0 ? [...volumeSnapshots].sort() : ["none"],
      },
    ],
    subjects: [
      { kind: "ServiceAccount", name: "default", namespace: targetNamespace },
    ],
  };
}
