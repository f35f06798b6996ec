/**
 * The one table of every tool and plugin that Corral needs: versions, where the official release
 * is, how it is built from Go modules, and where it is put. Adding a piece is one entry here and a
 * folder `go/<folder>` with its go.mod and go.sum.
 */

import { kubevirtPieceNames, kubevirtPins } from "./kubevirtPins";
import { nodePieceNames, nodePins } from "./nodePins";

/** The pieces of the toolchain by name. */
export const pieceNames = [
  "pulumi",
  "nodeHost",
  "terraformProviderPlugin",
  "libvirtProvider",
  "proxmoxProvider",
  "yamlHost",
  "commandPlugin",
  "actionlint",
  ...kubevirtPieceNames,
  ...nodePieceNames,
] as const;

export type PieceName = (typeof pieceNames)[number];

/** What `npm start` needs. */
export const piecesForStart: readonly PieceName[] = [
  "pulumi",
  "nodeHost",
  "terraformProviderPlugin",
  "libvirtProvider",
];

/** What the lab for KubeVirt and programs that use it need. */
export const piecesForKubevirt: readonly PieceName[] = kubevirtPieceNames;

/** What the nodes of a real Kubernetes inside guests need, beside the control plane's programs. */
export const piecesForNodes: readonly PieceName[] = nodePieceNames;

/** Operating system and processor in Go's words, for example `linux`, `amd64`. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
}

/** A file of an official release, and the release's own list of SHA-256 sums. */
export interface Release {
  readonly url: string;
  readonly checksumsUrl: string;
  /** Path of the binary inside the archive; undefined where the file is the binary itself. */
  readonly member?: string;
}

/** How the piece is built from pinned Go modules. */
export interface GoRecipe {
  /** Folder under `tools/toolchain/go` that holds go.mod and go.sum. */
  readonly folder: string;
  /** Package with `func main`; `.` for one that stands in the folder itself. */
  readonly package: string;
  /**
   * Whether what is built stands in for a piece whose own source is not to be had as a Go module.
   * Setup says so, and takes the real piece once it can be had.
   */
  readonly isStandIn?: boolean;
  /**
   * Files out of the module's dependencies that its sources embed (`go:embed`): each one's path in
   * the folder, and where it is, as MODULE/PATH. They are too large to be committed.
   */
  readonly embeds?: Readonly<Record<string, string>>;
  /** What is built instead on amd64, whose kernels run it too. */
  readonly amd64As?: "386";
  /** Variables set at link time (`-X NAME=VALUE`). */
  readonly variables?: Readonly<Record<string, string>>;
  /** Seconds of a cold build on two cores, for the line that announces it. */
  readonly aboutSeconds: number;
}

/** Where a finished binary is put inside `PULUMI_HOME`. */
export type Place =
  | { readonly kind: "bin" }
  /** A program for work on Corral itself; it does not come with the CLI. */
  | { readonly kind: "tool" }
  | { readonly kind: "plugin"; readonly plugin: string }
  | {
      readonly kind: "terraformProvider";
      readonly namespace: string;
      readonly provider: string;
    };

export interface PiecePin {
  readonly title: string;
  /** Without a leading `v`. */
  readonly version: string;
  /** File name of the binary. */
  readonly binary: string;
  readonly place: Place;
  readonly go: GoRecipe;
  /**
   * Undefined, or without a result for a platform, where there is none, and where the official way
   * is `pulumi plugin install`.
   */
  readonly release?: (platform: Platform) => Release | undefined;
}

const pulumiVersion = "3.259.0";

/** The language hosts are shipped in the archive of the CLI. */
function pulumiArchive(member: string) {
  return ({ os, arch }: Platform): Release => {
    const suffix = `${os}-${arch === "amd64" ? "x64" : arch}.tar.gz`;
    const base = `https://github.com/pulumi/pulumi/releases/download/v${pulumiVersion}`;
    return {
      url: `${base}/pulumi-v${pulumiVersion}-${suffix}`,
      checksumsUrl: `${base}/pulumi-${pulumiVersion}-checksums.txt`,
      member: `pulumi/${member}`,
    };
  };
}

/** Releases of Terraform providers have one layout, which the Terraform registry demands. */
function terraformRelease(repository: string, name: string, version: string) {
  return ({ os, arch }: Platform): Release => {
    const base = `https://github.com/${repository}/releases/download/v${version}`;
    const stem = `terraform-provider-${name}_${version}`;
    return {
      url: `${base}/${stem}_${os}_${arch}.zip`,
      checksumsUrl: `${base}/${stem}_SHA256SUMS`,
      member: `terraform-provider-${name}_v${version}`,
    };
  };
}

