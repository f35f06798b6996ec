/** One setting of a unit file: its section, name and value as systemd takes it. */
export interface UnitSetting {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/**
 * Reads a unit file as systemd does (systemd.syntax(7)): a line ends at a line feed, a carriage return
 * or a zero byte, and goes on behind a backslash at its end.
 */
export function parseUnit(text: string): UnitSetting[] {
  const settings: UnitSetting[] = [];
  let section = "";
  let begun = "";
  for (const line of text.split(/[\n\r\0]/)) {
    if (begun === "" && /^\s*([#;]|$)/.test(line)) {
      continue;
    }
    const whole = begun + line;
    if (endsEscaped(whole)) {
      begun = `${whole.slice(0, -1)} `;
      continue;
    }
    begun = "";
    const header = /^\[(.*)\]$/.exec(whole);
    if (header !== null) {
      section = header[1] ?? "";
      continue;
    }
    const [name = "", ...value] = whole.split("=");
    settings.push({ section, name, value: value.join("=") });
  }
  return settings;
}

/** Whether the last character is a backslash that no other one takes its meaning from. */
function endsEscaped(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
}

/** Splits a command line as systemd does (systemd.service(5), "COMMAND LINES"). */
export function systemdWords(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return words.map((word) =>
    (word.startsWith('"') ? unescaped(word.slice(1, -1)) : word)
      .replace(/%%/g, "%")
      .replace(/\$\$/g, "$"),
  );
}

function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|(.))/g,
    (_, code: string | undefined, char: string) =>
      code === undefined
        ? char === "n"
          ? "\n"
          : char === "t"
            ? "\t"
            : char
        : String.fromCharCode(parseInt(code, 16)),
  );
}
