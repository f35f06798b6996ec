import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import { LATER } from "@corral-iac/corral/core/later";
import { KubevirtCluster } from "@corral-iac/corral/kubevirt/kubevirtCluster";
import { validateKubevirtCluster } from "@corral-iac/corral/kubevirt/validation";
import { recordResources } from "../shared/mockedEngine";
import { mockEngine } from "../shared/outputs";

const IMAGE = { url: "https://example.org/debian.qcow2" };
const faults = (args: object) => validateKubevirtCluster(args, "web");
const paths = (args: object) =>
  faults({ image: IMAGE, ...args }).map(({ path }) => path);

describe("KubevirtCluster's arguments", () => {
  after(() => mockEngine());

  it("may be as few as an image, or none with snapshots alone", () => {
    assert.deepEqual(faults({ image: IMAGE }), []);
    assert.deepEqual(faults({ strategy: "snapshot" }), []);
    assert.deepEqual(paths({ image: undefined }), ["image"]);
  });

  it("may all be given", () => {
    assert.deepEqual(
      paths({
        kubeconfig: "k",
        context: "c",
        quota: { cores: 4, memoryMib: 1, storageGib: 1, disks: 2 },
        session: "user-session-76c3ac1b",
        labels: { team: "a", "example.org/b": "" },
        strategy: "auto",
        snapshots: { namespace: "n", controlPlane: "a", worker: "b" },
        fallback: true,
        diskTimeoutSeconds: 10,
        generation: 2,
        image: { dataSource: { namespace: "n", name: "debian" } },
        workers: 3,
        controlPlane: { cores: 2, memoryMib: 4096, diskSizeGib: 20 },
        worker: { cores: 2 },
        storageClass: "fast",
        kubernetes: {
          version: "1.34.3",
          podNetwork: "10.0.0.0/16",
          serviceNetwork: "10.1.0.0/16",
          nodeNetwork: "10.2.0.0/16",
          cni: "flannel",
          manifest: "https://example.org/f.yml",
          install: "image",
          certificateNames: ["a"],
          hooks: { beforeInstall: "a", beforeKubeadm: "b", afterKubeadm: "c" },
        },
        ssh: { user: "ops" },
        ready: { until: "running", timeoutSeconds: 5 },
        shutdownTimeoutSeconds: 5,
      }),
      [],
    );
  });

  it("have no password in an address", () => {
    const url = "https://me:secret@example.org/a";
    for (const [path, args] of [
      ["image.url", { image: { url } }],
      ["kubernetes.manifest", { image: IMAGE, kubernetes: { manifest: url } }],
    ] as const) {
      const [fault, ...more] = faults(args);
      assert.deepEqual([fault?.path, more], [path, []]);
      assert.match(fault?.problem ?? "", /^has a user or a password in it/);
    }
  });

  it("may name a manifest that is in the image", () => {
    const kubernetes = { manifest: "/usr/share/flannel.yml" };
    assert.deepEqual(paths({ kubernetes }), []);
  });

  const wrong: Record<string, readonly [object, ...string[]]> = {
    "a strategy that there is not": [{ strategy: "clone" }, "strategy"],
    "two images": [
      { image: { ...IMAGE, containerDisk: "quay.io/a/b" } },
      "image",
    ],
    "no image in image": [{ image: {} }, "image"],
    "a container disk with a scheme": [
      { image: { containerDisk: "docker://quay.io/a/b" } },
      "image.containerDisk",
    ],
    "snapshots for a bootstrap": [
      {
        strategy: "bootstrap",
        snapshots: {},
        fromSession: "s",
        fallback: true,
      },
      "snapshots",
      "fromSession",
      "fallback",
      "fromSession",
    ],
    "snapshots by name and by session": [
      { snapshots: {}, fromSession: "s" },
      "fromSession",
    ],
    "fallback from demanded snapshots": [
      { strategy: "snapshot", fallback: true },
      "fallback",
    ],
    "a quota for somebody else's namespace": [
      { namespace: "there", quota: { cores: 1 } },
      "quota",
    ],
    "names that Kubernetes does not take": [
      { namespace: "A", storageClass: "a b", snapshots: { worker: "W" } },
      "namespace",
      "storageClass",
      "snapshots.worker",
    ],
    "a session that makes names too long": [
      { session: "x".repeat(50) },
      "session",
    ],
    "labels that are none, or Corral's own": [
      { labels: { "a b": "c", d: "-", "corral-iac.dev/stamp": "x" } },
      "labels.a b",
      "labels.d",
      "labels.corral-iac.dev/stamp",
    ],
    "too many or half workers": [{ workers: 256 }, "workers"],
    "an old version": [
      { kubernetes: { version: "1.30.0" } },
      "kubernetes.version",
    ],
    "a plugin without its manifest": [
      { kubernetes: { cni: "manifest" } },
      "kubernetes.manifest",
    ],
    "a manifest that is neither an address nor a path": [
      { kubernetes: { manifest: "flannel.yml" } },
      "kubernetes.manifest",
    ],
    "a manifest of no plugin": [
      { kubernetes: { cni: "none", manifest: "https://a/b" } },
      "kubernetes.manifest",
    ],
    "networks that are none": [
      { kubernetes: { podNetwork: "10.0.0.1/16", nodeNetwork: "10.9.0.0/24" } },
      "kubernetes.podNetwork",
      "kubernetes.nodeNetwork",
    ],
    "networks that overlap, also with a default": [
      { kubernetes: { podNetwork: "10.250.0.0/17" } },
      "kubernetes.nodeNetwork",
    ],
  };

  for (const [what, [args, ...expected]] of Object.entries(wrong)) {
    it(`may not have ${what}`, () => {
      assert.deepEqual(paths(args).sort(), [...expected].sort());
    });
  }

  it("that decide about children must stand in the program", () => {
    assert.deepEqual(paths({ kubernetes: LATER, ready: LATER }), [
      "kubernetes",
      "ready",
    ]);
    assert.deepEqual(
      paths({ kubernetes: { version: LATER, manifest: LATER } }),
      [],
    );
  });

  it("never crash the check, whatever they are", () => {
    fc.assert(
      fc.property(
        fc.object({
          key: fc.constantFrom(
            "image",
            "kubernetes",
            "workers",
            "labels",
            "session",
            "strategy",
            "snapshots",
            "ready",
            "ssh",
          ),
        }),
        (args) => {
          assert.ok(Array.isArray(faults(args)));
        },
      ),
    );
  });

  it("that are wrong are told all at once, before anything is made", () => {
    recordResources();
    assert.throws(
      () =>
        new KubevirtCluster("web", {
          workers: -1,
          kubernetes: { version: "one" },
        }),
      (error: Error) =>
        /KubevirtCluster "web": 3 faults/.test(error.message) &&
        /workers is -1/.test(error.message) &&
        /kubernetes\.version is "one"/.test(error.message) &&
        /image is missing/.test(error.message),
    );
  });
});
