import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import type { OwnershipStamp } from "@corral-iac/corral/core/stamp";
import {
  parseStampText,
  renderStampText,
  stampTags,
} from "@corral-iac/corral/core/stampText";

const STAMP: OwnershipStamp = {
  id: "0123456789abcdef",
  project: "shop",
  stack: "prod",
  component: "ProxmoxVm",
  name: "web",
};
const LINE =
  "corral-stamp: id=0123456789abcdef project=shop stack=prod component=ProxmoxVm name=web";

const anyText = fc.string({ unit: "grapheme", maxLength: 40 });
const stamps = fc.record(
  {
    id: anyText,
    project: anyText,
    stack: anyText,
    component: anyText,
    name: anyText,
  },
  { noNullPrototype: true },
);

describe("the ownership stamp as text", () => {
  it("is one readable line", () => {
    assert.equal(renderStampText(STAMP), LINE);
    assert.deepEqual(parseStampText(LINE), STAMP);
  });

  it("comes back, whatever stands in it", () => {
    fc.assert(
      fc.property(stamps, (stamp) => {
        const line = renderStampText(stamp);
        assert.doesNotMatch(line, /[\r\n]/);
        assert.deepEqual(parseStampText(line), stamp);
      }),
    );
  });

  it("is found among other lines, with any ends of line", () => {
    fc.assert(
      fc.property(
        fc.array(anyText),
        fc.array(anyText),
        fc.constantFrom("\n", "\r\n", "\r"),
        (before, after, end) => {
          const text = [...before, renderStampText(STAMP), ...after].join(end);
          assert.deepEqual(parseStampText(text), STAMP);
        },
      ),
    );
  });

  it("is the last one, below what somebody else wrote", () => {
    const other = { ...STAMP, id: "fedcba9876543210" };
    assert.deepEqual(
      parseStampText(`${renderStampText(other)}\n\n${LINE}\n`),
      STAMP,
    );
  });

  it("is found with fields that a later version may add", () => {
    assert.deepEqual(parseStampText(`${LINE} made=2031-01-01 odd`), STAMP);
  });

  it("is not seen in text without it, cut short or damaged", () => {
    for (const text of [
      "",
      "made by hand",
      "the line corral-stamp: id=1 project=a stack=b component=c name=d stands inside",
      LINE.replace(" name=web", ""),
      LINE.replace("shop", "%E0%A4%A"),
      LINE.replace("corral-stamp:", "corral-stamp"),
    ]) {
      assert.equal(parseStampText(text), undefined, text);
    }
  });

  it("gives tags that tell Corral's own, and whose", () => {
    assert.deepEqual(stampTags(STAMP.id), ["corral", "corral-01234567"]);
  });
});
