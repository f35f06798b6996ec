import assert from "node:assert/strict";
import * as fs from "node:fs";
import {
  type MachineFacts,
  machineFaults,
  type MachineNeeds,
} from "@corral-iac/corral/core/microvm/machineFaults";
import {
  machinePaths,
  volumePaths,
} from "@corral-iac/corral/core/microvm/paths";
import {
  Answer,
  recordText,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import {
  machineFactsScript,
  readMachineFacts,
} from "@corral-iac/corral/core/microvm/scripts/machineFacts";
import { newMemory } from "@corral-iac/corral-ops/microvm/foreseeFaults";

import { planWith } from "./plans";
import { ScratchHost } from "./scratchHost";

const good: MachineFacts = {
  hostId: "0123",
  hypervisor: { path: "/usr/bin/qemu-system-x86_64", version: "7.2.22" },
  hypervisorFault: undefined,
  devices: ["/dev/net/tun", "/dev/kvm"],
  freeMemoryMib: 384,
  ownMemoryMib: 0,
  disksInUse: [],
  missingNetworks: [],
};
const needs: MachineNeeds = {
  hypervisor: "qemu",
  acceleration: "kvm",
  hasVsock: false,
  memory: { memoryMib: 256, memoryOverheadMib: 128 },
};

describe("what a host lacks for a machine", () => {
  it("is nothing where all of it is there, to the last MiB", () => {
    assert.deepEqual(machineFaults(good, needs), []);
    const [fault = ""] = machineFaults({ ...good, freeMemoryMib: 383 }, needs);
    assert.match(
      fault,
      /there are 383 MiB of memory available, must be 384 \(memoryMib 256 and limits\.memoryOverheadMib 128\)/,
    );
  });

  it("counts what the machine itself gives back when it is started anew", () => {
    const busy = { ...good, freeMemoryMib: 100, ownMemoryMib: 284 };
    assert.deepEqual(machineFaults(busy, needs), []);
    assert.match(
      machineFaults({ ...busy, ownMemoryMib: 283 }, needs).join(),
      /100 MiB of memory available beside the 283 MiB that it uses, must be 384/,
    );
  });

  it("is said all at once", () => {
    const faults = machineFaults(
      {
        ...good,
        hypervisor: undefined,
        hypervisorFault: "qemu-system-x86_64 is not installed there",
        devices: [],
        freeMemoryMib: 1,
        disksInUse: [{ disk: "data", path: "/srv/a.raw", machine: "other" }],
      },
      { ...needs, hasVsock: true },
    );
    assert.deepEqual(
      faults.map((fault) => fault.replace(/[,:].*/, "")),
      [
        "qemu-system-x86_64 is not installed there",
        "there is no /dev/net/tun",
        "there is no /dev/kvm",
        "there is no /dev/vhost-vsock",
        "there are 1 MiB of memory available",
        "disk data",
      ],
    );
  });

  it("is asked of memory only where the machine is made, or asks for more than it had", () => {
    const before = { memoryMib: 256, memoryOverheadMib: 128, running: true };
    const asks = (changes: object, old?: typeof before) =>
      newMemory({ ...before, ...changes }, old) !== undefined;
    assert.deepEqual(
      [
        asks({}),
        asks({ running: false }),
        asks({}, before),
        asks({ memoryMib: 128 }, before),
        asks({ memoryMib: 257 }, before),
      ],
      [true, false, false, false, true],
    );
  });
});

describe("what a host has for a machine, by the real shell", () => {
  let host: ScratchHost;

  beforeEach(() => {
    host = new ScratchHost();
  });
  afterEach(() => host.remove());

  it("are its memory, the networks, and disks that no other machine has", async () => {
    host.makeNetwork("lan");
    const web = volumePaths("corral-dev-web", "data", host.paths).file;
    const image = "/srv/image.raw";
    const record = (machine: string, path: string) => {
      const paths = machinePaths(machine, host.paths);
      fs.mkdirSync(paths.folder, { recursive: true });
      fs.writeFileSync(
        paths.record,
        recordText(planWith().stamp, { disks: [{ path }] }),
      );
    };
    record("corral-dev-web", web);
    record("corral-dev-web2", image);
    const { code, stdout, stderr } = await host.run(
      machineFactsScript(
        {
          name: "corral-dev-web",
          hypervisor: "qemu",
          disks: [
            { name: "data", path: web },
            { name: "books", path: image },
            { name: "free", path: "/srv/image.ra" },
          ],
          networks: ["lan", "storage"],
        },
        host.paths,
      ),
    );
    assert.equal(code, 0, stderr);
    const facts = readMachineFacts(new Answer(`host 0123\n${stdout}`));
    assert.deepEqual(facts.disksInUse, [
      { disk: "books", path: image, machine: "corral-dev-web2" },
    ]);
    assert.deepEqual(facts.missingNetworks, ["storage"]);
    assert.ok(facts.freeMemoryMib > 0);
    // One of both, whatever the machine has that the test runs on.
    assert.equal(
      facts.hypervisor === undefined,
      facts.hypervisorFault !== undefined,
    );
  });

  it("are without a hypervisor where there is none", async () => {
    const script = machineFactsScript(
      { name: "web", hypervisor: "qemu", disks: [], networks: [] },
      host.paths,
    );
    const run = await host.run(`command() { return 1; }\n${script}`);
    assert.equal(run.code, 0, run.stderr);
    const facts = readMachineFacts(new Answer(`host 0123\n${run.stdout}`));
    assert.equal(facts.hypervisor, undefined);
    assert.match(
      facts.hypervisorFault ?? "",
      /^qemu-system-x86_64 is not installed there, or in none of the folders of programs$/,
    );
  });
});
