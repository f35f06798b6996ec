import { networksOf } from "../config/nets";
import { parseProperties } from "../config/propertyString";
import type { MachineState } from "../state/model";
import { AgentError, type GuestBackend, type ShutdownWay } from "./backend";

/** What a command in a guest that does not exist answers. */
export interface SimulatedExec {
  readonly exitCode: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** How guests behave that only run in the books. */
export interface SimulatedGuests {
  /** Milliseconds after a start until the agent answers; -1: never. Default 0. */
  agentReadyMs: number;
  /** Milliseconds that a guest takes to shut down; -1: never. Default 0. */
  shutdownMs: number;
  /** Whether a guest has no more than link-local addresses. Default false. */
  onlyLinkLocal: boolean;
  /** Answers `agent/exec`. Default: `cloud-init status` says done, all else succeeds in silence. */
  exec(
    vmId: number,
    command: readonly string[],
    input: string | undefined,
  ): SimulatedExec;
}

export const defaultGuests: SimulatedGuests = {
  agentReadyMs: 0,
  shutdownMs: 0,
  onlyLinkLocal: false,
  exec: (_vmId, command) =>
    command.join(" ").includes("cloud-init status")
      ? {
          exitCode: 0,
          stdout:
            "status: done\nboot_status_code: enabled-by-generator\n" +
            "last_update: Thu, 01 Jan 1970 00:00:30 +0000\n" +
            "detail:\nDataSourceNoCloud [seed=/dev/sr0]\n",
        }
      : { exitCode: 0 },
};

/** Machines that only run in the books; their agents' answers are made up. */
export class NoGuests implements GuestBackend {
  private readonly results = new Map<number, SimulatedExec>();
  private readonly files = new Map<string, string>();
  private lastPid = 1000;

  /** @param behaviour may be changed at any time. */
  constructor(private readonly behaviour: SimulatedGuests) {}

  templateImage(): undefined {
    return undefined;
  }

