import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { contentUnder } from "../../support/contentUnder";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";

const VM_ID = 8101;
const planted = `planted-${randomBytes(8).toString("hex")}`;
const CLOUD_INIT = {
  users: [
    {
      name: "ops",
      sudo: true,
      passwordHash: { fromConfig: "planted" },
    },
  ],
  files: [{ path: "/etc/token", content: { fromConfig: "planted" } }],
  packages: ["htop"],
};

// One stack through the two ways of cloud-init; each step stands on the one before.
describe("cloud-init of a ProxmoxVm", function () {
  this.bail(true);
  let setting: ProxmoxStack;
  /** Everything that Pulumi printed. */
  let printed = "";
  const declare = (changes: Record<string, unknown>) => {
    const { ssh } = setting.proxmox;
    setting.declare(
      { web: bookMachine({ vmId: VM_ID, ...changes }) },
      {
        nodeSsh: {
          user: ssh.user,
          privateKey: { fromConfig: "nodeKey" },
          address: ssh.host,
          port: ssh.port,
        },
      },
    );
  };
  const up = async (...flags: string[]) => {
    const { output } = await setting.up(...flags);
    printed += output;
    return output;
  };
  const preview = async (...flags: string[]) => {
    const run = await setting.stack.preview("--diff", ...flags);
    assert.equal(run.exitCode, 0, run.output);
    printed += run.output;
    return run.output;
  };
  const snippets = () => {
    const folder = path.join(setting.proxmox.folder, "local", "snippets");
    return fs.readdirSync(folder).map((name) => ({
      name,
      text: fs.readFileSync(path.join(folder, name), "utf8"),
      mode: (fs.statSync(path.join(folder, name)).mode & 0o777).toString(8),
    }));
  };
  const uuid = () => setting.proxmox.machine(VM_ID).config.smbios1;

  before(async () => {
    setting = await ProxmoxStack.make("pvecloud");
    await setting.setSecret("planted", planted);
    await setting.setSecret("nodeKey", setting.proxmox.ssh.privateKey);
  });

  after(async () => {
    const { unknownCalls } = setting.proxmox;
    await setting.remove();
    assert.deepEqual(unknownCalls, []);
  });

  it("is stored as a snippet, for root alone, and named by the machine", async () => {
    declare({ cloudInit: CLOUD_INIT });
    await up("--diff");
    const [snippet, ...others] = snippets();
    assert.deepEqual(others, []);
    assert.match(
      snippet?.name ?? "",
      /^corral-pvecloud-web-user-data-[0-9a-f]{8}\.yaml$/,
    );
    assert.equal(snippet?.mode, "600");
    assert.match(snippet?.text ?? "", /^#cloud-config\n/);
    for (const words of ["htop", planted, "OPENSSH PRIVATE KEY"]) {
      assert.ok(snippet?.text.includes(words), words);
    }
    const { cicustom, ciuser, ipconfig0 } =
      setting.proxmox.machine(VM_ID).config;
    assert.equal(cicustom, `user=local:snippets/${snippet?.name}`);
    assert.equal(ciuser, undefined);
    assert.equal(ipconfig0, "ip=dhcp");
  });

  it("pins the host key that was handed in", async () => {
    const { machines } = await setting.stack.outputs<{
      machines: { web: { connection: { hostKey: string; user: string } } };
    }>();
    const { hostKey, user } = machines.web.connection;
    assert.equal(user, "ops");
    assert.ok(
      snippets()[0]?.text.includes(hostKey.split(" ")[1] ?? "?"),
      hostKey,
    );
  });

  it("shows no change afterwards, also after a refresh", async () => {
    await preview("--expect-no-changes");
    await preview("--refresh", "--expect-no-changes");
  });

  it("changes nothing of a machine that is there, unless the user wants it", async () => {
    const { text } = snippets()[0] ?? {};
    const made = uuid();
    declare({ cloudInit: { ...CLOUD_INIT, packages: ["curl"] } });
    await up();
    assert.equal(snippets()[0]?.text, text);
    assert.equal(uuid(), made);
  });

  it("makes the machine anew with the new snippet where the user wants it", async () => {
    const made = uuid();
    declare({
      cloudInit: { ...CLOUD_INIT, packages: ["curl"] },
      onCloudInitChange: "replace",
    });
    const output = await up();
    assert.match(output, /VirtualEnvironmentVm web-vm replac/);
    assert.notEqual(uuid(), made);
    const [snippet, ...others] = snippets();
    assert.deepEqual(others, []);
    assert.match(snippet?.text ?? "", /curl/);
    assert.doesNotMatch(snippet?.text ?? "", /htop/);
    await preview("--expect-no-changes");
  });

  it("puts a snippet back that somebody removed, and leaves the machine alone", async () => {
    const made = uuid();
    const [snippet] = snippets();
    fs.rmSync(
      path.join(
        setting.proxmox.folder,
        "local/snippets",
        snippet?.name ?? "none",
      ),
    );
    await up("--refresh");
    assert.deepEqual(
      snippets().map(({ name }) => name),
      [snippet?.name],
    );
    assert.equal(uuid(), made);
  });

  it("goes over to Proxmox VE's own fields, and the snippet goes", async () => {
    declare({
      account: { name: "ops", password: { fromConfig: "planted" } },
      onCloudInitChange: "replace",
    });
    await up("--diff");
    assert.deepEqual(snippets(), []);
    const { cicustom, ciuser, cipassword } =
      setting.proxmox.machine(VM_ID).config;
    assert.equal(cicustom, undefined);
    assert.equal(ciuser, "ops");
    assert.ok(cipassword);
    await preview("--expect-no-changes");
  });

  it("leaves no secret in plain in state, backend or output", async () => {
    const { text } = await setting.stack.exportedState();
    const { machines } = await setting.stack.outputs<{
      machines: { web: { connection: { privateKey: string } } };
    }>();
    const lineOf = (key: string) =>
      key.split("\n").find((line) => line.length > 60) ?? "?";
    const secrets = {
      "the planted secret": planted,
      "the API token": setting.proxmox.apiToken.split("=")[1] ?? "?",
      "the node's key": lineOf(setting.proxmox.ssh.privateKey),
      "the login key": lineOf(machines.web.connection.privateKey),
    };
    const places = {
      "the exported state": text,
      "what was printed": printed,
      "the backend's files": contentUnder(
        path.join(setting.stack.folder, "state"),
      ),
    };
    for (const [what, secret] of Object.entries(secrets)) {
      const base64 = Buffer.from(secret).toString("base64").slice(0, -4);
      for (const [where, content] of Object.entries(places)) {
        assert.ok(!content.includes(secret), `${what} stands in ${where}`);
        assert.ok(
          !content.includes(base64),
          `${what} stands in base64 in ${where}`,
        );
      }
    }
  });

  it("leaves nothing behind", async () => {
    const { exitCode, output } = await setting.stack.destroy();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(setting.proxmox.leftovers(), []);
  });
});
