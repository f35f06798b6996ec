import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Cluster } from "./cluster";
import { Faults } from "./faults";
import { type Bridge, bridgesOf, realGuests } from "./guests/libvirt/make";
import { Names } from "./guests/libvirt/names";
import { defaultGuests, NoGuests, type SimulatedGuests } from "./guests/none";
import { ensureCertificate } from "./http/certificate";
import { RequestLog, type RequestRecord } from "./http/requestLog";
import { Router } from "./http/router";
import { ApiServer } from "./http/server";
import { kill } from "./machines/power";
import type { ProxmoxOptions } from "./options";
import { accessRoutes } from "./routes/access";
import { agentRoutes } from "./routes/agent";
import { clusterRoutes } from "./routes/cluster";
import { machineRoutes } from "./routes/machines";
import { nodeRoutes } from "./routes/nodes";
import { poolRoutes } from "./routes/pools";
import { snapshotRoutes } from "./routes/snapshots";
import { storageRoutes } from "./routes/storage";
import { initialState } from "./state/initial";
import type { ClusterState, MachineState, TaskState } from "./state/model";
import { Store } from "./state/store";
import { ensureKeyPair } from "./ssh/keys";
import { NodeSsh, type ShellRecord } from "./ssh/server";
import { Tasks } from "./tasks/tasks";

/** How to log in to a node by ssh. */
export interface NodeAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** The server's key: type and base64. */
  readonly hostKey: string;
}

/** A simulated Proxmox VE that runs in this process. Made by `startProxmox`. */
export class ProxmoxSimulator {
  private constructor(
    private readonly options: ProxmoxOptions,
    /** Folder of books, logs and storages. */
    readonly folder: string,
    private readonly cluster: Cluster,
    private readonly server: ApiServer,
    private readonly log: RequestLog,
    private port: number,
    /** The API's certificate, in PEM format, for clients that check it. */
    readonly caCertificate: string,
    /** How machines behave that run in the books only; may be changed at any time. */
    readonly simulated: SimulatedGuests,
    /** The nodes' bridges, and with real guests what stands for them. */
    readonly bridges: readonly Bridge[],
    private readonly nodeSsh: NodeSsh,
    /** How providers reach the node's shell, for snippets. */
    readonly ssh: NodeAccess,
  ) {}

  /** @see startProxmox */
  static async start(options: ProxmoxOptions): Promise<ProxmoxSimulator> {
    const folder =
      options.folder ??
      fs.mkdtempSync(path.join(os.tmpdir(), "corral-proxmox-"));
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const store = new Store(path.join(folder, "state.json"), () =>
      initialState(options, folder),
    );
    const faults = new Faults();
    const tasks = new Tasks(store, faults, taskTime(options.taskMs));
    tasks.lose(); // Those of an earlier process are gone with it.
    const simulated = { ...defaultGuests, ...options.simulated };
    const bridges = bridgesOf(options, store);
    const guests =
      options.guests === "libvirt"
        ? await realGuests(options, store, bridges, folder)
        : new NoGuests(simulated);
    const cluster = new Cluster(store, tasks, faults, guests, {
      version: options.version ?? "9.0.10",
      folder,
      bridges: bridges.map(({ name }) => name),
      dns: {
        nameservers: bridges.slice(0, 1).map(({ gateway }) => gateway),
        searchDomains: [],
      },
    });
    const router = new Router([
      ...clusterRoutes,
      ...nodeRoutes,
      ...machineRoutes,
      ...agentRoutes,
      ...snapshotRoutes,
      ...storageRoutes,
      ...poolRoutes,
      ...accessRoutes,
    ]);
    const certificate = await ensureCertificate(folder);
    const log = new RequestLog(path.join(folder, "requests.jsonl"));
    const server = new ApiServer(cluster, router, log, certificate);
    const port = await server.listen(options.port ?? 0);
    const hostKey = ensureKeyPair(folder, "ssh_host_ed25519_key");
    const loginKey = ensureKeyPair(folder, "id_ed25519");
    const nodeSsh = new NodeSsh(cluster, hostKey, loginKey);
    return new ProxmoxSimulator(
      options,
      folder,
      cluster,
      server,
      log,
      port,
      certificate.certificate,
      simulated,
      bridges,
      nodeSsh,
      {
        host: "127.0.0.1",
        port: await nodeSsh.listen(options.sshPort ?? 0),
        user: "root",
        privateKey: loginKey.privateKey,
        hostKey: hostKey.publicKey.split(" ").slice(0, 2).join(" "),
      },
    );
  }

  private stopped = false;

