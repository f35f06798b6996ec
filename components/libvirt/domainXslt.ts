import {
  doubleBraces,
  type OwnershipStamp,
  renderXsltStampElement,
} from "../core/stamp";

/** What a domain gets that the provider has no field for. */
export interface DomainExtras {
  readonly stamp: OwnershipStamp;
  /** File on the hypervisor that keeps what the guest writes on its serial console. */
  readonly consoleLogPath: string;
  /** Names of the data disks in their order, after the root disk. Default: none. */
  readonly dataDisks?: readonly string[];
}

/**
 * XSLT for `xml.xslt` of the provider's domain. Adds the ownership stamp, a logged serial console
 * and the serial numbers of data disks, and takes away the graphics that the provider adds by itself: a server needs none, and
 * its port would be one more open door.
 *
 * Elements: https://libvirt.org/formatdomain.html#general-metadata and #serial-port.
 */
export function renderDomainXslt({
  stamp,
  consoleLogPath,
  dataDisks = [],
}: DomainExtras): string {
  return stylesheet(`${stampTemplate("domain", stamp)}
  <xsl:template match="/domain/devices">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <serial type="pty">
        <log file="${escapeAttribute(consoleLogPath)}" append="on"/>
        <target port="0"/>
      </serial>
      <console type="pty"><target type="serial" port="0"/></console>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices/graphics|/domain/devices/video"/>${dataDisks.map(serialTemplate).join("")}`);
}

/**
 * Gives a data disk its name as serial number, by which the guest finds it wherever it stands
 * (https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms). The provider calls its
 * disks vda, vdb and so on; the first is the root disk.
 */
function serialTemplate(name: string, index: number): string {
  const device = `vd${String.fromCharCode("b".charCodeAt(0) + index)}`;
  return `
  <xsl:template match="/domain/devices/disk[target/@dev='${device}']">
    <xsl:copy>
      <xsl:apply-templates select="node()|@*"/>
      <serial>${name}</serial>
    </xsl:copy>
  </xsl:template>`;
}

/** XSLT that puts the ownership stamp into a network (https://libvirt.org/formatnetwork.html). */
export function renderNetworkXslt(stamp: OwnershipStamp): string {
  return stylesheet(stampTemplate("network", stamp));
}

/** Everything is copied but for what the templates say. */
function stylesheet(templates: string): string {
  return `<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*">
    <xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy>
  </xsl:template>
${templates}
</xsl:stylesheet>
`;
}

/** Puts the stamp among what already stands in the object's metadata. */
function stampTemplate(root: string, stamp: OwnershipStamp): string {
  return `  <xsl:template match="/${root}">
    <xsl:copy>
      <xsl:apply-templates select="@*"/>
      <metadata>
        ${renderXsltStampElement(stamp)}
        <xsl:apply-templates select="metadata/node()"/>
      </metadata>
      <xsl:apply-templates select="node()"/>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/${root}/metadata"/>`;
}

function escapeAttribute(text: string): string {
  return doubleBraces(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}
