import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setMaxListeners } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";

import type { OperationContext } from "@corral-iac/corral-ops/frame/context";
import { MountCommands } from "@corral-iac/corral-ops/guest/mountCommands";
import { kernelPath } from "@corral-iac/corral-ops/guest/mountTable";
import { RootShell } from "@corral-iac/corral-ops/guest/rootShell";
import { guestMount } from "@corral-iac/corral-ops/resources/guestMount";
import { generateEd25519 } from "@corral-iac/corral-ops/ssh/keyPair";
import { SshPool } from "@corral-iac/corral-ops/ssh/pool";
import { closeSshPool } from "@corral-iac/corral-ops/ssh/shared";

import { CLOSED_PORT, SshServer } from "./sshServer";

const never = new AbortController().signal;
setMaxListeners(0, never);

describe("scripts of GuestMount, run by a real shell over ssh", () => {
  let server: SshServer;
  let folder: string;
  let fstab: string;
  let mountinfo: string;
  const pool = new SshPool(10, { connectSeconds: 5, handshakeSeconds: 20 });
  let guest: MountCommands;

  before(async () => {
    server = await SshServer.start();
  });
  after(async () => {
    pool.close();
    await server.stop();
  });
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(server.folder, "guest-"));
    fstab = path.join(folder, "fstab");
    mountinfo = path.join(folder, "mountinfo");
    fs.writeFileSync(mountinfo, "22 1 254:0 / / rw - ext4 /dev/vda rw\n");
    guest = new MountCommands(new RootShell(pool, server.target()), never, {
      fstab,
      mountinfo,
    });
  });

  const bytes = (text: string) => Buffer.from(text, "utf8").toString("latin1");

  it("look at fstab to the byte, and at what is at a path", async () => {
    const odd = Buffer.from([0x23, 0xff, 0x00, 0x0a, 0x20, 0x0a]);
    fs.writeFileSync(fstab, odd);
    const at = (name: string) => path.join(folder, name);
    fs.mkdirSync(at("empty"));
    fs.mkdirSync(at("full"));
    fs.writeFileSync(at("full/.hidden"), "");
    fs.symlinkSync(at("full"), at("link"));
    fs.symlinkSync(at("nowhere"), at("dangling"));
    fs.writeFileSync(at("file"), "");
    const mounted = at("a mounted\\ one ü*");
    fs.appendFileSync(
      mountinfo,
      `40 22 0:40 / ${kernelPath(mounted)} rw - nfs4 nas:/x\\040y rw\n`,
    );
    const missing = at("empty/größe und/mehr");
    const survey = await guest.survey([
      at("empty"),
      at("full"),
      missing,
      at("link"),
      at("link/inner"),
      at("dangling"),
      at("file"),
      at("file/inner"),
      mounted,
      at("a mounted"),
    ]);
    assert.equal(survey.fstab, odd.toString("latin1"));
    assert.deepEqual(survey.mounts.at(-1), {
      mountPoint: mounted,
      type: "nfs4",
      source: "nas:/x y",
    });
    const kinds = Object.values(survey.paths);
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      [
        "empty",
        "full",
        "missing",
        "link",
        "link",
        "link",
        "other",
        "other",
        "mounted",
        "missing",
      ],
    );
    assert.equal(survey.paths[missing]?.base, at("empty"));
    assert.equal(survey.paths[at("link/inner")]?.base, at("full"));
    assert.equal(survey.paths["/"], undefined);
  });

  it("see no fstab where there is none, and make it", async () => {
    assert.equal((await guest.survey([])).fstab, "");
    assert.equal(await guest.replaceFstab("", "one\n"), true);
    assert.equal(fs.readFileSync(fstab, "utf8"), "one\n");
    assert.equal(fs.statSync(fstab).mode & 0o777, 0o644);
  });

  it("replace fstab with its owner and permissions, and only if it is what it was", async () => {
    fs.writeFileSync(fstab, "old ü\n");
    fs.chmodSync(fstab, 0o640);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) {
      fs.chownSync(fstab, 12, 34);
    }
    const inode = fs.statSync(fstab).ino;
    assert.equal(await guest.replaceFstab(bytes("other\n"), "new\n"), false);
    assert.equal(await guest.replaceFstab(bytes("old ü\nx"), "new\n"), false);
    assert.equal(await guest.replaceFstab("", "new\n"), false);
    assert.equal(fs.statSync(fstab).ino, inode);
    const fresh = bytes(`new größe\n${"#\n".repeat(40_000)}`);
    assert.equal(await guest.replaceFstab(bytes("old ü\n"), fresh), true);
    assert.equal(fs.readFileSync(fstab, "latin1"), fresh);
    const { mode, uid, gid, ino } = fs.statSync(fstab);
    assert.equal(mode & 0o777, 0o640);
    assert.notEqual(ino, inode);
    if (isRoot) {
      assert.deepEqual([uid, gid], [12, 34]);
    }
    assert.deepEqual(fs.readdirSync(folder).sort(), ["fstab", "mountinfo"]);
  });

  it("keep a symbolic link one", async () => {
    const real = path.join(folder, "elsewhere");
    fs.mkdirSync(real);
    fs.writeFileSync(path.join(real, "table"), "old\n");
    fs.symlinkSync("elsewhere/table", fstab);
    assert.equal(await guest.replaceFstab("old\n", "new\n"), true);
    assert.equal(fs.readlinkSync(fstab), "elsewhere/table");
    assert.equal(fs.readFileSync(path.join(real, "table"), "utf8"), "new\n");
  });

  it("remove folders up to the first that is not empty", async () => {
    const at = (name: string) => path.join(folder, name);
    fs.mkdirSync(at("one/two/three"), { recursive: true });
    fs.writeFileSync(at("one/file"), "");
    await guest.removeFolders([at("one/two/three"), at("one/two"), at("one")]);
    assert.deepEqual(fs.readdirSync(at("one")), ["file"]);
    await guest.removeFolders([at("gone")]);
  });

  it("find who is below a path", async () => {
    const busy = path.join(folder, "in use");
    fs.mkdirSync(path.join(busy, "deeper"), { recursive: true });
    const sleeper = spawn("sleep", ["300"], {
      cwd: path.join(busy, "deeper"),
      stdio: "ignore",
    });
    try {
      assert.deepEqual(await guest.users(busy), [`sleep (${sleeper.pid})`]);
      assert.deepEqual(await guest.users(path.join(folder, "in")), []);
    } finally {
      sleeper.kill("SIGKILL");
    }
  });

  it("say what failed when a folder cannot be made", async () => {
    fs.writeFileSync(path.join(folder, "file"), "");
    const target = path.join(folder, "file/data");
    await assert.rejects(
      guest.mount(
        {
          source: "nas:/x",
          mountPoint: target,
          options: [],
          timeoutSeconds: 20,
        },
        [target],
      ),
      /mounting nas:\/x at .*file\/data failed on .*exit code 1\n.*mkdir.*Not a directory/,
    );
  });
});

