import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  clientPackages,
  explainMountFailure,
  installScript,
} from "@corral-iac/corral-ops/guest/nfsClient";
import { PACKAGE_MANAGERS } from "@corral-iac/corral/core/packageInstall";

describe("the installation of an NFS client", () => {
  it("is known for apt, dnf, zypper and apk, by their names for it", () => {
    assert.deepEqual(clientPackages, {
      "apt-get": "nfs-common",
      dnf: "nfs-utils",
      zypper: "nfs-client",
      apk: "nfs-utils",
    });
  });

  for (const manager of PACKAGE_MANAGERS) {
    it(`by ${manager} is a shell script that asks nothing`, () => {
      const script = installScript(manager, 77);
      const checked = spawnSync("sh", ["-n"], { input: script });
      assert.equal(checked.status, 0, checked.stderr.toString());
      assert.ok(script.includes("</dev/null"));
      assert.ok(script.includes(clientPackages[manager]));
    });
  }

  it("waits, bounded, for another run of the package manager", () => {
    assert.match(installScript("apt-get", 77), /DPkg::Lock::Timeout=77/);
    assert.match(installScript("zypper", 77), /ZYPP_LOCK_TIMEOUT=77/);
    assert.match(installScript("apk", 77), /--wait 77/);
  });

  it("is without questions and without what is only recommended", () => {
    assert.match(
      installScript("apt-get", 1),
      /DEBIAN_FRONTEND=noninteractive[^]*-y --no-install-recommends/,
    );
    assert.match(installScript("dnf", 1), /dnf -y .*install_weak_deps=False/);
    assert.match(
      installScript("zypper", 1),
      /zypper --non-interactive .*--no-recommends/,
    );
  });

  describe("by apt", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-apt-get-"));
    after(() => fs.rmSync(folder, { recursive: true, force: true }));
    const put = (name: string, body: string) =>
      fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`, {
        mode: 0o755,
      });

    /** Runs the script with an apt-get whose update and install do what the bodies say. */
    function run(update: string, install: string) {
      const notes = path.join(folder, "calls");
      fs.rmSync(notes, { force: true });
      fs.rmSync(path.join(folder, "lists"), { force: true });
      put("sleep", "exec /bin/sleep 0.1");
      put(
        "apt-get",
        `cd ${folder}
        case "$*" in
          *update*) echo update >>calls; ${update} ;;
          *install*) echo install >>calls; ${install} ;;
        esac`,
      );
      const { status, stderr } = spawnSync("sh", {
        input: installScript("apt-get", 1),
        env: { PATH: `${folder}:${process.env.PATH}` },
      });
      return {
        status,
        stderr: stderr.toString(),
        calls: fs.readFileSync(notes, "utf8").trim().split("\n"),
      };
    }

    it("takes the lists that are there", () => {
      const { status, calls } = run("false", "true");
      assert.deepEqual([status, calls], [0, ["install"]]);
    });

    it("fetches the lists where the package cannot be had by those that are there", () => {
      const { status, calls } = run("touch lists", "[ -e lists ]");
      assert.deepEqual([status, calls], [0, ["install", "update", "install"]]);
    });

    it("says why the lists cannot be fetched, and why the package cannot be had", () => {
      const { status, stderr } = run(
        'echo "Get:1 http://x"; echo "E: Failed to fetch http://x"; false',
        'echo "E: Unable to locate package" >&2; exit 100',
      );
      assert.equal(status, 100);
      assert.equal(
        stderr,
        "E: Failed to fetch http://x\nThe lists of packages could not all be fetched.\n" +
          "E: Unable to locate package\n",
      );
    });

    it("waits for the lock of the lists, for a while", () => {
      const locked =
        'echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1"';
      const once = run(
        `[ -e first ] || { touch first; ${locked}; exit 100; }; touch lists`,
        "[ -e lists ]",
      );
      assert.equal(once.status, 0);
      assert.deepEqual(once.calls, ["install", "update", "update", "install"]);
      const always = run(`${locked}; exit 100`, "exit 100");
      assert.equal(always.status, 100);
      assert.match(always.stderr, /Could not get lock/);
    });
  });
});

describe("a mount that failed", () => {
  const explain = (said: string | undefined, changes: object = {}) =>
    explainMountFailure({
      source: "nas:/srv/data",
      server: "nas",
      guestPath: "/data",
      said,
      timeoutSeconds: 20,
      ...changes,
    });

  // Words of nfs-utils 2.6.2.
  for (const [said, means] of [
    ["access denied by server while mounting nas:/srv/data", /nas refuses it/],
    ["Operation not permitted", /nas refuses it/],
    [
      "mounting nas:/srv/data failed, reason given by server: No such file or directory",
      /there is no \/srv\/data among what nas exports/,
    ],
    [
      "Failed to resolve server nas: Name or service not known",
      /cannot resolve the name nas/,
    ],
    ["Connection refused", /no NFS server answers on nas/],
    ["No route to host", /no route to nas/],
    ["Connection timed out", /nas does not answer/],
    [
      "rpc.statd is not running but is required for remote locking.",
      /option nolock/,
    ],
    [
      "requested NFS version or transport protocol is not supported",
      /does not speak this version/,
    ],
    ["Protocol not supported", /does not speak this version/],
    ["an incorrect mount option was specified", /an option is not known/],
    ["/data is busy or already mounted", /something is at work in \/data/],
  ] as const) {
    it(`is explained: ${said}`, () => {
      const text = explain(`mount.nfs: ${said}\n`);
      assert.match(text, means);
      assert.ok(
        text.startsWith("nas:/srv/data could not be mounted at /data: "),
      );
      assert.ok(text.endsWith(`mount says: mount.nfs: ${said}`), text);
    });
  }

  it("is explained when the kernel has no NFS", () => {
    assert.match(
      explain("mount: /data: unknown filesystem type 'nfs'."),
      /kernel has no NFS client/,
    );
  });

  it("shows mount's own words alone, where others wrote too", () => {
    const text = explain(
      "Created symlink /run/x → /lib/y.\nmount.nfs: Connection refused\n",
    );
    assert.ok(text.endsWith("mount says: mount.nfs: Connection refused"));
  });

  it("is told in mount's words where its cause is not known", () => {
    assert.equal(
      explain("mount.nfs: something new\nsecond line\n"),
      "nas:/srv/data could not be mounted at /data: mount.nfs: something new",
    );
    assert.match(explain(""), /mount gave no reason/);
  });

  it("that gave no answer names the bound and its argument", () => {
    assert.equal(
      explain(undefined),
      "nas:/srv/data could not be mounted at /data: nas gave no answer within 20 s. Is it up, and is " +
        "port 2049 open to the guest? (timeoutSeconds)",
    );
  });
});
