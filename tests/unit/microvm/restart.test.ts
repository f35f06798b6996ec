import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { networkChainsGone } from "@corral-iac/corral/core/microvm/networkChains";
import { machinePaths } from "@corral-iac/corral/core/microvm/paths";
import type {
  HypervisorKind,
  MachinePlan,
} from "@corral-iac/corral/core/microvm/plan";
import { applyScript } from "@corral-iac/corral/core/microvm/scripts/machineScripts";
import { stopScript } from "@corral-iac/corral/core/microvm/stopScript";
import { revision } from "@corral-iac/corral/core/microvm/unitFile";

import { planWith } from "./plans";
import { ScratchHost } from "./scratchHost";

/** A host whose systemd, firewall and users are scripts that note what they are asked for. */
class NotingHost extends ScratchHost {
  private readonly programs = path.join(this.folder, "programs");
  private readonly notes = path.join(this.folder, "notes");
  readonly kernel = path.join(this.folder, "vmlinuz");

  constructor(machine: string) {
    super();
    [this.programs, this.notes, this.paths.units].forEach((folder) =>
      fs.mkdirSync(folder),
    );
    fs.writeFileSync(this.kernel, "");
    this.makeNetwork("default");
    const { unit, stop } = machinePaths(machine, this.paths);
    const notes = this.notes;
    const as = `sed -n 's/^Environment=//p' ${unit}`;
    this.program(
      "systemctl",
      `case "$1" in
  is-active) [ -e ${notes}/pid ] && echo active || echo inactive ;;
  show) [ "$3" != MainPID ] && [ "$5" != MainPID ] || cat ${notes}/pid 2>/dev/null || echo 0 ;;
  start)
    echo start >>${notes}/done
    env "$(${as})" sleep 60 </dev/null >/dev/null 2>&1 9>&- &
    echo $! >${notes}/pid ;;
  stop)
    [ -e ${notes}/pid ] || exit 0
    echo stop >>${notes}/done
    cp ${stop} ${notes}/stopped-by
    kill $(cat ${notes}/pid)
    rm ${notes}/pid
    ! [ -e ${notes}/cut ] || kill -KILL 0 ;;
  enable | disable) echo "$1" >>${notes}/done ;;
esac`,
    );
    this.program("nft", `! [ "$1" = -f ] || cat "$2" >>${notes}/rules`);
    ["chown", "getent", "id", "journalctl", "runuser", "useradd"].forEach(
      (name) => this.program(name, "exit 0"),
    );
  }

  apply(plan: MachinePlan, running = true) {
    const script = applyScript(plan, { running }, this.paths);
    return this.run(`PATH=${this.programs}:$PATH\n${script}`);
  }

  /** What was noted since the last time. */
  noted(name: "done" | "rules" | "stopped-by"): string {
    const file = path.join(this.notes, name);
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    fs.rmSync(file, { force: true });
    return text;
  }

  /** Whether a script is ended as soon as it has stopped the machine. */
  cutAtStop(isCut: boolean): void {
    const file = path.join(this.notes, "cut");
    if (isCut) {
      fs.writeFileSync(file, "");
    } else {
      fs.rmSync(file, { force: true });
    }
  }

  private program(name: string, text: string): void {
    fs.writeFileSync(path.join(this.programs, name), `#!/bin/sh\n${text}\n`, {
      mode: 0o755,
    });
  }
}

describe("a machine whose plan changes", function () {
  this.timeout(30_000);
  let host: NotingHost;

  const hypervisor = (kind: HypervisorKind) =>
    ({ kind, version: "39.0", path: "/bin/true" }) as const;
  /** Without interfaces, which a kernel would have to make. */
  const plan = (changes: Partial<MachinePlan> = {}) =>
    planWith({
      kernel: host.kernel,
      initrd: host.kernel,
      disks: [],
      interfaces: [],
      hypervisor: hypervisor("qemu"),
      ...changes,
    });
  const base = planWith();
  const apply = async (next: MachinePlan, running = true) => {
    const { code, stderr } = await host.apply(next, running);
    assert.equal(code, 0, stderr);
  };
  const other = () => plan({ hypervisor: hypervisor("cloudHypervisor") });

  beforeEach(() => {
    host = new NotingHost(base.name);
  });
  afterEach(async () => {
    host.cutAtStop(false);
    await host.apply(plan(), false);
    host.remove();
  });

  it("is stopped by the script of the plan that it was started with", async () => {
    await apply(plan());
    assert.equal(host.noted("done"), "enable\nstart\n");
    await apply(other());
    assert.equal(host.noted("done"), "stop\nenable\nstart\n");
    assert.equal(host.noted("stopped-by"), stopScript(plan(), host.paths));
    const { unit } = machinePaths(base.name, host.paths);
    const text = fs.readFileSync(unit, "utf8");
    assert.ok(text.includes(revision(other(), host.paths)));
  });

  it("is stopped by it too where it shall be off", async () => {
    await apply(plan());
    host.noted("done");
    await apply(other(), false);
    assert.equal(host.noted("done"), "stop\ndisable\n");
    assert.equal(host.noted("stopped-by"), stopScript(plan(), host.paths));
    await apply(other(), false);
    assert.doesNotMatch(host.noted("done"), /start|stop|enable/);
  });

  it("runs on where nothing of it changes, or only what takes no restart", async () => {
    await apply(plan());
    host.noted("done");
    await apply(plan());
    await apply(plan({ stopTimeoutSeconds: 7 }));
    assert.equal(host.noted("done"), "enable\nenable\n");
  });

  it("is started by the next run where one was cut off behind the stop", async () => {
    await apply(plan());
    host.noted("done");
    host.cutAtStop(true);
    assert.equal((await host.apply(other())).code, null);
    host.cutAtStop(false);
    assert.equal(host.noted("done"), "stop\n");
    await apply(other());
    assert.equal(host.noted("done"), "enable\nstart\n");
  });

  it("loses the chains of an interface that it has no more, also while it is off", async () => {
    const [nic] = base.interfaces;
    const before = plan({ interfaces: nic ? [nic] : [] });
    await apply(before, false);
    assert.equal(host.noted("rules"), "");
    await apply(plan(), false);
    assert.equal(host.noted("rules"), networkChainsGone(before));
    await apply(before, false);
    host.noted("rules");
    await apply(plan());
    assert.equal(host.noted("rules"), networkChainsGone(before));
  });
});
