import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  parseStampText,
  renderStampText,
} from "@corral-iac/corral/core/stampText";
import {
  ownerOf,
  renderDescription,
  renderTags,
} from "@corral-iac/corral/proxmox/owner";

const STAMP = {
  id: "0123456789abcdef",
  project: "shop",
  stack: "prod",
  component: "ProxmoxVm",
  name: "web",
};

describe("whose a machine on Proxmox VE is", () => {
  it("stands below the user's text, whatever that is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const description = renderDescription(STAMP, 8101, text);
        assert.deepEqual(parseStampText(description), STAMP);
        assert.deepEqual(ownerOf(description, 8101), STAMP);
        // As the provider makes it: otherwise each refresh would find a change.
        assert.equal(description, description.trim().replaceAll("\r\n", "\n"));
      }),
    );
    assert.equal(
      renderDescription(STAMP, 8101, " The web server.\r\nIts second line. \n"),
      "The web server.\nIts second line.\n\ncorral-stamp: id=0123456789abcdef project=shop stack=prod component=ProxmoxVm name=web vmid=8101",
    );
  });

  it("is no longer said by the description when somebody made a copy of it", () => {
    const description = renderDescription(STAMP, 8101, "The web server.");
    assert.equal(ownerOf(description, 200), undefined);
    assert.equal(ownerOf(renderStampText(STAMP), 8101), undefined);
    assert.equal(ownerOf("", 8101), undefined);
  });

  it("stands in its tags, sorted as Proxmox VE keeps them", () => {
    assert.deepEqual(renderTags(STAMP.id, ["web", "alpha", "web"]), [
      "alpha",
      "corral",
      "corral-01234567",
      "web",
    ]);
    assert.deepEqual(renderTags(STAMP.id, undefined), [
      "corral",
      "corral-01234567",
    ]);
  });
});
