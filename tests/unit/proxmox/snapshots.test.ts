import assert from "node:assert/strict";
import { ResourceHost } from "@corral-iac/corral-ops/frame/host";
import { Operations } from "@corral-iac/corral-ops/frame/operations";
import { Secret } from "@corral-iac/corral-ops/frame/value";
import {
  markedDescription,
  readDescription,
} from "@corral-iac/corral-ops/proxmox/snapshotMark";
import { closeProxmoxClients } from "@corral-iac/corral-ops/proxmox/clients";
import { proxmoxSnapshot } from "@corral-iac/corral-ops/resources/proxmoxSnapshot";
import fc from "fast-check";
import { type Answer, ApiServer, type Asked, TOKEN } from "./apiServer";

const UPID =
  "UPID:pve2:000012AB:00034567:66AA0000:qmsnapshot:8101:corral@pve!test:";
const urn =
  "urn:pulumi:dev::corral::corral-ops:index:ProxmoxSnapshot::web-final-form";

describe("Proxmox snapshots: their mark", () => {
  const mark = { id: "0123456789abcdef", urn };

  it("stands under what the user wrote, and is no part of it", () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[\r\n]|corral-snapshot:/.test(text)),
        fc.string({ minLength: 1 }),
        (description, name) => {
          const written = markedDescription(description, {
            id: "a1",
            urn: name,
          });
          const read = readDescription(`${written}\n`);
          assert.equal(read.description, description.trimEnd());
          assert.deepEqual(read.mark, { id: "a1", urn: name });
        },
      ),
    );
  });

  it("is missing where nobody put it, or somebody changed it", () => {
    assert.equal(readDescription("by hand\n").mark, undefined);
    assert.equal(readDescription("").mark, undefined);
    assert.equal(readDescription("corral-snapshot: mine").mark, undefined);
    const text = markedDescription("two\nlines", mark);
    assert.deepEqual(readDescription(text.replace(/\n/g, "\r\n")), {
      description: "two\nlines",
      mark,
    });
  });
});

