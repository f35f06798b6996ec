import * as path from "node:path";
import { stackBaseName } from "@corral-iac/corral/core/names";
import type { ProcessEntry } from "./processes";

/** A process with what tells whose it is. */
export interface ObservedProcess extends ProcessEntry {
  readonly command: readonly string[];
  /** The folder it works in. */
  readonly folder: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** A run of Pulumi's engine, by what it worked on. */
export interface EngineRun {
  /** Folder of Pulumi.yaml, without symbolic links. */
  readonly programFolder: string;
  readonly project: string;
  /** May be called `organization/project/stack`. */
  readonly stack: string;
}

/** A process that a dead engine left behind. */
export interface Survivor extends ProcessEntry {
  /** Name of its program. */
  readonly name: string;
}

/** Whether the engine at an address, which started this process, is no more. */
export type EngineGone = (address: string, started: ObservedProcess) => boolean;

/**
 * Picks the processes of a run whose engine is gone: Pulumi's plugins, language hosts and programs,
 * Terraform providers, and what these started. An engine hands its address to all that it starts;
 * as long as it lives, it listens there.
 */
export function survivorsIn(
  processes: readonly ObservedProcess[],
  run: EngineRun,
  engineGone: EngineGone,
): Survivor[] {
  const stacks = stacksByEngine(processes);
  const roots = processes.filter((candidate) => {
    const address = engineAddress(candidate);
    return (
      address !== undefined &&
      worksFor(candidate, run, stacks.get(address)) &&
      engineGone(address, candidate)
    );
  });
  const found = new Set<ObservedProcess>();
  const add = (member: ObservedProcess) => {
    if (!found.has(member) && !isEngine(member)) {
      found.add(member);
      processes.filter(({ parent }) => parent === member.pid).forEach(add);
    }
  };
  roots.forEach(add);
  return [...found].map(({ pid, parent, startTicks, command }) => {
    return { pid, parent, startTicks, name: programName(command) };
  });
}

/** The address of the engine that started a process; undefined when none did. */
export function engineAddress({
  command,
  variables,
}: ObservedProcess): string | undefined {
  const engineFlag = command.indexOf("--engine");
  if (engineFlag >= 0 && command.includes("--monitor")) {
    return command[engineFlag + 1];
  }
  const name = programName(command);
  if (PLUGIN.test(name)) {
    return command.find((argument) => LOCAL_ADDRESS.test(argument));
  }
  // Takes no address; it inherits where the engine collects its logs.
  return TERRAFORM_PROVIDER.test(name) && "TF_PLUGIN_MAGIC_COOKIE" in variables
    ? variables.PULUMI_LOG_OTLP_ENDPOINT
    : undefined;
}

const PLUGIN = /^pulumi-(resource|language|analyzer|converter|tool)-/;
const TERRAFORM_PROVIDER = /^terraform-provider-/;
const LOCAL_ADDRESS = /^(127\.0\.0\.1|localhost|\[::1\]):\d+$/;
const INTERPRETER = /^(node|python[0-9.]*|sh|bash|dash|env)$/;

/** A program of the run may have started an engine for a stack of its own. */
function isEngine({ command }: ObservedProcess): boolean {
  return /^pulumi(\.exe)?$/.test(programName(command));
}

function programName([program = "", script = ""]: readonly string[]): string {
  const name = path.basename(program);
  return INTERPRETER.test(name) && script !== "" ? path.basename(script) : name;
}

/** Which stack an engine works on: its program is told, the plugins are not. */
function stacksByEngine(
  processes: readonly ObservedProcess[],
): Map<string, string> {
  const stacks = new Map<string, string>();
  for (const candidate of processes) {
    const address = engineAddress(candidate);
    const stackFlag = candidate.command.indexOf("--stack");
    const stack = candidate.command[stackFlag + 1];
    if (address !== undefined && stackFlag >= 0 && stack !== undefined) {
      stacks.set(address, stack);
    }
  }
  return stacks;
}

/**
 * By the folder, and by project and stack as far as they are told. Where the stack is not, another
 * stack's dead run of the same program is taken too: it has the same need.
 */
function worksFor(
  { folder, variables }: ObservedProcess,
  run: EngineRun,
  stackOfProgram: string | undefined,
): boolean {
  const { PULUMI_PROJECT: project = run.project } = variables;
  const stack = stackOfProgram ?? variables.PULUMI_STACK ?? run.stack;
  return (
    folder !== undefined &&
    isInside(folder, run.programFolder) &&
    project === run.project &&
    stackBaseName(stack) === stackBaseName(run.stack)
  );
}

function isInside(folder: string, parent: string): boolean {
  const way = path.relative(parent, folder);
  return way === "" || !(way.startsWith("..") || path.isAbsolute(way));
}
