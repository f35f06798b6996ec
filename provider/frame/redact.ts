/**
 * Keeps secrets out of everything that is shown. Texts shorter than four characters are let
 * through: replacing them would garble every message and tell more than it hides.
 */
export class Redactor {
  private readonly pieces: string[];

  constructor(secrets: readonly string[]) {
    const pieces = new Set<string>();
    for (const secret of secrets) {
      const trimmed = secret.trim();
      if (trimmed.length >= 4) {
        pieces.add(trimmed);
      }
      // A key of many lines may be shown line by line, for instance in a console.
      const lines = trimmed.split(/\r?\n/);
      if (lines.length > 1) {
        lines
          .map((line) => line.trim())
          .filter((line) => line.length >= 12 && !line.startsWith("-----"))
          .forEach((line) => pieces.add(line));
      }
    }
    this.pieces = [...pieces].sort((a, b) => b.length - a.length);
  }

  text(message: string): string {
    return this.pieces.reduce(
      (text, piece) => text.split(piece).join("[secret]"),
      message,
    );
  }

  /** True if the data holds a secret anywhere in its texts. */
  contains(data: unknown): boolean {
    if (typeof data === "string") {
      return this.pieces.some((piece) => data.includes(piece));
    }
    if (typeof data === "object" && data !== null) {
      return Object.values(data).some((field) => this.contains(field));
    }
    return false;
  }
}
