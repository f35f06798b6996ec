/**
 * One command as a line of a unit file: systemd splits it at blanks, and gives `%`, `$`, quotes and
 * backslashes a meaning of their own (systemd.service(5), "COMMAND LINES").
 */
export function commandLine(words: readonly string[]): string {
  return words.map(commandWord).join(" ");
}

/** The same over several lines, one for each option with its value. */
export function commandLines(words: readonly string[]): string {
  const lines: string[][] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || word.startsWith("-")) {
      lines.push([word]);
    } else {
      last.push(word);
    }
  }
  return lines.map(commandLine).join(" \\\n  ");
}

function commandWord(word: string): string {
  const escaped = word
    .replace(/[\\"]/g, "\\$&")
    .replace(CONTROL, (char) => `\\x${hex(char)}`)
    .replace(/%/g, "%%")
    .replace(/\$/g, "$$$$");
  return /^[A-Za-z0-9%$@_./:=,+-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** A value that is one text to the end of its line, such as a description. */
export function settingText(text: string): string {
  return (
    text
      .replace(/\s+/g, " ")
      .replace(CONTROL, "")
      // One at the end of the line would take the next line in.
      .replace(/\\/g, "\\\\")
      .replace(/%/g, "%%")
      .trim()
  );
}

/** systemd ends a line at a carriage return and at a zero byte too. */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/g;

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, "0");
}
