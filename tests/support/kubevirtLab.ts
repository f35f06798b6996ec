import { randomBytes } from "node:crypto";

import {
  collection,
  collectionOf,
  type KubeObject,
  type KubevirtLab,
  kubevirtUp,
  pathOf,
} from "@corral-iac/tools/lab/kubevirt/index";
import { becomes } from "@corral-iac/tools/lab/processes";

export type KubeFields = KubeObject & Readonly<Record<string, unknown>>;

/** A machine as the API shows it. */
export interface SeenMachine extends KubeObject {
  readonly status?: {
    readonly ready?: boolean;
    readonly printableStatus?: string;
    readonly conditions?: readonly SeenCondition[];
  };
}

export interface SeenCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** The lab that all tests share; `npm test` starts and ends it. */
export function sharedKubevirt(): Promise<KubevirtLab> {
  return kubevirtUp({ log: () => undefined });
}

/** Namespaces of one test. */
export class TestNamespaces {
  private readonly made: string[] = [];

  constructor(private readonly lab: KubevirtLab) {}

  async make(prefix: string): Promise<string> {
    const name = `${prefix}-${randomBytes(3).toString("hex")}`;
    await this.lab.api.create(collection("v1", "namespaces"), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    });
    this.made.push(name);
    return name;
  }

  /** Orders their deletion. They take seconds to go, for which nobody has to wait. */
  async remove(): Promise<void> {
    await Promise.all(
      this.made.map((name) =>
        this.lab.api.delete(`${collection("v1", "namespaces")}/${name}`),
      ),
    );
  }
}

/** Waits until an object is as wanted, and returns it; else shows it as it was last. */
export async function seen<T extends KubeObject>(
  lab: KubevirtLab,
  object: KubeObject,
  isAsWanted: (object: T) => boolean,
  seconds = 60,
): Promise<T> {
  let last: T | undefined;
  let fault = "";
  const holds = async () => {
    try {
      const found = await lab.api.get<T>(pathOf(object));
      last = found;
      return isAsWanted(found);
    } catch (error) {
      fault = String(error);
      return false;
    }
  };
  if ((await becomes(holds, seconds)) && last !== undefined) {
    return last;
  }
  throw new Error(
    `${pathOf(object)} is not as wanted after ${seconds} seconds: ${JSON.stringify(last) ?? fault}`,
  );
}

/** A machine with one disk from the given source. */
export function machine(
  namespace: string,
  name: string,
  source: object,
  more: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly storage?: string;
  } = {},
): KubeFields {
  const disk = `${name}-root`;
  return {
    apiVersion: "kubevirt.io/v1",
    kind: "VirtualMachine",
    metadata: { namespace, name, labels: more.labels ?? {} },
    spec: {
      runStrategy: "Always",
      dataVolumeTemplates: [
        {
          metadata: { name: disk },
          spec: {
            source,
            storage: {
              resources: { requests: { storage: more.storage ?? "4Gi" } },
            },
          },
        },
      ],
      template: {
        metadata: { labels: more.labels ?? {} },
        spec: {
          domain: {
            memory: { guest: "512Mi" },
            devices: {
              disks: [{ name: "root", disk: { bus: "virtio" } }],
              interfaces: [{ name: "default", masquerade: {} }],
            },
          },
          networks: [{ name: "default", pod: {} }],
          volumes: [{ name: "root", dataVolume: { name: disk } }],
        },
      },
    },
  };
}

export const imageSource = {
  http: { url: "https://images.example/debian-12.qcow2" },
};

/** A snapshot of a machine. */
export function machineSnapshot(
  namespace: string,
  name: string,
  of: string,
): KubeFields {
  return {
    apiVersion: "snapshot.kubevirt.io/v1beta1",
    kind: "VirtualMachineSnapshot",
    metadata: { namespace, name },
    spec: {
      source: { apiGroup: "kubevirt.io", kind: "VirtualMachine", name: of },
    },
  };
}

/** Makes a machine with a disk of an image, and waits until it runs. */
export async function makeRunning(
  lab: KubevirtLab,
  namespace: string,
  name: string,
): Promise<void> {
  await makeReady(lab, machine(namespace, name, imageSource));
}

/** Takes a machine's snapshot, and waits until it is ready. */
export async function takeSnapshot(
  lab: KubevirtLab,
  namespace: string,
  name: string,
  of: string,
): Promise<SeenSnapshot> {
  return makeReady<SeenSnapshot>(lab, machineSnapshot(namespace, name, of));
}

async function makeReady<T extends SeenMachine | SeenSnapshot>(
  lab: KubevirtLab,
  object: KubeFields,
): Promise<T> {
  await lab.api.create(collectionOf(object), object);
  return seen<T>(lab, object, isReady);
}

/** Arguments of a cluster, or of base snapshots, whose guests run in the lab's books only. */
export function simulatedGuests({
  kubeconfig,
}: Pick<KubevirtLab, "kubeconfig">) {
  return {
    kubeconfig,
    image: { url: "http://images.example/debian.qcow2" },
    controlPlane: { cores: 1, memoryMib: 1024 },
    worker: { cores: 1, memoryMib: 1024 },
    ready: { timeoutSeconds: 60 },
    // Nobody can log in to them.
    configureNodes: false,
  };
}

export interface SeenSnapshot extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly readyToUse?: boolean;
    readonly indications?: readonly string[];
    readonly virtualMachineSnapshotContentName?: string;
    readonly conditions?: readonly SeenCondition[];
  };
}

export interface SeenSnapshotContent extends KubeObject {
  readonly status?: {
    readonly volumeSnapshotStatus?: readonly {
      readonly volumeSnapshotName: string;
    }[];
  };
}

export function isReady({ status }: SeenMachine | SeenSnapshot): boolean {
  return status !== undefined && "readyToUse" in status
    ? status.readyToUse === true
    : status !== undefined && "ready" in status && status.ready === true;
}

/** The name of the volume snapshot behind a machine's snapshot. */
export async function volumeSnapshotOf(
  lab: KubevirtLab,
  snapshot: SeenSnapshot,
): Promise<string> {
  const content = await lab.api.get<SeenSnapshotContent>(
    pathOf({
      apiVersion: "snapshot.kubevirt.io/v1beta1",
      kind: "VirtualMachineSnapshotContent",
      metadata: {
        ...snapshot.metadata,
        name: snapshot.status?.virtualMachineSnapshotContentName ?? "",
      },
    }),
  );
  const [volume] = content.status?.volumeSnapshotStatus ?? [];
  if (volume === undefined) {
    throw new Error(`No volume snapshot: ${JSON.stringify(content)}`);
  }
  return volume.volumeSnapshotName;
}

/** The right without which KubeVirt clones nothing over namespaces. */
export async function allowClones(
  lab: KubevirtLab,
  from: string,
  to: string,
): Promise<void> {
  const rbac = "rbac.authorization.k8s.io";
  const metadata = { name: `clones-to-${to}`, namespace: from };
  await lab.api.create(collection(`${rbac}/v1`, "roles", from), {
    apiVersion: `${rbac}/v1`,
    kind: "Role",
    metadata,
    rules: [
      {
        apiGroups: ["cdi.kubevirt.io"],
        resources: ["datavolumes/source"],
        verbs: ["create"],
      },
    ],
  });
  await lab.api.create(collection(`${rbac}/v1`, "rolebindings", from), {
    apiVersion: `${rbac}/v1`,
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: rbac, kind: "Role", name: metadata.name },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: to }],
  });
}
