import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import Ajv from "ajv";
import * as fc from "fast-check";
import { cloudHypervisorArguments } from "@corral-iac/corral/core/microvm/cloudHypervisorArguments";
import { firecrackerConfig } from "@corral-iac/corral/core/microvm/firecrackerConfig";
import { kernelArguments } from "@corral-iac/corral/core/microvm/kernelArguments";
import {
  networkChains,
  networkChainsGone,
} from "@corral-iac/corral/core/microvm/networkChains";
import { hostPaths, tapName } from "@corral-iac/corral/core/microvm/paths";
import { qemuArguments } from "@corral-iac/corral/core/microvm/qemuArguments";
import { stopScript } from "@corral-iac/corral/core/microvm/stopScript";
import {
  revision,
  shareSockets,
  unitFile,
} from "@corral-iac/corral/core/microvm/unitFile";

import { plans, planWith } from "./plans";
import { systemdWords } from "./systemdUnit";

const RUN = "/run/corral-microvm/0";

/** The values behind each occurrence of an option. */
function valuesOf(words: readonly string[], option: string): string[] {
  return words.flatMap((word, index) =>
    word === option ? [words[index + 1] ?? ""] : [],
  );
}

/** `a=1,b=2` as a map; `,,` is a comma in a value. */
function fieldsOf(value: string): Record<string, string> {
  const parts = value.split(/(?<!,),(?!,)/);
  return Object.fromEntries(
    parts.map((part) => {
      const [name = "", ...rest] = part.split("=");
      return [name, rest.join("=").replace(/,,/g, ",")];
    }),
  );
}

describe("kernelArguments", () => {
  it("give the first interface its address, and the user's last word", () => {
    const plan = planWith({ kernelArguments: ["debug", "console=tty0"] });
    const all = kernelArguments(plan);
    assert.ok(all.includes("ip=10.0.0.2::10.0.0.1:255.255.255.0:web:eth0:off"));
    assert.deepEqual(all.slice(-2), ["debug", "console=tty0"]);
  });

  it("tell an emulated processor's speed, which the kernel cannot measure, and no real one's", () => {
    const has = (acceleration: "kvm" | "tcg") =>
      kernelArguments(planWith({ acceleration })).includes("no_timer_check");
    assert.deepEqual([has("tcg"), has("kvm")], [true, false]);
  });

  it("name the root only where there is a disk for it", () => {
    const roots = [true, false].map((hasRootDisk) =>
      kernelArguments(planWith({ hasRootDisk })).includes("root=/dev/vda"),
    );
    assert.deepEqual(roots, [true, false]);
  });
});

describe("qemuArguments", () => {
  it("are what boots on the lab's host", () => {
    const words = qemuArguments(planWith(), RUN);
    assert.deepEqual(words.slice(1, 9), [
      ...["-name", "corral-dev-web"],
      ...["-M", "microvm,rtc=on"],
      ...["-accel", "tcg,thread=multi,tb-size=32"],
      ...["-cpu", "max"],
    ]);
    assert.ok(words.includes("-no-reboot"));
    assert.ok(!words.join(" ").includes("vhost=on"));
  });

  it("have every disk and interface, in order, whatever they are called", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const words = qemuArguments(plan, RUN);
        const drives = valuesOf(words, "-drive").map(fieldsOf);
        assert.deepEqual(
          drives.map(({ file, readonly }) => [file, readonly === "on"]),
          plan.disks.map((disk) => [disk.path, disk.readOnly]),
        );
        const devices = valuesOf(words, "-device").map(fieldsOf);
        assert.deepEqual(
          devices.flatMap(({ mac }) => mac ?? []),
          plan.interfaces.map(({ mac }) => mac),
        );
        assert.deepEqual(
          valuesOf(words, "-netdev").map((value) => fieldsOf(value).ifname),
          plan.interfaces.map((_, index) => tapName(plan.name, index)),
        );
      }),
    );
  });
});

