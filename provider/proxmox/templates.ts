import type { MachineRow } from "@corral-iac/corral/core/proxmox-client/machines";

/** What a template is looked for by: its VM id, or its name. */
export interface TemplateQuery {
  /** Any machine may be cloned, not only a template. */
  readonly vmId?: number | undefined;
  readonly name?: string | undefined;
  /** Node that it is on. Default: any. */
  readonly node?: string | undefined;
}

/**
 * The one machine of that id, or template of that name.
 *
 * @param rows all machines that the token sees.
 * @throws Error, with the templates that there are, when there is none or more than one.
 */
export function findTemplate(
  rows: readonly MachineRow[],
  { vmId, name, node }: TemplateQuery,
  server: string,
): MachineRow {
  const there = rows.filter((row) => node === undefined || row.node === node);
  const templates = there.filter((row) => row.isTemplate);
  const where = `at ${server}${node === undefined ? "" : ` on node ${node}`}`;
  const [found, ...others] =
    vmId === undefined
      ? templates.filter((row) => row.name === name)
      : there.filter((row) => row.vmId === vmId);
  if (found === undefined) {
    const known = templates.map(
      (row) => `${row.name ?? "(no name)"} (${row.vmId})`,
    );
    throw new Error(
      `there is no template ${vmId ?? `"${name}"`} ${where}; ` +
        (known.length > 0
          ? `there are: ${known.sort().join(", ")}`
          : "the token sees none there (it needs VM.Audit on them)"),
    );
  }
  if (others.length > 0) {
    const ids = [found, ...others].map((row) => `${row.vmId} on ${row.node}`);
    throw new Error(
      `${ids.length} templates ${where} are called "${name}": ${ids.sort().join(", ")}; give template.vmId`,
    );
  }
  return found;
}
