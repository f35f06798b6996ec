import { kernelArguments } from "./kernelArguments";
import { tapName } from "./paths";
import type { MachinePlan, PlannedDisk } from "./plan";

/**
 * The command line of QEMU's machine type microvm (https://www.qemu.org/docs/master/system/i386/microvm.html).
 *
 * @param runFolder where its monitor's pipes are.
 * @param shareSockets where the servers of the shared folders listen, in their order.
 */
export function qemuArguments(
  plan: MachinePlan,
  runFolder: string,
  shareSockets: readonly string[] = [],
): string[] {
  return [
    plan.hypervisor.path,
    ...["-name", escaped(plan.name)],
    ...machine(plan, shareSockets.length > 0),
    ...acceleration(plan),
    ...["-m", `${plan.memoryMib}M`],
    ...["-smp", String(plan.vcpus)],
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    ...["-display", "none"],
    ...["-serial", "stdio"],
    ...["-kernel", plan.kernel],
    ...(plan.initrd === undefined ? [] : ["-initrd", plan.initrd]),
    ...["-append", kernelArguments(plan).join(" ")],
    ...plan.disks.flatMap(disk),
    ...plan.interfaces.flatMap(({ mac }, index) => [
      "-netdev",
      `tap,id=net${index},ifname=${tapName(plan.name, index)},script=no,downscript=no`,
      "-device",
      `virtio-net-device,netdev=net${index},mac=${mac}`,
    ]),
    ...["-device", "virtio-rng-device"],
    ...shareSockets.flatMap((socket, index) => [
      ...["-chardev", `socket,id=fs${index},path=${escaped(socket)}`],
      "-device",
      `vhost-user-fs-device,chardev=fs${index},tag=${escaped(plan.shares?.[index]?.name ?? "")}`,
    ]),
    ...(plan.vsockCid === undefined
      ? []
      : ["-device", `vhost-vsock-device,guest-cid=${plan.vsockCid}`]),
    // The keyboard by which the guest is told to shut down.
    ...["-device", "i8042"],
    ...["-chardev", `pipe,id=monitor,path=${escaped(`${runFolder}/monitor`)}`],
    ...["-mon", "chardev=monitor,mode=control"],
  ];
}

/** The servers of shared folders read and write the guest's memory: it has to be shared with them. */
function machine({ memoryMib }: MachinePlan, isShared: boolean): string[] {
  return isShared
    ? [
        ...["-M", "microvm,rtc=on,memory-backend=memory"],
        ...["-global", "virtio-mmio.force-legacy=false"],
        "-object",
        `memory-backend-memfd,id=memory,size=${memoryMib}M,share=on`,
      ]
    : ["-M", "microvm,rtc=on"];
}

function acceleration({ acceleration: kind }: MachinePlan): string[] {
  return kind === "kvm"
    ? ["-accel", "kvm", "-cpu", "host"]
    : ["-accel", `tcg,thread=multi,tb-size=${TRANSLATED_MIB}`, "-cpu", "max"];
}

/**
 * Room for translated code, in MiB. QEMU's own default is a part of the host's memory: the machine's
 * limit would end it after a while.
 */
const TRANSLATED_MIB = 32;

function disk({ name, path, readOnly }: PlannedDisk, index: number): string[] {
  const access = readOnly ? "readonly=on" : "discard=unmap";
  return [
    "-drive",
    `id=disk${index},if=none,format=raw,${access},file=${escaped(path)}`,
    "-device",
    `virtio-blk-device,drive=disk${index},serial=${escaped(name)}`,
  ];
}

/** QEMU parts options at commas; a doubled one means itself. */
function escaped(value: string): string {
  return value.replace(/,/g, ",,");
}
