import { createHash } from "node:crypto";

/** What a run is for: it is the script's argument, and decides what runs. */
export type FeatureMode = "create" | "update" | "delete";

/** A feature whose values are all known. */
export interface FeatureProgram {
  /** Name of the record in the guest of what ran there last; one for each feature of a guest. */
  readonly key: string;
  readonly script: string;
  readonly check?: string;
  readonly remove?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly triggers?: readonly string[];
  /** Another one means another machine, in which nothing is known to be done. */
  readonly instanceId?: string;
  readonly timeoutSeconds: number;
}

/** Where it keeps things in the guest. */
export interface FeaturePlaces {
  /** Folder of the records. */
  readonly records: string;
  /** Locked while a feature is at work: two package managers cannot be. */
  readonly lock: string;
}

export const FEATURE_PLACES: FeaturePlaces = {
  records: "/var/lib/corral/features",
  lock: "/run/corral-features.lock",
};

/** The only command line that a process list in the guest shows. */
export function featureCommand(label: string, mode: FeatureMode): string {
  return `sh -s ${label} ${mode}`;
}

/**
 * What the command line's shell finds on its standard input: POSIX sh that becomes root, asks the
 * check, runs the script within its time and says how it went. It writes the end of the script's
 * output to standard output, and everything else to standard error.
 */
export function renderFeatureProgram(
  feature: FeatureProgram,
  places: FeaturePlaces = FEATURE_PLACES,
): string {
  const environment = Object.entries(feature.environment ?? {});
  const digest = digestOf(feature);
  const asRoot = [
    "umask 077",
    "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin",
    "label=$1 mode=$2",
    `digest=${digest}`,
    `records=${quoted(places.records)}`,
    `record=$records/${feature.key}`,
    `lock=${quoted(places.lock)}`,
    `limit=${feature.timeoutSeconds}`,
    `script_by=${quoted(interpreterOf(feature.script))}`,
    `check_by=${quoted(interpreterOf(feature.check))}`,
    `remove_by=${quoted(interpreterOf(feature.remove))}`,
    "export PATH label mode digest records record lock limit script_by check_by remove_by",
    "dir=$(mktemp -d) || exit 1",
    "export dir",
    `trap 'rm -rf "$dir"' EXIT`,
    "trap 'exit 129' HUP INT TERM",
    "set -e",
    file("environment", digest, environment.map(exportLine).join("\n")),
    file("mask", digest, maskExpressions(environment)),
    file("script", digest, feature.script),
    ...(feature.check === undefined
      ? []
      : [file("check", digest, feature.check)]),
    ...(feature.remove === undefined
      ? []
      : [file("remove", digest, feature.remove)]),
    file("work", digest, WORK),
    "set +e",
    SUPERVISION,
  ].join("\n");
  return [
    ...(feature.instanceId === undefined
      ? []
      : [`# machine ${feature.instanceId.replace(/[^\w.:-]/g, "_")}`]),
    // A function is read to its end before it runs: nothing in it can take the rest of the input.
    "main() {",
    BECOME_ROOT,
    `$as_root sh -s "$@" <<'${delimiter("program", digest)}'`,
    "main() {",
    asRoot,
    "}",
    'main "$@"',
    delimiter("program", digest),
    "}",
    'main "$@"',
    "",
  ].join("\n");
}

/** Changes when the script has to run again, whatever the check says. */
function digestOf({ script, triggers, environment }: FeatureProgram): string {
  const sorted = Object.entries(environment ?? {}).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return createHash("sha256")
    .update(JSON.stringify([script, triggers ?? [], sorted]))
    .digest("hex");
}

/** A line that no text holds unless it was made to. */
function delimiter(name: string, digest: string): string {
  return `end of ${name} ${digest.slice(0, 16)}`;
}

function file(name: string, digest: string, text: string): string {
  const end = delimiter(name, digest);
  return `cat >"$dir/${name}" <<'${end}'\n${text}\n${end}`;
}

/** What the first line `#!` names, with its argument; `sh` without one. */
function interpreterOf(script: string | undefined): string {
  return /^#!\s*(\S[^\n]*)/.exec(script ?? "")?.[1]?.trim() ?? "sh";
}

function exportLine([name, value]: readonly [string, string]): string {
  return `export ${name}=${quoted(value)}`;
}

/** A text as one word of POSIX sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Shorter texts stand everywhere and are no secrets. */
const SHORTEST_MASKED = 4;

/** sed(1) expressions that mask each line of the values, the longest first. */
function maskExpressions(
  environment: readonly (readonly [string, string])[],
): string {
  return environment
    .flatMap(([, value]) => value.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_MASKED)
    .sort((a, b) => b.length - a.length)
    .map((line) => `s/${line.replace(/[\\/.*[^$]/g, "\\$&")}/[secret]/g`)
    .join("\n");
}

const BECOME_ROOT = `if [ "$(id -u)" = 0 ]; then
  as_root=
elif sudo -n sh -c : </dev/null >/dev/null 2>&1; then
  as_root="sudo -n"
else
  echo "$1: $(id -un) may not act as root without a password. Allow it by a line" \\
    "\\"$(id -un) ALL=(ALL) NOPASSWD:ALL\\" in /etc/sudoers.d (in cloudInit: sudo: true for the" \\
    "user), or log in as root." >&2
  exit 1
fi`;

