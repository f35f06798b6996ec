import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { lines } from "@corral-iac/corral/core/libvirt-client/parse";
import execa from "execa";
import { virsh } from "./virsh";

const FOLDER = "/var/lib/libvirt/images";
const PREFIX = "corral-test";

/** A pool of one's own, with an image in it that boots into nothing. */
export class TestPool {
  private constructor(
    readonly name: string,
    readonly path: string,
  ) {}

  /** Name of the blank image, a qcow2 of 16 MiB. */
  static readonly IMAGE = "blank.qcow2";

  /**
   * @param sizeMib makes a file system of this size for the pool; default: as big as the disk.
   * @param prefix of the pool's name, which is unique.
   */
  static async make(sizeMib?: number, prefix = PREFIX): Promise<TestPool> {
    const name = `${prefix}-${randomBytes(4).toString("hex")}`;
    const folder = path.join(FOLDER, name);
    fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
    if (sizeMib !== undefined) {
      await execa("mount", [
        ...["-t", "tmpfs", "-o", `size=${sizeMib}m,mode=0755`],
        ...[name, folder],
      ]);
    }
    await execa("qemu-img", [
      ...["create", "-q", "-f", "qcow2"],
      ...[path.join(folder, TestPool.IMAGE), "16M"],
    ]);
    await virsh("pool-create-as", name, "dir", "--target", folder);
    return new TestPool(name, folder);
  }

  /** Those of tests on this machine, also of runs that were interrupted. */
  static async all(): Promise<TestPool[]> {
    return lines(await virsh("pool-list", "--name"))
      .filter((name) => name.startsWith(`${PREFIX}-`))
      .map((name) => new TestPool(name, path.join(FOLDER, name)));
  }

  /**
   * Names of its files; of none where its test has removed it by now. Looked up without libvirt, whose
   * refresh of a pool would get in the way of the test at work in it.
   */
  files(): string[] {
    return fs.existsSync(this.path) ? fs.readdirSync(this.path) : [];
  }

  /** Removes the pool with everything in it. */
  async remove(): Promise<void> {
    await virsh("pool-destroy", this.name);
    await execa("umount", [this.path], { reject: false });
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}
