import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import * as fc from "fast-check";
import {
  NETWORK_CHAINS,
  type NetworkPlan,
  networkRules,
  networkUnitFile,
} from "@corral-iac/corral/core/microvm/network";
import {
  hostPaths,
  machinePaths,
  networkPaths,
} from "@corral-iac/corral/core/microvm/paths";
import {
  loadRulesScript,
  nftablesDropIn,
} from "@corral-iac/corral/core/microvm/rulesAgain";
import { formatIpv4 } from "@corral-iac/corral/core/microvm/subnet";
import {
  DEFAULT_SUBNET,
  validateMicroVmHost,
} from "@corral-iac/corral/microvm/hostValidation";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";

import { ScratchHost } from "./scratchHost";
import { parseUnit } from "./systemdUnit";

const stamp = {
  id: "0123456789abcdef",
  project: "corral",
  stack: "dev",
  component: "MicroVmHost",
  name: "lab",
};

const plans: fc.Arbitrary<NetworkPlan> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/),
  stamp: fc.constant(stamp),
  token: fc.stringMatching(/^[0-9a-f]{16}$/),
  subnet: fc.nat(255).map((third) => `10.1.${third}.0/24`),
  gateway: fc.integer({ min: 1, max: 254 }).map((last) => formatIpv4(last)),
  nat: fc.boolean(),
});

describe("the rules of a network", () => {
  it("empty what they fill, so that they can be loaded again, and nothing that machines have put in", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const lines = networkRules(plan)
          .split("\n")
          .map((line) => line.trim());
        const flushed = lines.filter((line) => line.startsWith("flush "));
        const table = `corral_${plan.name.replaceAll("-", "_")}`;
        assert.deepEqual(flushed, [
          ...NETWORK_CHAINS.map(
            (chain) => `flush chain inet ${table} ${chain}`,
          ),
          `flush chain arp ${table} input`,
        ]);
        assert.ok(!lines.some((line) => /^(delete|destroy)/.test(line)));
        const opened = lines.filter((line) => line.endsWith("{")).length;
        assert.equal(lines.filter((line) => line === "}").length, opened);
        assert.equal(
          lines.some((line) => line.includes("masquerade")),
          plan.nat,
        );
      }),
    );
  });
});

describe("the unit of a network", () => {
  it("puts the subnet behind the host at boot, and takes it away again", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const unit = networkUnitFile(plan, hostPaths);
        const commands = (setting: string) =>
          unit
            .split("\n")
            .filter((line) => line.startsWith(`${setting}=`))
            .map((line) => line.slice(setting.length + 1));
        assert.deepEqual(
          commands("ExecReload"),
          commands("ExecStart").slice(1),
        );
        assert.ok(
          commands("ExecStart").includes(
            `ip route replace unreachable ${plan.subnet}`,
          ),
        );
        // What is gone already is no reason to fail.
        assert.ok(commands("ExecStop").every((line) => line.startsWith("-")));
        assert.deepEqual(commands("WantedBy"), ["multi-user.target"]);
      }),
    );
  });
});

describe("rules that somebody has removed", () => {
  let host: ScratchHost;
  const put = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text, { mode: 0o755 });
  };

  beforeEach(() => {
    host = new ScratchHost();
  });
  afterEach(() => host.remove());

  it("are loaded again whenever nftables.service starts, is reloaded, or ends", () => {
    const settings = parseUnit(nftablesDropIn(hostPaths));
    assert.deepEqual(
      settings.map(({ section, name }) => `${section} ${name}`),
      ["Service ExecStartPost", "Service ExecReload", "Service ExecStopPost"],
    );
    // The host's own firewall starts also where this fails.
    assert.ok(settings.every(({ value }) => value.startsWith("-/bin/sh ")));
  });

  it("are loaded for networks and machines that are up, at once, or each that can be", async () => {
    const bin = path.join(host.folder, "bin");
    put(
      `${bin}/systemctl`,
      '#!/bin/sh\n[ "$3" != corral-microvm-network-off.service ]\n',
    );
    put(
      `${bin}/nft`,
      '#!/bin/sh\nx=$(cat "${2#-}" -)\ncase $x in *wrong*) exit 1 ;; esac\nprintf "%s\\n" "$x"\n',
    );
    const rulesOf = (network: string) =>
      networkPaths(network, host.paths).rules;
    put(rulesOf("one"), "one\n");
    put(rulesOf("off"), "off\n");
    put(rulesOf("two"), "two\n");
    put(
      machinePaths("web", host.paths).rules,
      'add element inet x from_machine { "cv00000000" : jump y }\n',
    );
    const load = async () => {
      const { stdout } = await host.run(
        `PATH=${bin}:$PATH\n${loadRulesScript(host.paths)}`,
      );
      return stdout.trim().split("\n");
    };
    assert.deepEqual(await load(), ["one", "two"]);
    put(rulesOf("one"), "wrong\n");
    assert.deepEqual(await load(), ["two"]);
  });
});

describe("the arguments of a MicroVmHost", () => {
  const key = generateEd25519();
  const args = {
    host: "192.0.2.7",
    privateKey: key.privateKey,
    hostKey: key.publicKey,
  };
  const faults = (changes: object) =>
    validateMicroVmHost({ ...args, ...changes });

  it("are few", () => {
    assert.deepEqual(faults({}), []);
  });

  it("are all looked at, and no key is shown", () => {
    const found = faults({
      host: "",
      port: 0,
      user: "Root",
      privateKey: "planted-text",
      hostKey: "none",
      bastion: {
        host: "gate",
        user: "root",
        privateKey: "planted-text",
        hostKey: "x",
      },
      network: "No_Name",
      subnet: "10.0.0.1/24",
      accelerator: "magic",
      hypervisors: ["xen"],
      freeMemoryMib: -1,
    });
    assert.deepEqual([...new Set(found.map(({ path }) => path))].sort(), [
      "accelerator",
      "bastion.hostKey",
      "bastion.privateKey",
      "freeMemoryMib",
      "host",
      "hostKey",
      "hypervisors[0]",
      "network",
      "port",
      "privateKey",
      "subnet",
      "user",
    ]);
    assert.ok(!JSON.stringify(found).includes("planted-text"));
  });

  it("have a subnet where they have an interface, and one that the kernel could call so", () => {
    assert.deepEqual(faults({ lan: "br0", subnet: "192.168.1.192/27" }), []);
    assert.deepEqual(
      faults({ lan: "br0; reboot" }).map(({ path }) => path),
      ["lan", "subnet"],
    );
  });

  it("have a gateway in the subnet, also where that is the usual one", () => {
    assert.deepEqual(faults({ gateway: "10.0.0.254" }), []);
    const [fault] = faults({ gateway: "10.0.0.255" });
    assert.equal(fault?.path, "gateway");
    assert.ok(fault?.problem.includes(DEFAULT_SUBNET));
    assert.equal(faults({ subnet: "10.0.0.0/31" })[0]?.path, "subnet");
  });
});
