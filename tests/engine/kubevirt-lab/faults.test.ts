import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import {
  collection,
  KubeApi,
  KubeApiError,
  KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import { readKubeconfig } from "@corral-iac/tools/lab/kubevirt/api/kubeconfig";
import { readState } from "@corral-iac/tools/lab/kubevirt/state";
import { isRunning } from "@corral-iac/tools/lab/processes";

import {
  imageSource,
  isReady,
  machine,
  machineSnapshot,
  seen,
  type SeenMachine,
  type SeenSnapshot,
  TestNamespaces,
} from "../../support/kubevirtLab";

const snapshots = "snapshot.kubevirt.io/v1beta1";

/** A lab of its own: its faults would break other tests. */
describe("lab for KubeVirt: faults on demand", () => {
  const folder = path.join(
    fs.mkdtempSync(path.join(os.tmpdir(), "corral-kubevirt-")),
    "lab",
  );
  let lab: KubevirtLab;
  let namespace: string;
  const vm = () => machine(namespace, "base", imageSource);
  const take = async (name: string) => {
    const snapshot = machineSnapshot(namespace, name, "base");
    await lab.api.create(
      collection(snapshots, "virtualmachinesnapshots", namespace),
      snapshot,
    );
    return snapshot;
  };

  before(async function () {
    this.timeout(1_800_000);
    lab = await KubevirtLab.start({ folder, bound: true });
    namespace = await new TestNamespaces(lab).make("faults");
    await lab.api.create(
      collection("kubevirt.io/v1", "virtualmachines", namespace),
      vm(),
    );
    await seen<SeenMachine>(lab, vm(), isReady);
  });
  after(async () => {
    await KubevirtLab.remove(folder);
    fs.rmSync(path.dirname(folder), { recursive: true, force: true });
  });

  it("kubectl of the lab's version answers", async () => {
    const version = JSON.parse(
      await lab.kubectl("version", "--output=json"),
    ) as Record<string, { gitVersion: string }>;
    assert.equal(version.clientVersion?.gitVersion, "v1.34.3");
    assert.equal(version.serverVersion?.gitVersion, "v1.34.3");
    assert.match(
      await lab.kubectl("get", "vm", "-n", namespace),
      /base .*Running/,
    );
  });

  it("without its storage a snapshot waits, and goes on with it", async () => {
    await lab.stopPart("storage");
    assert.equal(lab.isRunning("storage"), false);
    const snapshot = await take("waits");
    const { status } = await seen<SeenSnapshot>(
      lab,
      snapshot,
      (object) => object.status?.phase === "InProgress",
    );
    assert.notEqual(status?.readyToUse, true);
    await lab.startPart("storage");
    await seen<SeenSnapshot>(lab, snapshot, isReady);
  });

  it("without a snapshot class no disk of a machine can be snapshot", async () => {
    interface WithVolumes extends SeenMachine {
      readonly status?: SeenMachine["status"] & {
        readonly volumeSnapshotStatuses?: readonly {
          enabled: boolean;
          reason?: string;
        }[];
      };
    }
    await lab.removeSnapshotClass();
    await lab.api.create(
      collection("kubevirt.io/v1", "virtualmachines", namespace),
      machine(namespace, "later", imageSource),
    );
    // Says "PVC not found" before.
    await seen<WithVolumes>(
      lab,
      machine(namespace, "later", imageSource),
      ({ status }) =>
        status?.volumeSnapshotStatuses?.some(
          ({ enabled, reason }) =>
            !enabled && /No VolumeSnapshotClass/.test(reason ?? ""),
        ) ?? false,
    );
    await lab.restoreSnapshotClass();
  });

  it("without the feature gate Snapshot a snapshot is refused", async () => {
    await lab.setFeatureGates([]);
    let refused: unknown;
    // The webhook reads the configuration a moment later.
    for (let number = 0; refused === undefined && number < 100; number++) {
      await take(`gate-${number}`).catch((error: unknown) => {
        refused = error;
      });
    }
    assert.match(String(refused), /snapshot feature gate not enabled/);
  });

  it("an account may do what its rules say, and nothing else", async () => {
    const file = await lab.kubeconfigFor(
      "reader",
      [
        {
          apiGroups: ["kubevirt.io"],
          resources: ["virtualmachines"],
          verbs: ["get", "list"],
        },
      ],
      namespace,
    );
    const reader = new KubeApi(readKubeconfig(file));
    const machines = collection("kubevirt.io/v1", "virtualmachines", namespace);
    assert.ok((await reader.list(machines)).length > 0);
    await assert.rejects(
      reader.create(machines, vm()),
      (error) =>
        error instanceof KubeApiError &&
        error.status === 403 &&
        error.message.includes('cannot create resource "virtualmachines"'),
    );
    reader.close();
  });

  it("its end leaves no process and no file", async () => {
    const processes = Object.values(readState(folder)?.parts ?? {}).map(
      (part) => part.process,
    );
    assert.equal(processes.filter(isRunning).length, 10);
    await lab.stop();
    assert.deepEqual(processes.filter(isRunning), []);
    assert.equal(fs.existsSync(folder), false);
  });
});
