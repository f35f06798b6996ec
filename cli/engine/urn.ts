/** The parts of a resource's URN. */
export interface Urn {
  readonly stack: string;
  readonly project: string;
  /** The resource's own type, for example `libvirt:index/domain:Domain`. */
  readonly type: string;
  /** Types of what it stands in, outermost first. */
  readonly parentTypes: readonly string[];
  readonly name: string;
}

const FORM =
  /^urn:pulumi:(?<stack>[^:]+)::(?<project>[^:]+)::(?<types>.+?)::(?<name>[\s\S]+)$/;

/** Takes a URN apart; undefined when it is none. */
export function parseUrn(urn: string): Urn | undefined {
  const groups = FORM.exec(urn)?.groups;
  if (groups === undefined) {
    return undefined;
  }
  const { stack = "", project = "", types = "", name = "" } = groups;
  const chain = types.split("$");
  return {
    stack,
    project,
    type: chain.at(-1) ?? "",
    parentTypes: chain.slice(0, -1),
    name,
  };
}

/** The last part of a type, as people say it: `Domain` of `libvirt:index/domain:Domain`. */
export function shortType(type: string): string {
  return type.split(":").at(-1) ?? type;
}
