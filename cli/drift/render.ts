import Table from "cli-table3";
import { code, markdownTable } from "../gate/markdown";
import { driftHeadline, driftRows, type DriftReport } from "./driftReport";

const HEAD = ["resource", "what", "state", "real"];

const REMEDY =
  "pulumi up --refresh puts it right; pulumi refresh takes what is real into the state.";

/** The report for a terminal. */
export function renderDrift(report: DriftReport): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } });
  table.push(...driftRows(report.drifts));
  return lines(
    driftHeadline(report),
    report.drifts.length > 0 ? `${table.toString()}\n${REMEDY}` : undefined,
    ...report.errors,
  );
}

/** The report for a job's summary or an issue. */
export function renderDriftMarkdown(report: DriftReport): string {
  const rows = driftRows(report.drifts).map((row) =>
    row.map((cell) => (cell === "" ? "" : code(cell))),
  );
  const table = markdownTable(HEAD, rows);
  return lines(
    driftHeadline(report),
    report.drifts.length > 0 ? `\n${table}\n\n${REMEDY}` : undefined,
    ...report.errors.map((error) => `\n- ${code(error)}`),
  );
}

function lines(...texts: readonly (string | undefined)[]): string {
  return `${texts.filter((text) => text !== undefined).join("\n")}\n`;
}
