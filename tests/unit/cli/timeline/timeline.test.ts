import assert from "node:assert/strict";
import { timelineText } from "@corral-iac/cli/timeline/command";
import { readHistory } from "@corral-iac/cli/timeline/history";
import { stagesOf, type TimedResource } from "@corral-iac/cli/timeline/stages";
import { summarize } from "@corral-iac/cli/timeline/summary";

const at = (second: number) =>
  new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString();
const urn = (component: string, type: string, name: string) =>
  `urn:pulumi:dev::corral::${component}$${type}::${name}`;
const KUBEVIRT = "corral:index:KubevirtCluster";
const LIBVIRT = "corral:index:LibvirtVm";
const CLUSTER = `urn:pulumi:dev::corral::${KUBEVIRT}::web`;
const VM = `urn:pulumi:dev::corral::${LIBVIRT}::db`;
const RUNS = readHistory(
  JSON.stringify([
    {
      version: 2,
      kind: "update",
      result: "succeeded",
      startTime: at(0),
      endTime: at(40),
      config: { "corral:token": { value: "planted-secret" } },
    },
    {
      version: 1,
      kind: "update",
      result: "in-progress",
      startTime: "2026-01-01T09:00:00.000Z",
      endTime: "1970-01-01T00:00:00.000Z",
    },
  ]),
);

function made(
  parent: string,
  type: string,
  name: string,
  end: number,
  more: Partial<TimedResource> = {},
): TimedResource {
  const component = parent === VM ? LIBVIRT : KUBEVIRT;
  return {
    urn: urn(component, type, name),
    type,
    id: name,
    parent,
    created: at(end),
    ...more,
  };
}

const MACHINE = "kubernetes:kubevirt.io/v1:VirtualMachine";
const READY = "corral-ops:index:KubevirtReady";
const machine = made(CLUSTER, MACHINE, "web-control-plane-vm", 8, {
  dependencies: [
    urn(KUBEVIRT, "corral-ops:index:ProvisioningDecision", "web-decision"),
  ],
});
const STATE: TimedResource[] = [
  { urn: CLUSTER, type: KUBEVIRT },
  { urn: VM, type: LIBVIRT },
  made(CLUSTER, "corral-ops:index:Stamp", "web-stamp", 1),
  made(CLUSTER, "corral-ops:index:ProvisioningDecision", "web-decision", 7, {
    dependencies: [urn(KUBEVIRT, "corral-ops:index:Stamp", "web-stamp")],
    outputs: { decided: "snapshot" },
  }),
  machine,
  made(CLUSTER, READY, "web-control-plane-ready", 30, {
    dependencies: [machine.urn],
  }),
  made(VM, "libvirt:index/domain:Domain", "db-domain", 12),
];

const brief = (stages: ReturnType<typeof stagesOf>) =>
  stages.map((one) =>
    [one.component, one.machine, one.strategy, one.stage, one.seconds].join(
      " ",
    ),
  );

describe("corral timeline", () => {
  it("has of each stage no more than the time since all was there that it needs", () => {
    assert.deepEqual(brief(stagesOf(STATE, RUNS, [])), [
      "db   machine 12",
      "web  snapshot decision 6",
      "web control-plane snapshot machine 1",
      "web control-plane snapshot ready 22",
    ]);
  });

  it("takes a machine's own times where its hypervisor has noted them", () => {
    const from = Date.parse(at(8));
    const times = [
      {
        urn: machine.urn,
        spans: [
          { stage: "disks", start: from, end: from + 5000 },
          { stage: "agent", start: from + 5000, end: from + 9500 },
        ],
      },
    ];
    assert.deepEqual(brief(stagesOf(STATE, RUNS, times)).slice(2), [
      "web control-plane snapshot disks 5",
      "web control-plane snapshot agent 4.5",
    ]);
  });

  it("says nothing of what no run and no time is known of", () => {
    const old = { ...machine, created: "2025-01-01T00:00:00Z" };
    assert.deepEqual(stagesOf([...STATE.slice(0, 2), old], RUNS, []), []);
  });

  it("sums up by strategy and stage", () => {
    const stages = stagesOf(STATE, RUNS, []);
    const [first] = stages;
    assert.ok(first);
    const more = [1, 4, 100].map((seconds) => ({ ...first, seconds }));
    assert.deepEqual(summarize([...more, first])[0], {
      strategy: "",
      stage: "machine",
      count: 4,
      medianSeconds: 8,
      longestSeconds: 100,
    });
  });

  it("shows runs, one that was cut off without an end, and no configuration", () => {
    const stages = stagesOf(STATE, RUNS, []);
    const found = { runs: RUNS, stages, summary: summarize(stages) };
    const text = timelineText(found);
    assert.match(
      text,
      /web +control-plane +snapshot +ready +2026-01-01T10:00:08Z +22\.0 s/,
    );
    assert.match(text, /update +succeeded +2026-01-01T10:00:00Z +40\.0 s/);
    assert.match(text, /update +in-progress +2026-01-01T09:00:00Z$/m);
    assert.doesNotMatch(text + JSON.stringify(found), /planted-secret/);
    assert.equal(
      timelineText({ runs: [], stages: [], summary: [] }),
      "The stack has no machines.",
    );
  });
});
