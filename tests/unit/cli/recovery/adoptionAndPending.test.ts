import assert from "node:assert/strict";
import {
  NotAdoptable,
  plannedFor,
  withAdopted,
} from "@corral-iac/cli/orphans/adoption";
import type { Operation } from "@corral-iac/cli/engine/previewDigest";
import {
  settledOperations,
  withoutOperations,
} from "@corral-iac/cli/recovery/pendingOperations";

const as = {
  type: "libvirt:index/volume:Volume",
  id: "/pool/root",
  outputs: { volumeId: "/pool/root" },
};
const object = {
  kind: "volume",
  name: "root",
  id: "/pool/root",
  handle: "volume:p/root",
  uses: [],
  detail: "",
};
const step = (inputs: Record<string, unknown>, op: Operation = "create") => ({
  op,
  urn: "urn:root",
  newState: { urn: "urn:root", type: as.type, inputs, custom: true },
});

describe("adopting a leftover", () => {
  it("finds the step that would make it, by type and name", () => {
    const wanted = step({ name: "root" });
    assert.equal(
      plannedFor(object, as, [step({ name: "other" }), wanted]),
      wanted,
    );
    assert.equal(
      plannedFor(object, as, [step({ name: "root" }, "update")]),
      undefined,
    );
  });

  it("waits while the program does not know all of it", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    assert.equal(
      plannedFor(object, as, [step({ name: "root", base: unknown })]),
      undefined,
    );
  });

  it("refuses what is made from secrets: a preview does not show them", () => {
    assert.throws(
      () => plannedFor(object, as, [step({ name: "root", x: "[secret]" })]),
      NotAdoptable,
    );
  });

  it("puts it into the state with its real id, and settles its creation", () => {
    const pending = {
      type: "creating",
      resource: { urn: "urn:root", type: as.type },
    };
    const { deployment } = withAdopted(
      {
        version: 3,
        deployment: {
          resources: [],
          pending_operations: [pending],
          manifest: 1,
        },
      },
      step({ name: "root", size: 5 }),
      as,
    );
    assert.deepEqual(deployment, {
      manifest: 1,
      resources: [
        {
          urn: "urn:root",
          type: as.type,
          custom: true,
          id: "/pool/root",
          inputs: { name: "root", size: 5 },
          outputs: { name: "root", size: 5, volumeId: "/pool/root" },
        },
      ],
      pending_operations: [],
    });
  });
});

describe("operations of a dead run", () => {
  const operation = (type: string) => ({
    type: "creating",
    resource: { urn: `urn:${type}`, type },
  });

  it("are settled where an inventory knows what they make, and left to the user elsewhere", () => {
    const ours = operation("libvirt:index/domain:Domain");
    const own = operation("corral-ops:index:CloudInitDisk");
    const provider = operation("pulumi:providers:kubernetes");
    const others = operation("aws:s3/bucket:Bucket");
    const state = {
      version: 3,
      deployment: { pending_operations: [ours, others, own, provider] },
    };
    const settled = settledOperations(state);
    assert.deepEqual(settled, [ours, own, provider]);
    assert.deepEqual(
      withoutOperations(state, settled).deployment.pending_operations,
      [others],
    );
  });
});
