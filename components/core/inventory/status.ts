/** A machine as it is right now: what changes by itself and so stands in no output. */
export interface MachineStatus {
  readonly urn: string;
  /** In the hypervisor's own words, `running` for instance, or `gone`. */
  readonly state: string;
  readonly vcpus?: number;
  /** What the guest may use, in MiB. */
  readonly memoryMib?: number;
  /** What the machine takes of its host's memory, in MiB. */
  readonly residentMib?: number;
  /** Processor time that it has taken since it was started. */
  readonly cpuSeconds?: number;
  /** The hypervisor's process on the host. */
  readonly pid?: number;
  readonly addresses: readonly string[];
  /** The member of a cluster that it is on. */
  readonly node?: string;
  readonly uptimeSeconds?: number;
}
