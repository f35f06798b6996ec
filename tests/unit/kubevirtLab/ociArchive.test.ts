import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { nodeImages } from "@corral-iac/tools/lab/kubevirt/node/nodeImages";
import {
  tar,
  writeArchive,
} from "@corral-iac/tools/lab/kubevirt/node/ociArchive";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

describe("lab for KubeVirt: container images without a daemon", () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-oci-"));
  after(() => fs.rmSync(scratch, { recursive: true, force: true }));

  const layer = async (name: string, files: Record<string, string>) => {
    const folder = path.join(scratch, `${name}-files`);
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), content);
    }
    const archive = path.join(scratch, `${name}.tar`);
    await tar(archive, folder, fs.readdirSync(folder));
    return archive;
  };

  /** Writes two images that share a layer, and unpacks the archive. */
  const write = async (name: string) => {
    const base = await layer(`${name}-base`, { "lib/libc": "c" });
    const own = await layer(`${name}-own`, { "bin/serve": "s" });
    const archive = path.join(scratch, `${name}-images.tar`);
    await writeArchive(
      [
        { name: "registry.example/one:v1", layers: [base] },
        {
          name: "registry.example/two:v2",
          layers: [base, own],
          entrypoint: ["/bin/serve"],
        },
      ],
      archive,
      path.join(scratch, `${name}-layout`),
    );
    const unpacked = path.join(scratch, `${name}-unpacked`);
    fs.mkdirSync(unpacked);
    execFileSync("tar", ["-xf", archive, "-C", unpacked]);
    const blob = ({ digest, size }: Descriptor) => {
      const content = fs.readFileSync(
        path.join(unpacked, "blobs", digest.replace(":", "/")),
      );
      assert.equal(content.length, size);
      const found = createHash("sha256").update(content).digest("hex");
      assert.equal(digest, `sha256:${found}`);
      return content;
    };
    const json = <T>(descriptor: Descriptor) =>
      JSON.parse(blob(descriptor).toString()) as T;
    const { manifests } = JSON.parse(
      fs.readFileSync(path.join(unpacked, "index.json"), "utf8"),
    ) as { manifests: Descriptor[] };
    return { archive, unpacked, manifests, blob, json };
  };

  it("has each image under its full name, with config and layers that match their digests", async () => {
    const { manifests, json, blob } = await write("whole");
    assert.deepEqual(
      manifests.map(
        ({ annotations }) => annotations?.["io.containerd.image.name"],
      ),
      ["registry.example/one:v1", "registry.example/two:v2"],
    );
    const [, second] = manifests;
    assert.ok(second);
    const { config, layers } = json<{
      config: Descriptor;
      layers: Descriptor[];
    }>(second);
    const { rootfs, config: start } = json<{
      rootfs: { diff_ids: string[] };
      config: { Entrypoint: string[] };
    }>(config);
    assert.deepEqual(
      rootfs.diff_ids,
      layers.map(({ digest }) => digest),
    );
    assert.deepEqual(start.Entrypoint, ["/bin/serve"]);
    const listed = layers.map((descriptor) =>
      execFileSync("tar", ["-t"], { input: blob(descriptor) }).toString(),
    );
    assert.match(listed[0] ?? "", /^lib\/libc$/m);
    assert.match(listed[1] ?? "", /^bin\/serve$/m);
  });

  it("has a shared layer once", async () => {
    const { unpacked } = await write("shared");
    // Two layers, two configs, two manifests.
    assert.equal(fs.readdirSync(path.join(unpacked, "blobs/sha256")).length, 6);
  });

  it("is the same each time", async () => {
    const { manifests } = await write("first");
    const again = await write("again");
    assert.deepEqual(
      again.manifests.map(({ digest }) => digest),
      manifests.map(({ digest }) => digest),
    );
  });
});

describe("lab for KubeVirt: the images of a node", () => {
  it("have the names that kubeadm 1.34 and Flannel's manifest call them by", () => {
    const names = nodeImages.map(({ name }) => name);
    // As printed by `kubeadm config images list --kubernetes-version v1.34.3`.
    for (const name of [
      "registry.k8s.io/kube-apiserver:v1.34.3",
      "registry.k8s.io/kube-controller-manager:v1.34.3",
      "registry.k8s.io/kube-scheduler:v1.34.3",
      "registry.k8s.io/kube-proxy:v1.34.3",
      "registry.k8s.io/coredns/coredns:v1.12.1",
      "registry.k8s.io/pause:3.10.1",
      "registry.k8s.io/etcd:3.6.5-0",
    ]) {
      assert.ok(names.includes(name), name);
    }
    const manifest = fs.readFileSync(
      path.resolve(
        __dirname,
        "../../../../tools/lab/recipes/kubernetes-node/overlay/usr/share/kubernetes/kube-flannel.yml",
      ),
      "utf8",
    );
    const wanted = [...manifest.matchAll(/image: (\S+)/g)].map(
      ([, name = ""]) => name,
    );
    assert.ok(wanted.length >= 3);
    assert.ok(
      wanted.every((name) => names.includes(name)),
      wanted.join(),
    );
  });
});
