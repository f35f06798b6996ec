import assert from "node:assert/strict";

import { LATER } from "@corral-iac/corral/core/later";
import {
  nfsShareRules,
  nfsSharesRules,
  nfsSource,
  parseNfsSource,
} from "@corral-iac/corral/core/nfsShare";

const share = {
  server: "nas.example.com",
  hostPath: "/srv/data",
  guestPath: "/data",
};
const faults = (changes: object) =>
  nfsShareRules("", { ...share, ...changes }).map(({ path }) => path);

describe("an NFS share", () => {
  it("may be on a host by name or address", () => {
    for (const server of [
      "nas",
      "nas.example.com",
      "my_nas",
      "10.0.0.1",
      "fd00::1",
      "[fd00::1]",
      "::1",
      "fe80::1%eth0",
      LATER,
    ]) {
      assert.deepEqual(faults({ server }), [], String(server));
    }
    for (const server of [
      "",
      "10.0.0",
      "10.0.0.256",
      "nas:/srv",
      "nas srv",
      "-o",
      "[nas]",
      "[10.0.0.1]",
      "fd00::1::2",
      "a..b",
    ]) {
      assert.deepEqual(faults({ server }), ["server"], server);
    }
  });

  it("has paths that are absolute and plain", () => {
    for (const hostPath of ["/", "/srv", "/srv/größe und mehr", "/a\\b"]) {
      assert.deepEqual(faults({ hostPath }), [], hostPath);
    }
    for (const wrong of [
      "",
      "srv",
      "/srv/",
      "//srv",
      "/a/../b",
      "/a/./b",
      "/a\nb",
      "/a\tb",
      `/${"x".repeat(256)}`,
    ]) {
      assert.deepEqual(faults({ hostPath: wrong }), ["hostPath"], wrong);
      assert.deepEqual(faults({ guestPath: wrong }), ["guestPath"], wrong);
    }
  });

  it("is never mounted over what the guest lives in", () => {
    for (const guestPath of [
      "/",
      "/etc",
      "/usr",
      "/var",
      "/proc/x",
      "/dev/shm",
    ]) {
      assert.deepEqual(faults({ guestPath }), ["guestPath"], guestPath);
    }
    for (const guestPath of [
      "/usr/local/share/x",
      "/var/lib/x",
      "/home",
      "/opt",
    ]) {
      assert.deepEqual(faults({ guestPath }), [], guestPath);
    }
  });

  it("has options, one each, and none that Corral or another program decides", () => {
    const options = [
      "ro",
      "vers=4.2",
      "sec=krb5",
      "x-systemd.requires=a.service",
    ];
    assert.deepEqual(faults({ options }), []);
    for (const wrong of [
      "ro,soft",
      "a b",
      "",
      'context="x"',
      "größe",
      "nofail",
      "_netdev",
      "comment=x",
      "noauto",
      "bg",
      "remount",
      "x-systemd.automount",
    ]) {
      assert.deepEqual(
        faults({ options: ["ro", wrong] }),
        ["options[1]"],
        wrong,
      );
    }
  });

  it("has all its faults told at once", () => {
    assert.deepEqual(
      faults({ server: "", hostPath: "x", guestPath: "/", options: ["a,b"] }),
      ["server", "hostPath", "guestPath", "options[0]"],
    );
  });

  it("has a path of its own in its guest", () => {
    const found = nfsSharesRules("nfsMounts", [
      share,
      { ...share, guestPath: "/other" },
      { ...share, server: "10.0.0" },
    ]);
    assert.deepEqual(
      found.map(({ path, problem }) => `${path} ${problem}`),
      [
        'nfsMounts[2].server is "10.0.0", must be a host name, an IPv4 address or an IPv6 address',
        'nfsMounts[2].guestPath is "/data" as in nfsMounts[0], must be another path',
      ],
    );
    assert.deepEqual(nfsSharesRules("nfsMounts", LATER), []);
    assert.deepEqual(nfsSharesRules("nfsMounts", undefined), []);
  });

  it("is called by mount with an IPv6 address in brackets", () => {
    for (const [server, source] of [
      ["nas", "nas:/x y"],
      ["fd00::1", "[fd00::1]:/x y"],
      ["[fd00::1]", "[fd00::1]:/x y"],
    ] as const) {
      assert.equal(nfsSource(server, "/x y"), source);
      assert.deepEqual(parseNfsSource(source), {
        server: server.replace(/[[\]]/g, ""),
        hostPath: "/x y",
      });
    }
    assert.equal(parseNfsSource("/dev/sda1"), undefined);
    assert.equal(parseNfsSource("nas:x"), undefined);
  });
});
