import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  type Ipv4Network,
  networksOverlap,
  parseIpv4Network,
} from "@corral-iac/corral/core/ipv4";

const networks = fc
  .record({ address: fc.nat(2 ** 32 - 1), prefix: fc.nat(32) })
  .map(({ address, prefix }): Ipv4Network => {
    const size = 2 ** (32 - prefix);
    return { base: Math.floor(address / size) * size, prefix };
  });

function written({ base, prefix }: Ipv4Network): string {
  const octets = [24, 16, 8, 0].map((shift) =>
    Math.floor((base / 2 ** shift) % 256),
  );
  return `${octets.join(".")}/${prefix}`;
}

function network(cidr: string): Ipv4Network {
  return parseIpv4Network(cidr) ?? assert.fail(`${cidr} is no network`);
}

const last = ({ base, prefix }: Ipv4Network) => base + 2 ** (32 - prefix) - 1;

describe("parseIpv4Network", () => {
  it("reads what is written, for every network", () => {
    fc.assert(
      fc.property(networks, (one) => {
        assert.deepEqual(parseIpv4Network(written(one)), one);
      }),
    );
  });

  it("takes no network with bits set behind its prefix", () => {
    fc.assert(
      fc.property(
        networks.filter(({ prefix }) => prefix < 32),
        (one) => {
          const inside = { base: last(one), prefix: one.prefix };
          assert.equal(parseIpv4Network(written(inside)), undefined);
        },
      ),
    );
  });

  for (const wrong of [
    "",
    "10.0.0.0",
    "10.0.0/24",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/024",
    "256.0.0.0/8",
    "010.0.0.0/8",
    "10.0.0.0/24 ",
    "10.0.0.0/24\n",
    "fd00::/64",
  ]) {
    it(`takes no ${JSON.stringify(wrong)}`, () => {
      assert.equal(parseIpv4Network(wrong), undefined);
    });
  }
});

describe("networksOverlap", () => {
  it("says whether two networks share an address, in either order", () => {
    fc.assert(
      fc.property(networks, networks, (one, other) => {
        const share = one.base <= last(other) && other.base <= last(one);
        assert.equal(networksOverlap(one, other), share);
        assert.equal(networksOverlap(other, one), share);
      }),
    );
  });

  it("sees a network inside another, and its neighbour outside", () => {
    const wide = network("10.77.0.0/16");
    assert.ok(networksOverlap(wide, network("10.77.3.0/24")));
    assert.ok(!networksOverlap(wide, network("10.78.0.0/24")));
    assert.ok(networksOverlap(wide, network("0.0.0.0/0")));
  });
});
