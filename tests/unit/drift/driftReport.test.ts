import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { driftOf, driftRows } from "@corral-iac/cli/drift/driftReport";
import { renderDrift, renderDriftMarkdown } from "@corral-iac/cli/drift/render";
import { readRefresh } from "@corral-iac/cli/engine/refreshEvents";

const FOLDER = path.resolve(__dirname, "../../../unit/drift/recorded");

function recorded(name: string): string {
  return fs.readFileSync(path.join(FOLDER, `${name}.jsonl`), "utf8");
}

function reportOf(text: string) {
  const { steps, errors } = readRefresh(text);
  return {
    stack: "gate2",
    looked: steps.length,
    drifts: driftOf(steps),
    errors,
  };
}

describe("the report of drift", () => {
  it("is one sentence when everything is as the state says", () => {
    assert.equal(
      renderDrift(reportOf(recorded("none"))),
      "No drift: 27 resources of stack gate2 are as the state says.\n",
    );
  });

  it("names what differs with both values, and what is gone", () => {
    const { drifts } = reportOf(recorded("stopped"));
    assert.deepEqual(driftRows(drifts).sort(), [
      ["", "memory", "64", "96"],
      ["", "vcpu", "1", "2"],
      ["Domain db-domain", "gone from the hypervisor", "", ""],
      ["Domain web-domain", "autostart", "true", "false"],
      ["LibvirtPower db-power", "gone from the hypervisor", "", ""],
      ["LibvirtPower web-power", "running", "true", "false"],
    ]);
  });

  it("finds a machine's drift that the engine's other JSON form calls unchanged", () => {
    // There the step of web-domain is "refresh", and only the summary counts an update.
    const { drifts } = reportOf(recorded("some"));
    const web = drifts.find(({ name }) => name === "web-domain");
    assert.deepEqual(web?.properties, [
      { path: "autostart", from: "true", to: "false" },
    ]);
  });

  it("is a table in a terminal, and one in Markdown", () => {
    const report = reportOf(recorded("some"));
    const text = renderDrift(report);
    assert.match(
      text,
      /^Drift: 3 resources of stack gate2, out of 27, are not/,
    );
    assert.match(text, /│ Domain web-domain +│ autostart +│ true +│ false +│/);
    assert.match(text, /pulumi refresh takes what is real/);
    assert.match(
      renderDriftMarkdown(report),
      /^\| `Domain web-domain` \| `autostart` \| `true` \| `false` \|$/m,
    );
  });

  it("says what could not be read, beside what was found", () => {
    const report = reportOf(recorded("unreadable"));
    const text = renderDrift(report);
    assert.match(text, /^Not everything could be read: 4 resources/);
    assert.match(text, /Volume web-root +│ gone from the hypervisor/);
    assert.match(text, /no storage vol with matching name/);
    assert.match(renderDriftMarkdown(report), /^- `.*no storage vol/m);
  });

  it("says so when the engine counts a difference and names none", () => {
    const lines = recorded("some").trim().split("\n");
    const text = lines
      .map((line) => {
        const event = JSON.parse(line) as {
          resOutputsEvent?: { metadata: Record<string, unknown> };
        };
        const metadata = event.resOutputsEvent?.metadata;
        if (metadata?.op === "update") {
          Object.assign(metadata, { diffs: null, new: metadata.old });
        }
        return JSON.stringify(event);
      })
      .join("\n");
    assert.match(
      renderDrift(reportOf(text)),
      /Domain web-domain +│ differs; Pulumi does not say in what/,
    );
  });

  it("holds no secret, and no blinded one as if it were a value", () => {
    assert.match(recorded("some"), /4dabf18193072939515e22adb298388d/);
    const text = JSON.stringify(readRefresh(recorded("some")));
    assert.doesNotMatch(text, /4dabf18193072939515e22adb298388d/);
    assert.match(text, /"connection":"\[secret\]"/);
  });

  it("is refused when the events are cut off, lost or something else", () => {
    const whole = recorded("some");
    assert.throws(() => readRefresh(""), /it is empty/);
    assert.throws(() => readRefresh(whole.slice(0, -300)), /cut off/);
    const lines = whole.trim().split("\n");
    assert.throws(
      () => readRefresh(lines.slice(0, 5).join("\n")),
      /did not come to its end/,
    );
    const lost = lines.filter((line) => !line.includes('"op": "update"'));
    assert.throws(
      () => readRefresh(lost.join("\n")),
      /counts 1 of "update", and 0 are there/,
    );
  });
});
