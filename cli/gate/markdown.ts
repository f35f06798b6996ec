import type { Step } from "../engine/previewDigest";
import {
  propertyChanges,
  type PropertyChange,
} from "../engine/propertyChanges";
import { parseUrn, shortType } from "../engine/urn";
import type { JudgedChange, Verdict } from "./verdict";

/** GitHub takes comments of 65536 characters; the rest is left for what the workflow adds. */
export const LONGEST_COMMENT = 60_000;

/** The first line of a stack's comment, by which the next run finds it. */
export function commentMarker(stack: string): string {
  return `<!-- corral-gate:${stack} -->`;
}

/** A verdict as the comment of a pull request. */
export function renderVerdict(verdict: Verdict): string {
  const head = [
    commentMarker(verdict.stack),
    `## Preview of ${code(verdict.stack)}: ${HEADLINES[verdict.outcome]}`,
    ...list("Why it failed", verdict.faults),
    ...changeSection(verdict.changes),
    ...renameSection(verdict),
    ...list("Notes", verdict.notes),
  ].join("\n\n");
  const room = LONGEST_COMMENT - head.length;
  return `${cut(head, LONGEST_COMMENT)}${room > 0 ? diffSection(verdict, room) : ""}\n`;
}

const HEADLINES = {
  passed: "passed",
  blocked: "blocked, machines or disks would be replaced or deleted",
  failed: "failed",
} as const satisfies Record<Verdict["outcome"], string>;

function changeSection(changes: readonly JudgedChange[]): string[] {
  if (changes.length === 0) {
    return [];
  }
  const blocked = changes.filter(({ isAllowed }) => !isAllowed);
  const rows = changes.map((change) => [
    `${change.kind} ${code(change.name)}${change.component ? ` of ${code(change.component)}` : ""}`,
    `${change.harm}${change.isRetained ? " (stays on the hypervisor, forgotten by Pulumi)" : ""}`,
    change.reasons.map(shownChange).join("<br>"),
    `${code(change.label)}${change.isAllowed ? " (given)" : ""}`,
  ]);
  return [
    "### Machines and disks",
    markdownTable(
      ["resource", "would be", "because of", "label that allows it"],
      rows,
    ),
    ...(blocked.length > 0
      ? [
          `If that is meant, give the pull request ${blocked.length === 1 ? "the label" : "the labels"} ${blocked.map(({ label }) => code(label)).join(", ")}.`,
        ]
      : []),
  ];
}

function renameSection({ renames }: Verdict): string[] {
  return renames.length === 0
    ? []
    : [
        "### Renamed?",
        renames
          .map(
            ({ kind, from, to }) =>
              `- ${kind}: ${code(from)} would be deleted, ${code(to)} created.`,
          )
          .join("\n"),
        "To the engine another name is another resource. Keep the old name; or, where a resource only moved within a program of your own, name the old place in `aliases` (https://www.pulumi.com/docs/iac/concepts/options/aliases/) and look whether the next preview still replaces it: names on the hypervisor follow the component's name.",
      ];
}

function diffSection({ steps, diagnostics }: Verdict, room: number): string {
  const shown = steps.filter(({ op }) => !SILENT.has(op));
  const warnings = diagnostics.filter(({ severity }) => severity === "warning");
  if (shown.length === 0 && warnings.length === 0) {
    return steps.length > 0 ? "\n\nThe preview has no changes." : "";
  }
  const counts = new Map<string, number>();
  shown.forEach(({ op }) => counts.set(op, (counts.get(op) ?? 0) + 1));
  const summary = [...counts].map(([op, count]) => `${count} to ${op}`);
  const open = `\n\n<details><summary>All changes: ${summary.join(", ") || "none"}</summary>\n\n`;
  const close = "\n\n</details>";
  const lines = [
    ...shown.map(stepLine),
    ...warnings.map(
      ({ message = "" }) => `- warning: ${code(oneLine(message))}`,
    ),
  ];
  const cutNote = "\n- ... cut here, see the job's log for the rest";
  let body = "";
  for (const line of lines) {
    if (
      open.length + body.length + line.length + cutNote.length + close.length >
      room
    ) {
      body += cutNote;
      break;
    }
    body += `${body === "" ? "" : "\n"}${line}`;
  }
  return `${open}${body.trimStart()}${close}`;
}

/** Steps that change nothing. */
const SILENT: ReadonlySet<string> = new Set(["same", "read", "refresh"]);

function stepLine(step: Step): string {
  const parts = parseUrn(step.urn);
  const name = `${shortType(parts?.type ?? "")} ${parts?.name ?? step.urn}`;
  const changes = CHANGING.has(step.op) ? propertyChanges(step) : [];
  return `- ${step.op} ${code(name)}${changes.length > 0 ? `: ${changes.map(shownChange).join(", ")}` : ""}`;
}

const CHANGING: ReadonlySet<string> = new Set(["update", "replace"]);

function shownChange({ path, from, to }: PropertyChange): string {
  return `${code(path)}${from === to ? "" : ` ${code(from)} → ${code(to)}`}`;
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0
    ? []
    : [`### ${title}`, items.map((item) => `- ${plain(item)}`).join("\n")];
}

/** A table. Cells are Markdown; the signs that would end a cell are escaped here. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")))
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** Text as code, whatever stands in it: no mention and no markup comes out of it. */
export function code(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(
    0,
    ...[...line.matchAll(/`+/g)].map(([run]) => run.length),
  );
  const fence = "`".repeat(longest + 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${fence}${pad}${line}${pad}${fence}`;
}

/** Sentences of Corral and of Pulumi: several lines become a block of code. */
function plain(text: string): string {
  const [first = "", ...rest] = text.trim().split("\n");
  const escaped = first
    .replace(/[\\`*_[\]<>#|~]/g, "\\$&")
    // A word joiner, so that nobody is called.
    .replaceAll("@", "@\u2060");
  if (rest.length === 0) {
    return cut(escaped, 4_000);
  }
  const block = cut(rest.join("\n"), 4_000).replaceAll("```", "'''");
  return `${escaped}\n\n${`\`\`\`text\n${block}\n\`\`\``.replace(/^/gm, "  ")}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim() || " ";
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 4)} ...`;
}
