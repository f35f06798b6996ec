import assert from "node:assert/strict";
import { renderPage } from "@corral-iac/tools/bench/document";
import { hypervisorVersions } from "@corral-iac/tools/bench/facts";
import { readySeconds } from "@corral-iac/tools/bench/guestBench";
import { fleetOf, machineNames } from "@corral-iac/tools/bench/machines";
import { factsText, machinesText } from "@corral-iac/tools/bench/report";
import {
  terraformCliConfig,
  terraformConfig,
} from "@corral-iac/tools/bench/terraformConfig";
import { validateFleet } from "@corral-iac/corral/fleet/check";

const set = {
  stack: "bench1",
  count: 20,
  cidr: "10.94.1.0/24",
  pool: { name: "p", path: "/var/lib/libvirt/images/p" },
};

describe("measured machines", () => {
  it("are a fleet without fault", () => {
    assert.deepEqual(validateFleet(fleetOf(set)), []);
  });

  it("have the same names on both sides", () => {
    const { resource } = terraformConfig(set) as {
      resource: Record<string, Record<string, { name: string }>>;
    };
    const { machines } = fleetOf(set) as { machines: object };
    assert.deepEqual(Object.keys(machines), machineNames(20));
    assert.deepEqual(
      Object.keys(resource.libvirt_domain ?? {}),
      machineNames(20),
    );
    assert.equal(resource.libvirt_domain?.m20?.name, "corral-bench1-m20");
  });

  it("give terraform no template in their texts", () => {
    const { resource } = terraformConfig(set) as {
      resource: { libvirt_domain: Record<string, { xml: { xslt: string } }> };
    };
    const xslt = resource.libvirt_domain.m01?.xml.xslt ?? "";
    assert.match(xslt, /stamp/);
    assert.doesNotMatch(xslt, /(?<![$%])[$%]\{/);
  });

  it("quote the provider's folder", () => {
    assert.match(
      terraformCliConfig('/a "b"'),
      /"dmacvicar\/libvirt" = "\/a \\"b\\""/,
    );
  });
});

describe("page of benchmarks", () => {
  const facts = new Map([["machines", "| 1 |"]] as const);

  it("says how to measure what was not measured", () => {
    const page = renderPage(undefined, new Map());
    assert.match(page, /Not measured yet: `npm run bench -- --cold --write`/);
    assert.doesNotMatch(page, /\{\{/);
  });

  it("keeps the parts that were not measured this time", () => {
    const first = renderPage(undefined, facts);
    const second = renderPage(first, new Map([["guest", "38 s"]] as const));
    assert.match(second, /\| 1 \|/);
    assert.match(second, /38 s/);
    assert.equal(renderPage(second, new Map()), second);
  });

  it("replaces what was measured again, whatever signs it has", () => {
    const first = renderPage(undefined, facts);
    const second = renderPage(first, new Map([["machines", "$& $1"]] as const));
    assert.doesNotMatch(second, /\| 1 \|/);
    assert.match(second, /\$& \$1/);
  });
});

describe("report", () => {
  it("tells runs that hung, and the gates", () => {
    const text = machinesText(
      [],
      [{ side: "terraform", machines: 20, what: "terraform plan hung" }],
      [{ what: "bound", passed: false }],
    );
    assert.match(text, /terraform, machines: 20: terraform plan hung/);
    assert.match(text, /- FAIL: bound/);
  });

  it("warns where the computer was busy with other work", () => {
    const facts = {
      date: "today",
      commit: "abc",
      processors: 2,
      machine: "2 processors",
      versions: ["Node.js 20"],
    };
    assert.match(factsText({ ...facts, loadAtStart: 3 }), /too long/);
    assert.doesNotMatch(factsText({ ...facts, loadAtStart: 0.4 }), /too long/);
  });

  it("reads the versions of libvirt and QEMU", () => {
    assert.deepEqual(
      hypervisorVersions(
        "Using library: libvirt 9.0.0\nUsing API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.22\n",
      ),
      ["libvirt 9.0.0", "QEMU 7.2.22"],
    );
    assert.deepEqual(hypervisorVersions(""), []);
  });

  it("reads from the engine how long a guest took", () => {
    assert.equal(
      readySeconds(
        " +  corral-ops:index:GuestReady guest-ready created (38.5s) \n",
      ),
      38.5,
    );
    assert.throws(() => readySeconds("failed"), /does not say/);
  });
});
