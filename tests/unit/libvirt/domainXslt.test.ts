import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { spawnSync } from "node:child_process";
import {
  type OwnershipStamp,
  parseStamp,
  parseStampElement,
} from "@corral-iac/corral/core/stamp";
import {
  renderDomainXslt,
  renderNetworkXslt,
} from "@corral-iac/corral/libvirt/domainXslt";
import * as fc from "fast-check";
import { XMLParser } from "fast-xml-parser";

const STAMP: OwnershipStamp = {
  id: "0123456789abcdef",
  project: "shop",
  stack: "prod",
  component: "LibvirtVm",
  name: `{web} "& <so>'`,
};

/** A domain as terraform-provider-libvirt 0.8.3 hands it to the stylesheet. */
const DOMAIN = `<domain type="kvm">
  <name>shop-prod-web</name>
  <metadata><app:info xmlns:app="urn:app" kept="yes"/></metadata>
  <memory unit="MiB">512</memory>
  <os><type arch="x86_64" machine="q35">hvm</type></os>
  <devices>
    <disk type="volume" device="disk"><target dev="vda" bus="virtio"/></disk>
    <disk type="volume" device="disk"><source pool="p" volume="db"/><target dev="vdb" bus="virtio"/></disk>
    <disk type="volume" device="disk"><target dev="vdc" bus="virtio"/></disk>
    <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
    <graphics type="spice" autoport="yes"/>
    <video><model type="cirrus"/></video>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
  </devices>
</domain>
`;

const NETWORK = `<network>
  <name>shop-prod-lan</name>
  <forward mode="nat"></forward>
  <ip address="10.77.0.1" prefix="24"><dhcp><range start="10.77.0.2" end="10.77.0.254"/></dhcp></ip>
</network>
`;

const hasXsltproc = spawnSync("xsltproc", ["--version"]).status === 0;

describe("XSLT of domains and networks", () => {
  let folder = "";

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-xslt-"));
  });

  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  const itRuns = (title: string, test: () => void) =>
    hasXsltproc
      ? it(title, test)
      : it.skip(`${title} (xsltproc is not installed)`, test);

  /** Runs the stylesheet by the program that the provider runs it by. */
  function transform(xslt: string, xml: string): string {
    const stylesheet = path.join(folder, "style.xslt");
    fs.writeFileSync(stylesheet, xslt);
    const run = spawnSync("xsltproc", [stylesheet, "-"], {
      input: xml,
      encoding: "utf8",
      timeout: 10_000,
    });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout;
  }

  function devicesOf(xml: string): Record<string, unknown> {
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: "",
      isArray: (name) => name === "serial" || name === "console",
    });
    const { domain } = parser.parse(xml) as {
      domain: { devices: Record<string, unknown> };
    };
    return domain.devices;
  }

  itRuns("stamps a domain and keeps what it had", () => {
    const xslt = renderDomainXslt({ stamp: STAMP, consoleLogPath: "/l" });
    const xml = transform(xslt, DOMAIN);
    assert.deepEqual(parseStamp(xml), STAMP);
    assert.match(xml, /<app:info [^>]*kept="yes"/);
    assert.equal(xml.match(/<metadata/g)?.length, 1);
    for (const kept of ["<name>shop-prod-web", "/dev/urandom", 'dev="vda"']) {
      assert.ok(xml.includes(kept), kept);
    }
    assert.match(xml, /^<domain type="kvm"/);
  });

  itRuns("logs the serial console and takes away the graphics", () => {
    const consoleLogPath = `/var/{pool} $x/"a" & 'b' <c>.log`;
    const xml = transform(
      renderDomainXslt({ stamp: STAMP, consoleLogPath }),
      DOMAIN,
    );
    assert.doesNotMatch(xml, /graphics|video/);
    const devices = devicesOf(xml);
    assert.deepEqual(devices.serial, [
      {
        type: "pty",
        log: { file: consoleLogPath, append: "on" },
        target: { port: "0" },
      },
    ]);
    assert.deepEqual(devices.console, [
      { type: "pty", target: { type: "serial", port: "0" } },
    ]);
  });

  itRuns("gives data disks their names as serial numbers", () => {
    const xml = transform(
      renderDomainXslt({
        stamp: STAMP,
        consoleLogPath: "/l",
        dataDisks: ["db", "logs-2"],
      }),
      DOMAIN,
    );
    const disks = devicesOf(xml).disk as { serial?: string[] }[];
    assert.deepEqual(
      disks.map(({ serial }) => serial),
      [undefined, ["db"], ["logs-2"]],
    );
    assert.match(xml, /<source pool="p" volume="db"\/>/);
  });

  itRuns("stamps a network and keeps what it had", () => {
    const xml = transform(renderNetworkXslt(STAMP), NETWORK);
    assert.deepEqual(parseStamp(xml), STAMP);
    for (const kept of ["shop-prod-lan", 'mode="nat"', 'end="10.77.0.254"']) {
      assert.ok(xml.includes(kept), kept);
    }
  });

  it("carries a stamp that can be read out of the stylesheet itself", () => {
    const texts = fc
      .string({ maxLength: 20 })
      .map((text) => `${text}{{}`.replace(/[^ -~]/g, ""));
    fc.assert(
      fc.property(texts, texts, (name, project) => {
        const stamp = { ...STAMP, name, project };
        const domain = renderDomainXslt({ stamp, consoleLogPath: "/{l}" });
        assert.deepEqual(parseStampElement(domain), stamp);
        assert.deepEqual(parseStampElement(renderNetworkXslt(stamp)), stamp);
      }),
    );
  });
});
