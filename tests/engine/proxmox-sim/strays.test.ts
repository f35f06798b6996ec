import assert from "node:assert/strict";
import * as fs from "node:fs";
import execa from "execa";
import { startProxmox } from "@corral-iac/tools/lab/proxmox/index";
import { lines } from "@corral-iac/corral/core/libvirt-client/parse";
import { virsh } from "@corral-iac/tools/hypervisor/virsh";

/** Makes and starts a machine by the API's own modules, says its simulator's id, and waits. */
const program = `
  const { startProxmox } = require(${JSON.stringify(require.resolve("@corral-iac/tools/lab/proxmox/index"))});
  const { ProxmoxApi } = require(${JSON.stringify(require.resolve("../../support/proxmoxApi"))});
  startProxmox({ guests: "libvirt", taskMs: 0 }).then(async (proxmox) => {
    const api = new ProxmoxApi(proxmox);
    await api.task("POST", "/nodes/pve/qemu/9000/clone", { newid: 101 });
    const started = await api.task("POST", "/nodes/pve/qemu/101/status/start");
    console.log(JSON.stringify({ id: proxmox.state.id, folder: proxmox.folder, started }));
    setInterval(() => undefined, 1000);
  });
`;

describe("a simulator of Proxmox VE that is killed", () => {
  it("leaves guests that the next one removes", async () => {
    const child = execa(process.execPath, ["-e", program], { reject: false });
    const said = await new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (text: Buffer) => resolve(text.toString()));
      void child.then(({ stderr }) => reject(new Error(stderr)));
    });
    const { id, folder, started } = JSON.parse(said) as Record<string, string>;
    try {
      assert.equal(started, "OK");
      const names = async () => [
        ...lines(await virsh("list", "--name")),
        ...lines(await virsh("net-list", "--name")),
        ...fs.readdirSync("/var/lib/libvirt/images"),
      ];
      const own = async () =>
        (await names()).filter((name) => name.startsWith(`pve-${id}`));
      child.kill("SIGKILL");
      await child;
      assert.deepEqual(await own(), [
        `pve-${id}-101`,
        `pve-${id}-vmbr0`,
        `pve-${id}`,
      ]);
      const next = await startProxmox({ guests: "libvirt" });
      try {
        assert.deepEqual(await own(), []);
      } finally {
        await next.stop();
      }
    } finally {
      child.kill("SIGKILL");
      fs.rmSync(folder ?? "", { recursive: true, force: true });
    }
  });
});