export const pins: Readonly<Record<PieceName, PiecePin>> = {
  pulumi: {
    title: "Pulumi CLI",
    version: pulumiVersion,
    binary: "pulumi",
    place: { kind: "bin" },
    go: {
      folder: "pulumi",
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      variables: {
        "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${pulumiVersion}`,
      },
      aboutSeconds: 300,
    },
    release: pulumiArchive("pulumi"),
  },
  nodeHost: {
    // The newest Go module of the Node host is of 3.184.0; it works with the CLI above. The
    // archive of the CLI holds the host of the CLI's own version.
    title: "Pulumi Node.js language host",
    version: "3.184.0",
    binary: "pulumi-language-nodejs",
    place: { kind: "bin" },
    go: {
      folder: "node-host",
      package:
        "github.com/pulumi/pulumi/sdk/nodejs/cmd/pulumi-language-nodejs/v3",
      variables: {
        "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.184.0",
      },
      aboutSeconds: 90,
    },
    release: pulumiArchive("pulumi-language-nodejs"),
  },
  terraformProviderPlugin: {
    title: "Pulumi plugin terraform-provider",
    version: "1.1.3",
    binary: "pulumi-resource-terraform-provider",
    place: { kind: "plugin", plugin: "terraform-provider" },
    go: {
      folder: "terraform-provider-plugin",
      package: "github.com/pulumi/pulumi-terraform-bridge/v3/dynamic",
      variables: {
        "github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/version.version":
          "v1.1.3",
      },
      aboutSeconds: 180,
    },
  },
  libvirtProvider: {
    title: "Terraform provider libvirt",
    version: "0.8.3",
    binary: "terraform-provider-libvirt_v0.8.3",
    place: {
      kind: "terraformProvider",
      namespace: "dmacvicar",
      provider: "libvirt",
    },
    go: {
      folder: "libvirt-provider",
      package: "github.com/dmacvicar/terraform-provider-libvirt",
      aboutSeconds: 60,
    },
    release: terraformRelease(
      "dmacvicar/terraform-provider-libvirt",
      "libvirt",
      "0.8.3",
    ),
  },
  proxmoxProvider: {
    title: "Terraform provider Proxmox",
    version: "0.106.0",
    binary: "terraform-provider-proxmox_v0.106.0",
    place: {
      kind: "terraformProvider",
      namespace: "bpg",
      provider: "proxmox",
    },
    go: {
      folder: "proxmox-provider",
      package: "github.com/bpg/terraform-provider-proxmox",
      aboutSeconds: 90,
    },
    release: terraformRelease(
      "bpg/terraform-provider-proxmox",
      "proxmox",
      "0.106.0",
    ),
  },
  yamlHost: {
    title: "Pulumi YAML language host",
    version: "1.30.0",
    binary: "pulumi-language-yaml",
    place: { kind: "bin" },
    go: {
      folder: "yaml-host",
      package: "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml",
      variables: {
        "github.com/pulumi/pulumi-yaml/pkg/version.Version": "v1.30.0",
      },
      aboutSeconds: 90,
    },
    release: pulumiArchive("pulumi-language-yaml"),
  },
  commandPlugin: {
    title: "Pulumi plugin command",
    version: "1.2.1",
    binary: "pulumi-resource-command",
    place: { kind: "plugin", plugin: "command" },
    go: {
      folder: "command-plugin",
      package: ".",
      isStandIn: true,
      aboutSeconds: 90,
    },
  },
  actionlint: {
    title: "actionlint",
    version: "1.7.12",
    binary: "actionlint",
    place: { kind: "tool" },
    go: {
      folder: "actionlint",
      package: "github.com/rhysd/actionlint/cmd/actionlint",
      variables: { "github.com/rhysd/actionlint.version": "1.7.12" },
      aboutSeconds: 15,
    },
    release: ({ os, arch }) => {
      const base =
        "https://github.com/rhysd/actionlint/releases/download/v1.7.12";
      return {
        url: `${base}/actionlint_1.7.12_${os}_${arch}.tar.gz`,
        checksumsUrl: `${base}/actionlint_1.7.12_checksums.txt`,
        member: "actionlint",
      };
    },
  },
  ...kubevirtPins,
  ...nodePins,
};

/** What every Go build is given; part of each piece's key. */
export const goBuildFlags: readonly string[] = ["-trimpath", "-ldflags=-s -w"];

/**
 * The Go toolchain that is fetched from the module proxy when Go is missing or too old. `h1` is
 * the module's hash as in the public checksum database, by `os-arch`.
 */
export const goToolchain: {
  readonly version: string;
  readonly h1: Readonly<Record<string, string>>;
} = {
  version: "1.26.8",
  h1: {
    "linux-amd64": "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=",
    "linux-arm64": "h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=",
    "darwin-amd64": "h1:7/9KPPN8PckcA9s91hm2jmQMhzW4KyTJXHIs45L0C9M=",
    "darwin-arm64": "h1:dFjGhY6f8DTsY8/rLchUTDRRfjJP4pCrGCwxvHFT2Fg=",
  },
};
