import assert from "node:assert/strict";
import type { ResourceLog } from "@corral-iac/corral-ops/frame/context";
import type { InputsToCheck } from "@corral-iac/corral-ops/frame/define";
import { unknown } from "@corral-iac/corral-ops/frame/value";
import { closeKubeClients } from "@corral-iac/corral-ops/kubevirt/clients";
import { provisioningDecision } from "@corral-iac/corral-ops/resources/provisioningDecision";
import {
  CLONED_LABEL,
  SNAPSHOT_LABEL,
  STAMP_LABEL,
  VERSION_ANNOTATION,
} from "@corral-iac/corral/core/kubevirt/labels";
import { KubeApi, refusal } from "./kubeApi";
import { contentObject, snapshotObject } from "./objects";

const SNAPSHOTS = "virtualmachinesnapshots.snapshot.kubevirt.io";
const CONTENTS = "virtualmachinesnapshotcontents.snapshot.kubevirt.io";
const VOLUMES = "volumesnapshots.snapshot.storage.k8s.io";
const DISKS = "datavolumes.cdi.kubevirt.io";
const NAMES = [
  "cks-control-plane-base-snapshot",
  "cks-worker-base-snapshot",
] as const;

type Inputs = Parameters<typeof provisioningDecision.create>[1];
type Outputs = Awaited<
  ReturnType<typeof provisioningDecision.create>
>["outputs"];

