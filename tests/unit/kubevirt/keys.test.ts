import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  cleanSteps,
  forgetKeysStep,
} from "@corral-iac/corral/core/kubevirt/nodeSteps";
import {
  generateEd25519,
  publicBlobOf,
} from "@corral-iac/corral-ops/ssh/keyPair";
import { StandIns } from "./standIns";

const OWN = generateEd25519();
const line = (comment: string, { publicKey } = generateEd25519()) =>
  `${publicKey} ${comment}`;
const OWN_LINE = line("corral to web-worker", OWN);
const OTHERS = [
  "# corral to gold-worker",
  line("anna@example.org"),
  line("anna, corral to her friends"),
  `restrict ${line("corral to nothing that Corral wrote")}`,
];

describe("the keys of a machine and of its clones, by a real shell", () => {
  let folder: string;
  let machine: string;
  let programs: StandIns;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-keys-"));
    machine = path.join(folder, "machine");
    programs = new StandIns(path.join(folder, "bin"), {
      getent: [
        'for home in home/corral root nonexistent; do echo "u:x:1:1::$MACHINE/$home:/bin/sh"; done',
        'echo "again:x:2:2::$MACHINE/root:/bin/sh"',
      ].join("\n"),
      "cloud-init": 'echo "$*" > $MACHINE/cleaned',
      journalctl: ":",
      sync: ":",
    });
    for (const made of [
      "home/corral/.ssh",
      "root/.ssh",
      "etc/ssh",
      "etc/corral-node/hooks",
      "etc/kubernetes",
      "var/log",
      "tmp",
    ]) {
      fs.mkdirSync(path.join(machine, made), { recursive: true });
    }
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const keysOf = (home: string) =>
    path.join(machine, home, ".ssh", "authorized_keys");
  const read = (home: string) =>
    fs.readFileSync(keysOf(home), "utf8").trim().split("\n");
  function authorize(...lines: readonly string[]): void {
    for (const home of ["home/corral", "root"]) {
      fs.writeFileSync(keysOf(home), `${lines.join("\n")}\n`, { mode: 0o600 });
    }
  }

  it("are taken out of a base machine where Corral made them, and so are its files", () => {
    authorize(line("corral to gold-worker"), ...OTHERS);
    const write = (name: string) =>
      fs.writeFileSync(path.join(machine, name), "secret");
    [
      "etc/ssh/ssh_host_ed25519_key",
      "etc/corral-node/kubeadm.yaml",
      "etc/corral-node/hooks/beforeKubeadm",
      "etc/kubernetes/kubelet.conf",
      "etc/machine-id",
    ].forEach(write);
    for (const { script } of cleanSteps()) {
      programs.run(machine, script);
    }
    assert.deepEqual(read("home/corral"), OTHERS);
    assert.deepEqual(read("root"), OTHERS);
    assert.equal(fs.statSync(keysOf("root")).mode & 0o777, 0o600);
    const left = fs.readdirSync(path.join(machine, "etc"), { recursive: true });
    assert.deepEqual(left.map(String).sort(), [
      "kubernetes",
      "kubernetes/kubelet.conf",
      "machine-id",
      "ssh",
    ]);
    assert.equal(
      fs.readFileSync(path.join(machine, "etc/machine-id"), "utf8"),
      "",
    );
    // Once more, as after a run that was cut off.
    for (const { script } of cleanSteps()) {
      programs.run(machine, script);
    }
  });

  it("of its original are taken out of a clone, its own and those of others stay", async () => {
    authorize(
      line("corral to gold-worker"),
      OWN_LINE,
      ...OTHERS,
      line("corral to session-worker"),
    );
    const own = (await publicBlobOf(OWN.privateKey)).toString("base64");
    assert.ok(OWN.publicKey.endsWith(` ${own}`));
    programs.run(machine, forgetKeysStep(own).script);
    for (const home of ["home/corral", "root"]) {
      assert.deepEqual(read(home), [OWN_LINE, ...OTHERS]);
    }
  });
});
