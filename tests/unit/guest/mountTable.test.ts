import assert from "node:assert/strict";

import {
  isNfsOf,
  kernelPath,
  mountsAt,
  parseMountinfo,
} from "@corral-iac/corral-ops/guest/mountTable";

/** As a Debian 12 guest has it, with a tmpfs laid over a share. */
const table = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
211 24 0:36 / /var/lib/nfs/rpc_pipefs rw,relatime shared:96 - rpc_pipefs sunrpc rw
222 24 0:38 / /srv/data rw,relatime shared:123 - nfs4 10.0.0.1:/rw rw,vers=4.2,addr=10.0.0.1
231 24 0:39 / /srv/gr\xc3\xb6\xc3\x9fe\\040und\\040mehr ro - nfs4 [fd00::1]:/a\\134b\\043 ro
240 24 0:41 /sub /srv/data rw shared:1 master:2 propagate_from:3 - tmpfs tmpfs rw
not a line
`;

describe("the kernel's mount table", () => {
  const mounts = parseMountinfo(table);

  it("is read: mount point, type and source, with any number of optional fields", () => {
    assert.equal(mounts.length, 5);
    assert.deepEqual(mounts[3], {
      mountPoint: "/srv/größe und mehr",
      type: "nfs4",
      source: "[fd00::1]:/a\\b#",
    });
  });

  it("has what is seen at a path last", () => {
    assert.deepEqual(
      mountsAt(mounts, "/srv/data").map(({ type }) => type),
      ["nfs4", "tmpfs"],
    );
    assert.deepEqual(mountsAt(mounts, "/srv"), []);
  });

  it("tells an NFS mount of a source from all others", () => {
    assert.ok(isNfsOf(mounts[2], "10.0.0.1:/rw"));
    assert.ok(!isNfsOf(mounts[2], "10.0.0.1:/rw2"));
    assert.ok(!isNfsOf(mounts[4], "tmpfs"));
    assert.ok(!isNfsOf(undefined, "10.0.0.1:/rw"));
  });

  it("writes paths as they are looked for by a script", () => {
    assert.equal(kernelPath("/a b\\c\td#"), "/a\\040b\\134c\\011d#");
  });
});
