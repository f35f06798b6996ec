import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";
import { PulumiStack, type StackCommand } from "../stack/pulumiStack";
import type { Toolchain } from "../toolchain";
import { CopyPrograms, type SshAccess } from "./copyPrograms";
import type { BenchGuest } from "./guestBench";
import { installRsync } from "./guestRsync";
import { LoopbackSshd } from "./loopbackSshd";
import { measure } from "./measure";
import { emptySide } from "./sides";
import { summarize, type Summary } from "./statistics";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What is put into a machine. */
export interface Load {
  readonly files: number;
  readonly bytesEach: number;
}

export const LOADS: readonly Load[] = [
  { files: 1, bytesEach: 16 * KIB },
  { files: 100, bytesEach: 16 * KIB },
  { files: 1, bytesEach: 100 * MIB },
];

/** Seconds that a load takes, by who does it. */
export interface InjectionResult {
  readonly load: Load;
  /** `pulumi up` as a whole, with the files there for the first time. */
  readonly up: Summary;
  /** The part of it that the resource with the files takes, as the engine says. */
  readonly resource: Summary;
  /** `pulumi up` with nothing to do. */
  readonly noop: Summary;
  /** Most connections to the machine during one `up` with nothing to do; undefined: not counted. */
  readonly noopConnections: number | undefined;
  /** Most memory that the first `up` took, all processes together, in MiB. */
  readonly peakMib: Summary;
  readonly rsync: Summary;
  readonly scp: Summary;
}

