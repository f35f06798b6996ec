import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import type { Guest } from "../support/guest";
import { domains, networks, virsh } from "../support/hypervisor";
import { type ExampleShare as Share, NfsExample } from "../support/nfsExample";

const STACK = "nfs";
/** The host's own address in the guest's network. */
const HOST = "10.144.0.1";
/** An address of the network that nobody has. */
const NOBODY = "10.144.0.250";
/** A port at which somebody takes connections and says nothing. */
const SILENT_PORT = 8094;

// One guest serves all tests of this file; each stands on the one before. The program is the example
// of the documentation.
describe("NfsMount in a real guest", function () {
  this.bail(true);
  let example: NfsExample;
  let guest: Guest;
  let silent: net.Server;

  const data: Share = {
    name: "data",
    server: HOST,
    hostPath: "/rw",
    guestPath: "/srv/data",
  };
  const manuals: Share = {
    name: "manuals",
    server: HOST,
    hostPath: "/ro",
    guestPath: "/srv/größe und mehr/hand bücher",
    options: ["ro", "vers=4.2"],
  };

  /** What a second run must leave alone. */
  const fingerprint = () =>
    guest.run(
      "stat -c '%i %Y %U %a' /etc/fstab; sha256sum /etc/fstab; sha256sum /proc/self/mountinfo; " +
        "cat /proc/sys/kernel/random/boot_id",
    );

  before(async function () {
    this.timeout(400_000);
    example = await NfsExample.make(STACK, "10.144.0");
    ({ guest } = example);
    silent = net.createServer((socket) => socket.on("error", () => undefined));
    silent.listen(SILENT_PORT, HOST);
  });

  after(async function () {
    this.timeout(200_000);
    silent?.close();
    const destroyed = await example?.remove();
    assert.equal(destroyed?.exitCode, 0, destroyed?.output);
    assert.ok(!(await domains()).includes(`office-${STACK}-desk`));
    assert.ok(!(await networks()).includes(`office-${STACK}-lan`));
  });

  it("installs the client where it is missing, and mounts the share", async () => {
    await guest.run(
      "sudo dpkg --purge nfs-common >/dev/null 2>&1; test ! -e /sbin/mount.nfs",
      240,
    );
    const before = await example.fstab();
    example.declare(data);
    await example.mustUp();
    assert.ok(
      example.apt.requests.some((file) => file.startsWith("nfs-common_")),
      example.apt.requests.join(" "),
    );
    assert.equal(await example.mounted("/srv/data"), `${HOST}:/rw nfs4`);
    const added = (await example.fstab()).slice(before.length).trim();
    assert.match(
      added,
      /^10\.144\.0\.1:\/rw \/srv\/data nfs nofail,_netdev,comment=corral-[0-9a-f]{12} 0 0$/,
    );
    assert.ok((await example.fstab()).startsWith(before));
  });

  it("has it readable and writable on both sides", async () => {
    fs.writeFileSync(
      path.join(example.nfs.folderOf("rw"), "from-host"),
      "hello\n",
    );
    assert.equal(await guest.run("cat /srv/data/from-host"), "hello");
    await guest.run(
      "echo back > /srv/data/from-guest; sync /srv/data/from-guest",
    );
    assert.equal(
      fs.readFileSync(
        path.join(example.nfs.folderOf("rw"), "from-guest"),
        "utf8",
      ),
      "back\n",
    );
  });

  it("wrote a line that mount, findmnt and systemd take", async () => {
    await guest.run("sudo umount /srv/data && sudo mount /srv/data");
    assert.equal(await example.mounted("/srv/data"), `${HOST}:/rw nfs4`);
    await guest.run("findmnt --verify");
    await guest.run("sudo umount /srv/data");
    await guest.run("sudo systemctl start srv-data.mount");
    assert.equal(await example.mounted("/srv/data"), `${HOST}:/rw nfs4`);
  });

  it("changes nothing at a second up, and nothing in the guest", async () => {
    const before = await fingerprint();
    await example.mustUp("--expect-no-changes");
    assert.equal(await fingerprint(), before);
  });

  it("changes options in place, and adds a share with spaces and umlauts in its path", async () => {
    fs.writeFileSync(path.join(example.nfs.folderOf("ro"), "page"), "one\n");
    example.declare({ ...data, options: ["ro"] }, manuals);
    await example.mustUp();
    assert.equal(await guest.run(`cat '${manuals.guestPath}/page'`), "one");
    assert.match(
      await example.fstab(),
      /\/srv\/größe\\040und\\040mehr\/hand\\040bücher nfs nofail,_netdev,ro,vers=4\.2,comment=/,
    );
    await assert.rejects(
      guest.run("sudo touch /srv/data/not-now"),
      /Read-only file system/,
    );
    assert.equal((await example.fstab()).split(" /srv/data ").length, 2);
  });

  it("finds and mends by refresh what was changed by hand", async () => {
    const before = await example.fstab();
    await guest.run(
      "sudo sed -i '\\|/srv/data|d; s/ro,vers=4.2/ro,vers=4.1/' /etc/fstab && sudo umount /srv/data && sudo rmdir /srv/data",
    );
    await example.mustUp("--expect-no-changes");
    const seen = await example.stack.must([
      "refresh",
      "--preview-only",
      "--diff",
    ]);
    assert.match(seen, /vers=4\.2" => "vers=4\.1"/);
    const mended = await example.mustUp("--refresh");
    assert.match(mended, /desk-data-mount.*created/);
    assert.deepEqual(
      (await example.fstab()).split("\n").sort(),
      before.split("\n").sort(),
    );
    assert.equal(await example.mounted("/srv/data"), `${HOST}:/rw nfs4`);
    await example.mustUp("--refresh", "--expect-no-changes");
  });

  it("says clearly what stands in the way of a share, and leaves fstab and mounts as they were", async () => {
    const stranger = `10.9.9.9:/x /srv/taken nfs noauto 0 0`;
    await guest.run(
      `echo '${stranger}' | sudo tee -a /etc/fstab; sudo mkdir -p /srv/real; sudo ln -s /srv/real /srv/link`,
    );
    const before = await fingerprint();
    const began = Date.now();
    const share = (name: string, changes: Partial<Share>): Share => ({
      name,
      server: HOST,
      hostPath: "/rw",
      guestPath: `/mnt/${name}`,
      // Without it mount.nfs tries NFSv3 too, for which it starts services: minutes of a busy guest.
      options: ["vers=4.2"],
      ...changes,
    });
    example.declare(
      { ...data, options: ["ro"] },
      manuals,
      share("refused", { hostPath: "/refused" }),
      share("missing", { hostPath: "/nothing" }),
      share("unreachable", { server: NOBODY }),
      share("unknown", { server: "no-such-host.invalid" }),
      share("closed", { options: ["vers=4.2", "port=1"] }),
      share("silent", {
        options: ["vers=4.2", `port=${SILENT_PORT}`],
        timeoutSeconds: 8,
      }),
      share("option", { options: ["vers=4.2", "nonsense=1"] }),
      share("taken", { guestPath: "/srv/taken" }),
      share("link", { guestPath: "/srv/link/data" }),
    );
    const { exitCode, output } = await example.up("--parallel", "20");
    assert.notEqual(exitCode, 0);
    for (const text of [
      /refused could not be mounted at \/mnt\/refused: 10\.144\.0\.1 refuses it to this guest/,
      /nothing could not be mounted at \/mnt\/missing: there is no \/nothing among what 10\.144\.0\.1 exports/,
      /10\.144\.0\.250:\/rw could not be mounted at \/mnt\/unreachable: (the guest has no route to|10\.144\.0\.250 (does not answer|gave no answer))/,
      /the guest cannot resolve the name no-such-host\.invalid/,
      /mounted at \/mnt\/closed: no NFS server answers on 10\.144\.0\.1 \(connection refused\)/,
      /mounted at \/mnt\/silent: 10\.144\.0\.1 gave no answer within 8 s/,
      /mounted at \/mnt\/option: an option is not known/,
      /an entry for \/srv\/taken that is not this mount's:\s+10\.9\.9\.9:\/x \/srv\/taken nfs noauto 0 0/,
      /guestPath \/srv\/link\/data leads through a symbolic link to \/srv\/real/,
    ]) {
      assert.match(output, text);
    }
    assert.ok(Date.now() - began < 150_000);
    assert.equal(await fingerprint(), before);
    assert.equal(
      await guest.run("ls -A /mnt /srv/real"),
      "/mnt:\n\n/srv/real:",
    );
    assert.equal(await guest.run("pgrep -c mount.nfs || true"), "0");
    await guest.run(
      "sudo sed -i '\\|/srv/taken|d' /etc/fstab; sudo rm /srv/link",
    );
  });

  it("keeps the share that is mounted when its change cannot be mounted", async () => {
    example.declare(
      { ...data, options: ["ro"], hostPath: "/nothing" },
      manuals,
    );
    const before = await fingerprint();
    const { exitCode, output } = await example.up("--parallel", "20");
    assert.notEqual(exitCode, 0);
    assert.match(output, /no \/nothing among what 10\.144\.0\.1 exports/);
    assert.equal(await fingerprint(), before);
  });

  it("unmounts lazily what is in use, says who uses it, and leaves nothing of a removed share", async () => {
    await guest.run(
      `sudo systemd-run -q --unit reader --working-directory='${manuals.guestPath}' sleep 600`,
    );
    example.declare({ ...data, options: ["ro"] });
    const output = await example.mustUp();
    assert.match(
      output,
      /hand bücher is in use by sleep \(\d+\).* was unmounted lazily/,
    );
    assert.equal(await example.mounted(manuals.guestPath), "");
    assert.doesNotMatch(await example.fstab(), /bücher/);
    assert.equal(
      await guest.run("ls /srv | grep -v -e data -e real || true"),
      "",
    );
    await guest.run("sudo systemctl stop reader");
  });

  it("moves a share, and takes its former folder away", async () => {
    example.declare({ ...data, guestPath: "/opt/moved" });
    await example.mustUp();
    assert.equal(await example.mounted("/opt/moved"), `${HOST}:/rw nfs4`);
    assert.equal(await guest.run("cat /opt/moved/from-host"), "hello");
    await guest.run("test ! -e /srv/data");
    assert.doesNotMatch(await example.fstab(), /\/srv\/data/);
  });

  it("does not stop at a machine that is off: a refresh keeps the state, a removal is done", async () => {
    await guest.disconnect();
    await virsh("destroy", example.domain);
    const target = ["--target", "**desk-data-mount**"];
    const kept = await example.stack.must([
      "refresh",
      "--yes",
      "--skip-preview",
      ...target,
    ]);
    assert.match(kept, /The state is kept|the state is kept/);
    example.declare();
    const began = Date.now();
    const output = await example.mustUp(...target);
    assert.match(output, /The guest counts as gone/);
    assert.ok(Date.now() - began < 60_000);
  });
});
