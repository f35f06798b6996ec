import * as fs from "node:fs";
import { failure } from "../http/apiError";
import type { ClusterState, MachineState, StorageState } from "./model";

/** The cluster's books, kept in a file after every change. */
export class Store {
  private current: ClusterState;

  /**
   * @param file taken up when it is there.
   * @param initial the books of a cluster that was just installed.
   */
  constructor(
    readonly file: string,
    initial: () => ClusterState,
  ) {
    this.current = fs.existsSync(file)
      ? (JSON.parse(fs.readFileSync(file, "utf8")) as ClusterState)
      : initial();
    this.save();
  }

  get state(): ClusterState {
    return this.current;
  }

  /** Takes up what stands in the file, as a process does that starts. */
  reload(): void {
    this.current = JSON.parse(
      fs.readFileSync(this.file, "utf8"),
    ) as ClusterState;
  }

  /** Writes in one step: a reader sees the old or the new books, never a part. */
  save(): void {
    const draft = `${this.file}.tmp`;
    fs.writeFileSync(draft, `${JSON.stringify(this.current, null, 1)}\n`, {
      mode: 0o600,
    });
    fs.renameSync(draft, this.file);
  }

  findMachine(vmId: number): MachineState | undefined {
    return this.current.machines[vmId];
  }

  /**
   * @param node that was asked; a machine of another node is not there.
   * @throws ApiError in Proxmox's words when there is no such machine.
   */
  machine(vmId: number, node?: string): MachineState {
    const machine = this.findMachine(vmId);
    if (machine === undefined || (node ?? machine.node) !== machine.node) {
      throw failure(
        `Configuration file 'nodes/${node ?? this.firstNode}/qemu-server/${vmId}.conf' does not exist`,
      );
    }
    return machine;
  }

  get machines(): MachineState[] {
    return Object.values(this.current.machines);
  }

  get firstNode(): string {
    return Object.keys(this.current.nodes)[0] ?? "";
  }

  /** @throws ApiError when there is no such storage. */
  storage(id: string): StorageState {
    const storage = this.current.storages[id];
    if (storage === undefined) {
      throw failure(`storage '${id}' does not exist`);
    }
    return storage;
  }

  /** @throws ApiError when it is not there, or not on that node. */
  storageOn(id: string, node: string): StorageState {
    const storage = this.storage(id);
    if (storage.nodes !== undefined && !storage.nodes.includes(node)) {
      throw failure(`storage '${id}' is not available on node '${node}'`);
    }
    return storage;
  }
}
