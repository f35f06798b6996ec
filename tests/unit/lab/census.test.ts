import assert from "node:assert/strict";
import { type Census, diffCensus } from "@corral-iac/tools/lab/census";

const EMPTY: Census = {
  domains: [],
  networks: [],
  pools: [],
  volumes: [],
  processes: [],
  interfaces: [],
  firewall: [],
  files: [],
};

describe("the difference of two censuses", () => {
  it("is empty when the same things stand there, in any order", () => {
    const before = {
      ...EMPTY,
      domains: ["a", "b"],
      processes: ["dnsmasq", "dnsmasq"],
    };
    const after = {
      ...EMPTY,
      domains: ["b", "a"],
      processes: ["dnsmasq", "dnsmasq"],
    };
    assert.deepEqual(diffCensus(before, after), []);
  });

  it("names what was left behind and what has gone", () => {
    const before = { ...EMPTY, networks: ["default"] };
    const after = { ...EMPTY, domains: ["web"], volumes: ["pool/web.qcow2"] };
    assert.deepEqual(diffCensus(before, after), [
      "left behind: domains web",
      "gone: networks default",
      "left behind: volumes pool/web.qcow2",
    ]);
  });

  it("counts two of a kind: one more process of the same name is left behind", () => {
    const before = { ...EMPTY, processes: ["dnsmasq"] };
    const after = { ...EMPTY, processes: ["dnsmasq", "dnsmasq"] };
    assert.deepEqual(diffCensus(before, after), [
      "left behind: processes dnsmasq",
    ]);
  });
});
