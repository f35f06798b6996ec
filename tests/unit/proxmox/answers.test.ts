import assert from "node:assert/strict";
import { proxmoxError } from "@corral-iac/corral/core/proxmox-client/answers";
import {
  endpointOrigin,
  tokenUser,
} from "@corral-iac/corral/core/proxmox-client/endpoint";
import { TOKEN } from "./apiServer";

const asked = {
  what: "POST nodes/pve/qemu/9000/clone",
  server: "https://pve:8006",
  user: "corral@pve!test",
};

function refused(
  status: number,
  reason: string,
  body: object | string = { data: null },
) {
  return proxmoxError(asked, {
    status,
    reason,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

describe("Proxmox client: what a refusal means", () => {
  for (const [fault, status, words] of [
    ["unauthorized", 401, "invalid token value!"],
    [
      "notFound",
      500,
      "Configuration file 'nodes/pve/qemu-server/101.conf' does not exist",
    ],
    ["notFound", 404, "Not Found"],
    ["notFound", 500, "no such VM ('101')"],
    ["exists", 500, "unable to create VM 101: config file already exists"],
    ["exists", 500, "snapshot name 'final-form' already used"],
    ["locked", 500, "VM is locked (backup)"],
    [
      "locked",
      500,
      "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout",
    ],
    ["agent", 500, "No QEMU guest agent configured"],
    ["agent", 500, "QEMU guest agent is not running"],
    ["agent", 500, "VM 101 qga command 'guest-ping' failed - got timeout"],
    ["agent", 500, "Agent error: Command guest-exec has been disabled"],
    ["notRunning", 500, "VM 101 is not running"],
    ["notRunning", 500, "VM 101 not running"],
    ["unreachable", 595, "No route to host"],
    ["unreachable", 596, "Connection timed out"],
    ["unreachable", 599, "Too many redirections"],
    [
      "unreachable",
      500,
      "hostname lookup 'pve9' failed - failed to get address info",
    ],
    ["other", 500, "storage 'local' is not available on node 'pve'"],
    ["other", 501, "Method 'GET /nope' not implemented"],
  ] as const) {
    it(`${status} ${words}: ${fault}`, () => {
      const error = refused(status, words);
      assert.equal(error.fault, fault);
      assert.equal(error.said, words);
      assert.ok(
        error.message.startsWith(
          `POST nodes/pve/qemu/9000/clone at https://pve:8006 failed: ${status} ${words}`,
        ),
        error.message,
      );
    });
  }

  it("names the privilege that is missing, where, and how to give it", () => {
    const error = refused(403, "Permission check failed (/vms/9000, VM.Clone)");
    assert.equal(error.fault, "permission");
    assert.equal(error.privilege, "VM.Clone");
    assert.equal(error.path, "/vms/9000");
    assert.match(
      error.message,
      /The API token corral@pve!test lacks the privilege VM\.Clone on \/vms\/9000\..*pveum acl modify \/vms\/9000 --tokens 'corral@pve!test' --roles/,
    );
    const either = refused(
      403,
      "Permission check failed (/vms/1, VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted)",
    );
    assert.equal(
      either.privilege,
      "VM.GuestAgent.Audit or VM.GuestAgent.Unrestricted",
    );
    assert.equal(refused(403, "Permission check failed").privilege, undefined);
  });

  it("names every parameter that is refused", () => {
    const error = refused(400, "Parameter verification failed.", {
      errors: {
        memory: "value must have a minimum value of 16\n",
        x: "unknown",
      },
      data: null,
    });
    assert.equal(error.fault, "parameter");
    assert.deepEqual(Object.keys(error.fields), ["memory", "x"]);
    assert.match(
      error.message,
      /\(memory: value must have a minimum value of 16; x: unknown\)$/,
    );
    const taken = refused(400, "Parameter verification failed.", {
      errors: { vmid: "VM 101 already exists" },
    });
    assert.equal(taken.fault, "exists");
  });

  it("takes the message of the body, which has more than the reason phrase", () => {
    const error = refused(500, "clone failed", {
      message: "clone failed: no space\nleft on device\n",
    });
    assert.equal(error.said, "clone failed: no space; left on device");
  });

  it("shows no page of HTML", () => {
    const error = refused(502, "Bad Gateway", "<html>nginx</html>");
    assert.equal(error.fault, "unreachable");
    assert.doesNotMatch(error.message, /html/);
  });
});

describe("Proxmox client: endpoint and token", () => {
  it("know a server by one form", () => {
    for (const text of [
      "https://pve:8006",
      "https://pve:8006/",
      " https://PVE:8006/api2/json ",
    ]) {
      assert.equal(endpointOrigin(text), "https://pve:8006");
    }
  });

  for (const [text, why] of [
    ["http://pve:8006", /does not begin with https/],
    ["pve:8006", /does not begin with https/],
    ["pve", /is not an address/],
    ["https://root:secret@pve:8006", /a user or a password/],
  ] as const) {
    it(`refuse ${text}`, () => {
      assert.throws(() => endpointOrigin(text), why);
    });
  }

  it("tell whose a token is, and never show a wrong one", () => {
    assert.equal(tokenUser(TOKEN), "corral@pve!test");
    for (const text of ["hunter2", "root@pam=hunter2", "root!x=hunter2", ""]) {
      assert.throws(
        () => tokenUser(text),
        (error: Error) =>
          /USER@REALM!TOKENID=UUID/.test(error.message) &&
          !error.message.includes("hunter2"),
      );
    }
  });
});
