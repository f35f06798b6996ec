import * as assert from "node:assert/strict";
import type { OwnershipStamp } from "@corral-iac/corral/core/stamp";
import {
  renderDomainXslt,
  renderNetworkXslt,
} from "@corral-iac/corral/libvirt/domainXslt";

const STAMP: OwnershipStamp = {
  id: "0123456789abcdef",
  project: "shop",
  stack: "prod",
  component: "LibvirtVm",
  name: "web",
};

/**
 * The provider compares the stylesheet's text and replaces the machine when one character differs,
 * so these texts are a contract with every machine that exists (docs/decisions/xslt-is-a-contract.md).
 */
const DOMAIN = `<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*">
    <xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/domain">
    <xsl:copy>
      <xsl:apply-templates select="@*"/>
      <metadata>
        <corral:stamp xmlns:corral="https://corral-iac.dev/xmlns/stamp/1" id="0123456789abcdef" project="shop" stack="prod" component="LibvirtVm" name="web"/>
        <xsl:apply-templates select="metadata/node()"/>
      </metadata>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/metadata"/>
  <xsl:template match="/domain/devices">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <serial type="pty">
        <log file="/pool/shop-prod-web-console-01234567.log" append="on"/>
        <target port="0"/>
      </serial>
      <console type="pty"><target type="serial" port="0"/></console>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices/graphics|/domain/devices/video"/>
</xsl:stylesheet>
`;

/** What comes in addition for a first data disk. */
const SERIAL = `  <xsl:template match="/domain/devices/disk[target/@dev='vdb']">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <serial>db</serial>
    </xsl:copy>
  </xsl:template>
`;

const NETWORK = `<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*">
    <xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/network">
    <xsl:copy>
      <xsl:apply-templates select="@*"/>
      <metadata>
        <corral:stamp xmlns:corral="https://corral-iac.dev/xmlns/stamp/1" id="0123456789abcdef" project="shop" stack="prod" component="LibvirtNetwork" name="lan"/>
        <xsl:apply-templates select="metadata/node()"/>
      </metadata>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/network/metadata"/>
</xsl:stylesheet>
`;

describe("the text of the stylesheets", () => {
  it("is for a domain what it has always been", () => {
    assert.equal(
      renderDomainXslt({
        stamp: STAMP,
        consoleLogPath: "/pool/shop-prod-web-console-01234567.log",
      }),
      DOMAIN,
      "every machine that exists would be replaced",
    );
  });

  it("is for a domain with data disks what it has always been", () => {
    const xslt = renderDomainXslt({
      stamp: STAMP,
      consoleLogPath: "/pool/shop-prod-web-console-01234567.log",
      dataDisks: ["db"],
    });
    assert.equal(
      xslt,
      DOMAIN.replace("</xsl:stylesheet>\n", `${SERIAL}</xsl:stylesheet>\n`),
      "every machine with data disks would be replaced",
    );
  });

  it("is for a network what it has always been", () => {
    assert.equal(
      renderNetworkXslt({ ...STAMP, component: "LibvirtNetwork", name: "lan" }),
      NETWORK,
      "every network that exists would be replaced",
    );
  });
});
