import assert from "node:assert/strict";
import { readState } from "@corral-iac/cli/engine/exportedState";
import { readPreview } from "@corral-iac/cli/engine/previewDigest";
import { code, renderVerdict } from "@corral-iac/cli/gate/markdown";
import {
  type GateInput,
  type GateSubject,
  judge,
} from "@corral-iac/cli/gate/verdict";
import { recorded, recordedJson } from "./recorded";

function previewOf(name: string, state = "state"): GateSubject {
  return {
    kind: "previewed",
    preview: readPreview(recorded(name)),
    state: readState(recorded(state)),
  };
}

function judged(subject: GateSubject, changes: Partial<GateInput> = {}) {
  const input: GateInput = {
    stack: "gate",
    labels: [],
    stacks: ["dev", "gate"],
    deployed: { here: true, base: true },
    subject,
    ...changes,
  };
  const verdict = judge(input);
  return {
    ...verdict,
    labels: verdict.changes.map(({ label }) => label).sort(),
    report: renderVerdict(verdict),
  };
}

describe("the gate, on previews of the real engine", () => {
  it("passes what changes nothing", () => {
    const { outcome, changes, notes, report } = judged(previewOf("unchanged"));
    assert.equal(outcome, "passed");
    assert.deepEqual([changes, notes], [[], []]);
    assert.match(
      report,
      /^<!-- corral-gate:gate -->\n\n## Preview of `gate`: passed/,
    );
    assert.match(report, /The preview has no changes/);
  });

  it("passes what only makes machines", () => {
    const { outcome, report } = judged(previewOf("create", "state-empty"), {
      deployed: { here: false, base: false },
    });
    assert.equal(outcome, "passed");
    assert.match(report, /All changes: 27 to create/);
    assert.match(report, /^- create `Domain web-domain`$/m);
  });

  for (const name of ["replace", "replace-steps"]) {
    it(`blocks the replacement of a machine (${name}), and says why and by which label it goes`, () => {
      const { outcome, changes, report } = judged(previewOf(name));
      assert.equal(outcome, "blocked");
      assert.deepEqual(
        changes.map(({ harm, name, kind, component, label, reasons }) => ({
          harm,
          name,
          kind,
          component,
          label,
          reasons,
        })),
        [
          {
            harm: "replace",
            name: "web-domain",
            kind: "machine",
            component: "LibvirtVm web",
            label: "allow-replace:gate/web-domain",
            reasons: [{ path: "memory", from: "64", to: "96" }],
          },
        ],
      );
      assert.match(
        report,
        /\| machine `web-domain` of `LibvirtVm web` \| replace \| `memory` `64` → `96` \| `allow-replace:gate\/web-domain` \|/,
      );
      assert.match(report, /the label `allow-replace:gate\/web-domain`\./);
      assert.match(
        report,
        /^- update `LibvirtVm web`: `memoryMib` `64` → `96`$/m,
      );
    });
  }

  it("lets the replacement pass that a label names", () => {
    const { outcome, notes, report } = judged(previewOf("replace"), {
      labels: ["bug", "allow-replace:gate/web-domain"],
    });
    assert.equal(outcome, "passed");
    assert.deepEqual(notes, []);
    assert.match(report, /`allow-replace:gate\/web-domain` \(given\)/);
  });

  it("takes no label for another resource, another stack or another harm", () => {
    for (const label of [
      "allow-replace:gate/db-domain",
      "allow-replace:dev/web-domain",
      "allow-delete:gate/web-domain",
      "allow-replace:gate/web",
      "Allow-Replace:gate/web-domain",
    ]) {
      const { outcome } = judged(previewOf("replace"), { labels: [label] });
      assert.equal(outcome, "blocked", label);
    }
  });

  it("reports labels that match nothing, and leaves those of other stacks to them", () => {
    const { notes } = judged(previewOf("replace"), {
      labels: [
        "allow-replace:gate/web-domain",
        "allow-delete:gate/web-domain",
        "allow-replace:dev/web-domain",
        "allow-replace:prdo/web-domain",
      ],
    });
    assert.deepEqual(notes, [
      "The label allow-delete:gate/web-domain matches nothing that this preview would replace or delete.",
      "The label allow-replace:prdo/web-domain names no stack that has a file.",
    ]);
  });

  it("blocks a deletion of a machine and of its disk, each by a label of its own", () => {
    const { outcome, labels } = judged(previewOf("delete"));
    assert.equal(outcome, "blocked");
    assert.deepEqual(labels, [
      "allow-delete:gate/db-domain",
      "allow-delete:gate/db-root",
    ]);
    const one = judged(previewOf("delete"), {
      labels: ["allow-delete:gate/db-domain"],
    });
    assert.equal(one.outcome, "blocked");
    assert.match(
      one.report,
      /give the pull request the label `allow-delete:gate\/db-root`\./,
    );
    assert.equal(judged(previewOf("delete"), { labels }).outcome, "passed");
  });

  it("tells a rename as one, and blocks what it deletes", () => {
    const { outcome, renames, labels, report } = judged(previewOf("rename"));
    assert.equal(outcome, "blocked");
    assert.deepEqual(labels, [
      "allow-delete:gate/web-domain",
      "allow-delete:gate/web-root",
    ]);
    assert.deepEqual(renames, [
      {
        kind: "machine",
        from: "web-domain of LibvirtVm web",
        to: "www-domain of LibvirtVm www",
      },
      {
        kind: "disk",
        from: "web-root of LibvirtVm web",
        to: "www-root of LibvirtVm www",
      },
    ]);
    assert.match(report, /### Renamed\?[\s\S]*`aliases`/);
    assert.deepEqual(judged(previewOf("delete")).renames, []);
  });

  it("says of a kept disk that it stays on the hypervisor, and blocks it all the same", () => {
    const json = recordedJson("delete") as {
      steps: { urn: string; oldState: { retainOnDelete?: boolean } }[];
    };
    for (const step of json.steps) {
      if (step.urn.endsWith("db-root")) {
        step.oldState.retainOnDelete = true;
      }
    }
    const { outcome, report } = judged({
      kind: "previewed",
      preview: readPreview(JSON.stringify(json)),
      state: readState(recorded("state")),
    });
    assert.equal(outcome, "blocked");
    assert.match(report, /`db-root` .*stays on the hypervisor/);
  });

  it("blocks the deletion of a data disk, also of one that is only forgotten", () => {
    const type = "corral-ops:index:LibvirtDisk";
    const urn = `urn:pulumi:gate::corral::corral:index:LibvirtVm$${type}::web-data-db`;
    const oldState = { urn, type, retainOnDelete: true };
    const { outcome, labels, report } = judged({
      kind: "previewed",
      preview: {
        steps: [{ op: "delete", urn, oldState }],
        diagnostics: [],
        changeSummary: { delete: 1 },
      },
      state: {
        resources: [{ urn, type, custom: true }],
        pendingOperations: [],
      },
    });
    assert.equal(outcome, "blocked");
    assert.deepEqual(labels, ["allow-delete:gate/web-data-db"]);
    assert.match(report, /data disk `web-data-db` .*stays on the hypervisor/);
  });

  it("fails on an error of the engine, with its words", () => {
    const { outcome, report } = judged(previewOf("fault"));
    assert.equal(outcome, "failed");
    assert.match(report, /Pulumi reports: error: fleet of stack "gate"/);
    assert.match(report, /memoryMib is -1, must be a whole number/);
  });
});

describe("the gate, on a stack that is marked as deployed", () => {
  const marked = [
    { here: true, base: true },
    { here: true, base: false },
    { here: false, base: true },
  ];
  const unmarked = { here: false, base: false };

  it("fails when its state is empty; a mark that the change takes away still holds", () => {
    for (const deployed of marked) {
      const { outcome, faults } = judged(previewOf("create", "state-empty"), {
        deployed,
      });
      assert.equal(outcome, "failed");
      assert.match(faults.join(), /marked as deployed.*its state is empty/);
    }
  });

  it("fails when there is no such stack, no access or no file; another one passes with a note", () => {
    for (const kind of ["unknownStack", "noBackend", "fileRemoved"] as const) {
      for (const deployed of marked) {
        assert.equal(judged({ kind }, { deployed }).outcome, "failed", kind);
      }
      const { outcome, notes } = judged({ kind }, { deployed: unmarked });
      assert.equal(outcome, "passed", kind);
      assert.equal(notes.length, 1, kind);
    }
  });

  it("says when the change takes the mark away, and when a used stack has none", () => {
    const away = judged(previewOf("unchanged"), {
      deployed: { here: false, base: true },
    });
    assert.equal(away.outcome, "passed");
    assert.match(away.notes.join(), /takes away the mark corral:deployed/);
    const used = judged(previewOf("unchanged"), { deployed: unmarked });
    assert.equal(used.outcome, "passed");
    assert.match(used.notes.join(), /Set corral:deployed: true/);
  });
});

describe("the gate, on a preview that does not belong to the state", () => {
  it("fails when the preview would make what the state has, or takes what it has not", () => {
    for (const subject of [
      previewOf("create"),
      previewOf("delete", "state-empty"),
    ]) {
      const { outcome, faults } = judged(subject, {
        deployed: { here: false, base: false },
      });
      assert.equal(outcome, "failed");
      assert.match(faults.join(), /do not belong together/);
    }
  });

  it("fails when it is of another stack", () => {
    const { outcome, faults } = judged(previewOf("unchanged"), {
      stack: "dev",
    });
    assert.equal(outcome, "failed");
    assert.match(faults.join(), /does not belong to the stack "dev"/);
  });

  it("fails with every fault of what cannot be relied on", () => {
    const { outcome, report } = judged({
      kind: "unreadable",
      faults: ["the preview cannot be relied on: it is empty"],
    });
    assert.equal(outcome, "failed");
    assert.match(report, /- the preview cannot be relied on: it is empty/);
  });

  it("tells of an interrupted run", () => {
    const state = recordedJson("state") as {
      deployment: { resources: object[]; pending_operations?: object[] };
    };
    state.deployment.pending_operations = [
      { type: "creating", resource: state.deployment.resources.at(-1) },
    ];
    const { notes } = judged({
      kind: "previewed",
      preview: readPreview(recorded("unchanged")),
      state: readState(JSON.stringify(state)),
    });
    assert.match(notes.join(), /interrupted while creating urn:pulumi:gate/);
  });
});

describe("the report for a pull request", () => {
  it("lets no value break out of its place", () => {
    assert.equal(code("plain"), "`plain`");
    assert.equal(code("a`b``c"), "```a`b``c```");
    assert.equal(code("`x`"), "`` `x` ``");
    assert.equal(code("two\nlines"), "`two lines`");
    const hostile = "@everyone <script> [x](http://x) | a\n```\n# out";
    const { report } = judged({ kind: "unreadable", faults: [hostile] });
    assert.doesNotMatch(report, /@everyone|^# out|[^\\]<script>/m);
  });

  it("is never longer than GitHub takes", () => {
    const json = recordedJson("create") as {
      steps: { urn: string }[];
      changeSummary: { create: number };
    };
    const [first] = json.steps.slice(-1);
    json.steps = Array.from({ length: 5000 }, (_, index) => ({
      ...first,
      urn: `${first?.urn}-${index}`,
    }));
    json.changeSummary.create = 5000;
    const { report } = judged(
      {
        kind: "previewed",
        preview: readPreview(JSON.stringify(json)),
        state: readState(recorded("state-empty")),
      },
      { deployed: { here: false, base: false } },
    );
    assert.ok(report.length <= 60_100, String(report.length));
    assert.match(report, /5000 to create[\s\S]*cut here[\s\S]*<\/details>\n$/);
    const faults = Array.from({ length: 100 }, () => "x".repeat(5000));
    assert.ok(judged({ kind: "unreadable", faults }).report.length <= 60_100);
  });
});
