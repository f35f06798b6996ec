import * as fs from "node:fs";
import * as path from "node:path";

import execa from "execa";

import { run } from "../../../toolchain/commands";
import { becomes } from "../../processes";

const socket = "/run/corral-preload/containerd.sock";

/** No plugin but those that keep images: nothing of this machine is to be touched. */
const config = `version = 2
root = "/var/lib/containerd"
state = "/run/corral-preload"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
`;

/**
 * Puts the images of an archive into the store of a root folder's own containerd, unpacked: a guest that
 * boots from it need not pull or unpack them.
 *
 * @param archive outside of the folder.
 * @returns the names of the images that are there.
 */
export async function preloadImages(
  root: string,
  archive: string,
): Promise<string[]> {
  const inside = (file: string) => path.join(root, file);
  const configFile = "/corral-preload.toml";
  const archiveFile = "/corral-preload.tar";
  fs.writeFileSync(inside(configFile), config);
  fs.linkSync(archive, inside(archiveFile));
  const mount = (...args: string[]) =>
    run("mount", args, { timeoutSeconds: 30 });
  const ctr = (...args: string[]) =>
    run(
      "chroot",
      [root, "ctr", "--address", socket, "--namespace", "k8s.io", ...args],
      { timeoutSeconds: 900 },
    );
  await mount("-t", "proc", "proc", inside("proc"));
  await mount("-t", "tmpfs", "tmpfs", inside("run"));
  const daemon = execa("chroot", [root, "containerd", "--config", configFile], {
    reject: false,
    all: true,
  });
  try {
    const answers = () =>
      ctr("version").then(
        () => true,
        () => false,
      );
    if (!(await becomes(answers, 60))) {
      throw new Error("containerd of the node's image does not answer");
    }
    await ctr("images", "import", archiveFile);
    const listed = await ctr("images", "ls", "--quiet");
    return listed.split("\n").filter((name) => name !== "");
  } finally {
    daemon.kill("SIGTERM");
    await daemon;
    for (const place of ["run", "proc"]) {
      await run("umount", ["--lazy", inside(place)], { timeoutSeconds: 30 });
    }
    fs.rmSync(inside(configFile), { force: true });
    fs.rmSync(inside(archiveFile), { force: true });
  }
}
