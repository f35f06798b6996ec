import assert from "node:assert/strict";
import {
  Answer,
  recordText,
} from "@corral-iac/corral/core/microvm/scripts/hostScript";
import { accessIn } from "@corral-iac/corral/microvm/inventory/access";
import { parseListing } from "@corral-iac/corral/microvm/inventory/listing";
import {
  parseStatus,
  statusScript,
} from "@corral-iac/corral/microvm/inventory/status";
import { surveyMicroVms } from "@corral-iac/corral/microvm/inventory/survey";

import { planWith } from "./plans";
import { ScratchHost } from "./scratchHost";

const { stamp, disks, interfaces } = planWith();
const stack = { project: "corral", stack: "dev" };
const encoded = (record: object) =>
  Buffer.from(recordText(stamp, record)).toString("base64");
const machineRecord = {
  disks: disks.map((disk) => ({
    ...disk,
    path: "/var/lib/corral/microvm/volumes/corral-dev-web/data.raw",
  })),
  interfaces,
  vcpus: 2,
  memoryMib: 256,
};

describe("the inventory of a host of microVMs", () => {
  const { objects, atWork } = parseListing(
    [
      `atWork ${stamp.id}/0`,
      `machine machines/corral-dev-web/machine.json ${encoded(machineRecord)}`,
      `volume volumes/corral-dev-web/data.json ${encoded({ keep: true, size: "1.0 GiB" })}`,
      `lease networks/default/leases/10.0.0.2 ${encoded({ machine: "corral-dev-web" })}`,
      `network networks/default/network.json ${Buffer.from("not JSON").toString("base64")}`,
      `image images/users-${"a".repeat(64)}/${stamp.id}-12345678`,
      "state corral-dev-web active",
      "",
    ].join("\n"),
    stack,
  );
  const find = (kind: string) =>
    objects.find((object) => object.kind === kind) ?? assert.fail(kind);

  it("knows whose everything is, and what a machine uses", () => {
    assert.deepEqual(find("machine").uses, [
      "volume:corral-dev-web/data",
      "lease:default/10.0.0.2",
      "network:default",
    ]);
    assert.equal(find("machine").detail, "active");
    assert.equal(find("machine").owner?.stampId, stamp.id);
    assert.equal(find("machine").owner?.namesThisStack, true);
    assert.equal(find("volume").owner?.kept, true);
    assert.equal(find("image").owner?.stampId, stamp.id);
  });

  it("knows for whom something is done there right now", () => {
    assert.deepEqual(atWork, [stamp.id]);
  });

  it("knows the images that a machine starts with, and leaves one alone that a move has brought", () => {
    const kernel = `/var/lib/corral/microvm/images/sha256-${"a".repeat(64)}`;
    const found = parseListing(
      [
        `machine machines/corral-dev-web/machine.json ${encoded({ ...machineRecord, kernel })}`,
        `image images/users-${"a".repeat(64)}/${stamp.id}-12345678`,
        `image images/users-${"a".repeat(64)}/ffffffffffffffff-12345678`,
        `image images/users-${"b".repeat(64)}/${stamp.id}-12345678`,
        "state corral-dev-web active",
        "arriving corral-dev-web",
        "",
      ].join("\n"),
      stack,
    ).objects.find(({ kind }) => kind === "machine");
    assert.deepEqual(
      found?.uses.filter((used) => used.startsWith("image:")),
      [`image:${"a".repeat(64)}/${stamp.id}-12345678`],
    );
    assert.equal(found?.owner?.kept, true);
    assert.equal(find("machine").owner?.kept, undefined);
  });

  it("takes a record that somebody spoiled for nobody's", () => {
    assert.equal(find("network").owner, undefined);
  });

  it("finds in the state what stands for it, and the host's key", () => {
    const connection = { host: "h", user: "root", port: 22, hostKey: "k" };
    const resource = (type: string, id: string, more: object = {}) => ({
      urn: `urn:${type}`,
      type: `corral-ops:index:${type}`,
      id,
      inputs: { connection, ...more },
      outputs: { address: "10.0.0.2" },
    });
    const { places, references } = surveyMicroVms([
      resource("MicroVmService", "corral-dev-web"),
      resource("MicroVmVolume", "corral-dev-web/data"),
      resource("MicroVmAddress", "default/10.0.0.9", { network: "default" }),
      resource("MicroVmImage", "/srv/vmlinuz/0"),
    ]);
    assert.deepEqual(places, ["root@h:22"]);
    assert.deepEqual(
      references.map(({ handle }) => handle),
      [
        "machine:corral-dev-web",
        "volume:corral-dev-web/data",
        "lease:default/10.0.0.2",
      ],
    );
    const secret = { connection: { ...connection, privateKey: "secret" } };
    const plain = resource("MicroVmService", "corral-dev-web", secret);
    assert.equal(accessIn("root@h:22", [plain])?.privateKey, "secret");
    assert.equal(accessIn("root@other:22", [plain]), undefined);
  });

  it("does not miss a volume on the host that its machine has not come to yet", () => {
    const resource = (type: string, id: string, host: string) => ({
      urn: `urn:${type}`,
      type: `corral-ops:index:${type}`,
      id,
      inputs: { connection: { host, user: "root", port: 22 } },
      outputs: {},
    });
    const mayBeMissing = (machineOn: string) =>
      surveyMicroVms([
        resource("MicroVmService", "corral-dev-web", machineOn),
        resource("MicroVmVolume", "corral-dev-web/data", "b"),
      ]).references.map((reference) => reference.mayBeMissing);
    assert.deepEqual(mayBeMissing("a"), [undefined, true]);
    assert.deepEqual(mayBeMissing("b"), [undefined, undefined]);
  });

  it("tells what changes by itself", () => {
    const [up, stopped, gone, unknown] = parseStatus(
      [
        "now 1000.5",
        `machine 0 active 104857600 400000000 4711 62500000000 ${encoded(machineRecord)}`,
        `machine 1 inactive - 0 0 - ${encoded(machineRecord)}`,
        "machine 2 inactive - - - - ",
        `machine 3 active 18446744073709551615 400000000 4711 - ${encoded(machineRecord)}`,
      ].join("\n"),
      [{ urn: "a" }, { urn: "b" }, { urn: "c" }, { urn: "d" }],
    );
    const declared = { addresses: ["10.0.0.2"], vcpus: 2, memoryMib: 256 };
    assert.deepEqual(up, {
      urn: "a",
      state: "active",
      ...declared,
      residentMib: 100,
      uptimeSeconds: 601,
      pid: 4711,
      cpuSeconds: 63,
    });
    assert.deepEqual(stopped, { urn: "b", state: "inactive", ...declared });
    assert.deepEqual(gone, { urn: "c", state: "gone", addresses: [] });
    assert.deepEqual(
      [unknown?.residentMib, unknown?.cpuSeconds, unknown?.pid],
      [undefined, undefined, 4711],
    );
  });

  it("asks systemd for it in one line for each machine, whatever that does not know", async () => {
    const host = new ScratchHost();
    try {
      const ask = async (pid: string) => {
        const { stdout } = await host.run(`
systemctl() {
  case "$*" in
    is-active*) echo active ;;
    *MainPID*) echo ${pid} ;;
    *Timestamp*) echo ;;
    *) echo '[not set]' ;;
  esac
}
${statusScript(["corral-dev-web", "corral-dev-db"])}`);
        return new Answer(stdout).all("machine");
      };
      assert.deepEqual(await ask("0"), [
        "0 active - - 0 - ",
        "1 active - - 0 - ",
      ]);
      // Then the kernel tells the processor time of the process, here of this one.
      const before = process.cpuUsage();
      const [line = ""] = await ask(String(process.pid));
      const seconds = Number(line.split(" ")[5]) / 1e9;
      const used = (before.user + before.system) / 1e6;
      assert.ok(seconds >= used - 0.1 && seconds < used + 5, line);
    } finally {
      host.remove();
    }
  });
});
