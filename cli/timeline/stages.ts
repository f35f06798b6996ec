import type { StateResource } from "@corral-iac/corral/core/inventory/lister";
import type {
  MachineTimes,
  Stage,
} from "@corral-iac/corral/core/inventory/stage";
import { parseUrn } from "../engine/urn";
import type { Run } from "./history";

/** A resource of the state with what tells when it was made. */
export interface TimedResource extends StateResource {
  /** When its making had ended, RFC 3339. */
  readonly created?: string;
  readonly dependencies?: readonly string[] | null;
  /** Waits to be deleted: another of the same URN has taken its place. */
  readonly delete?: boolean;
}

/** A stage with how the machines of its component are made; empty where there is one way only. */
export interface StrategyStage extends Stage {
  readonly strategy: string;
}

/** Which resources are which stage. What is made in no time, such as keys and stamps, is none. */
const STAGES: readonly (readonly [RegExp, string])[] = [
  [/:ProvisioningDecision$/, "decision"],
  [/:(Volume|LibvirtDisk|CloudInitDisk|MicroVmImage|MicroVmVolume)$/, "disks"],
  [/:ProxmoxTemplate$/, "template"],
  [
    /:(Domain|VirtualMachine|KubevirtBaseMachine|VirtualEnvironmentVm|MicroVmService)$/,
    "machine",
  ],
  [/:(GuestReady|KubevirtReady|KubevirtLoadBalancer)$/, "ready"],
  [/:KubevirtNodes$/, "nodes"],
  [/:(KubevirtSnapshots|ProxmoxSnapshot)$/, "snapshots"],
  [/:(GuestFiles|GuestMount|AppliedRevision)$|^command:/, "guest"],
];

const COMPONENT = /^corral:index:/;

/**
 * The stages of all machines of a state. A resource's end stands in the state; its beginning does not,
 * so it is taken for the moment when all that it depends on was there: it took no longer than that.
 * Where the hypervisor has noted a machine's own times, these stand for its `machine` and `ready`.
 *
 * @param runs of the engine, for what depends on nothing.
 */
export function stagesOf(
  resources: readonly TimedResource[],
  runs: readonly Run[],
  times: readonly MachineTimes[],
): StrategyStage[] {
  const living = resources.filter((one) => one.delete !== true);
  const byUrn = new Map(living.map((one) => [one.urn, one]));
  const timed = new Set(
    times
      .filter(({ spans }) => spans.some(({ stage }) => stage === "agent"))
      .flatMap(({ urn }) => ownerOf(urn, byUrn)),
  );
  const strategies = new Map(
    living.flatMap((one) =>
      typeof one.outputs?.decided === "string"
        ? [[one.parent ?? "", one.outputs.decided] as const]
        : [],
    ),
  );
  const describe = (urn: string) => {
    const component = componentOf(urn, byUrn);
    return {
      component: nameOf(component ?? ""),
      machine: machineOf(urn, component),
      strategy: strategies.get(component ?? "") ?? "",
    };
  };
  const noted = living.flatMap((resource): StrategyStage[] => {
    const stage = stageOf(resource.type);
    const end = timeOf(resource.created);
    const start = end === undefined ? end : begin(resource, end, byUrn, runs);
    const isTold =
      ["machine", "ready"].includes(stage ?? "") &&
      ownerOf(resource.urn, byUrn).some((machine) => timed.has(machine));
    return stage === undefined ||
      end === undefined ||
      start === undefined ||
      isTold ||
      componentOf(resource.urn, byUrn) === undefined
      ? []
      : [{ ...describe(resource.urn), ...during(stage, start, end) }];
  });
  const seen = times.flatMap(({ urn, spans }) =>
    spans.map(({ stage, start, end }) => ({
      ...describe(urn),
      ...during(stage, start, end),
    })),
  );
  return [...noted, ...seen].sort(
    (one, other) =>
      one.component.localeCompare(other.component) ||
      one.startedAt.localeCompare(other.startedAt) ||
      one.endedAt.localeCompare(other.endedAt),
  );
}

function during(stage: string, start: number, end: number) {
  return {
    stage,
    startedAt: new Date(start).toISOString(),
    endedAt: new Date(end).toISOString(),
    seconds: Math.max(0, Math.round((end - start) / 100) / 10),
  };
}

function stageOf(type: string): string | undefined {
  return STAGES.find(([form]) => form.test(type))?.[1];
}

/** When all was there that a resource needs, and the run had begun that made it. */
function begin(
  { dependencies, provider }: TimedResource,
  end: number,
  byUrn: ReadonlyMap<string, TimedResource>,
  runs: readonly Run[],
): number | undefined {
  const needed = [...(dependencies ?? []), provider?.replace(/::[^:]*$/, "")]
    .map((urn) => timeOf(byUrn.get(urn ?? "")?.created))
    .filter((time) => time !== undefined);
  const run = runs
    .map(({ startedAt }) => Date.parse(startedAt))
    .filter((start) => start <= end);
  const known = [...needed.filter((time) => time <= end), ...run];
  return known.length === 0 ? undefined : Math.max(...known);
}

/** URN of the component that a resource is of, the innermost one. */
function componentOf(
  urn: string,
  byUrn: ReadonlyMap<string, TimedResource>,
): string | undefined {
  const parent = byUrn.get(urn)?.parent;
  if (parent === undefined || COMPONENT.test(byUrn.get(parent)?.type ?? "")) {
    return parent;
  }
  return componentOf(parent, byUrn);
}

/** The machine that a resource is of, as `COMPONENT MACHINE`. */
function ownerOf(
  urn: string,
  byUrn: ReadonlyMap<string, TimedResource>,
): string[] {
  const component = componentOf(urn, byUrn);
  return component === undefined
    ? []
    : [`${component} ${machineOf(urn, component)}`];
}

/** `control-plane` of `web-control-plane-vm` in the component `web`; empty for the component's own. */
function machineOf(urn: string, component: string | undefined): string {
  const own = nameOf(urn);
  const prefix = `${nameOf(component ?? "")}-`;
  const [, machine = ""] =
    /^(.+)-[a-z]+$/.exec(
      own.startsWith(prefix) ? own.slice(prefix.length) : "",
    ) ?? [];
  return /^(control-plane|worker(-\d+)?)$/.test(machine) ? machine : "";
}

function nameOf(urn: string): string {
  return parseUrn(urn)?.name ?? urn;
}

function timeOf(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : time;
}
