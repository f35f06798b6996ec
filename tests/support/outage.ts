import assert from "node:assert/strict";
import { PostgresServer } from "@corral-iac/tools/postgres/server";
import { blankMachine, fleetOf } from "./fleets";
import { domains, removeDomains, TestPool, volumes } from "./hypervisor";
import { REPOSITORY, TestStack } from "./testStack";

/** A stack of two machines whose state is in a database that a test takes away. */
export class OutageSubject {
  private constructor(
    readonly server: PostgresServer,
    readonly pool: TestPool,
    readonly stack: TestStack,
    private readonly name: string,
  ) {}

  /** @param name of the stack. */
  static async make(name: string, cidr: string): Promise<OutageSubject> {
    const server = await PostgresServer.start();
    const pool = await TestPool.make();
    const stack = await TestStack.make(name, REPOSITORY, undefined, server.url);
    stack.declare(
      fleetOf({ web: blankMachine(pool), db: blankMachine(pool) }, cidr),
    );
    return new OutageSubject(server, pool, stack, name);
  }

  /** Removes everything, in whatever state a failed test left it. */
  async remove(): Promise<void> {
    await this.server.restart();
    await this.stack.pulumi("cancel", "--yes");
    await removeDomains(this.name);
    await this.stack.remove();
    await this.pool.remove();
    await this.server.remove();
  }

  async assertEverythingIsThereOnce(): Promise<void> {
    assert.deepEqual((await domains(this.name)).sort(), [
      `corral-${this.name}-db`,
      `corral-${this.name}-web`,
    ]);
    const kinds = (await volumes(this.pool.name))
      .filter((name) => name !== TestPool.IMAGE)
      .map((name) => /-(web|db)-(\w+)-/.exec(name)?.slice(1).join(" ") ?? name);
    assert.equal(new Set(kinds).size, kinds.length, `${kinds}`);
    const preview = await this.stack.preview("--expect-no-changes");
    assert.equal(preview.exitCode, 0, preview.output);
  }
}
