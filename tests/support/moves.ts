import assert from "node:assert/strict";
import { diffCensus } from "@corral-iac/tools/lab/census";
import { LabHost } from "@corral-iac/tools/lab/host/labHost";
import { becomes } from "@corral-iac/tools/lab/processes";

import { OpsProgram } from "../engine/provider/opsProgram";
import { type HostCensus, hostCensus } from "./labHost";
import {
  labMicroVmHost,
  type MachineOutputs,
  outputsOf,
  runInGuest,
  tinyMachineOn,
} from "./microVms";

/** The machine's name on both hosts. */
export const MACHINE = "corral-test-web";
export const UNIT = `corral-microvm-${MACHINE}.service`;
const VOLUMES = `/var/lib/corral/microvm/volumes/${MACHINE}`;

/** The second network of each host. */
export const BACK = { subnet: "10.71.1.0/24", gateway: "10.71.1.1" };

type Side = "a" | "b";

/** What becomes of the machine in a program: where it is, and what else is said of it. */
export interface Wished {
  readonly on: Side;
  readonly args?: Record<string, unknown>;
}

/** Two hosts with a network each, and one machine with a volume that moves between them. */
export class MoveSubject {
  private clean: Readonly<Record<Side, HostCensus>> | undefined;
  /** With the networks, and no machine. */
  private empty: Readonly<Record<Side, HostCensus>> | undefined;

  private constructor(
    readonly a: LabHost,
    readonly b: LabHost,
    readonly program: OpsProgram,
    private readonly hasBack: boolean,
  ) {}

  /** @param hasBack whether each host has a second network, `a-back` and `b-back`. */
  static async make({ hasBack = false } = {}): Promise<MoveSubject> {
    const [a, b] = await Promise.all([LabHost.start(), LabHost.start()]);
    const program = await OpsProgram.make();
    const subject = new MoveSubject(a, b, program, hasBack);
    subject.clean = await subject.census();
    await subject.declare(undefined);
    await subject.up();
    subject.empty = await subject.census();
    return subject;
  }

  async remove(): Promise<void> {
    await this.program.remove();
    await Promise.all([this.a.remove(), this.b.remove()]);
  }

  async declare(wished: Wished | undefined): Promise<void> {
    const hosts = (["a", "b"] as const).flatMap((side) => [
      labMicroVmHost(this[side], side, { subnet: "10.71.0.0/24" }),
      ...(this.hasBack
        ? [labMicroVmHost(this[side], `${side}-back`, { subnet: BACK.subnet })]
        : []),
    ]);
    const machines = (wished === undefined ? [] : [wished]).map((wish) =>
      tinyMachineOn({ $output: `${wish.on}.place` }, "web", {
        stopTimeoutSeconds: 20,
        volumes: [
          { name: "data", sizeGib: 0.125, mountPoint: "/data", keep: true },
        ],
        ...wish.args,
      }),
    );
    this.program.declare(...hosts, ...(await Promise.all(machines)));
  }

  async up(...flags: string[]): Promise<string> {
    const { exitCode, output } = await this.program.up(...flags);
    assert.equal(exitCode, 0, output);
    return output;
  }

  /** An update that has to fail. */
  async failsToUp(...flags: string[]): Promise<string> {
    const { exitCode, output } = await this.program.up(...flags);
    assert.notEqual(exitCode, 0, output);
    return output;
  }

  web(): Promise<MachineOutputs> {
    return outputsOf(this.program, "web");
  }

  /** Runs a command in the guest, at the host that it is declared to be on by now. */
  async inGuest(command: string): Promise<string> {
    const { stdout } = await runInGuest(await this.web(), command);
    return stdout.trim();
  }

  /** Runs a command in the guest as soon as it answers, whatever the state says of its host. */
  async inGuestOn(side: Side, command: string): Promise<string> {
    const web = await this.web();
    const { privateKey, hostKey, ...host } = this[side].connection;
    const connection = {
      ...web.connection,
      host: web.address,
      bastion: { ...host, privateKey, hostKey },
    };
    let said = "";
    const answers = await becomes(async () => {
      const run = await runInGuest({ connection }, command).catch(
        () => undefined,
      );
      said = run?.stdout.trim() ?? "";
      return run?.code === 0;
    }, 120);
    assert.ok(
      answers,
      await this[side].exec(`journalctl -u ${UNIT} -n 20 --no-pager`),
    );
    return said;
  }

  async state(side: Side): Promise<string> {
    return this[side].exec(`systemctl is-active ${UNIT} || true`);
  }

  /** How often the machine's hypervisor runs there. */
  async hypervisors(side: Side): Promise<number> {
    return Number(
      await this[side].exec(
        "ps -eo args= | grep -c '[q]emu-system-x86_64' || true",
      ),
    );
  }

  /** Resolves when the copy of the volume has begun to arrive. */
  async whenCopying(then = "true"): Promise<void> {
    const copy = `${VOLUMES}/.data.incoming/data.raw`;
    // A copy that another attempt has left is none.
    await this.b.exec(
      `before=$(stat -c %i ${copy} 2>/dev/null)
while ! [ -s ${copy} ] || [ "$(stat -c %i ${copy})" = "$before" ]; do sleep 0.02; done
${then}`,
      { timeoutSeconds: 120 },
    );
  }

  /** Whether nothing is there of the machine: the host is as with its network alone. */
  async assertNothingOn(side: Side): Promise<void> {
    const before = this.empty?.[side];
    assert.ok(before);
    const found = diffCensus(before, await hostCensus(this[side]));
    assert.deepEqual(
      // A boot empties /run.
      found.filter((line) => !line.startsWith("gone: files /run/")),
      [],
    );
  }

  /** Destroys everything, kept volumes by hand, and looks that both hosts are as at first. */
  async assertDestroyed(): Promise<void> {
    const run = await this.program.run("destroy", "--yes", "--skip-preview");
    assert.equal(run.exitCode, 0, run.output);
    const now = await this.census();
    assert.ok(this.clean);
    for (const side of ["a", "b"] as const) {
      assert.deepEqual(diffCensus(this.clean[side], now[side]), []);
    }
  }

  private async census(): Promise<Record<Side, HostCensus>> {
    const [a, b] = await Promise.all([hostCensus(this.a), hostCensus(this.b)]);
    return { a, b };
  }
}
