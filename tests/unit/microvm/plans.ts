import * as fc from "fast-check";
import { cloudHypervisorArguments } from "@corral-iac/corral/core/microvm/cloudHypervisorArguments";
import { firecrackerArguments } from "@corral-iac/corral/core/microvm/firecrackerConfig";
import { hostPaths, machinePaths } from "@corral-iac/corral/core/microvm/paths";
import type {
  HypervisorKind,
  MachinePlan,
} from "@corral-iac/corral/core/microvm/plan";
import { qemuArguments } from "@corral-iac/corral/core/microvm/qemuArguments";
import { shareSockets } from "@corral-iac/corral/core/microvm/unitFile";

/** A machine with a bit of everything. */
export function planWith(changes: Partial<MachinePlan> = {}): MachinePlan {
  return {
    name: "corral-dev-web",
    hostname: "web",
    stamp: {
      id: "0123456789abcdef",
      project: "corral",
      stack: "dev",
      component: "MicroVm",
      name: "web",
    },
    hypervisor: {
      kind: "qemu",
      version: "7.2.22",
      path: "/usr/bin/qemu-system-x86_64",
    },
    acceleration: "tcg",
    vcpus: 1,
    memoryMib: 256,
    kernel: "/images/vmlinuz",
    initrd: "/images/initrd",
    kernelArguments: [],
    disks: [
      {
        name: "data",
        path: "/volumes/data.raw",
        readOnly: false,
        grows: true,
        revision: "1",
      },
    ],
    hasRootDisk: false,
    interfaces: [
      {
        network: "default",
        address: "10.0.0.2",
        gateway: "10.0.0.1",
        prefix: 24,
        mac: "52:54:00:12:34:56",
      },
    ],
    allow: [],
    restart: "always",
    cpuQuotaPercent: 100,
    memoryOverheadMib: 128,
    stopTimeoutSeconds: 30,
    ...changes,
  };
}

const versions: Record<HypervisorKind, readonly string[]> = {
  qemu: ["7.2.22", "10.0.2"],
  cloudHypervisor: ["28.0", "33.0", "39.0", "51.1"],
  firecracker: ["1.0.0", "1.13.1"],
};

const letters = "abcdefghijklmnopqrstuvwxyz";
/** `fc.stringMatching` takes ten times as long. */
const text = (alphabet: string, maxLength: number) =>
  fc.string({
    unit: fc.constantFrom(...alphabet),
    minLength: 1,
    maxLength,
  });

const path = text(`${letters}AZ09_.,:@+-`, 20).map((name) => `/${name}`);
const octet = fc.integer({ min: 0, max: 255 });
const address = fc
  .tuple(octet, octet, octet, octet)
  .map((all) => all.join("."));
const hexByte = octet.map((byte) => byte.toString(16).padStart(2, "0"));
const mac = fc
  .array(hexByte, { minLength: 5, maxLength: 5 })
  .map((bytes) => ["52", ...bytes].join(":"));
const printable = Array.from({ length: 94 }, (_, index) =>
  String.fromCharCode(33 + index),
).join("");
const word = text(printable, 12);
const label = text(`${letters}09-`, 15);

/** Any machine that the arguments' checks would let through. */
export const plans: fc.Arbitrary<MachinePlan> = fc
  .constantFrom<HypervisorKind>("qemu", "cloudHypervisor", "firecracker")
  .chain((kind) =>
    fc
      .record({
        name: text(`${letters}09-`, 60).map((end) => `m${end}`),
        version: fc.constantFrom(...versions[kind]),
        vcpus: fc.integer({ min: 1, max: 16 }),
        memoryMib: fc.integer({ min: 32, max: 65536 }),
        kernel: path,
        initrd: fc.option(path, { nil: undefined }),
        kernelArguments: fc.array(word, { maxLength: 4 }),
        disks: fc.array(
          fc.record({
            name: label,
            path,
            readOnly: fc.boolean(),
            grows: fc.boolean(),
            revision: fc.constant("r"),
          }),
          { maxLength: 3 },
        ),
        interfaces: fc.array(
          fc.record({
            network: text(`${letters}09-`, 10).map((end) => `n${end}`),
            address,
            gateway: address,
            prefix: fc.integer({ min: 8, max: 30 }),
            mac,
          }),
          { minLength: 1, maxLength: 3 },
        ),
        vsockCid: fc.option(fc.integer({ min: 3, max: 10000 }), {
          nil: undefined,
        }),
        allow: fc.array(
          fc.record({
            protocol: fc.constantFrom("tcp", "udp", "icmp"),
            ports: fc.array(fc.integer({ min: 1, max: 65535 }), {
              maxLength: 3,
            }),
            from: fc.array(address, { maxLength: 3 }),
          }),
          { maxLength: 3 },
        ),
        shares: fc.uniqueArray(
          fc.record({
            name: text(`${letters}09-`, 15).map((end) => `s${end}`),
            hostPath: path,
            readOnly: fc.boolean(),
          }),
          {
            selector: ({ name }) => name,
            maxLength: kind === "firecracker" ? 0 : 2,
          },
        ),
        isKvm: fc.boolean(),
      })
      .map(({ version, initrd, vsockCid, isKvm, ...given }) =>
        withoutUndefined(
          planWith({
            ...given,
            allow: given.allow.map((rule) => ({
              ...rule,
              protocol: rule.protocol as "tcp" | "udp" | "icmp",
            })),
            hypervisor: { kind, version, path: `/usr/bin/${kind}` },
            acceleration: kind === "qemu" && !isKvm ? "tcg" : "kvm",
          }),
          { initrd, vsockCid },
        ),
      ),
  );

function withoutUndefined(
  { initrd: _initrd, vsockCid: _vsockCid, ...plan }: MachinePlan,
  optional: {
    readonly initrd: string | undefined;
    readonly vsockCid: number | undefined;
  },
): MachinePlan {
  return {
    ...plan,
    ...(optional.initrd !== undefined && { initrd: optional.initrd }),
    ...(optional.vsockCid !== undefined && { vsockCid: optional.vsockCid }),
  };
}

/** What starts the machine's hypervisor. */
export function commandOf(plan: MachinePlan): string[] {
  const { run, config } = machinePaths(plan.name, hostPaths);
  switch (plan.hypervisor.kind) {
    case "qemu":
      return qemuArguments(plan, run, shareSockets(plan, hostPaths));
    case "cloudHypervisor":
      return cloudHypervisorArguments(plan, run, shareSockets(plan, hostPaths));
    case "firecracker":
      return firecrackerArguments(plan, config, `${run}/api.sock`);
  }
}
