import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { readEmbeddedLab } from "@corral-iac/corral/fleet/lab";
import { AptRepository } from "@corral-iac/tools/lab/apt/repository";
import type { ServedRepository } from "@corral-iac/tools/lab/apt/repository";
import { PulumiStack } from "@corral-iac/tools/stack/pulumiStack";
import type { PulumiRun } from "@corral-iac/tools/stack/pulumiStack";
import {
  ensureToolchain,
  piecesForStart,
} from "@corral-iac/tools/toolchain/index";
import { copyExample } from "./example";
import { type Connection, Guest } from "./guest";
import { type NfsServer, startNfs } from "./nfs";

const APT_PORT = 8093;

/** A share as the example's configuration has it. */
export interface ExampleShare {
  readonly name: string;
  readonly server: string;
  readonly hostPath: string;
  readonly guestPath: string;
  readonly options?: readonly string[];
  readonly timeoutSeconds?: number;
}

/** The example nfs-mount with a real guest, an NFS server and a package repository in its network. */
export class NfsExample {
  private constructor(
    readonly folder: string,
    readonly stack: PulumiStack,
    private readonly name: string,
    private readonly repository: AptRepository,
    /** The host's own address in the guest's network. */
    readonly host: string,
    readonly guest: Guest,
    readonly nfs: NfsServer,
    readonly apt: ServedRepository,
  ) {}

  /**
   * @param name of the stack.
   * @param prefix first three numbers of the network's addresses.
   */
  static async make(name: string, prefix: string): Promise<NfsExample> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-nfs-test-"));
    const program = copyExample("nfs-mount", path.join(folder, "program"), {
      translated: true,
    });
    const stack = new PulumiStack(
      { program, project: "office", stack: name, folder },
      await ensureToolchain(piecesForStart),
    );
    await stack.ensure();
    const repository = await AptRepository.ensure();
    const host = `${prefix}.1`;
    configure(stack, repository, host, []);
    try {
      await stack.must(["up", "--yes", "--skip-preview"]);
      const { connection } = await stack.outputs<{ connection: Connection }>();
      return new NfsExample(
        folder,
        stack,
        name,
        repository,
        host,
        new Guest(connection, folder),
        await startNfs(host),
        await repository.serve(host, APT_PORT),
      );
    } catch (error) {
      await stack.run(["destroy", "--yes", "--skip-preview"]);
      await stack.remove();
      throw error;
    }
  }

  /** Name of the domain. */
  get domain(): string {
    return `office-${this.name}-desk`;
  }

  declare(...shares: ExampleShare[]): void {
    configure(this.stack, this.repository, this.host, shares);
  }

  up(...flags: string[]): Promise<PulumiRun> {
    return this.stack.run(["up", "--yes", "--skip-preview", ...flags]);
  }

  /** As {@link up}; throws with its output when it fails. */
  mustUp(...flags: string[]): Promise<string> {
    return this.stack.must(["up", "--yes", "--skip-preview", ...flags]);
  }

  /** What is mounted at a path in the guest: source and type; empty if nothing is. */
  mounted(at: string): Promise<string> {
    return this.guest.run(`findmnt -rn -o SOURCE,FSTYPE -M '${at}' || true`);
  }

  fstab(): Promise<string> {
    return this.guest.run("cat /etc/fstab");
  }

  /** Destroys all of it; for the end of a test, also of a failed one. */
  async remove(): Promise<PulumiRun> {
    await this.guest.disconnect();
    const destroyed = await this.stack.run([
      "destroy",
      "--yes",
      "--skip-preview",
    ]);
    this.apt.stop();
    await this.nfs.stop();
    await this.stack.remove();
    fs.rmSync(this.folder, { recursive: true, force: true });
    return destroyed;
  }
}

function configure(
  stack: PulumiStack,
  repository: AptRepository,
  host: string,
  shares: readonly ExampleShare[],
): void {
  const lab = readEmbeddedLab();
  stack.configure({
    config: {
      "office:accelerator": lab.accelerator,
      "office:pool": lab.pool,
      "office:image": lab.image,
      "office:cidr": `${host.replace(/\.1$/, ".0")}/24`,
      "office:files": repository.guestFiles(`http://${host}:${APT_PORT}`),
      "office:shares": shares,
    },
  });
}
