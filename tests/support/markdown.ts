import * as fs from "node:fs";
import * as path from "node:path";

const REPOSITORY = path.resolve(__dirname, "../../..");

/** The text of a page, by its path from the repository's root. */
export function readPage(page: string): string {
  return fs.readFileSync(path.join(REPOSITORY, page), "utf8");
}

/** The part of a page under a heading, up to the next heading of the same or a higher level. */
export function section(markdown: string, heading: string): string {
  const lines = markdown.split("\n");
  const start = lines.findIndex(
    (line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading,
  );
  if (start < 0) {
    throw new Error(`there is no heading "${heading}"`);
  }
  const level = headingLevel(lines[start]);
  const length = lines
    .slice(start + 1)
    .findIndex((line) => headingLevel(line) > 0 && headingLevel(line) <= level);
  return lines
    .slice(start + 1, length < 0 ? undefined : start + 1 + length)
    .join("\n");
}

/** Rows of the first table in a text, without its head; cells without the blanks around them. */
export function tableRows(markdown: string): string[][] {
  const lines = markdown.split("\n");
  const first = lines.findIndex((line) => line.startsWith("|"));
  const rest = first < 0 ? [] : lines.slice(first);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(2, end < 0 ? undefined : end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands in code quotes in a text. */
export function codeSpans(markdown: string): string[] {
  return [...markdown.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? "");
}

/** Fenced blocks of one language. */
export function codeBlocks(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return [...markdown.matchAll(fence)].map(([, code]) => code ?? "");
}

function headingLevel(line: string | undefined): number {
  return /^(#+) /.exec(line ?? "")?.[1]?.length ?? 0;
}
