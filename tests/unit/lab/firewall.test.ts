import assert from "node:assert/strict";
import { chainsOf, unusedChains } from "@corral-iac/tools/lab/firewall";

/** The table `filter` after libvirt's last network has gone, as iptables 1.8.9 lists it. */
const LEFT_OVER = `-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N LIBVIRT_FWI
-N LIBVIRT_INP
-A INPUT -j LIBVIRT_INP
-A FORWARD -j LIBVIRT_FWI`;

describe("libvirt's chains in the firewall", () => {
  it("are told from those of others", () => {
    assert.deepEqual(chainsOf(LEFT_OVER), ["LIBVIRT_FWI", "LIBVIRT_INP"]);
    const others =
      "-N DOCKER\n-N LIBVIRT_MINE\n-A INPUT -j LIBVIRT_INP\n-P OUTPUT DROP";
    assert.deepEqual(chainsOf(others), []);
    assert.deepEqual(chainsOf(""), []);
  });

  it("may go when they are empty, with the jumps to them", () => {
    assert.deepEqual(unusedChains(LEFT_OVER), [
      { chain: "LIBVIRT_FWI", jumpsFrom: ["FORWARD"] },
      { chain: "LIBVIRT_INP", jumpsFrom: ["INPUT"] },
    ]);
  });

  it("may go when an earlier removal was cut off after the jump", () => {
    const cutOff = LEFT_OVER.replace("-A INPUT -j LIBVIRT_INP\n", "");
    assert.deepEqual(
      unusedChains(cutOff).find(({ chain }) => chain === "LIBVIRT_INP"),
      { chain: "LIBVIRT_INP", jumpsFrom: [] },
    );
  });

  it("stay when a network has rules in them", () => {
    const alive = `${LEFT_OVER}\n-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 53 -j ACCEPT`;
    assert.deepEqual(
      unusedChains(alive).map(({ chain }) => chain),
      ["LIBVIRT_FWI"],
    );
  });

  it("stay when somebody's own rule leads to them", () => {
    const used = `${LEFT_OVER}\n-A OUTPUT -o lo -j LIBVIRT_INP`;
    assert.deepEqual(
      unusedChains(used).map(({ chain }) => chain),
      ["LIBVIRT_FWI"],
    );
  });
});
