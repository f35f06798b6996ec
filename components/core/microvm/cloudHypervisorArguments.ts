import { kernelArguments } from "./kernelArguments";
import { tapName } from "./paths";
import type { MachinePlan, PlannedDisk } from "./plan";
import { isAtLeast } from "./versions";

/** Name of the API's socket in a machine's folder for sockets. */
export const API_SOCKET = "api.sock";

/**
 * The command line of cloud-hypervisor
 * (https://github.com/cloud-hypervisor/cloud-hypervisor/tree/main/docs).
 *
 * @param runFolder where its sockets are.
 * @param shareSockets where the servers of the shared folders listen, in their order.
 */
export function cloudHypervisorArguments(
  plan: MachinePlan,
  runFolder: string,
  shareSockets: readonly string[] = [],
): string[] {
  const { hypervisor, vcpus, memoryMib, vsockCid } = plan;
  const several = severalValues(hypervisor.version);
  return [
    hypervisor.path,
    ...["--cpus", `boot=${vcpus}`],
    // The servers of shared folders read and write the guest's memory.
    ...[
      "--memory",
      `size=${memoryMib}M${shareSockets.length > 0 ? ",shared=on" : ""}`,
    ],
    ...["--kernel", plan.kernel],
    ...(plan.initrd === undefined ? [] : ["--initramfs", plan.initrd]),
    ...["--cmdline", kernelArguments(plan).join(" ")],
    ...several(
      "--disk",
      plan.disks.map((disk) => diskValue(disk, hypervisor.version)),
    ),
    ...several(
      "--net",
      plan.interfaces.map(
        ({ mac }, index) =>
          // A receiving and a sending queue for each processor.
          `tap=${tapName(plan.name, index)},mac=${mac},num_queues=${2 * vcpus}`,
      ),
    ),
    ...several(
      "--fs",
      shareSockets.map(
        (socket, index) =>
          `tag=${plan.shares?.[index]?.name ?? ""},socket=${socket}`,
      ),
    ),
    ...(vsockCid === undefined
      ? []
      : ["--vsock", `cid=${vsockCid},socket=${runFolder}/vsock.sock`]),
    ...["--rng", "src=/dev/urandom"],
    ...["--console", "null"],
    ...["--serial", "tty"],
    ...["--seccomp", "true"],
    ...["--api-socket", `${runFolder}/${API_SOCKET}`],
  ];
}

/** All values follow one switch; the parser of versions 30 to 35 wants it before each of them. */
function severalValues(version: string) {
  const repeats = isAtLeast(version, "30") && !isAtLeast(version, "36");
  return (name: string, values: readonly string[]): string[] => {
    if (values.length === 0) {
      return [];
    }
    return repeats
      ? values.flatMap((value) => [name, value])
      : [name, ...values];
  };
}

function diskValue({ name, path, readOnly }: PlannedDisk, version: string) {
  return [
    `path=${path}`,
    `readonly=${readOnly ? "on" : "off"}`,
    `serial=${name}`,
    // A guest that writes another format's header into a raw disk must not have it believed.
    ...(isAtLeast(version, "50") ? ["image_type=raw"] : []),
  ].join(",");
}
