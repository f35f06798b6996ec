import { table } from "../toolchain/report";
import { labDown, type LabStatus, labStatus, labUp } from ".";
import { hostDown, hostStatus, hostUp } from "./host";
import { kubevirtDown, kubevirtStatus, kubevirtUp } from "./kubevirt";
import {
  environmentFile,
  proxmoxDown,
  proxmoxStatus,
  proxmoxUp,
} from "./proxmox/process";

const usage = `npm run lab -- up|down|status libvirt|proxmox|host|kubevirt [OPTIONS]

libvirt
  up       starts the daemon if none runs, builds the guest image once, makes the storage pool
  down     removes all that up made; the built image stays
           --force  removes machines that still use the lab too
           --purge  removes the built images too
  status   shows the parts; exit code 3 when the lab is not up

proxmox    a simulated Proxmox VE, whose machines are guests of the lab for libvirt
  up       brings up the lab for libvirt, then the simulator as a process of its own
           --no-guests  machines run in the books only; needs no lab for libvirt
  down     ends it and removes its machines, networks and disks
  status   shows the parts; exit code 3 when it is not up

host       a Linux host with a systemd of its own in a container, for microVMs; needs root
  up       builds its root folder and a tiny guest once, starts it, puts the guest's files onto it
  down     ends it and removes all of it; what was built stays
  status   shows the parts; exit code 3 when it is not up

kubevirt   a Kubernetes control plane with KubeVirt; its machines run in the books only
  up       builds its programs once (a quarter of an hour), then starts them
  down     ends them and removes all that they kept
  status   shows the parts; exit code 3 when it is not up`;

/** A lab as the command sees it. */
interface Lab {
  /** Options by verb. */
  readonly options: Readonly<Record<string, readonly string[]>>;
  up(flags: readonly string[]): Promise<void>;
  down(flags: readonly string[]): Promise<void>;
  status(): Promise<LabStatus>;
}

const labs: Readonly<Record<string, Lab>> = {
  libvirt: {
    options: { down: ["--force", "--purge"] },
    up: async () => {
      await labUp("libvirt");
    },
    down: (flags) =>
      labDown("libvirt", {
        force: flags.includes("--force"),
        purge: flags.includes("--purge"),
      }),
    status: () => labStatus("libvirt"),
  },
  proxmox: {
    options: { up: ["--no-guests"] },
    up: async (flags) => {
      const guests = flags.includes("--no-guests") ? "none" : "libvirt";
      if (guests === "libvirt") {
        await labUp("libvirt");
      }
      const { endpoint } = await proxmoxUp({ guests });
      console.log(
        `\nAPI: ${endpoint}\nVariables for the shell: set -a; . ${environmentFile()}; set +a`,
      );
    },
    down: () => proxmoxDown(),
    status: () => Promise.resolve(proxmoxStatus()),
  },
  host: {
    options: {},
    up: async () => {
      console.log(`\n${await hostUp()}`);
    },
    down: () => hostDown(),
    status: () => Promise.resolve(hostStatus()),
  },
  kubevirt: {
    options: {},
    up: async () => {
      const { kubeconfig } = await kubevirtUp();
      console.log(`\nFor kubectl: export KUBECONFIG=${kubeconfig}`);
    },
    down: () => kubevirtDown(),
    status: () => Promise.resolve(kubevirtStatus()),
  },
};

/** `npm run lab`. Exit codes: 0 done or up, 2 wrong usage, 3 not up. */
export async function main(args: readonly string[]): Promise<number> {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const [verb = "", kind = "", ...rest] = args.filter(
    (arg) => !arg.startsWith("-"),
  );
  const lab = labs[kind];
  const faults = faultsOf(verb, kind, flags, rest);
  if (lab === undefined || faults.length > 0) {
    console.error(`${faults.join("\n")}\n\n${usage}`);
    return 2;
  }
  switch (verb) {
    case "up":
      await lab.up(flags);
      return 0;
    case "down":
      await lab.down(flags);
      return 0;
    default:
      return show(kind, await lab.status());
  }
}

function show(kind: string, { up, parts }: LabStatus): number {
  console.log(
    table([
      ["PART", "STATE"],
      ...parts.map(({ part, state }) => [part, state]),
    ]),
  );
  console.log(
    up
      ? "\nThe lab is up."
      : `\nThe lab is not up. Bring it up by: npm run lab -- up ${kind}`,
  );
  return up ? 0 : 3;
}

function faultsOf(
  verb: string,
  kind: string,
  flags: readonly string[],
  rest: readonly string[],
): string[] {
  const lab = labs[kind];
  const allowed = lab?.options[verb] ?? [];
  return [
    ...(["up", "down", "status"].includes(verb)
      ? []
      : [`"${verb}" is not one of up, down, status.`]),
    ...(lab === undefined
      ? [`"${kind}" is not a lab; there are: ${Object.keys(labs).join(", ")}.`]
      : []),
    ...flags
      .filter((flag) => !allowed.includes(flag))
      .map((flag) => `${flag} is not an option of ${verb} ${kind}.`),
    ...rest.map((extra) => `"${extra}" is one argument too many.`),
  ];
}
