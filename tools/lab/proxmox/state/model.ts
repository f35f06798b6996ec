/** What a cluster knows and has to survive a restart: a JSON value. */
export interface ClusterState {
  /** Eight hexadecimal digits: stand in the names of all that is made on the hypervisor. */
  readonly id: string;
  nodes: Record<string, NodeState>;
  /** CIDR of each bridge's network. */
  bridges: Record<string, string>;
  machines: Record<string, MachineState>;
  storages: Record<string, StorageState>;
  /** Disk images by volume id. Other content is what stands in a storage's folder. */
  volumes: Record<string, VolumeState>;
  pools: Record<string, PoolState>;
  tokens: Record<string, TokenState>;
  tasks: Record<string, TaskState>;
  /** Last number given to a task's process. */
  lastPid: number;
}

export interface NodeState {
  /** False: the node is down, and calls to it fail as they do then. */
  online: boolean;
}

/** A machine as its configuration file describes it, and whether it runs. */
export interface MachineState {
  readonly vmId: number;
  node: string;
  /** Keys and values as they stand in the file. */
  config: Record<string, string>;
  /** Changes that the running machine has not taken yet. */
  pending: Record<string, string>;
  /** Keys that are to go when the machine is stopped. */
  pendingDelete: string[];
  lock?: string;
  snapshots: Record<string, SnapshotState>;
  /** Name of the snapshot that the present state began from. */
  parent?: string;
  pool?: string;
  running: boolean;
  /** Milliseconds since 1970 of the last start. */
  startedAt?: number;
  /** `instance-id` of the cloud-init drive as it was last written. */
  instanceId?: string;
}

export interface SnapshotState {
  readonly description?: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly parent?: string;
  readonly config: Readonly<Record<string, string>>;
  /** Whether it holds the machine's memory. */
  readonly withMemory: boolean;
}

export interface StorageState {
  /** `dir` and `nfs` keep files in a folder; `lvmthin` only has disk images. */
  readonly type: "dir" | "lvmthin" | "nfs";
  /** Folder of a file storage. */
  readonly path?: string;
  content: string[];
  readonly shared?: boolean;
  /** Nodes that have it; undefined: all. */
  readonly nodes?: string[];
}

export interface VolumeState {
  readonly storage: string;
  readonly format: "raw" | "qcow2" | "vmdk";
  /** Bytes. */
  size: number;
  /** Machine that owns it. */
  vmId: number;
  /** Volume id of the base image that it stands on. */
  parent?: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Snapshots in it. */
  snapshots: string[];
  /** File or volume of the guests' backend that holds its data. */
  data?: string;
}

export interface PoolState {
  comment?: string;
}

export interface TokenState {
  readonly secret: string;
  /** Privileges by path of the access control list; undefined: all of them everywhere. */
  readonly privileges?: Readonly<Record<string, readonly string[]>>;
}

export interface TaskState {
  readonly upid: string;
  readonly node: string;
  readonly pid: number;
  readonly type: string;
  readonly id: string;
  readonly user: string;
  /** Seconds since 1970. */
  readonly startTime: number;
  endTime?: number;
  /** Undefined while it runs. */
  exitStatus?: string;
  log: string[];
}
