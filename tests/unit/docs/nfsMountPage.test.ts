import * as assert from "node:assert/strict";
import { plugin } from "@corral-iac/corral-ops/plugin";
import {
  codeBlocks,
  codeSpans,
  readPage,
  section,
  tableRows,
} from "../../support/markdown";

describe("docs/nfs-mount.md", () => {
  const page = readPage("docs/nfs-mount.md");
  const told = (heading: string) =>
    tableRows(section(page, heading)).flatMap(([first = ""]) =>
      codeSpans(first),
    );
  const { definitions } = JSON.parse(
    readPage("components/guest/nfsMount.schema.json"),
  ) as { definitions: { NfsMountArgs: { properties: object } } };
  const declared = Object.keys(definitions.NfsMountArgs.properties);

  it("has a line for each argument, and no other", () => {
    assert.deepEqual(told("Arguments").sort(), [...declared].sort());
  });

  it("has a line for each output, and no other", () => {
    const source = readPage("components/guest/nfsMount.ts");
    const outputs = [...source.matchAll(/public readonly (\w+):/g)].map(
      ([, name]) => name,
    );
    assert.deepEqual(told("Outputs").sort(), outputs.sort());
  });

  it("says what each argument's change does: nothing replaces", () => {
    assert.deepEqual(told("What a change does").sort(), [...declared].sort());
    const resource = plugin.resources.find(
      ({ token }) => token === "corral-ops:index:GuestMount",
    );
    assert.ok(resource);
    assert.doesNotMatch(JSON.stringify(resource.inputs), /"replaces":true/);
  });

  it("shows the example as it is", () => {
    const [shown] = codeBlocks(section(page, "A complete example"), "ts");
    assert.equal(shown, readPage("examples/nfs-mount/index.ts"));
  });
});
