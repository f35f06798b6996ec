import assert from "node:assert/strict";
import { isEmptyState, readState } from "@corral-iac/cli/engine/exportedState";
import { errorsOf, readPreview } from "@corral-iac/cli/engine/previewDigest";
import { recorded, recordedJson } from "./recorded";

interface Json {
  steps: { op: string; urn: string }[];
  changeSummary?: Record<string, number>;
  maybeCorrupt?: boolean;
}

/** A recorded preview after a change. */
function previewWith(name: string, change: (json: Json) => void): string {
  const json = recordedJson(name) as Json;
  change(json);
  return JSON.stringify(json);
}

interface StateJson {
  version?: number;
  deployment?: {
    manifest?: object;
    resources: { urn?: string; type?: string; parent?: string }[];
  } | null;
}

function stateWith(change: (json: StateJson) => void): string {
  const json = recordedJson("state") as StateJson;
  change(json);
  return JSON.stringify(json);
}

describe("a preview that cannot be relied on", () => {
  it("is one that is empty, cut off or something else", () => {
    assert.throws(() => readPreview(""), /the preview .* it is empty/);
    const whole = recorded("replace");
    assert.throws(
      () => readPreview(whole.slice(0, whole.length / 2)),
      /no JSON, or cut off \(\d+ characters\)/,
    );
    assert.throws(() => readPreview("[]"), /is an empty list/);
    assert.throws(() => readPreview("null"), /the preview/);
  });

  it("never shows what it holds", () => {
    assert.throws(
      () => readPreview('{"secret": "hunter2'),
      (error: Error) => !error.message.includes("hunter2"),
    );
  });

  it("is one without a summary: the preview did not come to its end", () => {
    const text = previewWith("replace", (json) => delete json.changeSummary);
    assert.throws(() => readPreview(text), /did not come to its end/);
  });

  it("is one that lost a step", () => {
    const text = previewWith("delete", (json) => {
      json.steps = json.steps.filter(({ op }) => op !== "delete");
    });
    assert.throws(
      () => readPreview(text),
      /counts \d+ of "delete", and 0 are there/,
    );
  });

  it("is one with an operation or a URN that is not known", () => {
    for (const change of [{ op: "obliterate" }, { urn: "web" }]) {
      const text = previewWith("delete", (json) => {
        Object.assign(json.steps.at(-1) ?? {}, change);
      });
      assert.throws(() => readPreview(text), /obliterate|"web" is no URN/);
    }
  });

  it("is one that Pulumi itself calls corrupt", () => {
    const text = previewWith("unchanged", (json) => {
      json.maybeCorrupt = true;
    });
    assert.throws(() => readPreview(text), /may be corrupt/);
  });

  it("is read as a failed one when it has errors and no summary", () => {
    const [error = ""] = errorsOf(readPreview(recorded("fault")));
    assert.match(error, /memoryMib is -1/);
  });
});

describe("a state that cannot be relied on", () => {
  it("is one that is empty text, cut off or something else", () => {
    assert.throws(() => readState(" "), /the stack's state .* it is empty/);
    assert.throws(() => readState('{"version": 3, "depl'), /cut off/);
    for (const text of ["{}", '{"version":3,"deployment":null}']) {
      assert.throws(() => readState(text), /deployment/, text);
    }
  });

  it("is one with a resource that has no URN or type", () => {
    for (const field of ["urn", "type"] as const) {
      const text = stateWith(({ deployment }) => {
        delete deployment?.resources[3]?.[field];
      });
      assert.throws(
        () => readState(text),
        new RegExp(`\\.${field} is missing`),
      );
    }
  });

  it("is one that does not hold together", () => {
    const twice = stateWith(({ deployment }) => {
      deployment?.resources.push({ ...deployment.resources.at(-1) });
    });
    assert.throws(() => readState(twice), /stands in it twice.*state repair/s);
    const orphan = stateWith(({ deployment }) => {
      deployment?.resources.shift();
    });
    assert.throws(() => readState(orphan), /refers to .*, which is missing/);
  });

  it("is not one that is merely empty", () => {
    assert.ok(isEmptyState(readState(recorded("state-empty"))));
    assert.ok(!isEmptyState(readState(recorded("state"))));
  });

  it("is empty too when only the stack and its providers are in it", () => {
    const text = stateWith(({ deployment }) => {
      if (deployment) {
        deployment.resources = deployment.resources.filter(({ type = "" }) =>
          type.startsWith("pulumi:"),
        );
      }
    });
    assert.ok(isEmptyState(readState(text)));
  });
});
