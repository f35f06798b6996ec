import assert from "node:assert/strict";
import { recordedFleet } from "@corral-iac/tools/record/fleet";
import { neutralState } from "@corral-iac/tools/record/recording";
import { validateFleet } from "@corral-iac/corral/fleet/check";

describe("a recorded state", () => {
  const exported = (input: string) =>
    JSON.stringify({
      version: 3,
      deployment: {
        manifest: {
          plugins: [{ name: "libvirt", path: "/home/me/plugins/libvirt" }],
        },
        resources: [
          {
            urn: "urn",
            inputs: { path: input },
            sourcePosition: "project:///index.ts#7",
            stackTrace: [{ sourcePosition: "project:///index.ts#7" }],
          },
        ],
      },
    });

  it("has no paths of plugins and no places in the program, and all the rest", () => {
    assert.deepEqual(
      JSON.parse(neutralState(exported("/pool"), ["/home/me/"])),
      {
        version: 3,
        deployment: {
          manifest: { plugins: [{ name: "libvirt" }] },
          resources: [{ urn: "urn", inputs: { path: "/pool" } }],
        },
      },
    );
  });

  it("is refused when a folder of this machine stands elsewhere in it", () => {
    assert.throws(
      () => neutralState(exported("/home/me/images"), ["/home/me/", "/srv/"]),
      /Paths of this machine stand in the state: \/home\/me\/$/,
    );
  });
});

describe("the fleet that is recorded", () => {
  it("has no fault", () => {
    const fleet = recordedFleet({
      uri: "qemu:///system",
      pool: { name: "images", path: "/var/lib/libvirt/images/recorded" },
      image: "blank.qcow2",
      imageFile: "images/blank.qcow2",
    });
    assert.deepEqual(validateFleet(fleet), []);
  });
});
