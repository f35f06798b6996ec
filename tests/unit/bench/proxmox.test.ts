import assert from "node:assert/strict";
import {
  callsOf,
  type ProxmoxFigure,
} from "@corral-iac/tools/bench/proxmoxBench";
import {
  proxmoxGates,
  proxmoxText,
} from "@corral-iac/tools/bench/proxmoxReport";
import {
  BARE,
  CORRAL,
  PROXMOX_OPERATIONS,
} from "@corral-iac/tools/bench/proxmoxSides";

/** Both sides with so many calls for each machine and operation. */
function figures(own: number, bare: number, machines = 1): ProxmoxFigure[] {
  return PROXMOX_OPERATIONS.flatMap((operation) =>
    (
      [
        [CORRAL, own],
        [BARE, bare],
      ] as const
    ).map(([side, calls]) => ({
      side,
      machines,
      operation,
      calls: { all: calls * machines, changing: machines },
      seconds: 2,
    })),
  );
}

describe("calls of the Proxmox VE API", () => {
  it("are counted, and those that change something beside them", () => {
    const request = (method: string) => ({
      at: "",
      method,
      path: "version",
      parameters: {},
      status: 200,
      reason: "OK",
      milliseconds: 1,
    });
    assert.deepEqual(callsOf([request("GET"), request("POST")]), {
      all: 2,
      changing: 1,
    });
  });

  it("pass their gates where Corral asks no more than the bare provider", () => {
    const gates = proxmoxGates([...figures(9, 9), ...figures(9, 9, 10)]);
    assert.equal(gates.length, PROXMOX_OPERATIONS.length);
    assert.ok(gates.every(({ passed }) => passed));
  });

  it("are bounded for each machine, whatever their number", () => {
    const gates = proxmoxGates([...figures(9, 9), ...figures(30, 9, 10)]);
    assert.ok(gates.every(({ passed }) => !passed));
    assert.match(
      gates[1]?.what ?? "",
      /no-op up: .* at most 0: 9\.0 - 9\.0 = 0\.0 \(machines: 1\), 30\.0 - 9\.0 = 21\.0 \(machines: 10\)/,
    );
  });

  it("fail their gates where a side is missing", () => {
    const own = figures(9, 9).filter(({ side }) => side === CORRAL);
    for (const missing of [[], own]) {
      const gates = proxmoxGates(missing);
      assert.ok(gates.every(({ passed }) => !passed));
      assert.match(gates[0]?.what ?? "", /not measured$/);
    }
  });

  it("stand in a table with a line for each operation and number of machines", () => {
    const all = [...figures(9, 5), ...figures(9, 5, 10)];
    const text = proxmoxText(all, proxmoxGates(all));
    const lines = text.split("\n").filter((line) => /^\| 10? \|/.test(line));
    assert.equal(lines.length, 2 * PROXMOX_OPERATIONS.length);
    assert.match(
      text,
      /\| 10 \| create \| 9\.0 \| 1\.0 \| 2\.0 \| 5\.0 \| 1\.0 \| 2\.0 \|/,
    );
    assert.match(text, /- FAIL: no-op up/);
  });
});