describe("ProvisioningDecision", () => {
  let api: KubeApi;
  let lines: string[];

  beforeEach(async () => {
    api = await KubeApi.start();
    api.kinds.add("virtualmachines.kubevirt.io");
    lines = [];
    for (const kind of [SNAPSHOTS, CONTENTS, VOLUMES, DISKS]) {
      api.kinds.add(kind);
    }
    api.afterCreate = (_resource, object) => {
      object.status = { phase: "Succeeded" };
    };
  });

  afterEach(async () => {
    closeKubeClients();
    await api.stop();
  });

  const write = (line: string) => {
    lines.push(line);
  };
  const log: ResourceLog = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    status: write,
  };
  const ctx = {
    urn: "urn",
    name: "web-decision",
    log,
    signal: new AbortController().signal,
    deadline: undefined,
  };

  function inputs(words: Partial<Inputs> = {}): Inputs {
    return {
      kubeconfig: api.kubeconfig(),
      namespace: "web",
      strategy: "auto",
      fallback: true,
      wanted: {
        namespace: "vm-templates",
        controlPlane: NAMES[0],
        worker: NAMES[1],
      },
      machines: [
        { name: "cks-control-plane-web", role: "control-plane" },
        { name: "cks-worker-node-web", role: "worker", diskSizeGib: 40 },
      ],
      generation: 1,
      stampId: "0123456789abcdef",
      labels: { [STAMP_LABEL]: "0123456789abcdef" },
      annotations: {},
      timeoutSeconds: 1,
      ...words,
    };
  }

  function putSnapshot(
    name: string,
    ready = true,
    { labels = {}, version = "1.34.3" } = {},
  ): void {
    const volume = `volume-of-${name}`;
    const content = contentObject(undefined, { [VERSION_ANNOTATION]: version });
    const [backup] = content.spec.volumeBackups;
    api.put(SNAPSHOTS, snapshotObject({ name, ready, labels }));
    api.put(CONTENTS, {
      ...content,
      metadata: {
        namespace: "vm-templates",
        name: `vmsnapshot-content-${name}`,
      },
      spec: {
        ...content.spec,
        volumeBackups: [{ ...backup, volumeSnapshotName: volume }],
      },
    });
    api.put(VOLUMES, {
      metadata: { namespace: "vm-templates", name: volume },
      status: { readyToUse: true, restoreSize: "20Gi" },
    });
  }

  const both = () => NAMES.forEach((name) => putSnapshot(name));
  const create = async (words: Partial<Inputs> = {}) =>
    (await provisioningDecision.create(ctx, inputs(words))).outputs;
  const foresee = (words: object = {}, old?: object) =>
    provisioningDecision.foresee?.(
      ctx,
      { ...inputs(), ...words } as InputsToCheck<Inputs>,
      old as never,
    );

  it("takes both snapshots when they are ready, and clones their disks ahead", async () => {
    both();
    const { decided, why, fellBack, snapshots } = await create();
    assert.equal(decided, "snapshot", why);
    assert.equal(fellBack, false);
    assert.deepEqual(
      snapshots.map(({ role, name, kubernetesVersion, createdAt }) => [
        role,
        name,
        kubernetesVersion,
        createdAt,
      ]),
      [
        ["control-plane", NAMES[0], "1.34.3", "2026-01-01T10:00:00Z"],
        ["worker", NAMES[1], "1.34.3", "2026-01-01T10:00:00Z"],
      ],
    );
    assert.deepEqual(api.namesOf(DISKS), [
      `${DISKS}/web/cks-control-plane-web-root`,
      `${DISKS}/web/cks-worker-node-web-root`,
    ]);
    const disk = api.objects.get(`${DISKS}/web/cks-worker-node-web-root`);
    assert.deepEqual(disk?.spec, {
      source: {
        snapshot: {
          namespace: "vm-templates",
          name: `volume-of-${NAMES[1]}`,
        },
      },
      storage: { resources: { requests: { storage: "40Gi" } } },
    });
  });

  it("bootstraps when none, one, or one that is not ready is there, and says so", async () => {
    assert.match((await create()).why, /control plane's .* worker's/);
    putSnapshot(NAMES[0]);
    assert.match((await create()).why, /^the worker's snapshot .*not there$/);
    putSnapshot(NAMES[1], false);
    const { decided, why } = await create();
    assert.equal(decided, "bootstrap");
    assert.match(why, /not ready to use \(phase Succeeded\)/);
    assert.deepEqual(api.namesOf(DISKS), []);
  });

  it("makes nothing where there is no KubeVirt", async () => {
    api.kinds.delete("virtualmachines.kubevirt.io");
    await assert.rejects(
      create({ strategy: "bootstrap" }),
      /does not know VirtualMachine of kubevirt.io\/v1: KubeVirt is not installed/,
    );
  });

  it("takes no snapshot whose VolumeSnapshot is gone", async () => {
    both();
    api.objects.delete(`${VOLUMES}/vm-templates/volume-of-${NAMES[1]}`);
    const { decided, why } = await create();
    assert.equal(decided, "bootstrap");
    assert.match(why, /VolumeSnapshot volume-of-.*, which is not there/);
  });

  it("bootstraps where there is no KubeVirt snapshot at all, and asks for no snapshot when told to", async () => {
    api.kinds.delete(SNAPSHOTS);
    const { decided, why } = await create();
    assert.equal(decided, "bootstrap");
    assert.match(why, /no snapshots of machines/);
    const before = api.asked.length;
    const told = await create({ strategy: "bootstrap" });
    assert.equal(told.why, "strategy is bootstrap");
    // Whether there is KubeVirt, and no more.
    assert.deepEqual(
      api.asked.slice(before).map(({ path }) => path),
      [
        "/apis/kubevirt.io/v1/namespaces/web/virtualmachines/cks-control-plane-web",
      ],
    );
  });

  it("fails when snapshots are demanded and not there", async () => {
    await assert.rejects(
      create({ strategy: "snapshot" }),
      /strategy is snapshot, and the snapshots cannot be used/,
    );
  });

  it("answers in a preview, and makes nothing", async () => {
    both();
    const foreseen = await foresee();
    assert.equal(foreseen?.decided, "snapshot");
    assert.ok(api.asked.every(({ method }) => method === "GET"));
  });

  it("answers nothing in a preview that does not know yet where to look", async () => {
    assert.deepEqual(await foresee({ kubeconfig: unknown }), {});
    assert.deepEqual(api.asked, []);
    const unknownStamp = await foresee({ stampId: unknown, labels: unknown });
    assert.equal(unknownStamp?.decided, "bootstrap");
  });

  it("keeps its answer while snapshots come and go, until another generation is asked for", async () => {
    const outputs = await create();
    assert.equal(outputs.decided, "bootstrap");
    both();
    const old = { inputs: inputs(), outputs };
    const more = inputs({
      machines: [
        ...inputs().machines,
        { name: "cks-worker-node-web-2", role: "worker" },
      ],
    });
    const before = api.asked.length;
    assert.deepEqual(
      await provisioningDecision.update?.(ctx, "id", old, more),
      outputs,
    );
    assert.deepEqual(await foresee({}, old), outputs);
    assert.equal(api.asked.length, before);
    const anew = inputs({ generation: 2 });
    const second = await provisioningDecision.update?.(ctx, "id", old, anew);
    assert.equal(second?.decided, "snapshot");
    assert.equal(second?.decidedGeneration, 2);
    assert.deepEqual(api.namesOf(DISKS), [
      `${DISKS}/web/cks-control-plane-web-root-g2`,
      `${DISKS}/web/cks-worker-node-web-root-g2`,
    ]);
  });

  describe("when workers come after the snapshots have changed", () => {
    const more = () =>
      inputs({
        machines: [
          ...inputs().machines,
          { name: "cks-worker-node-web-2", role: "worker" },
        ],
      });
    const grow = async (outputs: Outputs) =>
      provisioningDecision.update?.(
        ctx,
        "id",
        { inputs: inputs(), outputs },
        more(),
      );
    /** As a new generation of base snapshots does, which removes the old. */
    const renew = (version?: string) => {
      for (const name of NAMES) {
        api.objects.delete(`${SNAPSHOTS}/vm-templates/${name}`);
        api.objects.delete(`${VOLUMES}/vm-templates/volume-of-${name}`);
        if (version !== undefined) {
          putSnapshot(`${name}-g2`, true, {
            labels: { [SNAPSHOT_LABEL]: name },
            version,
          });
        }
      }
    };
    let outputs: Outputs;

    beforeEach(async () => {
      both();
      outputs = await create();
    });

    it("clones them from the snapshot of the others as long as it is there", async () => {
      assert.deepEqual(await grow(outputs), outputs);
    });

    it("clones them from the present one when that is gone, and changes no other machine", async () => {
      renew("1.34.7");
      const before = api.asked.length;
      const grown = await grow(outputs);
      assert.deepEqual(grown?.snapshots.slice(0, 2), outputs.snapshots);
      assert.deepEqual(
        grown.snapshots
          .slice(2)
          .map(({ onlyFor, name, disks }) => [
            onlyFor,
            name,
            disks[0]?.volumeSnapshot,
          ]),
        [
          [
            "cks-worker-node-web-2",
            `${NAMES[1]}-g2`,
            `volume-of-${NAMES[1]}-g2`,
          ],
        ],
      );
      assert.deepEqual(
        await foresee(more(), { inputs: inputs(), outputs }),
        grown,
      );
      assert.ok(
        api.asked.slice(before).every(({ method }) => method === "GET"),
      );
      const fewer = await provisioningDecision.update?.(
        ctx,
        "id",
        { inputs: more(), outputs: grown },
        inputs(),
      );
      assert.deepEqual(fewer, outputs);
    });

    it("says at once when there is none that fits", async () => {
      renew();
      await assert.rejects(
        grow(outputs),
        /the snapshot vm-templates\/cks-worker-base-snapshot, which this cluster was made from, is gone, and no further worker can be cloned: the snapshot .* is not there\. Make base snapshots/,
      );
      renew("1.35.0");
      await assert.rejects(
        grow(outputs),
        /-g2 has Kubernetes 1\.35\.0, the cluster 1\.34\.3/,
      );
    });
  });

  describe("falls back, and leaves nothing", () => {
    beforeEach(both);

    it("when the disks do not come within their bound", async () => {
      api.afterCreate = (_resource, object) => {
        object.status = { phase: "CloneScheduled", progress: "10%" };
      };
      const { decided, fellBack, why } = await create();
      assert.equal(decided, "bootstrap");
      assert.equal(fellBack, true);
      assert.match(why, /did not come within 1 s: .*CloneScheduled 10%/);
      assert.deepEqual(api.namesOf(DISKS), []);
      assert.ok(lines.some((line) => line.includes("fell back")));
    });

    it("when a snapshot vanishes meanwhile", async () => {
      api.afterCreate = (_resource, object) => {
        object.status = { phase: "CloneScheduled" };
        api.objects.delete(`${SNAPSHOTS}/vm-templates/${NAMES[1]}`);
      };
      const { fellBack, why } = await create({ timeoutSeconds: 60 });
      assert.equal(fellBack, true);
      assert.match(why, /vm-templates\/cks-worker-base-snapshot vanished/);
      assert.deepEqual(api.namesOf(DISKS), []);
    });

    it("when CDI refuses them", async () => {
      api.interfere = ({ method }) =>
        method === "POST"
          ? refusal(422, "Invalid", "admission webhook denied: no source")
          : undefined;
      assert.match((await create()).why, /cannot be cloned: .*no source/);
    });

    it("and not when it must not: the error says what was wrong", async () => {
      api.afterCreate = (_resource, object) => {
        object.status = { phase: "Failed" };
      };
      await assert.rejects(
        create({ fallback: false }),
        /did not come: phase Failed/,
      );
      await assert.rejects(
        create({ strategy: "snapshot" }),
        /auto would bootstrap/,
      );
      assert.deepEqual(api.namesOf(DISKS), []);
    });

    it("and not from what a bootstrap would meet as well", async () => {
      let made = 0;
      api.interfere = ({ method }) =>
        method === "POST" && made++ === 1
          ? refusal(403, "Forbidden", "exceeded quota: q, requested: 1")
          : undefined;
      await assert.rejects(create(), /exceeded quota/);
      assert.deepEqual(api.namesOf(DISKS), []);
    });
  });

  it("is content with storage that binds to its first consumer", async () => {
    both();
    api.afterCreate = (_resource, object) => {
      object.status = { phase: "WaitForFirstConsumer" };
    };
    assert.equal((await create()).decided, "snapshot");
  });

  it("takes up what a run of its own left, and refuses anybody else's", async () => {
    both();
    const disk = (labels: object) => ({
      metadata: {
        namespace: "web",
        name: "cks-control-plane-web-root",
        labels,
      },
      status: { phase: "Succeeded" },
    });
    api.put(
      DISKS,
      disk({ [STAMP_LABEL]: "0123456789abcdef", [CLONED_LABEL]: "true" }),
    );
    assert.equal((await create()).decided, "snapshot");
    api.objects.delete(`${DISKS}/web/cks-worker-node-web-root`);
    api.put(DISKS, disk({}));
    await assert.rejects(create(), /already, of somebody who is not Corral/);
    assert.ok(api.objects.has(`${DISKS}/web/cks-control-plane-web-root`));
  });

  it("removes what nobody took up when it is deleted, and only that", async () => {
    both();
    const outputs = await create();
    const taken = api.objects.get(`${DISKS}/web/cks-worker-node-web-root`);
    Object.assign(taken?.metadata as object, {
      ownerReferences: [{ kind: "VirtualMachine" }],
    });
    const state = { inputs: inputs(), outputs };
    await provisioningDecision.delete?.(ctx, "id", state);
    assert.deepEqual(api.namesOf(DISKS), [
      `${DISKS}/web/cks-worker-node-web-root`,
    ]);
    api.kinds.delete(DISKS);
    await provisioningDecision.delete?.(ctx, "id", state);
  });

  it("never guesses when it may not look", async () => {
    api.interfere = () =>
      refusal(
        403,
        "Forbidden",
        'forbidden: User "ann" cannot get resource "virtualmachinesnapshots" in API group "snapshot.kubevirt.io" in the namespace "vm-templates"',
      );
    await assert.rejects(
      create(),
      /needs the verb get on virtualmachinesnapshots/,
    );
  });
});
