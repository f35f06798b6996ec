import assert from "node:assert/strict";
import { becomes } from "@corral-iac/tools/lab/processes";
import { NfsExample } from "../../support/nfsExample";

const BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

// One guest; each test stands on the one before.
describe("a guest with an NFS share, when it boots", function () {
  this.bail(true);
  this.timeout(900_000);
  let example: NfsExample;
  const share = {
    name: "data",
    server: "10.144.2.1",
    hostPath: "/rw",
    guestPath: "/srv/data",
  };

  before(async () => {
    example = await NfsExample.make("nfsboot", "10.144.2");
    example.declare(share);
    await example.mustUp();
  });

  after(async () => {
    const destroyed = await example?.remove();
    assert.equal(destroyed?.exitCode, 0, destroyed?.output);
  });

  /** Restarts the guest and waits until it answers. */
  async function reboot(): Promise<void> {
    const { guest } = example;
    const before = await guest.run(BOOT_ID);
    await guest.run("sudo systemctl reboot").catch(() => undefined);
    await guest.disconnect();
    const isBack = () =>
      guest.run(BOOT_ID).then(
        (id) => id !== before,
        () => false,
      );
    assert.ok(await becomes(isBack, 300), "the guest did not come back");
  }

  it("has the share again, by its line in fstab alone", async () => {
    await reboot();
    const isMounted = async () =>
      (await example.mounted("/srv/data")) === "10.144.2.1:/rw nfs4";
    assert.ok(await becomes(isMounted, 120));
    await example.mustUp("--refresh", "--expect-no-changes");
  });

  it("comes up without the share while the server is gone, and a refresh mends it later", async () => {
    await example.nfs.halt();
    await reboot();
    assert.equal(await example.mounted("/srv/data"), "");
    const seen = await example.stack.must([
      "refresh",
      "--yes",
      "--skip-preview",
    ]);
    assert.match(seen, /10\.144\.2\.1:\/rw is not mounted at \/srv\/data/);
    await example.nfs.resume();
    await example.mustUp("--refresh");
    assert.equal(await example.mounted("/srv/data"), "10.144.2.1:/rw nfs4");
    assert.equal((await example.fstab()).match(/srv\/data/g)?.length, 1);
  });
});
