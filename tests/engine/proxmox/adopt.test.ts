import assert from "node:assert/strict";
import { bookMachine, ProxmoxStack } from "../../support/proxmox";

describe("a machine on Proxmox VE that the state has lost", () => {
  let bench: ProxmoxStack;

  before(async () => {
    bench = await ProxmoxStack.make("pveadopt");
    bench.declare({ web: bookMachine({ vmId: 8101 }) });
    const { exitCode, output } = await bench.stack.up();
    assert.equal(exitCode, 0, output);
  });

  after(async () => {
    await bench.remove();
  });

  it("is taken up again by corral orphans --adopt, and not made anew", async () => {
    const { startedAt } = bench.proxmox.machine(8101);
    await bench.stack.forget("web-vm");
    const place = bench.proxmox.requests.length;
    const adopted = await bench.stack.corral("orphans", "--adopt", "--yes");
    assert.equal(adopted.exitCode, 0, adopted.output);
    assert.match(adopted.output, /adopting vm corral-pveadopt-web as urn:/);
    const { resources } = await bench.stack.exportedState();
    const machine = resources.find(({ urn }) => urn.endsWith("::web-vm"));
    assert.equal(machine?.id, "8101");

    const { exitCode, output } = await bench.stack.up();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(
      bench.changes(place).filter((line) => !line.includes("/agent/")),
      [],
    );
    assert.equal(bench.proxmox.machine(8101).startedAt, startedAt);
  });
});