/** Decides what has to run and runs it. Ends within the time limit, or is ended. */
const WORK = `
say() { printf '%s: %s\\n' "$label" "$*" >&3; }
phase() { printf '%s\\n' "$*" >"$dir/phase"; }
# run NAME INTERPRETER: one of the user's scripts, which inherits nothing of this one.
run() {
  (
    set -- "$2" "$dir/$1" "$dir/environment"
    unset dir label mode digest records record lock limit script_by check_by remove_by
    umask 022
    set -f
    cd /
    export DEBIAN_FRONTEND=noninteractive
    . "$3"
    exec $1 "$2"
  ) </dev/null >"$dir/out" 2>"$dir/err" 3>&- 9>&-
}
if command -v flock >/dev/null 2>&1; then
  exec 9>"$lock"
  if ! flock -n 9; then
    phase "waiting for another feature of this guest"
    say "another feature of this guest is at work; waiting for it (at most $limit s)"
    flock 9
  fi
fi
if [ "$mode" = delete ]; then
  phase "remove script"
  say "removing it (at most $limit s)"
  if [ -f "$dir/remove" ]; then
    run remove "$remove_by" || exit
  fi
  rm -f "$record" || exit
  exit 0
fi
recorded=
[ ! -f "$record" ] || IFS= read -r recorded <"$record"
needed=yes
if [ -f "$dir/check" ]; then
  phase "check"
  if run check "$check_by"; then
    case $recorded in "" | "$digest") needed=no ;; esac
  fi
elif [ "$mode" = update ] && [ "$recorded" = "$digest" ]; then
  needed=no
fi
mkdir -p "$records" || exit
if [ "$needed" = no ]; then
  if [ "$recorded" = "$digest" ]; then
    sed 1d "$record" >"$dir/out"
  else
    : >"$dir/out"
    printf '%s\\n' "$digest" >"$record" || exit
  fi
  exit 0
fi
# Until it is done, the record belongs to no script: a check that holds half-way proves nothing.
printf 'unfinished\\n' >"$record" || exit
phase "script"
say "running its script (at most $limit s)"
run script "$script_by" || exit
if [ -f "$dir/check" ]; then
  cp "$dir/out" "$dir/out-of-script"
  phase "check after the script"
  if ! run check "$check_by"; then
    : >"$dir/check-fails"
    exit 1
  fi
  cp "$dir/out-of-script" "$dir/out"
fi
: >"$dir/done"
`.trim();

/**
 * Runs WORK with a time limit and tells how it went. The outputs are masked, and cleared of what the
 * plugin's protocol cannot carry: bytes that are not UTF-8.
 */
const SUPERVISION = `
if command -v iconv >/dev/null 2>&1; then
  clean() { iconv -c -f UTF-8 -t UTF-8 2>/dev/null; }
else
  clean() { LC_ALL=C tr -cd '\\11\\12\\40-\\176'; }
fi
end_of() {
  tr '\\r' '\\n' <"$dir/$1" | LC_ALL=C tr -d '\\0-\\10\\13\\14\\16-\\37\\177' |
    LC_ALL=C sed -f "$dir/mask" | tail -n "$2" | tail -c 4000 | clean
}
explain() {
  printf '%s: %s\\n' "$label" "$1"
  for stream in err out; do
    if [ -s "$dir/$stream" ]; then
      case $stream in err) name="standard error" ;; out) name="standard output" ;; esac
      printf 'The end of its %s:\\n' "$name"
      end_of "$stream" 20 | sed 's/^/  /'
      break
    fi
  done
  printf '%s\\n' "$2"
} >&2
command -v timeout >/dev/null 2>&1 || {
  echo "$label: the guest has no timeout(1). Install the package coreutils." >&2
  exit 1
}
: >"$dir/out" >"$dir/err"
echo start >"$dir/phase"
kill_after="-k 10"
timeout $kill_after 1 true 2>/dev/null || kill_after=
begun=$(date +%s)
timeout $kill_after "$limit" sh "$dir/work" 3>&2
code=$?
took=$(($(date +%s) - begun))
phase=$(cat "$dir/phase")
case $phase in
"remove script") next="The feature stays in the state; the next update tries again." ;;
*) next="Nothing counts as done; the next update runs it again." ;;
esac
if [ "$code" = 0 ]; then
  end_of out 40 >"$dir/shown"
  if [ -f "$dir/done" ]; then
    { printf '%s\\n' "$digest"; cat "$dir/shown"; } >"$record.new" &&
      mv "$record.new" "$record" || exit
  elif [ "$mode" = delete ]; then
    rmdir "$records" "$(dirname "$records")" 2>/dev/null
  fi
  cat "$dir/shown"
  exit 0
fi
if [ "$took" -ge "$limit" ]; then
  explain "did not end within $limit s and was stopped ($phase)." \\
    "Give it longer by timeoutSeconds, or see what it waits for. $next"
elif [ -f "$dir/check-fails" ]; then
  explain "the script ended without an error, and the check still fails with exit code $code." \\
    "Correct the script or the check. $next"
else
  explain "the $phase failed with exit code $code after $took s." "$next"
fi
exit 1
`.trim();
