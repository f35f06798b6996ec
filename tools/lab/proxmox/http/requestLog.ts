import * as fs from "node:fs";

/** One request as the simulator answered it. */
export interface RequestRecord {
  /** When it came, in ISO format. */
  readonly at: string;
  readonly method: string;
  /** Below /api2/json, without the query, still percent-encoded. */
  readonly path: string;
  /** Query and body. Passwords and file contents are left out. */
  readonly parameters: Readonly<Record<string, string | string[]>>;
  /** Answered status; 0 when the connection was cut or never answered. */
  readonly status: number;
  /** Reason phrase of the answer. */
  readonly reason: string;
  /** Token or user; undefined when there was none. */
  readonly user?: string;
  readonly milliseconds: number;
}

/** Parameters that may hold what nobody may read in a log. */
function isSecret(name: string, path: string): boolean {
  return (
    ["cipassword", "password", "input-data"].includes(name) ||
    (name === "content" && path.endsWith("/agent/file-write"))
  );
}

/** All requests since the simulator was made, appended to a file: one JSON text a line. */
export class RequestLog {
  private readonly records: RequestRecord[];

  constructor(private readonly file: string) {
    this.records = fs.existsSync(file)
      ? fs
          .readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as RequestRecord)
      : [];
  }

  get all(): readonly RequestRecord[] {
    return this.records;
  }

  add(record: RequestRecord): void {
    const parameters = Object.fromEntries(
      Object.entries(record.parameters).map(([name, value]) => [
        name,
        isSecret(name, record.path) ? "<hidden>" : value,
      ]),
    );
    const kept = { ...record, parameters };
    this.records.push(kept);
    fs.appendFileSync(this.file, `${JSON.stringify(kept)}\n`);
  }
}
