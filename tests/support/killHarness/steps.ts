import type { TestStack } from "../testStack";

/** A step of the stack under test: something that the engine will make. */
export interface Step {
  readonly urn: string;
  /** Type token, for example `libvirt:index/domain:Domain`. */
  readonly type: string;
  /** The resource's name in the program. */
  readonly name: string;
}

/** Plugin that serves a step; `none` for what the engine makes by itself. */
export type ServedBy = "libvirt" | "corral-ops" | "none";

/** The steps that a preview of the stack announces, in its order. */
export async function stepsOf(stack: TestStack): Promise<Step[]> {
  const { exitCode, output } = await stack.preview("--json");
  if (exitCode !== 0) {
    throw new Error(`the preview failed\n${output}`);
  }
  const preview = JSON.parse(output.slice(output.indexOf("{"))) as {
    steps: { op: string; urn: string }[];
  };
  return preview.steps
    .filter(({ op }) => op === "create")
    .map(({ urn }) => stepOf(urn));
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` */
export function stepOf(urn: string): Step {
  const [, , types = "", name = ""] = urn.split("::");
  return { urn, type: types.split("$").at(-1) ?? "", name };
}

export function servedBy({ type }: Step): ServedBy {
  const plugin = type.split(":")[0];
  return plugin === "libvirt" || plugin === "corral-ops" ? plugin : "none";
}

/** What a step makes on the hypervisor. */
export interface MadeObject {
  readonly kind: "domain" | "volume" | "network" | "pool";
  /** Folder of the daemon's in which it appears. */
  readonly folder: "domains" | "networks" | "pools" | "pool's files";
  /** Its file there. */
  readonly file: RegExp;
  /** Its name in virsh's lists. */
  readonly listed: RegExp;
}

/**
 * What a step makes on the hypervisor; undefined for what makes nothing there by itself.
 *
 * @param prefix of all names of the stack there, `corral-STACK`.
 */
export function madeObject(
  { type, name }: Step,
  prefix: string,
): MadeObject | undefined {
  const config = (
    kind: "domain" | "network" | "pool",
    rest: string,
  ): MadeObject => ({
    kind,
    folder: `${kind}s`,
    file: new RegExp(`^${prefix}-${rest}\\.xml$`),
    listed: new RegExp(`^${prefix}-${rest}$`),
  });
  const volume = (rest: string): MadeObject => ({
    kind: "volume",
    folder: "pool's files",
    file: new RegExp(`^${prefix}-${rest}`),
    listed: new RegExp(`^${prefix}-${rest}`),
  });
  switch (type) {
    case "libvirt:index/domain:Domain":
      return config("domain", name.replace(/-domain$/, ""));
    case "libvirt:index/network:Network":
      return config("network", name.replace(/-network$/, ""));
    case "libvirt:index/pool:Pool":
      return config("pool", `${name.replace(/-pool$/, "")}-[0-9a-f]{8}`);
    case "libvirt:index/volume:Volume":
      return volume(`${name}-[0-9a-f]{8}`);
    case "corral-ops:index:CloudInitDisk":
      return volume(`${name}-[0-9a-f]{8}`);
    default:
      return undefined;
  }
}