export interface InjectionBenchOptions {
  readonly repository: string;
  readonly toolchain: Toolchain;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** The machine that files are put into. */
export interface Machine {
  readonly access: SshAccess;
  /** Folder there that is made and removed. */
  readonly folder: string;
  /** Counts logins, where that can be done. */
  readonly logins?: () => number;
}

const TIMEOUT_SECONDS = 600;

/** Puts files into this computer through a ssh server on the loopback address. */
export async function benchInjection(
  options: InjectionBenchOptions,
): Promise<{ results: InjectionResult[]; empty: Summary }> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-ssh-"));
  const server = await LoopbackSshd.start(scratch);
  try {
    const folder = path.join(scratch, "machine");
    const logins = () => server.logins();
    const machine = { access: server.access, folder, logins };
    const results = await injectInto(machine, options);
    return { results, empty: await emptyUp(options) };
  } finally {
    await server.stop();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** Puts files into a guest of the lab. */
export async function benchGuestInjection(
  { access, host }: BenchGuest,
  options: InjectionBenchOptions,
): Promise<InjectionResult[]> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-ssh-"));
  try {
    const copy = new CopyPrograms(access, scratch);
    await installRsync(copy, host, options.log);
    const folder = `/home/${access.user}/bench`;
    return await injectInto({ access, folder }, options);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** Puts each load into the machine, by each program in turn. */
async function injectInto(
  machine: Machine,
  options: InjectionBenchOptions,
): Promise<InjectionResult[]> {
  const results: InjectionResult[] = [];
  for (const load of LOADS) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-in-"));
    try {
      results.push(await injectLoad(machine, load, folder, options));
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  return results;
}

interface Figures {
  readonly up: number[];
  readonly resource: number[];
  readonly noop: number[];
  readonly connections: number[];
  readonly peakMib: number[];
  readonly rsync: number[];
  readonly scp: number[];
}

async function injectLoad(
  machine: Machine,
  load: Load,
  folder: string,
  { repository, toolchain, runs, signal, log }: InjectionBenchOptions,
): Promise<InjectionResult> {
  const source = path.join(folder, "source");
  writeLoad(source, load);
  const copy = new CopyPrograms(machine.access, folder);
  const stack = await injectionStack(
    repository,
    folder,
    source,
    machine,
    toolchain,
  );
  const limits = { timeoutSeconds: TIMEOUT_SECONDS, signal };
  const timed = (command: StackCommand) => measure(command, limits);
  const target = (name: string) => path.posix.join(machine.folder, name);
  const up = stack.command(["up", "--yes", "--skip-preview"]);
  const [figures, none]: [Figures, number[]] = [
    {
      up: [],
      resource: [],
      noop: [],
      connections: [],
      peakMib: [],
      rsync: [],
      scp: [],
    },
    [],
  ];
  try {
    for (let run = 0; run < runs; run += 1) {
      await timed(
        copy.ssh(`rm -rf ${machine.folder} && mkdir ${machine.folder}`),
      );
      figures.rsync.push(
        (await timed(copy.rsync(source, target("rsync")))).seconds,
      );
      figures.scp.push((await timed(copy.scp(source, target("scp")))).seconds);
      const made = await timed(up);
      figures.up.push(made.seconds);
      figures.peakMib.push(made.peakMib);
      figures.resource.push(createdSeconds(made.output));
      const before = machine.logins?.() ?? 0;
      figures.noop.push((await timed(up)).seconds);
      (machine.logins ? figures.connections : none).push(
        (machine.logins?.() ?? 0) - before,
      );
      await stack.must(["destroy", "--yes", "--skip-preview"]);
      log(
        `  ${describeLoad(load)}: rsync ${last(figures.rsync)} s, scp ${last(figures.scp)} s, up ${last(figures.up)} s, of which the files ${last(figures.resource)} s`,
      );
    }
  } finally {
    await stack.run(["destroy", "--yes", "--skip-preview"]);
    await timed(copy.ssh(`rm -rf ${machine.folder}`));
  }
  return {
    load,
    up: summarize(figures.up),
    resource: summarize(figures.resource),
    noop: summarize(figures.noop),
    noopConnections: machine.logins && Math.max(...figures.connections),
    peakMib: summarize(figures.peakMib),
    rsync: summarize(figures.rsync),
    scp: summarize(figures.scp),
  };
}

const last = (values: readonly number[]) => (values.at(-1) ?? 0).toFixed(1);

/** For tables: `100 files of 16 KiB`. */
export function describeLoad({ files, bytesEach }: Load): string {
  const size =
    bytesEach >= MIB ? `${bytesEach / MIB} MiB` : `${bytesEach / KIB} KiB`;
  return files === 1 ? `1 file of ${size}` : `${files} files of ${size}`;
}

/**
 * How long the engine says that the files took.
 *
 * @throws when the text of `up` does not say it.
 */
export function createdSeconds(output: string): number {
  const found = /GuestFiles \S+ created \(([\d.]+)s\)/.exec(output)?.[1];
  if (found === undefined) {
    throw new Error(
      `the output of up does not say how long its files took:\n${output}`,
    );
  }
  return Number(found);
}

/** Bytes that no program can make smaller on the way. */
function writeLoad(folder: string, { files, bytesEach }: Load): void {
  fs.mkdirSync(folder, { recursive: true });
  for (let number = 1; number <= files; number += 1) {
    fs.writeFileSync(
      path.join(folder, `file-${number}`),
      randomBytes(bytesEach),
    );
  }
}

/** A program with one FileInjection, as an engineer writes it, compiled already. */
async function injectionStack(
  repository: string,
  folder: string,
  source: string,
  { access, folder: there }: Machine,
  toolchain: Toolchain,
): Promise<PulumiStack> {
  const program = path.join(folder, "program");
  fs.mkdirSync(program);
  const project = {
    name: "corral",
    runtime: { name: "nodejs", options: { typescript: false } },
    plugins: {
      providers: [
        { name: "corral-ops", path: path.join(repository, "provider/bin") },
      ],
    },
  };
  const destination = path.posix.join(there, "corral");
  const args = {
    connection: access,
    files: [{ source, destination, owner: access.user, group: access.user }],
  };
  fs.writeFileSync(path.join(program, "Pulumi.yaml"), stringify(project));
  fs.writeFileSync(
    path.join(program, "package.json"),
    JSON.stringify({ name: "injection", private: true, main: "index.js" }),
  );
  fs.writeFileSync(path.join(program, "args.json"), JSON.stringify(args), {
    mode: 0o600,
  });
  fs.writeFileSync(
    path.join(program, "index.js"),
    'const { FileInjection } = require("@corral-iac/corral/guest/fileInjection");\n' +
      'new FileInjection("files", require("./args.json"));\n',
  );
  fs.symlinkSync(
    path.join(repository, "node_modules"),
    path.join(program, "node_modules"),
  );
  const location = { program, stack: "injection", folder };
  const stack = new PulumiStack(location, toolchain);
  await stack.ensure();
  stack.configure({ config: {} });
  return stack;
}

/** `up` of a program that declares nothing. */
async function emptyUp({
  repository,
  toolchain,
  runs,
  signal,
}: InjectionBenchOptions): Promise<Summary> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-none-"));
  try {
    const { commands } = await emptySide(repository, folder, toolchain);
    const limits = { timeoutSeconds: TIMEOUT_SECONDS, signal };
    const seconds: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      seconds.push((await measure(commands["no-op up"], limits)).seconds);
    }
    return summarize(seconds);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
