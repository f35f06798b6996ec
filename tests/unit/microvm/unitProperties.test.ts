import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  hostPaths,
  machinePaths,
  machineUnit,
  machineUser,
  networkPaths,
  sharePaths,
  shareUnit,
  tapName,
} from "@corral-iac/corral/core/microvm/paths";
import { shareUnitFile } from "@corral-iac/corral/core/microvm/sharedFolders";
import {
  commandLine,
  commandLines,
  settingText,
} from "@corral-iac/corral/core/microvm/systemdText";
import { unitFile } from "@corral-iac/corral/core/microvm/unitFile";

import { commandOf, plans, planWith } from "./plans";
import { parseUnit, systemdWords, type UnitSetting } from "./systemdUnit";

/** Any text that can be an argument of a process: no zero byte. */
const anyText = fc
  .string({ unit: "binary", maxLength: 30 })
  .map((text) => text.replaceAll("\0", ""));
const nasty = fc.constantFrom(
  ..."%$\\\"';#=,{}[]\n\r\t\v \u2028é".split(""),
  ...["%n", "${HOME}", "\\x41", "\\\n", "\nUser=root", "; rm", "-net", "@/x"],
);
const anyWord = fc.oneof(
  anyText,
  fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join("")),
);

const named = (settings: readonly UnitSetting[], name: string) =>
  settings.filter((one) => one.name === name).map(({ value }) => value);

describe("text in a unit file", () => {
  it("comes out of a command line as it went in, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.array(anyWord, { minLength: 1, maxLength: 5 }),
        (words) => {
          for (const line of [commandLine(words), commandLines(words)]) {
            const settings = parseUnit(
              `[Service]\nExecStart=${line}\nAfter=x\n`,
            );
            assert.deepEqual(
              settings.map(({ name }) => name),
              ["ExecStart", "After"],
            );
            assert.deepEqual(systemdWords(settings[0]?.value ?? ""), words);
          }
        },
      ),
    );
  });

  it("adds no setting, and takes none in", () => {
    fc.assert(
      fc.property(anyWord, (text) => {
        const settings = parseUnit(
          `[Unit]\nDescription=x${settingText(text)}\nAfter=y\n`,
        );
        assert.deepEqual(
          settings.map(({ name }) => name),
          ["Description", "After"],
        );
        // Each specifier is the sign itself.
        const [description = ""] = named(settings, "Description");
        assert.doesNotMatch(description.replaceAll("%%", ""), /%/);
      }),
    );
  });
});

/** What a unit has once, whatever the machine is called and has. */
const ONCE = [
  ...["Description", "Type", "User", "SyslogIdentifier", "Environment"],
  ...["RuntimeDirectory", "RuntimeDirectoryMode", "ExecStart", "ExecStop"],
  ...["Restart", "MemoryMax", "CPUQuota", "TasksMax", "NoNewPrivileges"],
  ...["CapabilityBoundingSet", "DevicePolicy", "ProtectSystem", "WantedBy"],
  ...["SystemCallFilter", "RestrictNamespaces", "TimeoutStopSec"],
];

