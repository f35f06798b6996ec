import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import execa from "execa";
import { stringify } from "yaml";

import {
  collection,
  guestLabel,
  type KubeObject,
  KubevirtLab,
  pathOf,
} from "@corral-iac/tools/lab/kubevirt/index";
import { PodNetwork } from "@corral-iac/tools/lab/kubevirt/real/podNetwork";
import { becomes } from "@corral-iac/tools/lab/processes";

import { Guest } from "../support/guest";
import {
  allowClones,
  imageSource,
  type KubeFields,
  machine,
  seen,
  type SeenCondition,
  takeSnapshot,
  TestNamespaces,
  volumeSnapshotOf,
} from "../support/kubevirtLab";

interface SeenInstance extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly SeenCondition[];
    readonly interfaces?: readonly { readonly ipAddress: string }[];
  };
}

/** A key pair in OpenSSH's form. */
async function keyPair(folder: string, name: string) {
  const file = path.join(folder, name);
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  const [type = "", text = ""] = fs
    .readFileSync(`${file}.pub`, "utf8")
    .split(" ");
  return { private: fs.readFileSync(file, "utf8"), public: `${type} ${text}` };
}

describe("lab for KubeVirt: real guests", () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "corral-kv-"));
  const folder = path.join(scratch, "lab");
  let lab: KubevirtLab;
  let namespaces: TestNamespaces;
  let templates: string;
  let user: { private: string; public: string };
  let host: { private: string; public: string };

  /** A machine that boots a real guest with cloud-init of its own. */
  const realMachine = (
    namespace: string,
    name: string,
    source: object,
  ): KubeFields => {
    const labels = { [guestLabel]: "real" };
    const plain = machine(namespace, name, source, { labels });
    const userData = `#cloud-config\n${stringify({
      ssh_authorized_keys: [user.public],
      ssh_keys: { ed25519_private: host.private, ed25519_public: host.public },
      write_files: [{ path: "/etc/made-for", content: name }],
    })}`;
    const text = JSON.stringify(plain.spec)
      .replace(
        '"volumes":[',
        `"volumes":[${JSON.stringify({ name: "init", cloudInitNoCloud: { userData } })},`,
      )
      .replace('"disks":[', '"disks":[{"name":"init","disk":{"bus":"virtio"}},')
      // Without one each start has another, as in a real cluster, and the guest keeps to its first.
      .replace(
        '"masquerade":{}',
        `"masquerade":{},"macAddress":"02:00:00:00:00:${name === "base" ? "0a" : "0b"}"`,
      );
    return { ...plain, spec: JSON.parse(text) as object };
  };

  const make = async (vm: KubeFields): Promise<Guest> => {
    await lab.api.create(
      collection("kubevirt.io/v1", "virtualmachines", vm.metadata.namespace),
      vm,
    );
    return running(vm);
  };

  /** Waits for the guest's agent. */
  const running = async (vm: KubeFields): Promise<Guest> => {
    const { status } = await seen<SeenInstance>(
      lab,
      { ...vm, kind: "VirtualMachineInstance" },
      (object) =>
        object.status?.conditions?.some(
          ({ type }) => type === "AgentConnected",
        ) ?? false,
      400,
    );
    return new Guest(
      {
        host: status?.interfaces?.[0]?.ipAddress ?? "",
        port: 22,
        user: "debian",
        privateKey: user.private,
        hostKey: host.public,
      },
      fs.mkdtempSync(path.join(scratch, "ssh-")),
    );
  };

  /** A clone answers with its source's files before its own cloud-init has run. */
  const initialized = async (guest: Guest, name: string) => {
    let last = "";
    const isOwn = async () => {
      last = await guest.run("cat /etc/made-for").catch(String);
      return last === name;
    };
    assert.ok(
      await becomes(isOwn, 200),
      `cloud-init of ${name} did not run: ${last}`,
    );
  };

  /** Network namespaces and interfaces of this lab: others may run beside it. */
  const networks = async (): Promise<string[]> => {
    const { prefix } = new PodNetwork(folder);
    const [spaces, links] = await Promise.all([
      execa("ip", ["netns", "list"]),
      execa("ip", ["-brief", "link"]),
    ]);
    return [spaces, links]
      .flatMap(({ stdout }) => stdout.split("\n"))
      .map((line) => line.split(/[ @]/)[0] ?? "")
      .filter((name) => name.startsWith(prefix));
  };

  before(async function () {
    this.timeout(1_800_000);
    user = await keyPair(scratch, "user");
    host = await keyPair(scratch, "host");
    lab = await KubevirtLab.start({ folder, bound: true });
    namespaces = new TestNamespaces(lab);
    templates = await namespaces.make("real-templates");
  });
  after(async () => {
    await KubevirtLab.remove(folder);
    fs.rmSync(scratch, { recursive: true, force: true });
  });

  it("a clone over namespaces boots from the source's data, as a machine of its own", async () => {
    const base = await make(realMachine(templates, "base", imageSource));
    await initialized(base, "base");
    await base.run("echo kept | sudo tee /var/lib/kept; sync");
    const ready = await takeSnapshot(lab, templates, "base-snapshot", "base");
    // What comes after a snapshot is not in it.
    await base.run(
      "sudo rm /var/lib/kept; echo noted | sudo tee /etc/noted; sync",
    );

    const target = await namespaces.make("real-cluster");
    await allowClones(lab, templates, target);
    const name = await volumeSnapshotOf(lab, ready);
    const clone = await make(
      realMachine(target, "clone", {
        snapshot: { namespace: templates, name },
      }),
    );
    await initialized(clone, "clone");
    assert.equal(await clone.run("cat /var/lib/kept"), "kept");
    assert.equal(await clone.run("hostname"), "clone");
    const addresses = await Promise.all(
      [base, clone].map((guest) => guest.run("hostname -I")),
    );
    // KubeVirt's masquerade: inside, every guest has the same address.
    assert.deepEqual(addresses, ["10.0.2.2", "10.0.2.2"]);
    await Promise.all([base.disconnect(), clone.disconnect()]);
    await lab.api.delete(pathOf(realMachine(target, "clone", {})));
    await gone(lab, realMachine(target, "clone", {}));
  });

  it("a machine that was stopped boots again from its own disk, in a pod of its own", async () => {
    const base = realMachine(templates, "base", imageSource);
    await lab.api.patch(pathOf(base), { spec: { runStrategy: "Halted" } });
    await gone(lab, base);
    assert.deepEqual(
      (await networks()).filter((name) => !name.endsWith("-br")),
      [],
    );
    await lab.api.patch(pathOf(base), { spec: { runStrategy: "Always" } });
    const guest = await running(base);
    await initialized(guest, "base");
    assert.equal(await guest.run("cat /etc/noted"), "noted");
    await guest.disconnect();
  });

  it("the lab's end leaves no guest and no network", async () => {
    assert.notDeepEqual(await networks(), []);
    await lab.stop();
    assert.deepEqual(await networks(), []);
    const { stdout } = await execa("ps", ["-eo", "args"]);
    assert.deepEqual(
      stdout.split("\n").filter((line) => line.includes(folder)),
      [],
    );
  });
});

/** Waits until a machine's instance is gone: its guest has shut down then. */
async function gone(lab: KubevirtLab, vm: KubeFields): Promise<void> {
  const path = pathOf({ ...vm, kind: "VirtualMachineInstance" });
  const isGone = async () => (await lab.api.find(path)) === undefined;
  assert.ok(await becomes(isGone, 120), `${path} is still there`);
}
