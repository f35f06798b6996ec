import assert from "node:assert/strict";

import { reachableAddresses } from "@corral-iac/corral/core/addresses";
import {
  lastLines,
  parseDomainInfo,
  parseDomainInterfaces,
  parseDomainState,
  parseInterfaceAddresses,
  parseLeases,
  stripControlSequences,
} from "@corral-iac/corral/core/libvirt-client/parse";
import {
  parseLibvirtUri,
  virshUri,
} from "@corral-iac/corral/core/libvirt-client/uri";

// As virsh 9.0 writes it, with -q.
const addresses = ` vnet3      52:54:00:AA:BB:01    ipv6         fe80::5054:ff:feaa:bb01/64
 vnet3      52:54:00:AA:BB:01    ipv6         2001:db8::5/64
 vnet3      52:54:00:aa:bb:01    ipv4         192.168.150.23/24
 lo         00:00:00:00:00:00    ipv4         127.0.0.1/8
 vnet4      52:54:00:aa:bb:02    ipv4         192.168.151.9/24
`;
const leases = ` 2026-05-09 09:12:01   52:54:00:aa:bb:01   ipv4       192.168.150.23/24   web        ff:00:01
 2026-05-09 10:12:01   52:54:00:aa:bb:01   ipv4       192.168.150.77/24   -          ff:00:02
`;

describe("libvirt client: what virsh writes", () => {
  it("gives a domain's state and why", () => {
    assert.deepEqual(parseDomainState("running (booted)\n\n"), {
      state: "running",
      reason: "booted",
    });
    assert.deepEqual(parseDomainState("shut off\n"), {
      state: "shut off",
      reason: "",
    });
    assert.deepEqual(parseDomainState("paused (I/O error)"), {
      state: "paused",
      reason: "I/O error",
    });
  });

  it("gives a domain's state and whether it starts with its host", () => {
    const info = (autostart: string) =>
      `Id:             -\nName:           web\nState:          shut off\nPersistent:     yes\nAutostart:      ${autostart}\n`;
    assert.deepEqual(parseDomainInfo(info("enable")), {
      state: "shut off",
      autostart: true,
    });
    assert.equal(parseDomainInfo(info("disable")).autostart, false);
  });

  it("gives an interface's addresses, IPv4 first, local ones left out", () => {
    const found = parseInterfaceAddresses(addresses);
    assert.equal(found.length, 5);
    assert.deepEqual(reachableAddresses(found, "52:54:00:AA:BB:01"), [
      "192.168.150.23",
      "2001:db8::5",
    ]);
    assert.deepEqual(reachableAddresses(found, undefined), [
      "192.168.150.23",
      "192.168.151.9",
      "2001:db8::5",
    ]);
    assert.deepEqual(reachableAddresses(found, "52:54:00:00:00:00"), []);
  });

  it("gives leases and interfaces", () => {
    assert.deepEqual(
      parseLeases(leases).map(({ address }) => address),
      ["192.168.150.23", "192.168.150.77"],
    );
    const row = " vnet3       network   default   virtio   52:54:00:AA:BB:01\n";
    assert.deepEqual(parseDomainInterfaces(row), [
      { type: "network", source: "default", mac: "52:54:00:aa:bb:01" },
    ]);
  });
});

describe("libvirt client: console text", () => {
  it("has no control sequences", () => {
    const raw =
      "\u001b[2J\u001b[1;32mOK\u001b[0m done\u0007\r\n\u001b]0;title\u0007x\u001b(By\u0000\r\n\u001bcz";
    assert.equal(stripControlSequences(raw), "OK done\nxy\nz");
  });

  it("keeps what a carriage return would have overwritten, as lines", () => {
    assert.equal(stripControlSequences("10%\r20%\r\n30%"), "10%\n20%\n30%");
  });

  it("is cut to its last lines that say something, and to a width", () => {
    assert.deepEqual(lastLines("a\n\n  \nb\nc\n\n", 2), ["b", "c"]);
    assert.deepEqual(lastLines("123456", 5, 4), ["1234..."]);
    assert.deepEqual(lastLines("", 5), []);
  });
});

describe("libvirt client: connection URIs", () => {
  it("are taken apart", () => {
    const uri = parseLibvirtUri(
      "qemu+ssh://root@[fe80::1]:2222/system?keyfile=/k&no_verify=1",
    );
    const { text, ...parts } = uri;
    assert.ok(text);
    assert.deepEqual(parts, {
      driver: "qemu",
      transport: "ssh",
      user: "root",
      host: "fe80::1",
      port: 2222,
      path: "/system",
      query: { keyfile: "/k", no_verify: "1" },
    });
    assert.equal(parseLibvirtUri("qemu:///session").host, undefined);
    assert.equal(parseLibvirtUri("test:///default").driver, "test");
    assert.equal(parseLibvirtUri("qemu://host/system").transport, "tls");
  });

  it("are refused with what is allowed", () => {
    for (const wrong of [
      "",
      "qemu",
      "qemu:/system",
      "qemu+ssh:///system",
      "qemu://a:b:c/system",
      "/x",
    ]) {
      assert.throws(
        () => parseLibvirtUri(wrong),
        /allowed are libvirt URIs/,
        wrong,
      );
    }
  });

  it("never let ssh ask for a password", () => {
    assert.equal(virshUri(parseLibvirtUri("qemu:///system")), "qemu:///system");
    assert.equal(
      virshUri(parseLibvirtUri("qemu+ssh://h/system")),
      "qemu+ssh://h/system?no_tty=1",
    );
    assert.equal(
      virshUri(parseLibvirtUri("qemu+ssh://h/system?keyfile=/k")),
      "qemu+ssh://h/system?keyfile=/k&no_tty=1",
    );
  });
});
