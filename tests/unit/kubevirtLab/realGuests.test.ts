import assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { qemuCommand } from "@corral-iac/tools/lab/kubevirt/real/qemu";
import { agentAnswers, command } from "@corral-iac/tools/lab/kubevirt/real/qmp";

const spec = {
  accelerator: "tcg",
  memoryMib: 768,
  cpus: 2,
  uuid: "5d307ca9-b3ef-428c-8861-06e72d69f223",
  mac: "02:00:00:00:00:01",
  disk: "/d/0.qcow2",
  cloudInitDisk: "/g/cloud-init.iso",
  boot: { kernel: "/k", initrd: "/i", arguments: "root=x quiet" },
  controlSocket: "/g/qmp",
  agentSocket: "/g/agent",
  console: "/g/console.log",
} as const;

describe("lab for KubeVirt: the command line of a real guest", () => {
  const after = (args: readonly string[], flag: string) =>
    args[args.indexOf(flag) + 1];

  it("has the machine's own UUID, address, size and disks", () => {
    const args = qemuCommand(spec);
    assert.equal(after(args, "-uuid"), spec.uuid);
    assert.equal(after(args, "-m"), "768");
    assert.equal(after(args, "-smp"), "2");
    const text = args.join(" ");
    assert.match(text, /mac=02:00:00:00:00:01/);
    // The names by which snapshots are taken, and a disk that nobody may write.
    assert.match(text, /id=root,file=\/d\/0\.qcow2/);
    assert.match(text, /file=\/g\/cloud-init\.iso,format=raw,readonly=on/);
  });

  it("emulates where KVM is not to be had, and leaves out what is not given", () => {
    const args = qemuCommand({
      ...spec,
      uuid: undefined,
      cloudInitDisk: undefined,
    });
    assert.equal(after(args, "-accel"), "tcg,thread=multi");
    assert.ok(!args.includes("-uuid"));
    assert.doesNotMatch(args.join(" "), /cloudinit/);
    const fast = qemuCommand({ ...spec, accelerator: "kvm" });
    assert.equal(after(fast, "-cpu"), "host");
  });
});

describe("lab for KubeVirt: QEMU's monitor", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-qmp-"));
  const socket = path.join(folder, "qmp");
  let server: net.Server | undefined;
  after(() => {
    server?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  /** A monitor that greets, and answers what the function says. */
  const listen = async (answer: (request: { execute: string }) => object) => {
    server?.close();
    fs.rmSync(socket, { force: true });
    server = net.createServer((connection) => {
      connection.write('{"QMP":{"version":{}}}\n');
      connection.on("data", (chunk) => {
        for (const line of chunk.toString().trim().split("\n")) {
          const request = JSON.parse(line) as { execute: string };
          connection.write(
            `{"event":"NOISE"}\n${JSON.stringify(
              request.execute === "qmp_capabilities"
                ? { return: {} }
                : answer(request),
            )}\n`,
          );
        }
      });
    });
    server.listen(socket);
    await once(server, "listening");
  };

  it("takes a command after the greeting, whatever events come between", async () => {
    const seen: string[] = [];
    await listen(({ execute }) => {
      seen.push(execute);
      return { return: {} };
    });
    assert.equal(await command(socket, { execute: "system_powerdown" }), true);
    assert.deepEqual(seen, ["system_powerdown"]);
  });

  it("says what QEMU refused", async () => {
    await listen(() => ({ error: { class: "GenericError", desc: "no disk" } }));
    await assert.rejects(command(socket, { execute: "x" }), /QEMU: no disk/);
  });

  it("is told from one that is not there", async () => {
    const none = path.join(folder, "none");
    assert.equal(await command(none, { execute: "x" }), false);
    assert.equal(await agentAnswers(none), false);
  });
});
