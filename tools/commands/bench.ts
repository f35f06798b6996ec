import * as fs from "node:fs";
import * as path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import execa from "execa";
import { renderPage, type Section } from "../bench/document";
import { factsText, guestText, machinesText, setupText } from "../bench/report";
import { gatherFacts } from "../bench/facts";
import { type Gate, gatesOf } from "../bench/gates";
import { type BenchGuest, benchGuest } from "../bench/guestBench";
import { benchGuestInjection, benchInjection } from "../bench/injectionBench";
import { injectionGates, injectionText } from "../bench/injectionReport";
import { benchMachines } from "../bench/machineBench";
import { benchMicroVms } from "../bench/microVmBench";
import { microVmGates, microVmText } from "../bench/microVmReport";
import { resultsOf } from "../bench/results";
import { benchKubevirt } from "../bench/kubevirtBench";
import { kubevirtGates, kubevirtText } from "../bench/kubevirtReport";
import { benchProxmox } from "../bench/proxmoxBench";
import { proxmoxGates, proxmoxText } from "../bench/proxmoxReport";
import { benchColdSetup, benchWarmSetup } from "../bench/setupBench";
import { labDown, labStatus, labUp } from "../lab";
import { daemonAnswers } from "../lab/daemons";
import {
  checkToolchain,
  ensureDebianPackages,
  ensureToolchain,
  piecesForStart,
} from "../toolchain";
import { which } from "../toolchain/commands";

const repository = path.resolve(__dirname, "../../..");
const page = path.join(repository, "docs/benchmarks.md");

/** Twenty machines take minutes: so often they are measured at most, unless asked otherwise. */
const RUNS_OF_MANY = 3;
const RUNS_OF_ONE = 5;

/** What can be measured by itself. */
const PARTS = [
  "setup",
  "injection",
  "proxmox",
  "microvm",
  "kubevirt",
  "machines",
];
/** Without the cluster with KubeVirt, which takes a quarter of an hour to build. */
const DEFAULT_PARTS = PARTS.filter((part) => part !== "kubevirt");

/** Numbers of machines on Proxmox VE, and of clusters with KubeVirt. */
const PROXMOX_MACHINES = [1, 10];
const KUBEVIRT_CLUSTERS = [1, 10];

/** Numbers of microVMs on one host, and how often each is measured: eight without KVM take a minute. */
const MICROVM_ROUNDS = [
  { machines: 1, runs: 3 },
  { machines: 8, runs: 2 },
];

interface Options {
  readonly only: readonly string[];
  readonly runs?: number;
  readonly machines: readonly number[];
  readonly guests: boolean;
  readonly cold: boolean;
  readonly write: boolean;
  readonly gate: boolean;
  readonly kubeconfig?: string;
  readonly image?: string;
}

/** `npm run bench [-- OPTIONS]`: measures setup and machines, and tells whether the gates hold. */
export async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const interrupted = new AbortController();
  const interrupt = () => {
    console.log("Interrupted: cleaning up ...");
    interrupted.abort(new Error("interrupted"));
  };
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const began = Date.now();
  const measureNow = () => measureAll(options, interrupted.signal);
  const { sections, gates } =
    options.guests || options.only.includes("machines")
      ? await withLab(options.guests, measureNow)
      : await measureNow();

  for (const [section, text] of sections) {
    console.log(`\n== ${section}\n\n${text}`);
  }
  if (options.write) {
    await writePage(sections);
  }
  const minutes = ((Date.now() - began) / 60_000).toFixed(1);
  console.log(`\nnpm run bench took ${minutes} minutes.`);
  return options.gate && gates.some(({ passed }) => !passed) ? 1 : 0;
}

