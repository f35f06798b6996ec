import { createHash } from "node:crypto";

import { canonicalJson } from "../../canonicalJson";
import { shellWord } from "../../shellWord";
import { type OwnershipStamp, STAMP_FIELDS, stampFields } from "../../stamp";

/** How a step's script says that it did not do its work. */
export const REFUSED = 65;
/** What is wanted belongs to somebody else: the script prints the record that says to whom. */
export const TAKEN = 75;

/** What a step has told: the last value of each word. */
export class Answer {
  private readonly lines: readonly (readonly [string, string])[];

  constructor(stdout: string) {
    this.lines = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const end = line.search(/ |$/);
        return [line.slice(0, end), line.slice(end + 1)];
      });
  }

  get(word: string): string | undefined {
    return this.all(word).at(-1);
  }

  all(word: string): string[] {
    return this.lines
      .filter(([found]) => found === word)
      .map(([, value]) => value);
  }

  /** What the script always tells. */
  must(word: string): string {
    const value = this.get(word);
    if (value === undefined) {
      throw new Error(`the host's answer has no line "${word}"`);
    }
    return value;
  }
}

/** The stamp in a record on the host; undefined: it is none of ours. */
export function stampOf(record: string): OwnershipStamp | undefined {
  try {
    // Lines of the step's answer may stand before it.
    const { stamp } = JSON.parse(record.slice(record.indexOf("{"))) as {
      stamp?: Record<string, unknown>;
    };
    return stamp &&
      STAMP_FIELDS.every((field) => typeof stamp[field] === "string")
      ? stampFields((field) => String(stamp[field]))
      : undefined;
  } catch {
    return undefined;
  }
}

/** A record as it lies on the host: the stamp, and what else is worth knowing. */
export function recordText(stamp: OwnershipStamp, more: object): string {
  const owner = stampFields((field) => stamp[field]);
  return `${canonicalJson({ stamp: owner, ...more }, 2)}\n`;
}

/** A call of one of the script's functions or commands, with its words quoted. */
export function call(...words: readonly (string | number)[]): string {
  return words.map((word) => shellWord(String(word))).join(" ");
}

/** What a `put` of a file that was cut off may have left. */
export function hiddenNew(path: string): string {
  return path.replace(/[^/]*$/, ".$&.new");
}

/** What the scripts have in common. */
export const FUNCTIONS = `
set -u
refuse() { printf '%s\\n' "$1" | tr '\\n' ' ' >&2; exit ${REFUSED}; }
# process PID: its group and when it started, which together with the number names no other one.
process() { read -r stat <"/proc/$1/stat" && set -- \${stat##*) } && echo "$3 \${20}"; } 2>/dev/null
# lock FILE KEY: alone until the script ends. Whoever has the lock may take its file away. Of two with the
# same key the earlier one is of a run that is dead, as only one works on a stack: it is ended.
lock() {
  while :; do
    mkdir -p "\${1%/*}" && exec 9>>"$1" || refuse "the lock $1 cannot be made"
    flock -n 9 || { end_earlier "$1" "$2"; flock -w 120 9; } || refuse "somebody else has held the lock $1 for 120 s; run up again"
    [ "$(stat -c %i "$1" 2>/dev/null)" != "$(stat -L -c %i /proc/self/fd/9)" ] || break
  done
  echo "$2 $$ $(process $$)" >"$1"
  # An empty line: where nobody reads any more, this ends the script before it changes anything.
  echo || exit ${REFUSED}
}
end_earlier() {
  read -r key pid group started <"$1" && [ "$key" = "$2" ] && [ "$(process "$pid")" = "$group $started" ] || return 0
  kill -TERM "-$group" && { sleep 0.3; kill -KILL "-$group"; }
} 2>/dev/null
# owner RECORD: the id of its stamp.
owner() { sed -n 's/^ *"id": "\\([0-9a-f]\\{16\\}\\)",*$/\\1/p' "$1" 2>/dev/null | head -n 1; }
# own RECORD ID: goes on when the record is ours, or there is none.
own() {
  [ -e "$1" ] || return 0
  [ "$(owner "$1")" = "$2" ] || { cat "$1"; exit ${TAKEN}; }
}
# put FILE MODE TEXT: the whole file or the old one; true if it has changed.
put() {
  if [ -f "$1" ] && [ "$(cat "$1"; echo .)" = "$3." ] && [ "$(stat -c %a "$1")" = "$2" ]; then return 1; fi
  # Hidden, so that what a kill leaves behind is taken for nothing.
  new=\${1%/*}/.\${1##*/}.new
  printf '%s' "$3" >"$new" && chmod "$2" "$new" && sync "$new" && mv "$new" "$1" ||
    refuse "$1 cannot be written"
}`;

/** As sha256sum tells it. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
