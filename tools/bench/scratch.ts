import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { lines } from "@corral-iac/corral/core/libvirt-client/parse";
import { removeNetworks } from "../hypervisor/stackNetworks";
import { TestPool } from "../hypervisor/testPool";
import { virsh } from "../hypervisor/virsh";

/** Where libvirt keeps a log for each domain, also when the domain has gone. */
const LOG_FOLDER = "/var/log/libvirt/qemu";

/** What one measurement works in: nothing of it is left after {@link Scratch.remove}. */
export class Scratch {
  private constructor(
    /** Stack name; `corral-<stack>-` begins the name of all that is made on the hypervisor. */
    readonly stack: string,
    readonly folder: string,
    readonly pool: TestPool,
  ) {}

  static async make(): Promise<Scratch> {
    const stack = `bench${randomBytes(3).toString("hex")}`;
    const pool = await TestPool.make(undefined, "corral-bench");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-bench-"));
    return new Scratch(stack, folder, pool);
  }

  /** Removes everything, also what a command left that failed or hung. */
  async remove(): Promise<void> {
    const mine = (name: string) => name.startsWith(`corral-${this.stack}-`);
    const domains = async (...flags: string[]) =>
      lines(await virsh("list", ...flags, "--name")).filter(mine);
    for (const name of await domains()) {
      await virsh("destroy", name);
    }
    for (const name of await domains("--all")) {
      await virsh("undefine", name);
    }
    await removeNetworks(this.stack);
    await this.pool.remove();
    fs.rmSync(this.folder, { recursive: true, force: true });
    if (fs.existsSync(LOG_FOLDER)) {
      fs.readdirSync(LOG_FOLDER)
        .filter(mine)
        .forEach((file) => {
          fs.rmSync(path.join(LOG_FOLDER, file), { force: true });
        });
    }
  }
}
