import Table from "cli-table3";
import { FAULTS, titleOf } from "./killPoint";
import type { PointResult } from "./recovery";

/** One line for a kill point that went well. */
export function lineOf(result: PointResult): string {
  const { point, recoverySeconds } = result;
  return `${titleOf(point)}: ${landing(result)}, recovered in ${recoverySeconds.toFixed(0)} s`;
}

/** The number of kill points for each fault, and where they landed. */
export function tableOf(results: readonly PointResult[]): string {
  const table = new Table({
    head: [
      ...["fault", "kill points", "at start", "inside"],
      ...["cut off", "orphaned", "taken back", "hung"],
    ],
    style: { head: [], border: [] },
  });
  const counts = (of: readonly PointResult[]) => [
    of.length,
    of.filter(({ point }) => point.where === "start").length,
    of.filter(({ point }) => point.where === "inside").length,
    of.filter(({ cutOff }) => cutOff).length,
    of.filter(({ orphaned }) => orphaned).length,
    of.filter(({ takenBack }) => takenBack).length,
    of.filter(({ hung }) => hung).length,
  ];
  for (const fault of FAULTS) {
    const of = results.filter(({ point }) => point.fault === fault);
    if (of.length > 0) {
      table.push([fault, ...counts(of)]);
    }
  }
  table.push(["all", ...counts(results)]);
  return table.toString();
}

function landing(result: PointResult): string {
  const { cutOff, orphaned, takenBack, hung } = result;
  const end = hung ? ", hung until it was interrupted" : "";
  if (orphaned) {
    return `left an object that the state did not know${end}`;
  }
  if (takenBack) {
    return `the provider took back what it had made${end}`;
  }
  return (cutOff ? "cut the step off" : "the step was done") + end;
}