describe("cloudHypervisorArguments", () => {
  const plan = (version: string) =>
    planWith({
      acceleration: "kvm",
      vcpus: 2,
      hypervisor: {
        kind: "cloudHypervisor",
        version,
        path: "/usr/bin/cloud-hypervisor",
      },
      disks: ["a", "b"].map((name) => ({
        name,
        path: `/${name}.raw`,
        readOnly: name === "b",
        grows: false,
        revision: "",
      })),
    });

  it("repeat the switch for versions 30 to 35, and for no others", () => {
    const switches = ["29.0", "30.0", "35.1", "36.0", "51.0"].map(
      (version) =>
        valuesOf(cloudHypervisorArguments(plan(version), RUN), "--disk").length,
    );
    assert.deepEqual(switches, [1, 2, 2, 1, 1]);
  });

  it("have two queues for each processor", () => {
    const [net = ""] = valuesOf(
      cloudHypervisorArguments(plan("39.0"), RUN),
      "--net",
    );
    assert.equal(fieldsOf(net).num_queues, "4");
  });

  it("have every disk, in order, for any machine", () => {
    fc.assert(
      fc.property(plans, (any) => {
        const words = cloudHypervisorArguments(any, RUN);
        const disks = words.filter((word) => word.startsWith("path="));
        assert.deepEqual(
          disks.map((value) => /readonly=(on|off)/.exec(value)?.[1]),
          any.disks.map(({ readOnly }) => (readOnly ? "on" : "off")),
        );
      }),
    );
  });
});

describe("firecrackerConfig", () => {
  const schema: object = JSON.parse(
    fs.readFileSync(
      path.join(__dirname, "../../../unit/microvm/firecracker.schema.json"),
      "utf8",
    ),
  ) as object;
  const validate = new Ajv({ allErrors: true }).compile(schema);

  it("is what Firecracker's schema allows, for any machine", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const config = firecrackerConfig(plan, RUN);
        assert.ok(validate(config), JSON.stringify(validate.errors));
      }),
    );
  });

  it("has the source of random numbers from the version on that knows it", () => {
    const has = ["1.0.0", "1.3.3", "1.4.0", "1.13.1"].map(
      (version) =>
        "entropy" in
        firecrackerConfig(
          planWith({
            hypervisor: { kind: "firecracker", version, path: "/fc" },
          }),
          RUN,
        ),
    );
    assert.deepEqual(has, [false, false, true, true]);
  });

  it("is refused by the schema with a field of older versions", () => {
    const config = firecrackerConfig(planWith(), RUN) as Record<
      string,
      Record<string, unknown>
    >;
    config["machine-config"] = {
      ...config["machine-config"],
      ht_enabled: true,
    };
    assert.ok(!validate(config));
  });
});

describe("networkChains", () => {
  it("let nothing pass under another name, for any machine", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const rules = networkChains(plan);
        plan.interfaces.forEach(({ mac, address }, index) => {
          const tap = tapName(plan.name, index);
          const from = chain(rules, `from_${tap}`);
          assert.deepEqual(from, [
            `ether saddr != ${mac} drop`,
            "meta nfproto != ipv4 drop",
            `ip saddr != ${address} drop`,
          ]);
          assert.equal(chain(rules, `to_${tap}`).at(-1), "drop");
          assert.deepEqual(chain(rules, `arp_${tap}`).slice(0, 3), [
            `ether saddr != ${mac} drop`,
            `arp saddr ether != ${mac} drop`,
            `arp saddr ip != { 0.0.0.0, ${address} } drop`,
          ]);
        });
      }),
    );
  });

  it("open what is allowed, and nothing else", () => {
    const rules = networkChains(
      planWith({
        allow: [
          {
            protocol: "tcp",
            ports: [80, 443, 80],
            from: ["10.0.0.0/24", "10.0.0.9"],
          },
          { protocol: "udp", ports: [], from: [] },
          { protocol: "icmp", ports: [], from: ["192.0.2.1"] },
        ],
      }),
    );
    assert.deepEqual(chain(rules, `to_${tapName("corral-dev-web")}`), [
      "ct state established,related accept",
      "ip saddr 10.0.0.0/24 tcp dport { 80, 443 } accept",
      "ip saddr 10.0.0.9 tcp dport { 80, 443 } accept",
      "meta l4proto udp accept",
      "ip saddr 192.0.2.1 icmp type echo-request accept",
      "drop",
    ]);
  });

  it("are taken out whole", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const gone = networkChainsGone(plan);
        const made = [
          ...networkChains(plan).matchAll(/chain ((?:from|to|arp)_\w+) \{\}/g),
        ];
        for (const [, name] of made) {
          assert.match(
            gone,
            new RegExp(`delete chain (inet|arp) \\w+ ${name}\\b`),
          );
        }
      }),
    );
  });
});

