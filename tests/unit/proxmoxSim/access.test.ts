import assert from "node:assert/strict";
import { authenticate } from "@corral-iac/tools/lab/proxmox/access/authenticate";
import { Caller } from "@corral-iac/tools/lab/proxmox/access/caller";
import { initialState } from "@corral-iac/tools/lab/proxmox/state/initial";
import type { ClusterState } from "@corral-iac/tools/lab/proxmox/index";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

describe("privileges in the simulated Proxmox VE", () => {
  let folder: string;
  let state: ClusterState;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-acl-"));
    state = initialState({ pools: ["lab"] }, folder);
  });

  after(() => fs.rmSync(folder, { recursive: true }));

  const caller = (privileges: Record<string, readonly string[]>) =>
    new Caller("a@pve!t", state, privileges);

  it("are inherited from the nearest path that has an entry", () => {
    const one = caller({
      "/": ["VM.Audit"],
      "/vms": ["VM.Audit", "VM.Clone"],
      "/vms/100": ["VM.PowerMgmt"],
    });
    assert.equal(one.has("/vms/101", "VM.Clone"), true);
    assert.equal(one.has("/vms/100", "VM.PowerMgmt"), true);
    assert.equal(one.has("/vms/100", "VM.Clone"), false);
    assert.equal(one.has("/storage/local", "VM.Audit"), true);
    assert.equal(one.has("/storage/local", "VM.Clone"), false);
  });

  it("of a pool count for its machines too", () => {
    const template = state.machines[9000];
    assert.ok(template);
    template.pool = "lab";
    const one = caller({ "/pool/lab": ["VM.Clone"] });
    assert.equal(one.has("/vms/9000", "VM.Clone"), true);
    assert.equal(one.has("/vms/9001", "VM.Clone"), false);
    delete template.pool;
  });

  it("that are missing stand in the refusal with their path", () => {
    const one = caller({ "/": ["VM.Audit"] });
    assert.throws(() => one.check("/vms/100", "VM.Audit", "VM.Clone"), {
      status: 403,
      message: "Permission check failed (/vms/100, VM.Clone)",
    });
    assert.throws(
      () => one.checkAny("/vms/100", ["VM.Config.CPU", "VM.Config.Disk"]),
      {
        message:
          "Permission check failed (/vms/100, VM.Config.CPU|VM.Config.Disk)",
      },
    );
  });

  it("are those of a token, and a wrong one is refused in Proxmox's words", () => {
    const [id = "", token] = Object.entries(state.tokens)[0] ?? [];
    const login = (text: string | undefined) =>
      authenticate(
        text === undefined ? {} : { authorization: `PVEAPIToken=${text}` },
        state,
      );
    assert.equal(login(`${id}=${token?.secret}`).user, id);
    const refused: [string | undefined, string][] = [
      [undefined, "No ticket"],
      ["x", "no tokenid specified"],
      [`${id}=wrong`, "invalid token value!"],
      ["corral@pve!other=x", "no such token 'other' for user 'corral@pve'"],
      ["nobody@pve!t=x", "no such user ('nobody@pve')"],
    ];
    for (const [text, message] of refused) {
      assert.throws(() => login(text), { status: 401, message });
    }
  });
});
