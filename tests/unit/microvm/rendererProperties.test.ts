import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import YAML from "yaml";
import { renderStaticNetworkConfig } from "@corral-iac/corral/core/cloudInit";
import { cloudHypervisorArguments } from "@corral-iac/corral/core/microvm/cloudHypervisorArguments";
import {
  firecrackerArguments,
  firecrackerConfig,
} from "@corral-iac/corral/core/microvm/firecrackerConfig";
import { kernelArguments } from "@corral-iac/corral/core/microvm/kernelArguments";
import {
  networkChains,
  networkChainsGone,
} from "@corral-iac/corral/core/microvm/networkChains";
import {
  hostPaths,
  machinePaths,
  machineUnit,
  machineUser,
  tapName,
} from "@corral-iac/corral/core/microvm/paths";
import type { MachinePlan } from "@corral-iac/corral/core/microvm/plan";
import { qemuArguments } from "@corral-iac/corral/core/microvm/qemuArguments";
import { stopScript } from "@corral-iac/corral/core/microvm/stopScript";
import { netmask } from "@corral-iac/corral/core/microvm/subnet";
import {
  configFile,
  shareSockets,
  unitFile,
} from "@corral-iac/corral/core/microvm/unitFile";

import { plans, planWith } from "./plans";

const RUN = "/run/corral-microvm/0";
const SOCKETS = (plan: MachinePlan) => shareSockets(plan, hostPaths);

/** An option of a command line, and the values behind it. */
interface Option {
  readonly name: string;
  readonly values: readonly string[];
}

/** The options of a command, each with as many values as there are before the next one of these names. */
function optionsOf(words: readonly string[], names: RegExp): Option[] {
  const options: { name: string; values: string[] }[] = [];
  for (const word of words) {
    if (names.test(word)) {
      options.push({ name: word, values: [] });
    } else {
      (options.at(-1) ?? assert.fail(`${word} is no option`)).values.push(word);
    }
  }
  return options;
}

const keysOf = (value: string) =>
  value.split(/(?<!,),(?!,)/).map((part) => part.replace(/=[^]*$/, ""));

describe("the hypervisors' command lines", () => {
  it("of QEMU have the options of the machine's shape, and their keys", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const options = optionsOf(
          qemuArguments(plan, RUN, SOCKETS(plan)).slice(1),
          /^-(name|M|accel|cpu|m|smp|nodefaults|no-user-config|no-reboot|display|serial|kernel|initrd|append|drive|device|netdev|chardev|mon|object|global)$/,
        );
        const of = (name: string) =>
          options.flatMap((one) => (one.name === name ? [one.values] : []));
        for (const { name, values } of options) {
          const most = /^-(nodefaults|no-user-config|no-reboot)$/.test(name);
          assert.equal(values.length, most ? 0 : 1, name);
        }
        assert.deepEqual(
          of("-drive").map(([value = ""]) => keysOf(value)),
          plan.disks.map(({ readOnly }) => [
            ...["id", "if", "format"],
            readOnly ? "readonly" : "discard",
            "file",
          ]),
        );
        assert.equal(
          of("-device").length,
          plan.disks.length +
            plan.interfaces.length +
            (plan.shares?.length ?? 0) +
            2 +
            (plan.vsockCid === undefined ? 0 : 1),
        );
        assert.deepEqual(of("-append"), [[kernelArguments(plan).join(" ")]]);
      }),
    );
  });

  it("of cloud-hypervisor too", () => {
    fc.assert(
      fc.property(plans.filter(withoutCommas), (plan) => {
        const options = optionsOf(
          cloudHypervisorArguments(plan, RUN, SOCKETS(plan)).slice(1),
          /^--(cpus|memory|kernel|initramfs|cmdline|disk|net|vsock|rng|console|serial|seccomp|api-socket|fs)$/,
        );
        const values = (name: string) =>
          options
            .filter((one) => one.name === name)
            .flatMap((one) => one.values);
        assert.equal(values("--disk").length, plan.disks.length);
        for (const [index, value] of values("--disk").entries()) {
          const keys = keysOf(value);
          assert.deepEqual(keys.slice(0, 3), ["path", "readonly", "serial"]);
          assert.deepEqual(
            keys.slice(3).filter((key) => key !== "image_type"),
            [],
          );
          assert.ok(value.startsWith(`path=${plan.disks[index]?.path ?? ""},`));
        }
        assert.deepEqual(
          values("--net").map(keysOf),
          plan.interfaces.map(() => ["tap", "mac", "num_queues"]),
        );
        assert.deepEqual(
          values("--fs"),
          SOCKETS(plan).map(
            (socket, index) =>
              `tag=${plan.shares?.[index]?.name ?? ""},socket=${socket}`,
          ),
        );
        assert.deepEqual(
          values("--memory").map(keysOf),
          plan.shares?.length ? [["size", "shared"]] : [["size"]],
        );
        assert.deepEqual(values("--cmdline"), [
          kernelArguments(plan).join(" "),
        ]);
      }),
    );
  });

  it("of Firecracker name the machine and its parts as it allows", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const words = firecrackerArguments(plan, "/config", `${RUN}/api`);
        assert.match(words.at(-1) ?? "", /^[A-Za-z0-9-]{1,64}$/);
        assert.equal(words.length, 7);
        const { drives } = firecrackerConfig(plan, RUN) as {
          drives: { drive_id: string }[];
        };
        assert.deepEqual(
          new Set(drives.map(({ drive_id: id }) => id)).size,
          new Set(plan.disks.map(({ name }) => name)).size,
        );
      }),
    );
  });
});

