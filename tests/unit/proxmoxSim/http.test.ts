import assert from "node:assert/strict";
import { fromMultipart } from "@corral-iac/tools/lab/proxmox/http/body";
import { checkParameters } from "@corral-iac/tools/lab/proxmox/http/parameters";
import { readAnswer } from "@corral-iac/tools/lab/proxmox/guests/libvirt/agentChannel";
import { networkAddresses } from "@corral-iac/tools/lab/proxmox/guests/libvirt/domainXml";
import { scriptOf } from "@corral-iac/tools/lab/proxmox/ssh/commands";

describe("requests to the simulated Proxmox VE", () => {
  it("are refused for all wrong parameters at once, in Proxmox's words", () => {
    assert.throws(
      () =>
        checkParameters(
          { newid: "99", full: "maybe", name: "a_b", colour: "red" },
          (name) =>
            name === "newid"
              ? { type: "integer", minimum: 100 }
              : name === "full"
                ? { type: "boolean", optional: true }
                : name === "name"
                  ? { type: "string", optional: true, format: "dnsName" }
                  : name === "target"
                    ? { type: "string" }
                    : undefined,
          ["newid", "full", "name", "target"],
        ),
      {
        status: 400,
        message: "Parameter verification failed.",
        errors: {
          newid: "value must have a minimum value of 100",
          full: "type check ('boolean') failed - got 'maybe'",
          name: "invalid format - value does not look like a valid DNS name\n",
          colour:
            "property is not defined in schema and the schema does not allow additional properties",
          target: "property is missing and it is not optional",
        },
      },
    );
  });

  it("bring files byte by byte", () => {
    const bytes = Buffer.from([0, 13, 10, 45, 45, 255, 13, 10]);
    const raw = Buffer.concat([
      Buffer.from(
        '--b\r\nContent-Disposition: form-data; name="content"\r\n\r\niso\r\n' +
          '--b\r\nContent-Disposition: form-data; name="filename"; filename="a.iso"\r\n' +
          "Content-Type: application/octet-stream\r\n\r\n",
      ),
      bytes,
      Buffer.from("\r\n--b--\r\n"),
    ]);
    const { parameters, files } = fromMultipart(raw, "b");
    assert.deepEqual(parameters, { content: "iso" });
    assert.deepEqual(files, [{ fileName: "a.iso", content: bytes }]);
  });

  it("over ssh are taken out of their quotes", () => {
    assert.equal(
      scriptOf(`/bin/bash -c 'echo '"'"'a'"'"'; tee x'`),
      "echo 'a'; tee x",
    );
    assert.equal(scriptOf("id -u"), "id -u");
  });
});

describe("an agent's answer", () => {
  const echo = "virsh # qemu-agent-command pve-1-100 ...\n";

  it("is found behind the command that virsh repeats", () => {
    assert.deepEqual(
      readAnswer(`${echo}{"return":{"pid":7}}\n\nvirsh # \n`, ""),
      { pid: 7 },
    );
  });

  it("that is an error is the agent's own text", () => {
    assert.throws(
      () =>
        readAnswer(
          echo,
          "error: internal error: unable to execute QEMU agent command 'guest-exec': Failed to execute child process\n",
        ),
      { message: "Failed to execute child process" },
    );
    assert.throws(
      () =>
        readAnswer(
          echo,
          "error: Guest agent is not responding: QEMU guest agent is not connected\n",
        ),
      /Guest agent is not responding/,
    );
  });
});

describe("the network of a bridge", () => {
  it("gives its first address to the node and the upper half to DHCP", () => {
    assert.deepEqual(networkAddresses("10.141.7.0/24"), {
      gateway: "10.141.7.1",
      prefix: 24,
      first: "10.141.7.128",
      last: "10.141.7.254",
    });
  });

  it("is refused when it is none", () => {
    for (const cidr of ["10.141.7.1/24", "10.141.0.0/8", "x", "10.1.0.0/30"]) {
      assert.throws(() => networkAddresses(cidr), /is none/, cidr);
    }
  });
});
