import * as assert from "node:assert/strict";
import {
  validateLibvirtImage,
  validateLibvirtNetwork,
  validateLibvirtPool,
} from "@corral-iac/corral/libvirt/validation";

const BAD_URI = { uri: "nowhere" };

for (const [component, validate, good, bad] of [
  [
    "LibvirtPool",
    validateLibvirtPool,
    [{ path: "/srv/pool" }, { path: "/p", uri: "qemu:///system" }],
    [
      [{}, "path is missing"],
      [{ path: "pool" }, 'path is "pool", must be an absolute path'],
      [{ path: "/p", ...BAD_URI }, 'uri is "nowhere", must be a libvirt URI'],
      [{ path: "/p", name: "x" }, "name is not known; known here: uri, path"],
    ],
  ],
  [
    "LibvirtNetwork",
    validateLibvirtNetwork,
    [{ cidr: "10.0.0.0/8" }, { cidr: "192.168.7.248/29" }],
    [
      [{}, "cidr is missing"],
      [{ cidr: "10.0.0.1/8" }, 'cidr is "10.0.0.1/8", must be an IPv4 network'],
      [{ cidr: "10.0.0.0/8", ...BAD_URI }, 'uri is "nowhere"'],
    ],
  ],
  [
    "LibvirtImage",
    validateLibvirtImage,
    [{ path: "a.qcow2" }, { url: "http://host/a.img", pool: "images" }],
    [
      [{}, " has none, must have exactly one of path, url"],
      [{ pool: "images" }, " has none, must have exactly one of path, url"],
      [{ path: "a", url: "https://h/a" }, " has path and url, must have"],
      [{ path: "" }, 'path is "", must be a name'],
      [{ url: "file:///a" }, 'url is "file:///a", must be an address'],
      [{ path: "a", ...BAD_URI }, 'uri is "nowhere"'],
    ],
  ],
] as const) {
  describe(`arguments of ${component}`, () => {
    for (const args of good) {
      it(`are right: ${JSON.stringify(args)}`, () => {
        assert.deepEqual(validate(args), []);
      });
    }

    for (const [args, text] of bad) {
      it(`have one fault, "${text}": ${JSON.stringify(args)}`, () => {
        const faults = validate(args);
        assert.equal(faults.length, 1, JSON.stringify(faults));
        const [{ path, problem } = assert.fail()] = faults;
        assert.ok(`${path} ${problem}`.startsWith(text), `${path} ${problem}`);
      });
    }
  });
}
