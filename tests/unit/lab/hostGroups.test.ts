import assert from "node:assert/strict";
import { groupFolders } from "@corral-iac/tools/lab/host/groups";
import { hostAddresses } from "@corral-iac/tools/lab/host/hostFolders";

describe("the control groups of this process", () => {
  it("are found in each hierarchy of cgroup v1, and in v2 beside them", () => {
    const mounts = [
      "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
      "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0",
      "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0",
      "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0",
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0",
    ].join("\n");
    const groups =
      "9:name=systemd:/\n4:memory:/api/1\n2:cpu,cpuacct:/x\n0::/y\n";
    assert.deepEqual(groupFolders(groups, mounts), [
      "/sys/fs/cgroup/systemd",
      "/sys/fs/cgroup/memory/api/1",
      "/sys/fs/cgroup/cpu,cpuacct/x",
      "/sys/fs/cgroup/unified/y",
    ]);
  });

  it("are one where there is only v2, and a hierarchy that is not mounted has none", () => {
    const mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
    assert.deepEqual(groupFolders("0::/user.slice\n3:pids:/\n", mounts), [
      "/sys/fs/cgroup/user.slice",
    ]);
  });
});

describe("the addresses of the lab's hosts", () => {
  it("are four for each host, and never those of another", () => {
    assert.deepEqual(hostAddresses(0), {
      outer: "10.120.0.1",
      host: "10.120.0.2",
    });
    assert.deepEqual(hostAddresses(64), {
      outer: "10.120.1.1",
      host: "10.120.1.2",
    });
  });
});