describe("Proxmox snapshots", () => {
  interface Kept {
    name: string;
    description: string;
    snaptime: number;
  }
  let server: ApiServer;
  let kept: Kept[];
  /** The next answers to writes, before they are carried out. */
  let refusals: Answer[];
  let exitStatus: string;
  let lines: string[];
  let machines: object[];

  beforeEach(async () => {
    kept = [];
    refusals = [];
    exitStatus = "OK";
    lines = [];
    machines = [{ type: "qemu", vmid: 8101, node: "pve2", status: "running" }];
    server = await ApiServer.start(answer);
  });

  afterEach(async () => {
    closeProxmoxClients();
    await server.stop();
  });

  function answer({ method, path, parameters }: Asked): Answer {
    const [, name, config] =
      /^nodes\/pve2\/qemu\/8101\/snapshot(?:\/([^/]+)(\/config)?)?$/.exec(
        path,
      ) ?? [];
    const refusal = method === "GET" ? undefined : refusals.shift();
    if (refusal) {
      return refusal;
    }
    const text = (field: string) => parameters.get(field) ?? "";
    switch (`${method} ${path.replace(name ?? "\0", "NAME")}`) {
      case "GET cluster/resources":
        return { data: machines };
      case "GET nodes/pve2/qemu/8101/snapshot":
        return { data: [...kept, { name: "current" }] };
      case "POST nodes/pve2/qemu/8101/snapshot":
        kept.push({
          name: text("snapname"),
          description: `${text("description")}\n`,
          snaptime: 1_750_000_000,
        });
        return { data: UPID };
      case "PUT nodes/pve2/qemu/8101/snapshot/NAME/config":
        assert.equal(config, "/config");
        kept.forEach((entry) => {
          if (entry.name === name) {
            entry.description = text("description");
          }
        });
        return { data: null };
      case "DELETE nodes/pve2/qemu/8101/snapshot/NAME":
        kept = kept.filter((entry) => entry.name !== name);
        return { data: UPID };
      default:
        if (path === `nodes/pve2/tasks/${UPID}/status`) {
          const status = { status: "stopped", exitstatus: exitStatus };
          exitStatus = "OK";
          return { data: status };
        }
        return path === `nodes/pve2/tasks/${UPID}/log`
          ? { data: [] }
          : { status: 501, reason: `Method '${method} /${path}'` };
    }
  }

  const host = () =>
    new ResourceHost([proxmoxSnapshot], new Operations(), () => {
      const line = (text: string) => void lines.push(text);
      return { debug: line, info: line, warn: line, error: line, status: line };
    });
  const request = {
    urn,
    type: proxmoxSnapshot.token,
    name: "web-final-form",
    timeoutSeconds: 0,
  };
  const inputs = (changes: object = {}) => ({
    machine: {
      endpoint: server.endpoint,
      apiToken: new Secret(TOKEN),
      insecure: true,
      // It was there once: the machine has moved meanwhile.
      node: "pve",
      vmId: 8101,
    },
    name: "final-form",
    description: "all done",
    ...changes,
  });
  const writes = () =>
    server.lines
      .filter((line) => !line.startsWith("GET"))
      .map((line) => line.split(" ")[0]);

  it("are taken wherever the machine is now, seen, and deleted", async () => {
    const { id, stored } = await host().create(request, inputs());
    assert.match(id, /^8101\/final-form\/[0-9a-f]{16}$/);
    assert.equal(stored.outputs.takenAt, "2025-06-15T15:06:40.000Z");
    assert.match(kept[0]?.description ?? "", /^all done\ncorral-snapshot: id=/);
    const read = await host().read(request, id, stored);
    assert.deepEqual(read, stored);
    await host().delete(request, id, stored);
    assert.deepEqual(kept, []);
    assert.deepEqual(writes(), ["POST", "DELETE"]);
  });

  it("that are gone, or whose machine is, are gone; deleting them is done", async () => {
    const { id, stored } = await host().create(request, inputs());
    kept = [];
    assert.equal(await host().read(request, id, stored), undefined);
    await host().delete(request, id, stored);
    machines = [];
    assert.equal(await host().read(request, id, stored), undefined);
    await host().delete(request, id, stored);
    assert.deepEqual(writes(), ["POST"]);
  });

  it("show a description that was changed by hand, and take it back", async () => {
    const { id, stored } = await host().create(request, inputs());
    assert.ok(kept[0]);
    kept[0].description = "what is this?\n";
    const seen = await host().read(request, id, stored);
    assert.equal(seen?.inputs.description, "what is this?");
    const mended = await host().update(request, id, seen, inputs());
    assert.deepEqual(await host().read(request, id, mended.stored), stored);
  });

  it("of somebody else are never taken over, and never deleted", async () => {
    const foreign = { name: "final-form", description: "mine", snaptime: 1 };
    kept = [foreign];
    await assert.rejects(
      host().create(request, inputs()),
      /has a snapshot final-form already.*Corral did not take.*qm delsnapshot 8101 final-form/,
    );
    kept = [];
    const { id, stored } = await host().create(request, inputs());
    kept = [foreign];
    await host().delete(request, id, stored);
    assert.deepEqual(kept, [foreign]);
    assert.match(
      lines.join("\n"),
      /stays: by its description it is not the one/,
    );
  });

  it("of a run that was cut off are taken anew", async () => {
    await host().create(request, inputs());
    await host().create(request, inputs());
    assert.equal(kept.length, 1);
    assert.deepEqual(writes(), ["POST", "DELETE", "POST"]);
    const another = { ...request, urn: `${urn}2` };
    await assert.rejects(
      host().create(another, inputs()),
      /ProxmoxSnapshot::web-final-form took/,
    );
  });

  it("wait for a machine that something else works on, whoever finds the lock", async () => {
    refusals = [{ status: 500, reason: "VM is locked (backup)" }];
    exitStatus = "VM is locked (backup)";
    kept = [];
    const { id } = await host().create(request, inputs());
    assert.ok(id);
    assert.equal(writes().length, 3);
  });

  it("give up on a lock in their time, and say whose it is and what to do", async () => {
    refusals = Array<Answer>(9).fill({
      status: 500,
      reason: "VM is locked (backup)",
    });
    await assert.rejects(
      host().create(request, inputs({ timeoutSeconds: 1 })),
      /stayed locked for 1 s: VM is locked \(backup\).*qm unlock 8101/,
    );
  });

  it("that fail say why, in the task's words", async () => {
    exitStatus = "snapshot feature is not available";
    await assert.rejects(
      host().create(request, inputs()),
      /task qmsnapshot of 8101 on node pve2 .*snapshot feature is not available/,
    );
  });

  it("say so when the machine is gone", async () => {
    machines = [];
    await assert.rejects(
      host().create(request, inputs()),
      /there is no VM 8101 .*up --refresh/,
    );
  });
});
