import assert from "node:assert/strict";
import * as nodeSteps from "@corral-iac/corral/core/kubevirt/nodeSteps";
import type { NodeStep } from "@corral-iac/corral/core/kubevirt/nodeSteps";
import { putNodesRight } from "@corral-iac/corral-ops/kubevirt/nodes";
import {
  codeSpans,
  readPage,
  section,
  tableRows,
} from "../../support/markdown";

const { definitions } = JSON.parse(
  readPage("components/kubevirt/args.schema.json"),
) as { definitions: Record<string, { properties: object }> };

/** A table of steps: each with whether it may fail, the last column. */
function toldSteps(page: string, heading: string): Map<string, boolean> {
  return new Map(
    tableRows(section(readPage(page), heading)).map((row) => [
      codeSpans(row[0] ?? "")[0] ?? "",
      row.at(-1) === "yes",
    ]),
  );
}

/** All steps that clusters go through, whichever way they are made and changed. */
async function stepsOfClusters(): Promise<Map<string, boolean>> {
  const found = new Map<string, boolean>();
  const node = (index: number, uid = String(index)) => ({
    nodeName: `n${index}`,
    index,
    instanceId: uid,
  });
  for (const decided of ["snapshot", "bootstrap"] as const) {
    for (const before of [[], [node(0), node(9)]]) {
      await putNodesRight(
        {
          decided,
          nodes: [node(0), node(1), node(2)],
          before,
          nodeNetwork: "10.250.0.0/16",
          networkPlugin: { manifest: "", isFlannel: true },
          token: "abcdef.0123456789abcdef",
          timeoutSeconds: 60,
        },
        {
          async reach() {},
          loginKey: async () => "",
          async run(_node, { name, mayFail }: NodeStep) {
            const told = name
              .replace(/^remove .*/, "remove NODES")
              .replace(/^forget n\d$/, "forget NODE");
            found.set(told, mayFail);
            return name === "make a token" ? JOIN : "";
          },
        },
        { status() {}, info() {}, warn() {} },
      );
    }
  }
  return found;
}

/** What kubeadm prints for who joins. */
const JOIN = `kubeadm join k:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:${"a".repeat(64)}`;

for (const [page, type] of [
  ["docs/kubevirt-cluster.md", "KubevirtClusterArgs"],
  ["docs/kubevirt-base-snapshots.md", "KubevirtBaseSnapshotsArgs"],
] as const) {
  it(`${page} says of each argument what its change does`, () => {
    const rows = tableRows(section(readPage(page), "What a change does"));
    const told = rows.flatMap(([first = ""]) => codeSpans(first));
    assert.deepEqual(
      told.sort(),
      Object.keys(definitions[type]?.properties ?? {}).sort(),
    );
  });
}

it("docs/kubevirt-cluster.md says of each step whether it may fail", async () => {
  assert.deepEqual(
    toldSteps("docs/kubevirt-cluster.md", "Steps inside the machines"),
    new Map([...(await stepsOfClusters())].sort(byOrderOfPage)),
  );
});

it("docs/kubevirt-base-snapshots.md says of each step of cleaning whether it may fail", () => {
  assert.deepEqual(
    toldSteps("docs/kubevirt-base-snapshots.md", "What is cleaned"),
    new Map(nodeSteps.cleanSteps().map(({ name, mayFail }) => [name, mayFail])),
  );
});

/** Maps are compared in no order by assert; sorting keeps its message readable. */
function byOrderOfPage(
  [one]: [string, boolean],
  [other]: [string, boolean],
): number {
  return one < other ? -1 : 1;
}
