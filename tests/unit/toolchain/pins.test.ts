import assert from "node:assert/strict";

import { cachePaths } from "@corral-iac/tools/toolchain/cache";
import {
  compareGoVersions,
  goVersionOf,
  moduleOf,
} from "@corral-iac/tools/toolchain/golang";
import {
  goToolchain,
  pieceNames,
  piecesForKubevirt,
  piecesForNodes,
  piecesForStart,
  pins,
} from "@corral-iac/tools/toolchain/pins";

const paths = cachePaths("/cache", "linux", "x64");

describe("toolchain: the table of pins agrees with the committed Go modules", () => {
  // The bridge's plugin has a version of its own, set at link time.
  const modules: Record<string, string> = {
    pulumi: `github.com/pulumi/pulumi/pkg/v3 v${pins.pulumi.version}`,
    terraformProviderPlugin:
      "github.com/pulumi/pulumi-terraform-bridge/v3 v3.136.0",
    libvirtProvider: `github.com/dmacvicar/terraform-provider-libvirt v${pins.libvirtProvider.version}`,
    proxmoxProvider: `github.com/bpg/terraform-provider-proxmox v${pins.proxmoxProvider.version}`,
    yamlHost: `github.com/pulumi/pulumi-yaml v${pins.yamlHost.version}`,
    // The framework that the official plugin 1.2.1 is made with.
    commandPlugin: "github.com/pulumi/pulumi-go-provider v1.3.0",
    actionlint: `github.com/rhysd/actionlint v${pins.actionlint.version}`,
    etcd: `go.etcd.io/etcd/server/v3 v${pins.etcd.version}`,
    kubeApiserver: `k8s.io/kubernetes v${pins.kubeApiserver.version}`,
    kwok: `sigs.k8s.io/kwok v${pins.kwok.version}`,
    snapshotController: `github.com/kubernetes-csi/external-snapshotter/v8 v${pins.snapshotController.version}`,
    kubelet: `k8s.io/kubernetes v${pins.kubelet.version}`,
    coredns: `github.com/coredns/coredns v${pins.coredns.version}`,
    flannel: `github.com/flannel-io/flannel v${pins.flannel.version}`,
    flannelCni: `github.com/containernetworking/plugins v${pins.flannelCni.version}`,
    virtApi: `kubevirt.io/kubevirt v${pins.virtApi.version}`,
    // The plugin's module has no version of its own: the commit of its release 4.18.1.
    kubernetesPlugin:
      "github.com/pulumi/pulumi-kubernetes/provider/v4 v4.0.0-20240930223531-b7dae6b4ea56",
  };
  for (const [name, line] of Object.entries(modules)) {
    it(`${name}: ${line}`, () => {
      const { goMod } = paths.pieces[name as keyof typeof paths.pieces];
      assert.ok(goMod.includes(`\t${line}`), goMod.slice(0, 200));
    });
  }

  for (const name of pieceNames) {
    it(`${name}: the pinned Go toolchain is new enough for it`, () => {
      const wanted = goVersionOf(paths.pieces[name].goMod);
      assert.ok(compareGoVersions(goToolchain.version, wanted) >= 0, wanted);
    });

    it(`${name}: has an official release or a plugin of the CLI's registry, if it is for users`, () => {
      const pin = pins[name];
      const release = pin.release?.({ os: "linux", arch: "amd64" });
      assert.ok(
        release !== undefined ||
          pin.place.kind === "plugin" ||
          (pin.place.kind === "tool" &&
            [...piecesForKubevirt, ...piecesForNodes].includes(name)),
      );
      assert.match(release?.url ?? "https://", /^https:\/\//);
      assert.match(release?.checksumsUrl ?? "https://", /^https:\/\//);
    });
  }

  it("stands in for nothing but the command plugin", () => {
    assert.deepEqual(
      pieceNames.filter((name) => pins[name].go.isStandIn),
      ["commandPlugin"],
    );
    assert.ok(!piecesForStart.includes("commandPlugin"));
  });

  it("asks a start for nothing of the lab for KubeVirt, which takes long to build", () => {
    assert.deepEqual(
      piecesForStart.filter((name) =>
        [...piecesForKubevirt, ...piecesForNodes].includes(name),
      ),
      [],
    );
  });

  it("embeds only files of modules that the go.mod requires", () => {
    for (const name of pieceNames) {
      for (const source of Object.values(pins[name].go.embeds ?? {})) {
        assert.match(moduleOf(source, paths.pieces[name].goMod).file, /json$/);
      }
    }
  });

  it("gives every piece folders of its own below the cache", () => {
    const folders = pieceNames.map((name) => paths.pieces[name].folder);
    assert.equal(new Set(folders).size, folders.length);
    assert.ok(
      folders.every((folder) => folder.startsWith("/cache/toolchain/")),
    );
    assert.match(paths.pulumiHome, /^\/cache\/pulumi-home-[0-9a-f]{16}$/);
  });

  it("installs the CLI before plugins, which need it", () => {
    assert.equal(pieceNames[0], "pulumi");
    assert.ok(piecesForStart.includes("pulumi"));
  });

  it("refuses a platform that no piece is built for", () => {
    assert.throws(
      () => cachePaths("/cache", "win32", "x64"),
      /win32-x64.*WSL 2/s,
    );
  });
});