describe("GuestMount where its guest is not reached", () => {
  let server: SshServer;
  let warnings: string[];
  const ctx = (): OperationContext => ({
    urn: "urn:pulumi:s::p::corral-ops:index:GuestMount::data",
    name: "data",
    signal: never,
    deadline: undefined,
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (text) => warnings.push(text),
      error: () => undefined,
      status: () => undefined,
    },
  });
  const state = (changes: object) => ({
    inputs: {
      connection: {
        host: "127.0.0.1",
        port: server.port,
        user: server.target().user,
        privateKey: server.loginKey.privateKey,
        hostKey: server.hostKey.publicKey,
        ...changes,
      },
      server: "nas",
      hostPath: "/srv",
      guestPath: "/srv/data",
      options: [],
      timeoutSeconds: 5,
      applied: true,
    },
    outputs: { source: "nas:/srv", madeFolders: ["/srv/data"] },
  });

  before(async () => {
    server = await SshServer.start();
  });
  beforeEach(() => {
    warnings = [];
  });
  after(async () => {
    closeSshPool();
    await server.stop();
  });

  for (const [what, changes] of [
    ["is off", () => ({ port: CLOSED_PORT })],
    ["is another one", () => ({ hostKey: generateEd25519().publicKey })],
  ] as const) {
    it(`keeps its state at a refresh, with a warning: the guest ${what}`, async () => {
      const before = state(changes());
      assert.deepEqual(
        await guestMount.read?.(ctx(), "corral-1", before),
        before,
      );
      assert.match(warnings[0] ?? "", /the state is kept as it was/);
    });

    it(`is deleted, with a warning: the guest ${what}`, async () => {
      await guestMount.delete?.(ctx(), "corral-1", state(changes()));
      assert.match(
        warnings[0] ?? "",
        /The guest counts as gone: if it comes back, it still has the mount of nas:\/srv at \/srv\/data/,
      );
    });
  }

  it("is not deleted where the guest is there and refuses the login", async () => {
    const refused = state({ privateKey: generateEd25519().privateKey });
    await assert.rejects(
      guestMount.delete?.(ctx(), "corral-1", refused) ?? Promise.resolve(),
      /the login as .* was refused/,
    );
    assert.deepEqual(
      await guestMount.read?.(ctx(), "corral-1", refused),
      refused,
    );
  });
});