describe("kernel arguments of any machine", () => {
  it("are words, of which the user's come last, and read back as the address", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const all = kernelArguments(plan);
        assert.deepEqual(all.join(" ").split(" "), all);
        const own = all.slice(0, all.length - plan.kernelArguments.length);
        assert.deepEqual(all.slice(own.length), plan.kernelArguments);
        const [first] = plan.interfaces;
        const [ip = ""] = own.filter((word) => word.startsWith("ip="));
        assert.deepEqual(ip.slice(3).split(":"), [
          ...[first?.address, "", first?.gateway, netmask(first?.prefix ?? 0)],
          ...[plan.hostname, "eth0", "off"],
        ]);
      }),
    );
  });
});

describe("chains of nftables of any machine", () => {
  const STATEMENT =
    /^(table (inet|arp) corral_\w+ \{|map from_machine \{ type ifname : verdict; \}|chain (from|to|arp)_cv\w+ \{\}?|\}|(flush|delete) chain (inet|arp) corral_\w+ (from|to|arp)_cv\w+|(add|delete) element (inet|arp) corral_\w+ (from|to)_machine \{ "cv\w{1,13}"( : (jump|goto) (from|to|arp)_cv\w+)? \}|(ether|ip|arp|meta|ct|icmp|tcp|udp)( [\w.:!=,{}/-]+)+ (accept|drop)|accept|drop)?$/;

  it("hold to the machine's own, line by line", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const taps = plan.interfaces.map((_, index) =>
          tapName(plan.name, index),
        );
        for (const text of [networkChains(plan), networkChainsGone(plan)]) {
          for (const line of text.split("\n").map((part) => part.trim())) {
            assert.match(line, STATEMENT);
            for (const [, tap = ""] of line.matchAll(/_(cv\w+)|"(cv\w+)"/g)) {
              assert.ok(tap === "" || taps.includes(tap), line);
            }
          }
        }
      }),
    );
  });
});

describe("cloud-init's network configuration of any machine", () => {
  it("reads back as its interfaces, of which the first one is the way out", () => {
    fc.assert(
      fc.property(plans, ({ interfaces }) => {
        const { ethernets } = YAML.parse(
          renderStaticNetworkConfig(interfaces),
        ) as { ethernets: Record<string, object> };
        assert.deepEqual(
          Object.entries(ethernets),
          interfaces.map(({ mac, address, prefix, gateway }, index) => [
            `eth${index}`,
            {
              match: { macaddress: mac },
              "set-name": `eth${index}`,
              addresses: [`${address}/${prefix}`],
              ...(index === 0 && {
                routes: [{ to: "0.0.0.0/0", via: gateway }],
              }),
            },
          ]),
        );
      }),
    );
  });
});

describe("everything that is rendered of a machine", () => {
  const all = (plan: MachinePlan) => [
    unitFile(plan, hostPaths),
    configFile(plan, hostPaths),
    networkChains(plan),
    networkChainsGone(plan),
    stopScript(plan, hostPaths),
  ];

  it("is the same again, however the plan's fields are ordered", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        assert.deepEqual(all(turnedAround(plan) as MachinePlan), all(plan));
      }),
    );
  });

  it("keeps to the limits of kernel and systemd", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,150}$/),
        (name) => {
          const taps = Array.from({ length: 8 }, (_, nic) =>
            tapName(name, nic),
          );
          assert.equal(new Set(taps).size, 8);
          assert.ok(taps.every((tap) => tap.length <= 15));
          assert.ok(machineUser(name).length <= 31);
          assert.ok(machineUnit(name).length <= 255);
          const { run } = machinePaths(name, hostPaths);
          assert.ok(`${run}/monitor.out`.length <= 107);
        },
      ),
    );
  });

  it("is, to stop it, a script that the shell can read and that waits as long as it may", () => {
    fc.assert(
      fc.property(plans, fc.nat(3600), (any, stopTimeoutSeconds) => {
        const plan = { ...any, stopTimeoutSeconds };
        const script = stopScript(plan, hostPaths);
        execFileSync("/bin/sh", ["-n"], { input: script });
        const waits = script
          .split("\n")
          .filter((line) => line.includes("tail --pid"));
        assert.deepEqual(
          waits,
          plan.stopTimeoutSeconds === 0
            ? []
            : [
                `timeout ${plan.stopTimeoutSeconds} tail --pid="$1" -f /dev/null`,
              ],
        );
      }),
      { numRuns: 20 },
    );
  });

  it("is a script that waits for nothing where the guest is given no time to shut down", () => {
    const input = stopScript(planWith({ stopTimeoutSeconds: 0 }), hostPaths);
    // It is handed a process that does not end.
    execFileSync("/bin/sh", ["-s", String(process.pid)], {
      input,
      timeout: 2000,
    });
  });
});

/** The arguments' checks let no comma through, which cloud-hypervisor has no way to write. */
function withoutCommas({ disks }: MachinePlan): boolean {
  return disks.every(({ path }) => !path.includes(","));
}

/** The same value, with the fields of every object in the other order. */
function turnedAround(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(turnedAround);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, inner]) => [name, turnedAround(inner)]),
      )
    : value;
}
