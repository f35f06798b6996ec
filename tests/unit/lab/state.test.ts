import assert from "node:assert/strict";
import { parseHostNotes, parseLab } from "@corral-iac/tools/lab/state";

const LAB = {
  uri: "qemu:///system",
  accelerator: "tcg",
  pool: "corral-lab",
  image: "corral-lab-debian12-01234567.qcow2",
  imageFile: "/cache/guest.qcow2",
  kernel: "/cache/vmlinuz",
  initrd: "/cache/initrd.img",
  directBoot: { kernel: "/pool/k", initrd: "/pool/i", arguments: "rw" },
  startedDaemons: [{ name: "libvirtd", pid: 4711, started: "129165" }],
};

describe("the lab's state file", () => {
  it("is read as it was written", () => {
    assert.deepEqual(parseLab(JSON.stringify(LAB)), LAB);
  });

  it("is none when it is cut off, lacks a field or has a wrong one", () => {
    const { pool, ...lacking } = LAB;
    assert.equal(pool, "corral-lab");
    const wrong = [
      JSON.stringify(LAB).slice(0, 40),
      JSON.stringify(lacking),
      JSON.stringify({ ...LAB, accelerator: "hvf" }),
      JSON.stringify({ ...LAB, startedDaemons: [{ name: "x", pid: -1 }] }),
    ];
    for (const text of wrong) {
      assert.equal(parseLab(text), undefined, text);
    }
  });

  it("never names a process to end without its start time", () => {
    const daemon = { name: "libvirtd", pid: 4711 };
    const text = JSON.stringify({ ...LAB, startedDaemons: [daemon] });
    assert.equal(parseLab(text), undefined);
  });
});

describe("the notes of the host", () => {
  it("hold the paths that were there, and /dev/kvm where it was changed", () => {
    const notes = {
      pathsBefore: ["/var/log/libvirt"],
      chainsBefore: { "iptables filter": ["LIBVIRT_INP"], "iptables nat": [] },
      kvmDevice: { mode: 0o600, gid: 0 },
    };
    assert.deepEqual(parseHostNotes(JSON.stringify(notes)), notes);
    assert.equal(parseHostNotes("{}"), undefined);
  });
});
