import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import { macAddress, objectName } from "@corral-iac/corral/core/names";

const WEB = { project: "shop", stack: "prod", name: "web" };

describe("objectName", () => {
  it("says whose the object is", () => {
    assert.equal(objectName(WEB), "shop-prod-web");
  });

  it("takes the last part of a stack's full name, which alone may stand in names", () => {
    assert.equal(
      objectName({ ...WEB, stack: "acme/shop/prod" }),
      "shop-prod-web",
    );
  });
});

describe("macAddress", () => {
  const identities = fc.record({
    project: fc.string(),
    stack: fc.string(),
    name: fc.string(),
  });

  it("is a locally administered unicast address", () => {
    fc.assert(
      fc.property(identities, fc.nat(8), (identity, index) => {
        const address = macAddress(identity, index);
        assert.match(address, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
        const first = Number.parseInt(address.slice(0, 2), 16);
        assert.equal(first & 0b01, 0, "unicast");
        assert.equal(first & 0b10, 0b10, "locally administered");
      }),
    );
  });

  it("never changes: machines that exist keep their leases", () => {
    assert.equal(macAddress(WEB), "52:cb:4c:53:2e:98");
  });

  it("differs for another project, stack, name or interface", () => {
    const addresses = [
      macAddress(WEB),
      macAddress(WEB, 1),
      macAddress({ ...WEB, project: "blog" }),
      macAddress({ ...WEB, stack: "dev" }),
      macAddress({ ...WEB, name: "db" }),
      macAddress({ project: "shopprod", stack: "", name: "web" }),
    ];
    assert.equal(new Set(addresses).size, addresses.length);
  });

  it("tells the machines of a large site apart", () => {
    const addresses = Array.from({ length: 20_000 }, (_, index) =>
      macAddress({ ...WEB, name: `node-${index}` }),
    );
    assert.equal(new Set(addresses).size, addresses.length);
  });
});
