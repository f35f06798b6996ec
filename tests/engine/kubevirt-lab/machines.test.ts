import assert from "node:assert/strict";
import * as http from "node:http";
import { once } from "node:events";

import {
  collection,
  type KubeObject,
  type KubevirtLab,
  pathOf,
} from "@corral-iac/tools/lab/kubevirt/index";
import { becomes } from "@corral-iac/tools/lab/processes";

import {
  allowClones,
  imageSource,
  isReady,
  machine,
  machineSnapshot,
  seen,
  type SeenMachine,
  type SeenSnapshot,
  sharedKubevirt,
  TestNamespaces,
  volumeSnapshotOf,
} from "../../support/kubevirtLab";

describe("lab for KubeVirt: machines and snapshots", () => {
  let lab: KubevirtLab;
  let namespaces: TestNamespaces;
  let templates: string;
  const vm = () => machine(templates, "base", imageSource);
  const snapshot = () => machineSnapshot(templates, "base-snapshot", "base");

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    namespaces = new TestNamespaces(lab);
    templates = await namespaces.make("lab-templates");
    await lab.api.create(
      collection("kubevirt.io/v1", "virtualmachines", templates),
      vm(),
    );
    await seen<SeenMachine>(lab, vm(), isReady);
  });
  after(() => namespaces.remove());

  it("a machine runs, and its guest has an address at which a test can listen", async () => {
    const { status } = await seen<SeenMachine>(lab, vm(), isReady);
    assert.equal(status?.printableStatus, "Running");
    const instance = await lab.api.get<
      KubeObject & {
        status: {
          interfaces: { ipAddress: string }[];
          conditions: { type: string }[];
        };
      }
    >(pathOf({ ...vm(), kind: "VirtualMachineInstance" }));
    const address = instance.status.interfaces[0]?.ipAddress;
    const server = http
      .createServer((_, response) => response.end("guest"))
      .listen(0, address);
    await once(server, "listening");
    server.close();
    assert.ok(
      instance.status.conditions.some(({ type }) => type === "AgentConnected"),
    );
  });

  it("a machine that KubeVirt would refuse is refused, in its words", async () => {
    const wrong = machine(templates, "wrong", imageSource);
    const spec = JSON.parse(
      JSON.stringify(wrong.spec).replace(
        '"volumes":[{"name":"root"',
        '"volumes":[{"name":"other"',
      ),
    ) as object;
    await assert.rejects(
      lab.api.create(
        collection("kubevirt.io/v1", "virtualmachines", templates),
        { ...wrong, spec },
      ),
      /disks\[0\]\.Name 'root' not found/,
    );
  });

  it("a snapshot is usable only a while after it has succeeded", async () => {
    const phases: string[] = [];
    await lab.api.create(
      collection(
        "snapshot.kubevirt.io/v1beta1",
        "virtualmachinesnapshots",
        templates,
      ),
      snapshot(),
    );
    const ready = await seen<SeenSnapshot>(lab, snapshot(), (object) => {
      phases.push(`${object.status?.phase} ${object.status?.readyToUse}`);
      return isReady(object);
    });
    assert.ok(phases.includes("Succeeded false"), phases.join(", "));
    assert.deepEqual([...(ready.status?.indications ?? [])].sort(), [
      "GuestAgent",
      "Online",
    ]);
  });

  describe("from the snapshot, in another namespace", () => {
    let target: string;
    const clone = async () => {
      const ready = await seen<SeenSnapshot>(lab, snapshot(), isReady);
      const name = await volumeSnapshotOf(lab, ready);
      return machine(target, "node", {
        snapshot: { namespace: templates, name },
      });
    };

    before(async () => {
      target = await namespaces.make("lab-cluster");
      await lab.api.create(
        collection("kubevirt.io/v1", "virtualmachines", target),
        await clone(),
      );
    });

    it("no disk is made without a right to the source", async () => {
      const { status } = await seen<SeenMachine>(
        lab,
        await clone(),
        (object) =>
          object.status?.conditions?.some(({ type }) => type === "Failure") ??
          false,
      );
      const failure = status?.conditions?.find(
        ({ type }) => type === "Failure",
      );
      assert.match(
        failure?.message ?? "",
        /Authorization failed|datavolumes\/source|not authorized|insufficient/i,
      );
      const disks = await lab.api.list(
        collection("cdi.kubevirt.io/v1beta1", "datavolumes", target),
      );
      assert.deepEqual(disks, []);
    });

    it("the machine runs once a RoleBinding gives it", async () => {
      await allowClones(lab, templates, target);
      const { status } = await seen<SeenMachine>(
        lab,
        await clone(),
        isReady,
        120,
      );
      assert.equal(status?.printableStatus, "Running");
    });

    it("a deleted machine leaves no instance, no disk and no volume", async () => {
      const disk = await lab.api.get<{ spec: { volumeName: string } }>(
        `${collection("v1", "persistentvolumeclaims", target)}/node-root`,
      );
      await lab.api.delete(pathOf(await clone()));
      const left = async () => {
        const counts = await Promise.all(
          [
            ["kubevirt.io/v1", "virtualmachines"],
            ["kubevirt.io/v1", "virtualmachineinstances"],
            ["cdi.kubevirt.io/v1beta1", "datavolumes"],
            ["v1", "persistentvolumeclaims"],
            ["v1", "pods"],
          ].map(([version = "", plural = ""]) =>
            lab.api.list(collection(version, plural, target)),
          ),
        );
        const volumes = await lab.api.list(
          collection("v1", "persistentvolumes"),
        );
        return [
          ...counts.flat(),
          ...volumes.filter(
            ({ metadata }) => metadata.name === disk.spec.volumeName,
          ),
        ].map(({ metadata }) => metadata.name);
      };
      await becomes(async () => (await left()).length === 0, 60);
      assert.deepEqual(await left(), []);
    });
  });

  describe("at the end", () => {
    it("a deleted snapshot leaves nothing of the volume's snapshot", async () => {
      const ready = await seen<SeenSnapshot>(lab, snapshot(), isReady);
      const name = await volumeSnapshotOf(lab, ready);
      await lab.api.delete(pathOf(snapshot()));
      const left = async () => {
        const version = "snapshot.storage.k8s.io/v1";
        const [taken, contents] = await Promise.all([
          lab.api.list(collection(version, "volumesnapshots", templates)),
          lab.api.list<
            KubeObject & { spec: { volumeSnapshotRef: { name: string } } }
          >(collection(version, "volumesnapshotcontents")),
        ]);
        return [
          ...taken,
          ...contents.filter(
            ({ spec }) => spec.volumeSnapshotRef.name === name,
          ),
        ].map(({ metadata }) => metadata.name);
      };
      await becomes(async () => (await left()).length === 0, 60);
      assert.deepEqual(await left(), []);
    });
  });
});
