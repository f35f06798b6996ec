import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Client, type SFTPWrapper } from "ssh2";
import {
  type ProxmoxSimulator,
  startProxmox,
} from "@corral-iac/tools/lab/proxmox/index";
import { ProxmoxApi } from "../../support/proxmoxApi";

const local = "/nodes/pve/storage/local";

describe("storages of the simulated Proxmox VE", () => {
  let proxmox: ProxmoxSimulator;
  let api: ProxmoxApi;
  let snippets: string;

  beforeEach(async () => {
    proxmox = await startProxmox({ taskMs: 0 });
    api = new ProxmoxApi(proxmox);
    snippets = path.join(proxmox.folder, "local", "snippets");
  });

  afterEach(async () => {
    api.close();
    await proxmox.stop();
  });

  const volIds = async (storage: string, content?: string) =>
    (
      await api.data<{ volid: string }[]>("GET", `${storage}/content`, {
        ...(content === undefined ? {} : { content }),
      })
    ).map(({ volid }) => volid);

  it("say what they hold and where", async () => {
    const { content, path: folder } = await api.data<Record<string, string>>(
      "GET",
      "/storage/local",
    );
    assert.equal(content, "iso,vztmpl,snippets,import");
    assert.equal(folder, path.join(proxmox.folder, "local"));
    assert.deepEqual(await volIds("/nodes/pve/storage/local-lvm", "images"), [
      "local-lvm:base-9000-disk-0",
      "local-lvm:vm-9000-cloudinit",
    ]);
    const missing = await api.call("GET", "/storage/nowhere");
    assert.equal(missing.reason, "storage 'nowhere' does not exist");
  });

  it("list the files of their folders, and delete them", async () => {
    fs.writeFileSync(path.join(snippets, "web.yaml"), "#cloud-config\n");
    assert.deepEqual(await volIds(local, "snippets"), [
      "local:snippets/web.yaml",
    ]);
    const volume = `${local}/content/local:snippets%2Fweb.yaml`;
    const described = await api.data<Record<string, unknown>>("GET", volume);
    assert.equal(described.size, 14);
    assert.equal(await api.task("DELETE", volume), "OK");
    assert.deepEqual(await volIds(local, "snippets"), []);
    const { reason } = await api.call("GET", volume);
    assert.equal(reason, "volume 'local:snippets/web.yaml' does not exist");
  });

  it("take no snippets by the API", async () => {
    const { status, errors } = await api.call("POST", `${local}/upload`, {
      content: "snippets",
      filename: "web.yaml",
    });
    assert.equal(status, 400);
    assert.match(
      errors?.content ?? "",
      /^value 'snippets' does not have a value in the enumeration 'iso, vztmpl, import'/,
    );
  });

  it("take snippets over ssh, as the provider sends them", async () => {
    const client = await connect(proxmox);
    try {
      const file = path.join(snippets, "web.yaml");
      const root = await run(
        client,
        `/bin/bash -c 'if [ "$(id -u)" = "0" ]; then echo "0"; elif [ $(sudo -n /usr/sbin/pvesm apiinfo 2>&1) ]; then echo 1; fi'`,
      );
      assert.deepEqual(root, { exitCode: 0, output: "0\n" });
      const tee = (target: string) =>
        `/bin/bash -c 'try_sudo(){ "$@"; }; try_sudo /usr/bin/tee ${target}'`;
      assert.equal(
        (await run(client, tee(file), "#cloud-config\n")).exitCode,
        0,
      );
      assert.equal(fs.readFileSync(file, "utf8"), "#cloud-config\n");
      assert.equal((await stat(client, file)).size, 14);

      const outside = await run(client, tee("/tmp/stray.yaml"), "x");
      assert.equal(outside.exitCode, 1);
      assert.equal(fs.existsSync("/tmp/stray.yaml"), false);
      proxmox.faults.add({
        on: "shell",
        script: /tee /,
        message: `tee: ${file}: No space left on device`,
      });
      const full = await run(client, tee(file), "y");
      assert.deepEqual(full, {
        exitCode: 1,
        output: `tee: ${file}: No space left on device\n`,
      });
      assert.equal((await run(client, "reboot now")).exitCode, 127);
      assert.equal(proxmox.shellCommands.length, 5);
    } finally {
      client.end();
    }
  });

  it("let nobody in over ssh without the key", async () => {
    await assert.rejects(
      connect(proxmox, { privateKey: undefined, password: "root" }),
      /All configured authentication methods failed/,
    );
  });
});

function connect(
  { ssh }: ProxmoxSimulator,
  changes: { privateKey?: string | undefined; password?: string } = {},
): Promise<Client> {
  const client = new Client();
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client));
    client.once("error", reject);
    client.connect({
      host: ssh.host,
      port: ssh.port,
      username: ssh.user,
      privateKey: ssh.privateKey,
      ...changes,
    });
  });
}

function run(
  client: Client,
  command: string,
  input = "",
): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error) {
        reject(error);
        return;
      }
      let output = "";
      let exitCode = -1;
      channel.on("data", (part: Buffer) => (output += part.toString()));
      channel.on("exit", (code: number) => (exitCode = code));
      channel.on("close", () => resolve({ exitCode, output }));
      channel.end(input);
    });
  });
}

function stat(client: Client, file: string): Promise<{ size: number }> {
  return new Promise((resolve, reject) => {
    client.sftp((error: Error | undefined, sftp: SFTPWrapper) => {
      if (error) {
        reject(error);
        return;
      }
      sftp.stat(file, (failed, stats) => {
        sftp.end();
        if (failed) {
          reject(failed);
        } else {
          resolve(stats);
        }
      });
    });
  });
}