async function measureAll(
  options: Options,
  signal: AbortSignal,
): Promise<{ sections: Map<Section, string>; gates: readonly Gate[] }> {
  const toolchain = await ensureToolchain(piecesForStart);
  const terraform = which("terraform");
  const facts = await gatherFacts(repository, terraform);
  const measured = (text: string) => `${text}\n\n${factsText(facts)}`;
  const common = { repository, toolchain, signal, log: console.log };
  const sections = new Map<Section, string>();
  const gates: Gate[] = [];
  const runs = options.runs ?? RUNS_OF_ONE;

  if (options.only.includes("setup")) {
    const warm = await benchWarmSetup(common, runs);
    sections.set("setup warm", measured(setupText("`npm run setup`", warm)));
  }
  if (options.cold) {
    const cold = await benchColdSetup(common);
    sections.set("setup cold", measured(setupText("`npm run setup`", cold)));
  }
  if (options.only.includes("injection")) {
    await ensureDebianPackages("bench", { log: console.log });
    const { results, empty } = await benchInjection({ ...common, runs });
    const own = injectionGates(results);
    gates.push(...own);
    sections.set("injection", measured(injectionText(results, empty, own)));
  }
  if (options.guests) {
    const whileUp = async (guest: BenchGuest) => {
      const results = await benchGuestInjection(guest, { ...common, runs });
      const text = injectionText(results, undefined, []);
      sections.set("injection guest", measured(text));
    };
    const times = await benchGuest({
      ...{ ...common, runs: options.runs ?? 1 },
      ...(options.only.includes("injection") ? { whileUp } : {}),
    });
    sections.set("guest", measured(guestText(times)));
  }
  if (options.only.includes("proxmox")) {
    const figures = await benchProxmox({
      ...common,
      toolchain: await ensureToolchain([...piecesForStart, "proxmoxProvider"]),
      rounds: roundsOf(PROXMOX_MACHINES, options.runs),
    });
    const own = proxmoxGates(figures);
    gates.push(...own);
    sections.set("proxmox", measured(proxmoxText(figures, own)));
  }
  if (options.only.includes("microvm")) {
    const figures = await benchMicroVms({
      ...common,
      rounds: MICROVM_ROUNDS.map(({ machines, runs: usual }) => ({
        machines,
        runs: options.runs ?? usual,
      })),
    });
    const own = microVmGates(figures);
    gates.push(...own);
    sections.set("microvm", measured(microVmText(figures, own)));
  }
  if (options.only.includes("kubevirt")) {
    const figures = await benchKubevirt({
      ...common,
      toolchain: await ensureToolchain([...piecesForStart, "kubernetesPlugin"]),
      rounds: KUBEVIRT_CLUSTERS.map((machines) => ({
        machines,
        runs: options.runs ?? 1,
      })),
      target: kubevirtTarget(options),
    });
    const own = kubevirtGates(figures.figures);
    gates.push(...own);
    sections.set("kubevirt", measured(kubevirtText(figures, own)));
  }
  if (options.only.includes("machines")) {
    if (terraform === undefined) {
      console.log("  terraform: skipped, there is no such command here");
    }
    const { cycles, hangs } = await benchMachines({
      ...common,
      terraform,
      provider: await libvirtProvider(),
      rounds: roundsOf(options.machines, options.runs),
    });
    const results = resultsOf(cycles);
    const own = gatesOf(results);
    gates.push(...own);
    sections.set("machines", measured(machinesText(results, hangs, own)));
  }
  return { sections, gates };
}

function kubevirtTarget({ kubeconfig, image }: Options) {
  if (kubeconfig === undefined) {
    return undefined;
  }
  if (image === undefined) {
    throw new InvalidArgumentError(
      "--kubeconfig needs --image, the address of a cloud image.",
    );
  }
  return { kubeconfig: path.resolve(kubeconfig), image };
}

/** How often each number of machines is measured. */
function roundsOf(machines: readonly number[], runs: number | undefined) {
  return machines.map((count) => ({
    machines: count,
    runs: runs ?? (count > 1 ? RUNS_OF_MANY : RUNS_OF_ONE),
  }));
}

async function libvirtProvider(): Promise<string> {
  const pieces = await checkToolchain();
  return pieces.find(({ piece }) => piece === "libvirtProvider")?.path ?? "";
}

/**
 * Brings the lab up for a while where it is needed: for guests, and where no libvirt daemon answers.
 */
async function withLab<T>(guests: boolean, body: () => Promise<T>): Promise<T> {
  const { up } = await labStatus("libvirt");
  const enough = guests ? up : up || (await daemonAnswers());
  if (enough) {
    return body();
  }
  await labUp("libvirt", { log: console.log });
  try {
    return await body();
  } finally {
    // Somebody else may use it by now; that is no fault of the measurement.
    await labDown("libvirt", { log: console.log }).catch((error: unknown) => {
      console.log(`The lab stays up. ${String(error)}`);
    });
  }
}

async function writePage(
  sections: ReadonlyMap<Section, string>,
): Promise<void> {
  const old = fs.existsSync(page) ? fs.readFileSync(page, "utf8") : undefined;
  const draft = `${page}.tmp-${process.pid}.md`;
  try {
    fs.writeFileSync(draft, renderPage(old, sections));
    const prettier = require.resolve("prettier/bin/prettier.cjs");
    await execa(process.execPath, [prettier, "--write", draft], {
      cwd: repository,
      timeout: 60_000,
    });
    fs.renameSync(draft, page);
  } finally {
    fs.rmSync(draft, { force: true });
  }
  console.log(`\nWrote ${path.relative(repository, page)}`);
}

function readOptions(args: readonly string[]): Options {
  return new Command("npm run bench --")
    .option("--runs <n>", "how often each figure is measured", wholeNumber)
    .option("--machines <list>", "numbers of machines", numbers, [1, 20])
    .option(
      "--only <parts>",
      `some of ${PARTS.join(", ")}`,
      parts,
      DEFAULT_PARTS,
    )
    .option("--kubeconfig <file>", "a cluster with KubeVirt of your own")
    .option("--image <url>", "image to bootstrap its machines from")
    .option("--guests", "boots a guest of the embedded lab too", false)
    .option("--cold", "setup with empty caches too", false)
    .option("--write", "writes docs/benchmarks.md", false)
    .option("--gate", "exit code 1 when a gate is not passed", false)
    .parse([...args], { from: "user" })
    .opts<Options>();
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100) {
    throw new InvalidArgumentError("must be a whole number from 1 to 100.");
  }
  return value;
}

function parts(text: string): string[] {
  const wanted = text.split(",");
  if (!wanted.every((part) => PARTS.includes(part))) {
    throw new InvalidArgumentError(`must be some of ${PARTS.join(", ")}.`);
  }
  return wanted;
}

function numbers(text: string): number[] {
  return [...new Set(text.split(",").map(wholeNumber))];
}
