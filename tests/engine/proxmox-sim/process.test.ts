import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import type { ProxmoxAccess } from "@corral-iac/tools/lab/proxmox/process";
import { know } from "@corral-iac/tools/lab/processes";
import { ProxmoxApi } from "../../support/proxmoxApi";
import { REPOSITORY } from "../../support/testStack";

describe("the simulated Proxmox VE as a process of its own", () => {
  let home: string;

  before(() => {
    home = fs.mkdtempSync(path.join(os.tmpdir(), "corral-home-"));
  });

  after(async () => {
    await lab("down");
    fs.rmSync(home, { recursive: true });
  });

  const lab = async (verb: string, ...flags: string[]) => {
    const { exitCode, all } = await execa(
      process.execPath,
      ["tools/bin/main.js", "lab", verb, "proxmox", ...flags],
      {
        cwd: REPOSITORY,
        env: { CORRAL_HOME: home },
        all: true,
        reject: false,
      },
    );
    return { exitCode, output: all ?? "" };
  };
  const access = () =>
    JSON.parse(
      fs.readFileSync(path.join(home, "proxmox-lab/access.json"), "utf8"),
    ) as ProxmoxAccess;
  const api = (found: ProxmoxAccess) =>
    new ProxmoxApi({
      endpoint: found.endpoint,
      apiToken: found.apiToken,
      caCertificate: fs.readFileSync(
        path.join(home, "proxmox-lab/pveproxy-ssl.pem"),
        "utf8",
      ),
    });

  it("comes up, once", async () => {
    const first = await lab("up", "--no-guests");
    assert.equal(first.exitCode, 0, first.output);
    const { process: known } = access();
    const second = await lab("up", "--no-guests");
    assert.match(second.output, /Lab for Proxmox VE +ok/);
    assert.deepEqual(access().process, known);
    assert.equal((await lab("status")).exitCode, 0);
  });

  it("takes up its machines when it was killed, on the same port", async () => {
    const found = access();
    const before = api(found);
    await before.task("POST", "/nodes/pve/qemu/9000/clone", { newid: 101 });
    before.close();
    process.kill(found.process.pid, "SIGKILL");
    assert.equal((await lab("status")).exitCode, 3);
    const up = await lab("up", "--no-guests");
    assert.equal(up.exitCode, 0, up.output);
    assert.equal(access().endpoint, found.endpoint);
    const after = api(access());
    const { name } = await after.data<{ name: string }>(
      "GET",
      "/nodes/pve/qemu/101/config",
    );
    after.close();
    assert.equal(name, "Copy-of-VM-debian12");
  });

  it("goes with all that it made", async () => {
    const { pid } = access().process;
    const down = await lab("down");
    assert.equal(down.exitCode, 0, down.output);
    assert.equal(fs.existsSync(path.join(home, "proxmox-lab")), false);
    assert.equal(know("simulator", pid), undefined);
    assert.equal((await lab("status")).exitCode, 3);
  });

  it("is refused an option or a kind that is none", async () => {
    const { exitCode, output } = await lab("up", "--force");
    assert.equal(exitCode, 2);
    assert.match(output, /--force is not an option of up proxmox\./);
  });
});
