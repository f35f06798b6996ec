import * as assert from "node:assert/strict";
import * as path from "node:path";
import { readPage } from "../../support/markdown";
import { GAP, sourceTexts } from "./sourceTexts";

const REPOSITORY = path.resolve(__dirname, "../../../..");
const SYMPTOMS = readPage("docs/troubleshooting.md")
  .split("\n")
  .filter((line) => line.startsWith("### "))
  .map((line) => line.slice("### ".length));

describe("docs/troubleshooting.md", () => {
  const texts = sourceTexts(REPOSITORY, ["components", "provider"]);

  /** A symptom as the sources write it: what differs is an expression there. */
  function isInSources(symptom: string): boolean {
    const text = symptom.replace(/<[^>]*>/g, GAP);
    return texts.some((candidate) => candidate.includes(text));
  }

  it("knows what an invented text looks like", () => {
    assert.equal(isInSources("the moon at <uri> cannot be reached."), false);
    assert.equal(isInSources("libvirt at <uri> cannot be reached."), true);
  });

  for (const heading of SYMPTOMS) {
    it(`has a text that can be seen: ${heading}`, () => {
      const symptom = /^`([^`]+)`$/.exec(heading)?.[1];
      assert.ok(symptom, "a symptom stands in code quotes");
      assert.ok(isInSources(symptom), "no source says so any more");
    });
  }
});
