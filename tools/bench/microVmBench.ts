import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { ensureTinyGuest, type TinyGuest } from "../lab/host/images";
import { LabHost } from "../lab/host/labHost";
import { PulumiStack, type StackCommand } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
import { machineNames } from "./machines";
import { measure } from "./measure";
import { MEMORY_MIB, qemuByHand } from "./qemuByHand";
import { emptySide } from "./sides";

export const MICROVM_OPERATIONS = ["create", "no-op up", "destroy"] as const;
export type MicroVmOperation = (typeof MICROVM_OPERATIONS)[number];

export const CORRAL = "Corral";
export const BY_HAND = "QEMU by hand";
export const EMPTY = "empty program";

/** What one side cost, once. */
export interface MicroVmFigure {
  readonly side: typeof CORRAL | typeof BY_HAND | typeof EMPTY;
  /** How many; 0 for the empty program. */
  readonly machines: number;
  readonly operation: MicroVmOperation;
  readonly seconds: number;
  /** Logins to the host, and commands run over them; those of Corral alone. */
  readonly connections?: number;
  readonly commands?: number;
}

export interface MicroVmBenchOptions {
  readonly repository: string;
  readonly toolchain: Toolchain;
  readonly rounds: readonly { machines: number; runs: number }[];
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const SUBNET = "10.96.0.0/24";
/** Longest time of a command: without KVM each guest takes seconds of a processor to boot. */
const limitOf = (machines: number) => 90 + 30 * machines;

/**
 * Boots machines on a host of the lab until ssh answers, by Corral's ready program and by QEMU alone
 * with the same kernel, initrd and memory, and counts what Corral asks of the host.
 */
export async function benchMicroVms(
  options: MicroVmBenchOptions,
): Promise<MicroVmFigure[]> {
  const guest = await ensureTinyGuest(options.log);
  const host = await LabHost.start({ log: options.log });
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-mv-"));
  try {
    // Its log tells of each command then, not of each login alone.
    await host.exec(
      "echo LogLevel VERBOSE > /etc/ssh/sshd_config.d/bench.conf && systemctl restart ssh",
    );
    const figures = await emptyFigures(folder, options);
    for (const { machines, runs } of options.rounds) {
      for (let run = 0; run < runs; run += 1) {
        options.signal.throwIfAborted();
        figures.push(await byHand(host, guest, machines, options));
        figures.push(
          ...(await byCorral(
            path.join(folder, `${machines}-${run}`),
            { host, guest, machines },
            options,
          )),
        );
      }
    }
    return figures;
  } finally {
    await host.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What engine and SDK cost by themselves. */
async function emptyFigures(
  folder: string,
  { repository, toolchain, signal, rounds }: MicroVmBenchOptions,
): Promise<MicroVmFigure[]> {
  const at = path.join(folder, "empty");
  fs.mkdirSync(at, { recursive: true });
  const { commands } = await emptySide(repository, at, toolchain);
  const limits = { timeoutSeconds: 60, signal };
  await measure(commands.create, limits);
  const figures: MicroVmFigure[] = [];
  for (
    let run = 0;
    run < Math.max(1, ...rounds.map((one) => one.runs));
    run++
  ) {
    const { seconds } = await measure(commands["no-op up"], limits);
    figures.push({ side: EMPTY, machines: 0, operation: "no-op up", seconds });
  }
  return figures;
}

async function byHand(
  host: LabHost,
  guest: TinyGuest,
  machines: number,
  { log }: MicroVmBenchOptions,
): Promise<MicroVmFigure> {
  const seconds = await qemuByHand(host, guest, machines, limitOf(machines));
  log(`  microVMs, ${BY_HAND}, machines: ${machines}: ${seconds.toFixed(1)} s`);
  return { side: BY_HAND, machines, operation: "create", seconds };
}

async function byCorral(
  folder: string,
  what: { host: LabHost; guest: TinyGuest; machines: number },
  { repository, toolchain, signal, log }: MicroVmBenchOptions,
): Promise<MicroVmFigure[]> {
  const { host, machines } = what;
  fs.mkdirSync(folder, { recursive: true });
  const stack = new PulumiStack(
    { program: repository, stack: "bench", folder },
    toolchain,
  );
  await stack.ensure();
  stack.configure({ config: { "corral:fleet": fleetOf(what) } });
  await stack.must([
    ...["config", "set", "--secret", "--", "corral:hostKey"],
    host.connection.privateKey,
  ]);
  const up = stack.command(["up", "--yes", "--skip-preview"]);
  const commands: Record<MicroVmOperation, StackCommand> = {
    create: up,
    "no-op up": up,
    destroy: stack.command(["destroy", "--yes", "--skip-preview"]),
  };
  const figures: MicroVmFigure[] = [];
  const limits = { timeoutSeconds: limitOf(machines), signal };
  try {
    for (const operation of MICROVM_OPERATIONS) {
      const before = await askedOf(host);
      const { seconds } = await measure(commands[operation], limits);
      const after = await askedOf(host);
      const connections = after.connections - before.connections;
      const asked = after.commands - before.commands;
      figures.push({
        ...{ side: CORRAL, machines, operation, seconds },
        ...{ connections, commands: asked },
      });
      log(
        `  microVMs, ${CORRAL}, machines: ${machines}: ${operation} ` +
          `${seconds.toFixed(1)} s, ${connections} connections, ${asked} commands`,
      );
    }
  } catch (error) {
    // What is left on the host would be in the way of the next round.
    await measure(commands.destroy, limits).catch(() => undefined);
    throw error;
  }
  return figures;
}

/** What the host's ssh server has been asked until now. */
async function askedOf(
  host: LabHost,
): Promise<{ connections: number; commands: number }> {
  // By program, not by unit: a login's later lines belong to its session's scope.
  const counts = await host.exec(
    "journalctl --sync; journalctl -t sshd --output cat > /run/bench-log; grep -c '^Accepted publickey' /run/bench-log; grep -c '^Starting session: ' /run/bench-log; true",
  );
  const [connections = 0, commands = 0] = counts.split("\n").map(Number);
  return { connections, commands };
}

function fleetOf({
  host,
  guest,
  machines,
}: {
  readonly host: LabHost;
  readonly guest: TinyGuest;
  readonly machines: number;
}): Record<string, unknown> {
  const { privateKey: _inTheConfiguration, ...connection } = host.connection;
  const machine = {
    host: "edge",
    hypervisor: "qemu",
    memoryMib: MEMORY_MIB,
    kernel: { file: guest.kernel },
    initrd: { file: guest.initrd },
    ready: { timeoutSeconds: limitOf(machines) },
    stopTimeoutSeconds: 5,
  };
  return {
    hypervisors: {},
    machines: {},
    microVmHosts: {
      edge: {
        ...connection,
        privateKey: { fromConfig: "hostKey" },
        subnet: SUBNET,
        accelerator: "tcg",
      },
    },
    microVms: Object.fromEntries(
      machineNames(machines).map((name) => [name, machine]),
    ),
  };
}