describe("the unit of any machine", () => {
  it("has each setting of its shape, and no other's", () => {
    // The settings of a machine that has one of everything.
    const shape = new Set<string>();
    fc.assert(
      fc.property(plans, (plan) => {
        const settings = parseUnit(unitFile(plan, hostPaths));
        for (const name of ONCE) {
          assert.equal(named(settings, name).length, 1, name);
        }
        assert.deepEqual(
          [...new Set(settings.map(({ section }) => section))],
          ["Unit", "Service", "Install"],
        );
        settings.forEach(({ name }) => shape.add(name));
        assert.deepEqual(named(settings, "CapabilityBoundingSet"), [""]);
        assert.deepEqual(
          named(settings, "ReadWritePaths").flatMap(systemdWords),
          plan.disks.flatMap(({ path, readOnly }) => (readOnly ? [] : [path])),
        );
        assert.deepEqual(
          named(settings, "DeviceAllow").includes("/dev/kvm rw"),
          plan.acceleration === "kvm",
        );
      }),
    );
    assert.ok([...shape].every((name) => /^[A-Z][A-Za-z]+$/.test(name)));
  });

  it("allows more tasks than there are processors and queues, whatever it has", () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 255 }), (plan, vcpus) => {
        const [most = ""] = named(
          parseUnit(unitFile({ ...plan, vcpus }, hostPaths)),
          "TasksMax",
        );
        const devices = plan.interfaces.length + plan.disks.length;
        assert.ok(Number(most) >= vcpus * (1 + devices) + 256);
      }),
    );
  });

  it("starts the hypervisor with exactly its words", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const [start = ""] = named(
          parseUnit(unitFile(plan, hostPaths)),
          "ExecStart",
        );
        assert.deepEqual(systemdWords(start), commandOf(plan));
      }),
    );
  });

  it("makes and removes each of its interfaces, and no other", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const settings = parseUnit(unitFile(plan, hostPaths));
        const taps = plan.interfaces.map((_, index) =>
          tapName(plan.name, index),
        );
        const made = named(settings, "ExecStartPre").flatMap((line) => {
          const words = systemdWords(line.replace(/^[+-]+/, ""));
          return words[1] === "tuntap" ? [words[4]] : [];
        });
        const gone = named(settings, "ExecStopPost").flatMap((line) => {
          const words = systemdWords(line.replace(/^[+-]+/, ""));
          return words[1] === "link" ? [words[3]] : [];
        });
        assert.deepEqual([made, gone], [taps, taps]);
      }),
    );
  });

  it("loads the rules of its networks before its own, in case that somebody has removed them", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const loaded = named(
          parseUnit(unitFile(plan, hostPaths)),
          "ExecStartPre",
        ).filter((line) => line.includes("nft -f "));
        const networks = new Set(plan.interfaces.map(({ network }) => network));
        assert.deepEqual(loaded, [
          ...[...networks].map(
            (network) => `+-nft -f ${networkPaths(network, hostPaths).rules}`,
          ),
          `+nft -f ${machinePaths(plan.name, hostPaths).rules}`,
        ]);
      }),
    );
  });

  it("has the host answer for the machine in the network of its interface, as long as it runs", () => {
    const plan = planWith();
    const [nic] = plan.interfaces;
    assert.ok(nic);
    const settings = parseUnit(
      unitFile({ ...plan, interfaces: [{ ...nic, lan: "br0" }] }, hostPaths),
    );
    const command = (action: string) =>
      `ip neighbour ${action} proxy 10.0.0.2 dev br0`;
    assert.ok(
      named(settings, "ExecStartPre").includes(`+${command("replace")}`),
    );
    assert.ok(
      named(settings, "ExecStopPost").includes(`+-${command("delete")}`),
    );
    assert.doesNotMatch(unitFile(plan, hostPaths), /neighbour/);
  });
});

describe("the unit of a shared folder of any machine", () => {
  it("serves that folder and no other, by a socket that the kernel allows, and goes with the machine", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const machine = parseUnit(unitFile(plan, hostPaths));
        const shares = plan.shares ?? [];
        for (const share of shares) {
          const { socket } = sharePaths(plan.name, share.name, hostPaths);
          assert.ok(socket.length <= 107);
          const unit = shareUnit(plan.name, share.name);
          assert.ok(named(machine, "Requires").includes(unit));
          assert.ok(named(machine, "After").includes(unit));
          const settings = parseUnit(shareUnitFile(plan, share, hostPaths));
          const [start = ""] = named(settings, "ExecStart");
          assert.deepEqual(systemdWords(start).slice(4), [
            `--socket-path=${socket}`,
            `--socket-group=${machineUser(plan.name)}`,
            ...["-o", `source=${share.hostPath}`, "-o", "sandbox=chroot"],
          ]);
          assert.deepEqual(
            named(settings, "ReadWritePaths").map(systemdWords),
            share.readOnly ? [] : [[share.hostPath]],
          );
          assert.deepEqual(named(settings, "PartOf"), [machineUnit(plan.name)]);
          assert.doesNotMatch(
            named(settings, "CapabilityBoundingSet").join(),
            /SYS_ADMIN/,
          );
        }
      }),
    );
  });
});
