import * as path from "node:path";
import { stepLine } from "../toolchain/report";
import { packCorral } from "./pack";

const usage = `npm run pack [-- --out FOLDER]

Makes the npm package of Corral: library, plugin corral-ops and the command corral.
  --out FOLDER   where the tarball goes (default bin)`;

/** The command `npm run pack`; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(usage);
    return 0;
  }
  const [option, folder, ...rest] = args;
  const isRight =
    args.length === 0 ||
    (option === "--out" && folder !== undefined && rest.length === 0);
  if (!isRight) {
    console.error(`Unknown arguments: ${args.join(" ")}\n\n${usage}`);
    return 2;
  }
  const root = path.resolve(__dirname, "../../..");
  const began = Date.now();
  const packed = await packCorral(
    root,
    path.resolve(folder ?? path.join(root, "bin")),
  );
  console.log(stepLine("npm package", "packed", (Date.now() - began) / 1000));
  console.log(
    `${path.relative(process.cwd(), packed.tarball)}: ${kib(packed.bytes)} KiB, ` +
      `unpacked ${kib(packed.unpackedBytes)} KiB in ${packed.files.length} files`,
  );
  return 0;
}

function kib(bytes: number): number {
  return Math.round(bytes / 1024);
}
