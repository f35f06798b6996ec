import {
  checkToolchain,
  ensureDebianPackages,
  ensureToolchain,
  pieceNames,
  piecesForStart,
  type PieceName,
  type PieceReport,
} from "./index";
import {
  debianGroups,
  groupsForStart,
  missingPackages,
  type DebianGroup,
} from "./debian";
import { seconds, stepLine, table } from "./report";
import { differingSdkFiles, regenerateSdks } from "./sdk";

const usage = `npm run setup [-- OPTION]

Makes this machine ready: Debian packages, the Pulumi CLI and the plugins.
  (none)       what npm start needs
  --all        every piece of the toolchain, and what only some tests need
  --pulumi     only the Pulumi CLI and the plugins, no Debian packages: for CI, and without root
  --check      only report; exit code 1 when something that npm start needs is missing
  --sdk        generate components/sdks anew
  --check-sdk  generate components/sdks into a temporary folder and compare; exit code 1 on a
               difference

Environment:
  CORRAL_HOME                cache folder (default ~/.cache/corral)
  CORRAL_TOOLCHAIN_SOURCES   limits the sources: a list of installed, download, build`;

/** An SDK is generated from what its provider says of itself. */
const piecesForSdks: readonly PieceName[] = [
  ...piecesForStart,
  "proxmoxProvider",
];

const allGroups = Object.keys(debianGroups) as DebianGroup[];
const options = [
  "--all",
  "--pulumi",
  "--check",
  "--sdk",
  "--check-sdk",
  "--help",
];

/** The command `npm run setup`; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const wrong = args.filter((arg) => !options.includes(arg));
  if (wrong.length > 0) {
    console.error(`Unknown argument: ${wrong.join(" ")}\n\n${usage}`);
    return 2;
  }
  if (args.includes("--help")) {
    console.log(usage);
    return 0;
  }
  if (args.includes("--check")) {
    return check();
  }
  if (args.includes("--sdk") || args.includes("--check-sdk")) {
    return sdk(args.includes("--check-sdk"));
  }
  return install(args.includes("--all"), !args.includes("--pulumi"));
}

async function install(all: boolean, withDebian: boolean): Promise<number> {
  const begun = Date.now();
  const wanted = all ? allGroups : groupsForStart;
  for (const group of withDebian ? wanted : []) {
    const groupBegun = Date.now();
    if (missingPackages(group).length > 0) {
      await ensureDebianPackages(group);
    } else {
      const took = (Date.now() - groupBegun) / 1000;
      console.log(stepLine(`Debian packages (${group})`, "ok", took));
    }
  }
  const toolchainBegun = Date.now();
  await ensureToolchain(all ? pieceNames : piecesForStart, {
    replaceStandIns: true,
  });
  const took = (Date.now() - toolchainBegun) / 1000;
  console.log(stepLine("Pulumi CLI and plugins", "ok", took));
  console.log(`Setup is complete (${seconds((Date.now() - begun) / 1000)}).`);
  return 0;
}

async function check(): Promise<number> {
  const reports = await checkToolchain();
  const rows = reports.map((report) => [
    report.title,
    report.version,
    fromWhere(report),
    statusOf(report),
  ]);
  const packageRows = allGroups.map((group) => {
    const missing = missingPackages(group);
    const isOptional = !groupsForStart.includes(group);
    const remedy = isOptional ? " (only with --all)" : "";
    const status =
      missing.length === 0 ? "ready" : `missing: ${missing.join(" ")}${remedy}`;
    return {
      isOptional,
      cells: [`Debian packages (${group})`, "", "", status],
    };
  });
  console.log(
    table([
      ["piece", "version", "from", "status"],
      ...rows,
      ...packageRows.map(({ cells }) => cells),
    ]),
  );
  const complete =
    reports.every(
      (report) => report.status === "ready" || !isForStart(report),
    ) &&
    packageRows.every(
      ({ isOptional, cells }) => isOptional || cells[3] === "ready",
    );
  if (!complete) {
    console.log("\nnpm run setup gets what is missing.");
  }
  return complete ? 0 : 1;
}

function isForStart(report: PieceReport): boolean {
  return piecesForStart.includes(report.piece);
}

function fromWhere(report: PieceReport): string {
  return report.source === undefined
    ? ""
    : `${report.source}, ${seconds(report.seconds ?? 0)}`;
}

function statusOf(report: PieceReport): string {
  return report.status === "missing" && !isForStart(report)
    ? "missing (only with --all)"
    : report.status;
}

async function sdk(onlyCheck: boolean): Promise<number> {
  const toolchain = await ensureToolchain(piecesForSdks);
  const begun = Date.now();
  const took = (): number => (Date.now() - begun) / 1000;
  if (!onlyCheck) {
    await regenerateSdks(toolchain);
    console.log(stepLine("Generated SDKs", "written", took()));
    return 0;
  }
  const differing = await differingSdkFiles(toolchain);
  if (differing.length === 0) {
    console.log(stepLine("Generated SDKs", "as in the repository", took()));
    return 0;
  }
  console.error(
    `These generated files differ from the repository's (npm run setup -- --sdk writes them):\n` +
      differing.map((file) => `  components/sdks/${file}`).join("\n"),
  );
  return 1;
}