  createDisk(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  copyDisk(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  imageSize(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  writeCloudInit(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async resizeDisk(): Promise<void> {}
  async deleteDisk(): Promise<void> {}
  async start(): Promise<void> {}
  async reset(): Promise<void> {}
  async replug(): Promise<void> {}
  async snapshot(): Promise<void> {}
  async rollback(): Promise<void> {}
  async deleteSnapshot(): Promise<void> {}
  async forget(): Promise<void> {}
  async dispose(): Promise<void> {}

  leftovers(): Promise<string[]> {
    return Promise.resolve([]);
  }

  console(): string {
    return "";
  }

  isRunning(machine: MachineState): Promise<boolean> {
    return Promise.resolve(machine.running);
  }

  kill(machine: MachineState): Promise<void> {
    machine.running = false;
    return Promise.resolve();
  }

  requestShutdown(machine: MachineState, way: ShutdownWay): Promise<void> {
    void way;
    const { shutdownMs } = this.behaviour;
    if (shutdownMs === 0) {
      machine.running = false;
    } else if (shutdownMs > 0) {
      setTimeout(() => {
        machine.running = false;
      }, shutdownMs);
    }
    return Promise.resolve();
  }

  agent(
    machine: MachineState,
    command: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<unknown> {
    const { agentReadyMs } = this.behaviour;
    const ready =
      agentReadyMs >= 0 &&
      Date.now() >= (machine.startedAt ?? 0) + agentReadyMs;
    if (!ready) {
      return Promise.reject(new AgentError("QEMU guest agent is not running"));
    }
    return Promise.resolve(this.answer(machine, command, args));
  }

  private answer(
    machine: MachineState,
    command: string,
    args: Readonly<Record<string, unknown>>,
  ): unknown {
    switch (command) {
      case "ping":
      case "fstrim":
        return {};
      case "network-get-interfaces":
        return interfacesOf(machine, this.behaviour.onlyLinkLocal);
      case "get-host-name":
        return { "host-name": machine.config.name ?? `VM${machine.vmId}` };
      case "get-osinfo":
        return { id: "debian", "pretty-name": "Debian GNU/Linux 12" };
      case "exec":
        return this.exec(machine.vmId, args);
      case "exec-status":
        return this.execStatus(Number(args.pid));
      case "file-open":
        return this.open(machine.vmId, String(args.path), String(args.mode));
      case "file-write":
        return this.write(Number(args.handle), String(args["buf-b64"]));
      case "file-read":
        return this.read(Number(args.handle));
      case "file-close":
        return {};
      default:
        throw new AgentError(`The command guest-${command} has not been found`);
    }
  }

  private exec(vmId: number, args: Readonly<Record<string, unknown>>): unknown {
    const input = args["input-data"] as string | undefined;
    const command = [String(args.path), ...(args.arg as string[])];
    this.lastPid += 1;
    this.results.set(
      this.lastPid,
      this.behaviour.exec(
        vmId,
        command,
        input && Buffer.from(input, "base64").toString(),
      ),
    );
    return { pid: this.lastPid };
  }

  private execStatus(pid: number): unknown {
    const result = this.results.get(pid);
    if (result === undefined) {
      throw new AgentError("PID does not exist");
    }
    this.results.delete(pid);
    const { exitCode, stdout, stderr } = result;
    return {
      exited: true,
      exitcode: exitCode,
      ...(stdout && { "out-data": Buffer.from(stdout).toString("base64") }),
      ...(stderr && { "err-data": Buffer.from(stderr).toString("base64") }),
    };
  }

  private readonly handles = new Map<number, string>();

  private open(vmId: number, path: string, mode: string): number {
    const name = `${vmId}:${path}`;
    if (mode === "wb") {
      this.files.set(name, "");
    } else if (!this.files.has(name)) {
      throw new AgentError(
        `failed to open file '${path}' (mode: 'r'): No such file or directory`,
      );
    }
    this.lastPid += 1;
    this.handles.set(this.lastPid, name);
    return this.lastPid;
  }

  private write(handle: number, base64: string): unknown {
    const name = this.handles.get(handle) ?? "";
    this.files.set(name, Buffer.from(base64, "base64").toString("latin1"));
    return { eof: false };
  }

  private read(handle: number): unknown {
    const content = this.files.get(this.handles.get(handle) ?? "") ?? "";
    return {
      count: content.length,
      eof: true,
      "buf-b64": Buffer.from(content, "latin1").toString("base64"),
    };
  }
}

function interfacesOf(machine: MachineState, onlyLinkLocal: boolean): unknown {
  const cards = [...networksOf(machine.config)].map(([key, { mac }], index) => {
    const tail = mac.split(":").map((byte) => parseInt(byte, 16));
    const linkLocal = `fe80::${tail.map((byte) => byte.toString(16)).join(":")}`;
    const fixed = parseProperties(
      machine.config[key.replace("net", "ipconfig")] ?? "",
    ).get("ip");
    const [address = "", prefix] =
      fixed === undefined || fixed === "dhcp"
        ? [`10.141.${tail[4]}.${tail[5]}`, "16"]
        : fixed.split("/");
    return {
      name: `eth${index}`,
      "hardware-address": mac.toLowerCase(),
      "ip-addresses": [
        ...(onlyLinkLocal ? [] : [ip("ipv4", address, Number(prefix))]),
        ip("ipv6", linkLocal, 64),
      ],
    };
  });
  const lo = {
    name: "lo",
    "hardware-address": "00:00:00:00:00:00",
    "ip-addresses": [ip("ipv4", "127.0.0.1", 8), ip("ipv6", "::1", 128)],
  };
  return [lo, ...cards];
}

function ip(type: "ipv4" | "ipv6", address: string, prefix: number): unknown {
  return { "ip-address-type": type, "ip-address": address, prefix };
}
