import assert from "node:assert/strict";
import type { MicroVmFigure } from "@corral-iac/tools/bench/microVmBench";
import {
  microVmGates,
  microVmText,
} from "@corral-iac/tools/bench/microVmReport";

const empty: MicroVmFigure = {
  side: "empty program",
  machines: 0,
  operation: "no-op up",
  seconds: 1.2,
};

/** One run of both sides. */
function run(
  machines: number,
  noopSeconds: number,
  connections: number,
): MicroVmFigure[] {
  const corral = { side: "Corral", machines, connections } as const;
  return [
    {
      side: "QEMU by hand",
      machines,
      operation: "create",
      seconds: 4 * machines,
    },
    {
      ...corral,
      operation: "create",
      seconds: 6 * machines,
      commands: 9 * machines,
    },
    { ...corral, operation: "no-op up", seconds: noopSeconds, commands: 0 },
    { ...corral, operation: "destroy", seconds: 2, commands: 5 * machines },
  ];
}

describe("the figures of microVMs", () => {
  it("are told for each machine, against QEMU by hand", () => {
    const figures = [empty, ...run(1, 2, 2), ...run(8, 2.5, 2)];
    const text = microVmText(figures, microVmGates(figures));
    assert.match(text, /^Runs by number of machines: 1: 1, 8: 1\./);
    assert.match(
      text,
      /^\| 8 \| create \| 48.0 \| 32.0 \| 2.0 \| 2.0 \| 9.0 \|$/m,
    );
    assert.match(
      text,
      /^\| 8 \| no-op up \| 2.5 \| {2}\| {2}\| 2.0 \| 0.0 \|$/m,
    );
    assert.match(text, /^No-op up of the empty program: 1.2 s\.$/m);
  });

  it("pass their gates by connections and by what a no-op up costs beyond the engine", () => {
    const passed = (...figures: MicroVmFigure[]) =>
      microVmGates(figures).map((gate) => gate.passed);
    assert.deepEqual(passed(empty, ...run(1, 2, 2), ...run(8, 2.5, 3)), [
      true,
      true,
    ]);
    assert.deepEqual(passed(empty, ...run(8, 2.8, 4)), [false, false]);
    assert.deepEqual(passed(), [false, false]);
  });
});
