import { table } from "../toolchain/report";
import { labDown, type LabKind, labStatus, labUp } from ".";

const usage = `npm run lab -- up|down|status libvirt [--force] [--purge]

  up       starts the daemon if none runs, builds the guest image once, makes the storage pool
  down     removes all that up made; the built image stays
           --force  removes machines that still use the lab too
           --purge  removes the built images too
  status   shows the parts; exit code 3 when the lab is not up`;

/** `npm run lab`. Exit codes: 0 done or up, 2 wrong usage, 3 not up. */
export async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const [verb = "", kind = "", ...rest] = args.filter(
    (arg) => !arg.startsWith("-"),
  );
  const faults = faultsOf(verb, kind, flags, rest);
  if (faults.length > 0) {
    console.error(`${faults.join("\n")}\n\n${usage}`);
    return 2;
  }
  const lab = kind as LabKind;
  switch (verb) {
    case "up":
      await labUp(lab);
      return 0;
    case "down":
      await labDown(lab, {
        force: flags.includes("--force"),
        purge: flags.includes("--purge"),
      });
      return 0;
    default: {
      const { up, parts } = await labStatus(lab);
      console.log(
        table([
          ["PART", "STATE"],
          ...parts.map(({ part, state }) => [part, state]),
        ]),
      );
      console.log(
        up
          ? "\nThe lab is up."
          : "\nThe lab is not up. Bring it up by: npm run lab -- up libvirt",
      );
      return up ? 0 : 3;
    }
  }
}

function faultsOf(
  verb: string,
  kind: string,
  flags: readonly string[],
  rest: readonly string[],
): string[] {
  const allowed = verb === "down" ? ["--force", "--purge"] : [];
  return [
    ...(["up", "down", "status"].includes(verb)
      ? []
      : [`"${verb}" is not one of up, down, status.`]),
    ...(kind === "libvirt"
      ? []
      : [`"${kind}" is not a lab; there is: libvirt.`]),
    ...flags
      .filter((flag) => !allowed.includes(flag))
      .map((flag) => `${flag} is not an option of ${verb}.`),
    ...rest.map((extra) => `"${extra}" is one argument too many.`),
  ];
}
