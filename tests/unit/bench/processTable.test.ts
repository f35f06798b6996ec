import assert from "node:assert/strict";
import {
  isAlive,
  programName,
  pssOf,
  startOf,
} from "@corral-iac/tools/bench/processTable";

/** As /proc/PID/cmdline has it. */
function commandLine(...words: string[]): string {
  return words.map((word) => `${word}\0`).join("");
}

describe("process table", () => {
  const stat = (name: string, state: string) =>
    `42 (${name}) ${state} ${Array.from({ length: 18 }, (_, index) => index).join(" ")} 98765 0`;

  it("reads a process's start, whatever its program is called", () => {
    assert.equal(startOf(stat("node", "S")), "98765");
    assert.equal(startOf(stat("a) R 1 (b", "S")), "98765");
  });

  it("takes a process that has ended for gone", () => {
    assert.equal(startOf(stat("node", "Z")), undefined);
    assert.equal(startOf(""), undefined);
  });

  it("does not take a later process of the same number for an earlier one", () => {
    assert.equal(isAlive({ pid: process.pid, started: "1" }), false);
  });

  it("reads the proportional size, and nothing of a process that is gone", () => {
    assert.equal(
      pssOf("Rss:   900 kB\nPss:                 345 kB\nPss_Dirty: 12 kB\n"),
      345,
    );
    assert.equal(pssOf(""), 0);
  });

  it("names a program by its file, and a script by its own name", () => {
    assert.equal(programName(commandLine("/opt/bin/pulumi", "up")), "pulumi");
    assert.equal(
      programName(
        commandLine("node", "/x/pulumi-resource-corral-ops", "127.0.0.1:1"),
      ),
      "pulumi-resource-corral-ops",
    );
    assert.equal(
      programName(
        commandLine("/usr/bin/node", "--inspect", "/x/cmd/run/index.js"),
      ),
      "node run",
    );
  });
});