  /** For instance `https://127.0.0.1:41234`. */
  get endpoint(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Clients have to accept the self-signed certificate, or check it by `caCertificate`. */
  readonly insecure = true;

  /** The first token, in the form that clients want: `USER@REALM!NAME=SECRET`. */
  get apiToken(): string {
    return this.tokens[0] ?? "";
  }

  get tokens(): readonly string[] {
    return Object.entries(this.state.tokens).map(
      ([id, { secret }]) => `${id}=${secret}`,
    );
  }

  /** All requests since the simulator was made, also those before a restart. */
  get requests(): readonly RequestRecord[] {
    return this.log.all;
  }

  /** Calls that the simulator does not know: a test that sees one has left its ground. */
  get unknownCalls(): readonly string[] {
    return this.requests
      .filter(({ status }) => status === 501)
      .map(({ method, path: called }) => `${method} ${called}`);
  }

  /** Commands that were run over the node's ssh server since this process made it. */
  get shellCommands(): readonly ShellRecord[] {
    return this.nodeSsh.commands;
  }

  /** Faults to come. */
  get faults(): Faults {
    return this.cluster.faults;
  }

  /** File of the books. */
  get statePath(): string {
    return this.cluster.store.file;
  }

  /** The books as they are now. For looking; changes belong to the methods below. */
  get state(): ClusterState {
    return this.cluster.store.state;
  }

  /** Machines without templates, by id. */
  get machines(): MachineState[] {
    return this.cluster.store.machines.filter(
      ({ config }) => config.template !== "1",
    );
  }

  /** @throws Error when there is none. */
  machine(vmId: number): MachineState {
    return this.cluster.store.machine(vmId);
  }

  /** Tasks in the order of their start. */
  get tasks(): readonly TaskState[] {
    return Object.values(this.state.tasks);
  }

  /**
   * What is there beside the template: machines, disk images and files of storages, each as one line.
   * Empty when all is cleaned up.
   */
  leftovers(): string[] {
    const templates = this.cluster.store.machines
      .filter(({ config }) => config.template === "1")
      .map(({ vmId }) => vmId);
    const files = Object.values(this.state.storages).flatMap((storage) =>
      storage.path === undefined ? [] : filesBelow(storage.path),
    );
    return [
      ...this.machines.map(
        ({ vmId, config }) => `machine ${vmId} ${config.name ?? ""}`,
      ),
      ...Object.entries(this.state.volumes)
        .filter(([, { vmId }]) => !templates.includes(vmId))
        .map(([volId]) => `volume ${volId}`),
      ...files.map((file) => `file ${file}`),
    ];
  }

  /**
   * Real guests that run and their files where the books have no such machine, each as one line. Empty
   * without real guests.
   */
  hypervisorLeftovers(): Promise<string[]> {
    return this.cluster.guests.leftovers(
      this.cluster.store.machines.map(({ vmId }) => vmId),
    );
  }

  /** Sets or takes a machine's lock, as a backup does. */
  setLock(vmId: number, lock: string | undefined): void {
    const machine = this.machine(vmId);
    if (lock === undefined) {
      delete machine.lock;
    } else {
      machine.lock = lock;
    }
    this.cluster.store.save();
  }

  /** Takes a node down or up again: calls to it answer 595 meanwhile. */
  setOnline(node: string, online: boolean): void {
    this.state.nodes[node] = { online };
    this.cluster.store.save();
  }

  /** Changes what a storage takes: one without `snippets`, for instance. */
  setContent(storage: string, content: readonly string[]): void {
    this.cluster.store.storage(storage).content = [...content];
    this.cluster.store.save();
  }

  /** Sets keys of a machine's configuration, as a person does beside all programs. */
  editConfig(
    vmId: number,
    changes: Readonly<Record<string, string | undefined>>,
  ): void {
    const { config } = this.machine(vmId);
    for (const [key, value] of Object.entries(changes)) {
      if (value === undefined) {
        delete config[key];
      } else {
        config[key] = value;
      }
    }
    this.cluster.store.save();
  }

  /** Pulls the plug of a machine, as a person does beside all programs. */
  async powerOff(vmId: number): Promise<void> {
    await kill(this.cluster, this.machine(vmId));
  }

  /** Removes a machine with its disks, as a person does beside all programs. */
  async remove(vmId: number): Promise<void> {
    await this.powerOff(vmId);
    for (const [volId, volume] of Object.entries(this.state.volumes)) {
      if (volume.vmId === vmId) {
        await this.cluster.guests.deleteDisk(volume.data);
        delete this.state.volumes[volId];
      }
    }
    await this.cluster.guests.forget(vmId);
    delete this.state.machines[vmId];
    this.cluster.store.save();
  }

  /**
   * Ends the API and starts it again on the same port. Books and log survive.
   *
   * @param options.downMs how long nobody answers. Default 0.
   * @param options.crash the node crashes: running tasks are lost (`unexpected status`), their locks
   *   stay. Default false: tasks go on, as they do when only the API's daemon is restarted.
   */
  async restart(
    options: { readonly downMs?: number; readonly crash?: boolean } = {},
  ): Promise<void> {
    await this.server.close();
    this.cluster.store.save();
    if (options.crash) {
      this.cluster.tasks.lose();
      this.cluster.store.reload();
    }
    await new Promise((resolve) => setTimeout(resolve, options.downMs ?? 0));
    this.port = await this.server.listen(this.port);
  }

  /** What a real guest wrote on its serial console. */
  console(vmId: number): string {
    return this.cluster.guests.console(vmId);
  }

  /** Name of the libvirt domain that a machine is while it runs. */
  domainOf(vmId: number): string {
    return new Names(this.state.id).domain(vmId);
  }

  /** Waits until no task runs any more. */
  settle(): Promise<void> {
    return this.cluster.tasks.settle();
  }

  /**
   * Ends the simulator and removes all that it made: guests, disks, networks, its folder.
   *
   * @param options.keep ends only this process's part: who starts one with the same folder takes up
   *   the machines, those that run too. Default false.
   */
  async stop(options: { readonly keep?: boolean } = {}): Promise<void> {
    if (this.stopped) {
      return;
    }
    this.stopped = true;
    await Promise.all([this.server.close(), this.nodeSsh.close()]);
    this.cluster.tasks.lose();
    if (options.keep) {
      return;
    }
    await this.cluster.guests.dispose();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function taskTime(
  option: ProxmoxOptions["taskMs"] = 50,
): (type: string) => number {
  return (type) => (typeof option === "number" ? option : (option[type] ?? 50));
}

function filesBelow(folder: string): string[] {
  return (fs.readdirSync(folder, { recursive: true }) as string[]).filter(
    (name) => fs.statSync(path.join(folder, name)).isFile(),
  );
}
