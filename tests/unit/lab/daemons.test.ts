import assert from "node:assert/strict";
import { isMarked } from "@corral-iac/tools/lab/daemons";

const FOLDER = "/cache/lab";
const environment = (...entries: string[]) => `${entries.join("\0")}\0`;

describe("a daemon of the lab", () => {
  it("is known by the log file that it was started with", () => {
    const own = environment(
      "PATH=/usr/sbin",
      "LIBVIRT_LOG_OUTPUTS=3:file:/cache/lab/libvirtd.log",
    );
    assert.ok(isMarked(own, "libvirtd", FOLDER));
  });

  it("is none that somebody else started, or another lab, or that is another program", () => {
    const others = [
      "",
      environment("PATH=/usr/sbin"),
      environment("LIBVIRT_LOG_OUTPUTS=1:file:/var/log/libvirt/libvirtd.log"),
      environment("LIBVIRT_LOG_OUTPUTS=3:file:/other/cache/lab/libvirtd.log"),
      environment("LIBVIRT_LOG_OUTPUTS=3:file:/cache/lab/virtlogd.log"),
      environment("NOTE=LIBVIRT_LOG_OUTPUTS=3:file:/cache/lab/libvirtd.log"),
    ];
    for (const other of others) {
      assert.ok(!isMarked(other, "libvirtd", FOLDER), other);
    }
  });
});
