import assert from "node:assert/strict";
import { gatesOf } from "@corral-iac/tools/bench/gates";
import type { Cycle } from "@corral-iac/tools/bench/results";
import { resultsOf } from "@corral-iac/tools/bench/results";
import { inWords, summarize } from "@corral-iac/tools/bench/statistics";

const plugin = { pid: 7, started: "1", name: "pulumi-resource-x" };

function cycle(
  side: string,
  machines: number | undefined,
  seconds: number,
  survivors: readonly (typeof plugin)[] = [],
): Cycle {
  const run = { seconds, peakMib: 100, lingering: survivors, survivors };
  return {
    side,
    machines,
    measurements: { create: run, preview: run, "no-op up": run, destroy: run },
  };
}

describe("statistics", () => {
  it("takes the middle of an odd number of values and the mean of the two of an even one", () => {
    assert.equal(summarize([3, 1, 2]).median, 2);
    assert.equal(summarize([4, 1, 2, 3]).median, 2.5);
  });

  it("sorts numbers as numbers", () => {
    assert.deepEqual(summarize([10, 9, 100]), {
      median: 10,
      least: 9,
      most: 100,
      runs: 3,
    });
  });

  it("refuses to sum up nothing", () => {
    assert.throws(() => summarize([]), /values has none/);
  });

  it("shows the spread unless there is a lone value", () => {
    assert.equal(inWords(summarize([2.04]), 1), "2.0");
    assert.equal(inWords(summarize([2.04, 3.1, 2.5]), 1), "2.5 (2.0 to 3.1)");
  });
});

describe("results", () => {
  it("sums up each operation of each side and number of machines by itself", () => {
    const results = resultsOf([
      cycle("Corral", 1, 4),
      cycle("Corral", 1, 6),
      cycle("Corral", 20, 50),
      cycle("terraform", 1, 1),
    ]);
    assert.equal(results.length, 12);
    const [first] = results;
    assert.equal(first?.operation, "create");
    assert.equal(first?.seconds.median, 5);
    assert.equal(first?.seconds.runs, 2);
  });

  it("leaves out what no run came to", () => {
    const { create } = cycle("Corral", 1, 4).measurements;
    const hung = { side: "Corral", machines: 1, measurements: { create } };
    assert.deepEqual(
      resultsOf([hung]).map(({ operation }) => operation),
      ["create"],
    );
  });

  it("keeps the run that left the most processes", () => {
    const [first] = resultsOf([
      cycle("Corral", 1, 4, [plugin]),
      cycle("Corral", 1, 4),
    ]);
    assert.deepEqual(first?.survivors, ["pulumi-resource-x"]);
  });
});

describe("gates", () => {
  const of = (...cycles: Cycle[]) =>
    gatesOf(resultsOf(cycles)).map(({ passed }) => passed);

  it("hold within the bound, also on it", () => {
    const cycles = [
      cycle("Corral", 1, 5.5),
      cycle("empty program", undefined, 1.5),
    ];
    assert.deepEqual(of(...cycles), [true, true]);
  });

  it("fail beyond the bound, and name the figures", () => {
    const [gate] = gatesOf(
      resultsOf([
        cycle("Corral", 1, 6),
        cycle("empty program", undefined, 1.5),
      ]),
    );
    assert.equal(gate?.passed, false);
    assert.match(gate?.what ?? "", /6\.0 - 1\.5 = 4\.5 s/);
  });

  it("fail when one plugin process outlives any run, and name it", () => {
    const gates = gatesOf(
      resultsOf([
        cycle("Corral", 1, 3, [plugin]),
        cycle("Corral", 1, 3),
        cycle("empty program", undefined, 1.5),
      ]),
    );
    assert.deepEqual(
      gates.map(({ passed }) => passed),
      [true, false],
    );
    assert.match(gates[1]?.what ?? "", /1 \(pulumi-resource-x\)/);
  });

  it("do not count what terraform leaves", () => {
    assert.deepEqual(
      of(
        cycle("Corral", 1, 3),
        cycle("empty program", undefined, 1),
        cycle("terraform", 1, 1, [plugin]),
      ),
      [true, true],
    );
  });

  it("fail when their figures are missing", () => {
    assert.deepEqual(of(cycle("Corral", 20, 3)), [false, true]);
    assert.deepEqual(of(), [false, false]);
  });
});
