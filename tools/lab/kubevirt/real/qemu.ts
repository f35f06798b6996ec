/** What a guest is made of, as QEMU needs it. */
export interface MachineSpec {
  readonly accelerator: "kvm" | "tcg";
  readonly memoryMib: number;
  readonly cpus: number;
  readonly uuid: string | undefined;
  readonly mac: string;
  readonly disk: string;
  readonly cloudInitDisk: string | undefined;
  /** The guests boot without a boot loader, which is quicker without KVM. */
  readonly boot: {
    readonly kernel: string;
    readonly initrd: string;
    readonly arguments: string;
  };
  readonly controlSocket: string;
  readonly agentSocket: string;
  readonly console: string;
}

/** The command line of a guest inside its pod's network namespace. */
export function qemuCommand(spec: MachineSpec): string[] {
  const drive = (id: string, file: string, more: string) => [
    ...["-drive", `if=none,id=${id},file=${file},${more}`],
    ...["-device", `virtio-blk-pci,drive=${id}`],
  ];
  return [
    "qemu-system-x86_64",
    ...[
      "-machine",
      "q35",
      "-display",
      "none",
      "-nodefaults",
      "-no-user-config",
    ],
    ...(spec.accelerator === "kvm"
      ? ["-accel", "kvm", "-cpu", "host"]
      : ["-accel", "tcg,thread=multi", "-cpu", "max"]),
    ...["-m", String(spec.memoryMib), "-smp", String(spec.cpus)],
    ...(spec.uuid === undefined ? [] : ["-uuid", spec.uuid]),
    ...["-kernel", spec.boot.kernel, "-initrd", spec.boot.initrd],
    ...["-append", spec.boot.arguments],
    ...drive("root", spec.disk, "format=qcow2,discard=unmap"),
    ...(spec.cloudInitDisk === undefined
      ? []
      : drive("cloudinit", spec.cloudInitDisk, "format=raw,readonly=on")),
    ...["-netdev", "tap,id=net0,ifname=tap0,script=no,downscript=no"],
    ...["-device", `virtio-net-pci,netdev=net0,mac=${spec.mac}`],
    ...["-device", "virtio-serial-pci"],
    ...[
      "-chardev",
      `socket,id=agent,path=${spec.agentSocket},server=on,wait=off`,
    ],
    ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
    ...["-qmp", `unix:${spec.controlSocket},server=on,wait=off`],
    ...["-serial", `file:${spec.console}`],
    ...["-object", "rng-random,id=rng0,filename=/dev/urandom"],
    ...["-device", "virtio-rng-pci,rng=rng0"],
  ];
}
