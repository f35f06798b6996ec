import assert from "node:assert/strict";
import fc from "fast-check";
import {
  labelFor,
  LONGEST_LABEL,
  stackOfLabel,
} from "@corral-iac/cli/gate/labels";

const urnOf = (stack: string, name: string, type = "a:b:C") =>
  `urn:pulumi:${stack}::corral::${type}::${name}`;
const labelled = (stack: string, name: string) => ({
  stack,
  name,
  urn: urnOf(stack, name),
});

describe("a label that allows a replacement or deletion", () => {
  it("names what is allowed, the stack and the resource", () => {
    assert.equal(
      labelFor("replace", labelled("prod", "web-domain")),
      "allow-replace:prod/web-domain",
    );
    assert.equal(
      labelFor("delete", labelled("prod", "db-root")),
      "allow-delete:prod/db-root",
    );
  });

  it("is one that GitHub takes, however long the name is", () => {
    const name = `${"m".repeat(40)}-domain`;
    const label = labelFor("replace", labelled("production", name));
    assert.equal(label.length, LONGEST_LABEL);
    assert.match(label, /^allow-replace:production\/m+~[0-9a-f]{12}$/);
  });

  it("tells two long names apart, and two resources of one name", () => {
    const long = "m".repeat(60);
    assert.notEqual(
      labelFor("delete", labelled("prod", `${long}1`)),
      labelFor("delete", labelled("prod", `${long}2`)),
    );
    const [one, other] = ["x:y:Domain", "x:y:Volume"].map((type) =>
      labelFor(
        "delete",
        { stack: "prod", name: "web", urn: urnOf("prod", "web", type) },
        true,
      ),
    );
    assert.notEqual(one, other);
  });

  it("has only plain characters, and never the same for two resources", () => {
    const text = fc.string({ minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [first, second] = [one, other].map((name) =>
          labelFor("replace", labelled("prod", name)),
        );
        assert.match(first ?? "", /^[\w.:/~-]{1,50}$/);
        assert.equal(first === second, one === other);
      }),
    );
  });

  it("says which stack it is about; other labels say none", () => {
    assert.equal(stackOfLabel("allow-replace:prod/web-domain"), "prod");
    assert.equal(stackOfLabel("allow-delete:nonsense"), "nonsense");
    assert.equal(stackOfLabel("bug"), undefined);
    assert.equal(stackOfLabel("please allow-delete:prod/web"), undefined);
  });
});
