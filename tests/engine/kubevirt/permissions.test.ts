import assert from "node:assert/strict";
import type { KubevirtLab } from "@corral-iac/tools/lab/kubevirt/index";
import { parse } from "yaml";

import { everythingOf, namesIn } from "../../support/kubevirtCensus";
import {
  makeRunning,
  sharedKubevirt,
  simulatedGuests,
  takeSnapshot,
  TestNamespaces,
} from "../../support/kubevirtLab";
import { KubevirtProgram } from "../../support/kubevirtProgram";
import { codeBlocks, readPage, section } from "../../support/markdown";

const USER = "documented";

type Rules = Parameters<KubevirtLab["kubeconfigFor"]>[1];

/** The rules that a page's section on permissions shows, block by block. */
function documentedRules(page: string): Rules[] {
  return codeBlocks(section(readPage(page), "Permissions"), "yaml").map(
    (text) => (parse(text) as { rules: Rules }).rules,
  );
}

describe("a user with the documented permissions, and no others", function () {
  this.timeout(300_000);
  let lab: KubevirtLab;
  let namespaces: TestNamespaces;
  let program: KubevirtProgram;
  let home: string;
  let templates: string;
  let kubeconfig: string;

  before(async function () {
    this.timeout(1_800_000);
    lab = await sharedKubevirt();
    namespaces = new TestNamespaces(lab);
    home = await namespaces.make("kube-rights");
    templates = await namespaces.make("kube-rights-templates");
    program = await KubevirtProgram.make("kuberights");
  });

  after(async () => {
    await program.remove();
    await namespaces.remove();
  });

  /** Lets the user's account of the namespace `home` do something in another namespace. */
  async function grant(namespace: string, rules: Rules): Promise<void> {
    const kind = "rbac.authorization.k8s.io/v1";
    const metadata = { name: USER, namespace };
    for (const object of [
      { apiVersion: kind, kind: "Role", metadata, rules },
      {
        apiVersion: kind,
        kind: "RoleBinding",
        metadata,
        roleRef: {
          apiGroup: "rbac.authorization.k8s.io",
          kind: "Role",
          name: USER,
        },
        subjects: [{ kind: "ServiceAccount", name: USER, namespace: home }],
      },
    ]) {
      await lab.api.create(
        `/apis/${kind}/namespaces/${namespace}/${object.kind.toLowerCase()}s`,
        object,
      );
    }
  }

  const cluster = (more: object = {}) => ({
    ...simulatedGuests(lab),
    kubeconfig,
    namespace: home,
    snapshots: {
      namespace: templates,
      controlPlane: "base-control-plane",
      worker: "base-worker",
    },
    ...more,
  });

  it("bootstraps a cluster, clones one over namespaces, changes it and removes it", async () => {
    const [inCluster, atSnapshots] = documentedRules(
      "docs/kubevirt-cluster.md",
    );
    assert.ok(inCluster && atSnapshots);
    kubeconfig = await lab.kubeconfigFor(USER, inCluster, home);
    await grant(templates, atSnapshots);
    await program.up({ web: cluster() });
    assert.equal(
      await program.output("web.strategy"),
      "bootstrap",
      await program.output("web.strategyReason"),
    );
    await program.up({});
    for (const role of ["control-plane", "worker"]) {
      await makeRunning(lab, templates, `base-${role}-vm`);
      await takeSnapshot(lab, templates, `base-${role}`, `base-${role}-vm`);
    }
    await program.up({ web: cluster() });
    assert.equal(
      await program.output("web.strategy"),
      "snapshot",
      await program.output("web.strategyReason"),
    );
    await program.up({
      web: cluster({ workers: 2, controlPlane: { cores: 2, memoryMib: 1024 } }),
    });
    assert.equal((await namesIn(lab, home, "vm")).length, 3);
    const refreshed = await program.stack.up("--refresh");
    assert.equal(refreshed.exitCode, 0, refreshed.output);
    await program.up({});
    assert.deepEqual(await everythingOf(lab, "kuberights"), []);
  });

  it("makes base snapshots, makes them anew and removes them", async () => {
    const [rules] = documentedRules("docs/kubevirt-base-snapshots.md");
    assert.ok(rules);
    const gold = await namespaces.make("kube-rights-gold");
    const file = await lab.kubeconfigFor(USER, rules, gold);
    const base = (generation: number) => ({
      gold: {
        component: "KubevirtBaseSnapshots",
        ...simulatedGuests(lab),
        kubeconfig: file,
        namespace: gold,
        createNamespace: false,
        keepMachines: false,
        generation,
      },
    });
    await program.up(base(1));
    await program.up(base(2));
    assert.deepEqual(await namesIn(lab, gold, "vmsnapshot"), [
      "cks-control-plane-base-snapshot-g2",
      "cks-worker-base-snapshot-g2",
    ]);
    await program.up({});
    assert.deepEqual(await everythingOf(lab, "kuberights"), []);
  });
});