describe("unitFile", () => {
  it("gives more memory than the guest's, and its share of the processors", () => {
    const unit = unitFile(planWith({ cpuQuotaPercent: 50 }), hostPaths);
    assert.match(unit, /^MemoryMax=384M$/m);
    assert.match(unit, /^CPUQuota=50%$/m);
    assert.match(unit, /^ReadWritePaths=\/volumes\/data.raw$/m);
    assert.match(unit, /^TimeoutStopSec=40$/m);
  });

  it("gives the hypervisor every word as it is, for any machine", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const unit = unitFile(plan, hostPaths);
        const start = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit)?.[1] ?? "";
        const words = systemdWords(start.replace(/\\\n/g, " "));
        const wanted =
          plan.hypervisor.kind === "qemu"
            ? qemuArguments(
                plan,
                /path=(\/run\S+?)\/monitor/.exec(start)?.[1] ?? "",
                shareSockets(plan, hostPaths),
              )
            : words;
        assert.deepEqual(words, wanted);
        assert.equal(words[0], plan.hypervisor.path);
      }),
    );
  });

  it("allows /dev/kvm and queues only where they are used", () => {
    const emulated = unitFile(planWith(), hostPaths);
    assert.doesNotMatch(emulated, /\/dev\/kvm|multi_queue/);
    const several = unitFile(
      planWith({
        acceleration: "kvm",
        vcpus: 2,
        hypervisor: { kind: "cloudHypervisor", version: "40.0", path: "/ch" },
      }),
      hostPaths,
    );
    assert.match(several, /^DeviceAllow=\/dev\/kvm rw$/m);
    assert.match(several, /tuntap add .* multi_queue/);
  });
});

describe("revision", () => {
  it("is another one for what takes a restart, and the same for the rest", () => {
    const base = revision(planWith(), hostPaths);
    const same = [
      planWith({ allow: [{ protocol: "tcp", ports: [80], from: [] }] }),
      planWith({
        cpuQuotaPercent: 10,
        restart: "never",
        memoryOverheadMib: 64,
      }),
      planWith({ stopTimeoutSeconds: 5 }),
    ].map((plan) => revision(plan, hostPaths));
    assert.deepEqual(new Set(same), new Set([base]));
    const others = [
      planWith({ memoryMib: 512 }),
      planWith({ kernelArguments: ["x"] }),
      planWith({ disks: [{ ...disk(), revision: "2" }] }),
    ].map((plan) => revision(plan, hostPaths));
    assert.equal(new Set([base, ...others]).size, 4);
  });

  const disk = () => planWith().disks[0] ?? assert.fail("no disk");
});

describe("stopScript", () => {
  it("asks QEMU by the power button and by the keyboard, and waits no longer than the bound", () => {
    const script = stopScript(planWith({ stopTimeoutSeconds: 7 }), hostPaths);
    assert.match(script, /system_powerdown/);
    assert.match(script, /"data":"delete"/);
    assert.match(script, /^timeout 7 tail --pid="\$1" -f \/dev\/null$/m);
  });
});

/** The rules of a chain, in its second declaration. */
function chain(rules: string, name: string): string[] {
  const body = new RegExp(
    `chain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*)\\n  \\}`,
  ).exec(rules.replace(/chain \w+ \{\}\n/g, ""))?.[1];
  return (body ?? "").split("\n").map((line) => line.trim());
}
