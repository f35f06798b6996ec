import * as fs from "node:fs";
import * as path from "node:path";

import type { PieceName } from "../../../toolchain";
import { run } from "../../../toolchain/commands";
import { pins } from "../../../toolchain/pins";
import { type ContainerImage, tar } from "./ociArchive";

/** An image of a node: programs, by where they are in it. */
interface NodeImage {
  readonly name: string;
  readonly programs: Readonly<Record<string, PieceName | "busybox">>;
  readonly entrypoint?: readonly string[];
  /** Whether the programs call Debian's iptables. */
  readonly hasIptables?: boolean;
}

const registry = "registry.k8s.io";
const bin = "usr/local/bin";

/** A program of the control plane, whose Pod says its command. */
function kubernetes(program: string, piece: PieceName): NodeImage {
  return {
    name: `${registry}/${program}:v${pins[piece].version}`,
    programs: { [`${bin}/${program}`]: piece },
  };
}

/**
 * The images of all nodes, under the names that kubeadm and Flannel's manifest call them by: built from
 * the toolchain's programs.
 */
export const nodeImages: readonly NodeImage[] = [
  kubernetes("kube-apiserver", "kubeApiserver"),
  kubernetes("kube-controller-manager", "kubeControllerManager"),
  kubernetes("kube-scheduler", "kubeScheduler"),
  { ...kubernetes("kube-proxy", "kubeProxy"), hasIptables: true },
  {
    // The last number counts builds of the image.
    name: `${registry}/etcd:${pins.etcd.version}-0`,
    programs: { [`${bin}/etcd`]: "etcd" },
  },
  {
    name: `${registry}/coredns/coredns:v${pins.coredns.version}`,
    programs: { coredns: "coredns" },
    entrypoint: ["/coredns"],
  },
  {
    name: `${registry}/pause:${pins.pause.version}`,
    programs: { pause: "pause" },
    entrypoint: ["/pause"],
  },
  {
    name: `ghcr.io/flannel-io/flannel:v${pins.flannel.version}`,
    programs: { "opt/bin/flanneld": "flannel", "bin/cp": "busybox" },
    entrypoint: ["/opt/bin/flanneld"],
    hasIptables: true,
  },
  {
    // The manifest's name for it; what is in it is the older plugin of the toolchain.
    name: "ghcr.io/flannel-io/flannel-cni-plugin:v1.8.0-flannel1",
    programs: { flannel: "flannelCni", "bin/cp": "busybox" },
  },
];

/**
 * Makes the layers of the images.
 *
 * @param root the node's own root folder, which has Debian's iptables and busybox.
 * @param binaries the toolchain's programs.
 * @param work an empty folder.
 */
export async function makeLayers(
  root: string,
  binaries: ReadonlyMap<PieceName, string>,
  work: string,
): Promise<ContainerImage[]> {
  const iptables = path.join(work, "iptables.tar");
  await tar(iptables, root, await iptablesFiles(root));
  const images: ContainerImage[] = [];
  for (const [index, image] of nodeImages.entries()) {
    const stage = path.join(work, `stage-${index}`);
    for (const [place, program] of Object.entries(image.programs)) {
      const file =
        program === "busybox"
          ? path.join(root, "bin/busybox")
          : (binaries.get(program) ?? "");
      const target = path.join(stage, place);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.copyFileSync(file, target);
      fs.chmodSync(target, 0o755);
    }
    // Some programs write temporary files.
    fs.mkdirSync(path.join(stage, "tmp"));
    fs.chmodSync(path.join(stage, "tmp"), 0o1777);
    const layer = path.join(work, `layer-${index}.tar`);
    await tar(layer, stage, fs.readdirSync(stage));
    fs.rmSync(stage, { recursive: true });
    images.push({
      name: image.name,
      layers: image.hasIptables ? [iptables, layer] : [layer],
      entrypoint: image.entrypoint,
    });
  }
  return images;
}

/** Packages that iptables consists of. */
const iptablesPackages = [
  ...[
    "libc6",
    "iptables",
    "libip4tc2",
    "libip6tc2",
    "libmnl0",
    "libnfnetlink0",
  ],
  ...["libnetfilter-conntrack3", "libnftnl11", "libxtables12"],
];

/** Files of a root folder that make iptables run elsewhere, as paths from it. */
async function iptablesFiles(root: string): Promise<string[]> {
  const listed = await run(
    "chroot",
    [root, "dpkg", "-L", ...iptablesPackages],
    {
      timeoutSeconds: 60,
    },
  );
  const files = listed
    .split("\n")
    .filter((file) => file.startsWith("/"))
    .filter((file) => /^\/(usr\/)?(lib|lib64|sbin)\//.test(file))
    .map((file) => file.slice(1))
    .filter((file) => {
      const known = fs.lstatSync(path.join(root, file), {
        throwIfNoEntry: false,
      });
      return known !== undefined && !known.isDirectory();
    });
  const links = ["iptables", "ip6tables"].flatMap((name) =>
    ["", "-save", "-restore"].flatMap((end) => [
      `usr/sbin/${name}${end}`,
      `etc/alternatives/${name}${end}`,
    ]),
  );
  return [...new Set([...files, ...links])];
}
