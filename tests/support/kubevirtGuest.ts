import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  collection,
  type KubeObject,
  type KubevirtLab,
} from "@corral-iac/tools/lab/kubevirt/index";
import { becomes } from "@corral-iac/tools/lab/processes";
import { parse } from "yaml";

/**
 * What a node has that a computer with tests on it has not. Each notes that it was called; those that
 * would change the computer do nothing.
 */
const COMMANDS: Readonly<Record<string, string>> = {
  "cloud-init": 'echo "status: done"',
  kubectl: ":",
  kubeadm: ":",
};

const ADMIN_CONF = [
  "apiVersion: v1",
  "kind: Config",
  "clusters: [{name: k, cluster: {server: 'https://cks-control-plane:6443'}}]",
  "users: [{name: u, user: {token: planted-admin}}]",
].join("\n");

/**
 * The inside of a machine of the lab: OpenSSH's server at the machine's address, with the keys that the
 * machine's own cloud-init brings, and stand-ins for the programs of a node.
 */
export class PlayedNode {
  private constructor(
    private readonly folder: string,
    private readonly daemon: ChildProcess,
  ) {}

  /** Waits until the machine runs, and is its guest from then on. */
  static async of(
    lab: KubevirtLab,
    namespace: string,
    machine: string,
  ): Promise<PlayedNode> {
    let address = "";
    await becomes(async () => {
      address = await addressOf(lab, namespace, machine);
      return address !== "";
    }, 60_000);
    const { data } = await lab.api.get<
      KubeObject & { data: { userdata: string } }
    >(`${collection("v1", "secrets", namespace)}/${machine}-cloud-init`);
    const text = Buffer.from(data.userdata, "base64").toString("utf8");
    const config = parse(text) as {
      ssh_keys: { ed25519_private: string };
      users: { ssh_authorized_keys: string[] }[];
    };
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "corral-node-"));
    const write = (name: string, content: string, mode = 0o600) =>
      fs.writeFileSync(path.join(folder, name), content, { mode });
    write("host_key", config.ssh_keys.ed25519_private);
    write(
      "authorized_keys",
      config.users.flatMap((user) => user.ssh_authorized_keys).join("\n"),
    );
    for (const [name, script] of Object.entries(COMMANDS)) {
      write(
        name,
        `#!/bin/sh\necho "${name} $*" >> ${folder}/called\n${script}\n`,
        0o755,
      );
    }
    write("called", "");
    write(
      "config",
      [
        "Port 22",
        `ListenAddress ${address}`,
        `HostKey ${folder}/host_key`,
        `AuthorizedKeysFile ${folder}/authorized_keys`,
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "StrictModes no",
        "PidFile none",
        "PermitRootLogin yes",
        `SetEnv PATH=${folder}:/usr/bin:/bin`,
        "",
      ].join("\n"),
    );
    write("admin.conf", ADMIN_CONF);
    write(
      "cat",
      `#!/bin/sh\nif [ "$1" = /etc/kubernetes/admin.conf ]; then exec /bin/cat ${folder}/admin.conf; fi\nexec /bin/cat "$@"\n`,
      0o755,
    );
    fs.mkdirSync("/run/sshd", { recursive: true });
    const daemon = spawn(
      "/usr/sbin/sshd",
      ["-D", "-e", "-f", path.join(folder, "config")],
      { stdio: "ignore" },
    );
    return new PlayedNode(folder, daemon);
  }

  /** The stand-ins that were called, with their arguments. */
  get called(): string[] {
    return fs
      .readFileSync(path.join(this.folder, "called"), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  async stop(): Promise<void> {
    if (this.daemon.exitCode === null) {
      const ended = new Promise((resolve) => this.daemon.once("exit", resolve));
      this.daemon.kill("SIGTERM");
      await ended;
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

async function addressOf(
  lab: KubevirtLab,
  namespace: string,
  machine: string,
): Promise<string> {
  try {
    const { status } = await lab.api.get<
      KubeObject & {
        status?: { phase?: string; interfaces?: { ipAddress?: string }[] };
      }
    >(
      `${collection("kubevirt.io/v1", "virtualmachineinstances", namespace)}/${machine}`,
    );
    return status?.phase === "Running"
      ? (status.interfaces?.[0]?.ipAddress ?? "")
      : "";
  } catch {
    return ""; // Not there yet.
  }
}
