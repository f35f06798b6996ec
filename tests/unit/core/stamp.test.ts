import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  describeOwner,
  type OwnershipStamp,
  parseStamp,
  parseStampElement,
  renderStampElement,
  shortStampId,
  STAMP_NAMESPACE,
} from "@corral-iac/corral/core/stamp";

const STAMP: OwnershipStamp = {
  id: "0123456789abcdef",
  project: "shop",
  stack: "prod",
  component: "LibvirtVm",
  name: "web",
};

const domain = (metadata: string) =>
  `<domain type='kvm' id='3'><name>007</name><metadata>${metadata}</metadata><devices/></domain>`;
const network = (metadata: string) =>
  `<network><name>lan</name><metadata>${metadata}</metadata></network>`;

/** Text that XML can hold at all: no control characters but white space. */
const xmlText = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .map((text) => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, ""));

const stamps = fc.record(
  {
    id: xmlText,
    project: xmlText,
    stack: xmlText,
    component: xmlText,
    name: xmlText,
  },
  { noNullPrototype: true },
);

describe("ownership stamp", () => {
  for (const [kind, wrap] of [
    ["domain", domain],
    ["network", network],
  ] as const) {
    it(`comes back out of a ${kind}'s XML, whatever stands in it`, () => {
      fc.assert(
        fc.property(stamps, (stamp) => {
          assert.deepEqual(parseStamp(wrap(renderStampElement(stamp))), stamp);
        }),
      );
    });
  }

  it("survives characters that mean something in XML", () => {
    const hostile: OwnershipStamp = {
      id: "true",
      project: `"quoted" & 'so'`,
      stack: "<stamp/>",
      component: "&amp; &#10; &nbsp;",
      name: " ünï\tcödé 😀\n",
    };
    assert.deepEqual(parseStamp(domain(renderStampElement(hostile))), hostile);
  });

  it("is found beside the metadata of others", () => {
    const others = `<app:info xmlns:app="urn:app" id="x"/><os:stamp xmlns:os="urn:os" id="y"/>`;
    assert.deepEqual(
      parseStamp(domain(others + renderStampElement(STAMP) + others)),
      STAMP,
    );
  });

  it("is known by its namespace, whatever the prefix and wherever it is declared", () => {
    const attributes = `id="0123456789abcdef" project="shop" stack="prod" component="LibvirtVm" name="web"`;
    const xml = `<domain><metadata xmlns:c="${STAMP_NAMESPACE}"><c:stamp ${attributes}/></metadata></domain>`;
    assert.deepEqual(parseStamp(xml), STAMP);
  });

  it("is none where there is no element, or one of somebody else's", () => {
    const { id, ...incomplete } = STAMP;
    for (const xml of [
      "<domain/>",
      "<network><name>lan</name></network>",
      "<pool/>",
      domain(""),
      domain(`<x:stamp xmlns:x="urn:other" id="${id}"/>`),
      domain(renderStampElement(STAMP).replace(STAMP_NAMESPACE, "urn:other")),
      domain(renderStampElement(incomplete as OwnershipStamp)),
      `<domain><description>&lt;corral:stamp id="1"/></description></domain>`,
    ]) {
      assert.equal(parseStamp(xml), undefined, xml);
    }
  });

  it("is found as an element in any text", () => {
    fc.assert(
      fc.property(stamps, fc.lorem(), (stamp, text) => {
        assert.deepEqual(
          parseStampElement(`${text} ${renderStampElement(stamp)} <${text}>`),
          stamp,
        );
      }),
    );
    assert.equal(parseStampElement("<xsl:stylesheet/>"), undefined);
    assert.equal(
      parseStampElement(`<x:stamp xmlns:x="urn:other" id="1"/>`),
      undefined,
    );
  });

  it("names its owner in words", () => {
    assert.equal(
      describeOwner(STAMP),
      'LibvirtVm "web" of shop/prod (stamp 0123456789abcdef)',
    );
  });

  it("has a short form for names", () => {
    assert.equal(shortStampId(STAMP.id), "01234567");
  });
});
