import * as fs from "node:fs";
import * as path from "node:path";
import { messageOf } from "@corral-iac/corral/core/errors";
import execa from "execa";

import { isRunning, type KnownProcess } from "../processes";
import { KubeApi } from "./api/client";
import { readKubeconfig, writeKubeconfig } from "./api/kubeconfig";
import { collection } from "./api/paths";
import { ensureBinaries } from "./binaries";
import {
  kubevirtNamespace,
  snapshotClass,
  snapshotClassObject,
} from "./objects";
import { labPaths, type PartName } from "./parts";
import { killAll, lastLines, startProcess } from "./processes";
import { removeGuests } from "./real/guests";
import { readState, writeState, type LabState } from "./state";
import { Starting } from "./starting";
import * as startup from "./startup";

export interface KubevirtLabOptions {
  /** Folder of the lab's own; it is made, and removed by `stop`. */
  readonly folder: string;
  /** Ends the lab with this process, even when that is killed. Default false. */
  readonly bound?: boolean;
  /** Takes one line of progress. Default: none. */
  readonly log?: (line: string) => void;
}

/** A rule of a role, as Kubernetes writes it. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** How often a start is tried when somebody else takes a port between its choice and its use. */
const START_ATTEMPTS = 3;

/** The control plane of a cluster with KubeVirt, as plain processes of this machine. */
export class KubevirtLab {
  /** Kubeconfig of a user who may do everything. */
  readonly kubeconfig: string;
  /** The API as that user. */
  readonly api: KubeApi;

  private constructor(readonly folder: string) {
    this.kubeconfig = labPaths(folder).kubeconfig("admin");
    this.api = new KubeApi(readKubeconfig(this.kubeconfig));
  }

  /**
   * Starts a lab; takes under 30 s once the programs are built.
   *
   * @throws Error with what the part said that did not come up. Nothing is left then.
   */
  static async start(options: KubevirtLabOptions): Promise<KubevirtLab> {
    const log = options.log ?? (() => undefined);
    const binaries = await ensureBinaries(log);
    for (let attempt = 1; ; attempt += 1) {
      fs.rmSync(options.folder, { recursive: true, force: true });
      fs.mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      try {
        await new Starting({ ...options, log }, binaries).run();
        return new KubevirtLab(options.folder);
      } catch (error) {
        await KubevirtLab.remove(options.folder);
        if (attempt === START_ATTEMPTS || !wasPortTaken(error)) {
          throw error;
        }
        log("Lab for KubeVirt: a port was taken, once more with others");
      }
    }
  }

  /** The lab of a folder, with all its parts running; undefined when there is none. */
  static open(folder: string): KubevirtLab | undefined {
    const state = readState(folder);
    return state?.isReady && processesOf(state).every(isRunning)
      ? new KubevirtLab(folder)
      : undefined;
  }

  /** Ends what is left of a folder's lab and removes the folder. */
  static async remove(folder: string): Promise<void> {
    await killAll(processesOf(readState(folder)));
    await removeGuests(folder);
    fs.rmSync(folder, { recursive: true, force: true });
  }

  get endpoint(): string {
    return this.state.endpoint;
  }

  /** Whether a part runs now. */
  isRunning(part: PartName): boolean {
    const known = this.state.parts[part]?.process;
    return known !== undefined && isRunning(known);
  }

  /** Runs kubectl as the user who may do everything, and returns what it printed. */
  async kubectl(...args: readonly string[]): Promise<string> {
    const { stdout } = await execa(
      this.state.kubectl,
      ["--kubeconfig", this.kubeconfig, ...args],
      // No cache in the user's home.
      { env: { KUBECACHEDIR: path.join(this.folder, "kubectl-cache") } },
    );
    return stdout;
  }

  /** What a part wrote last. */
  log(part: PartName): string {
    return lastLines(this.folder, part, 50);
  }

  /** Takes a part away as a crash does. `startPart` brings it back. */
  async stopPart(part: PartName): Promise<void> {
    const known = this.state.parts[part];
    if (known !== undefined) {
      await killAll([known.process]);
    }
  }

  /** Starts a part again as it was started before. Does nothing while it runs. */
  async startPart(part: PartName): Promise<void> {
    const { state } = this;
    const known = state.parts[part];
    if (known === undefined || isRunning(known.process)) {
      return;
    }
    const process = await startProcess(this.folder, part, known, state.isBound);
    writeState(this.folder, {
      ...state,
      parts: { ...state.parts, [part]: { ...known, process } },
    });
  }

  /** Sets KubeVirt's feature gates, for instance none at all. The controllers see it within a second. */
  async setFeatureGates(gates: readonly string[]): Promise<void> {
    await this.api.patch(
      `${collection("kubevirt.io/v1", "kubevirts", kubevirtNamespace)}/kubevirt`,
      {
        spec: {
          configuration: { developerConfiguration: { featureGates: gates } },
        },
      },
    );
  }

  /** Removes the class without which no snapshot of the lab's volumes can be made. */
  async removeSnapshotClass(): Promise<void> {
    await this.api.delete(
      `${collection("snapshot.storage.k8s.io/v1", "volumesnapshotclasses")}/${snapshotClass}`,
    );
  }

  async restoreSnapshotClass(): Promise<void> {
    await startup.ensureObject(this.api, snapshotClassObject());
  }

  /**
   * A kubeconfig of a service account that may do in its namespace, and nowhere else, what the
   * rules say. The namespace has to be there.
   *
   * @returns path of the file.
   */
  async kubeconfigFor(
    serviceAccount: string,
    rules: readonly PolicyRule[],
    namespace = "default",
  ): Promise<string> {
    const metadata = { name: serviceAccount, namespace };
    const rbac = "rbac.authorization.k8s.io";
    await startup.ensureObject(this.api, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata,
    });
    await startup.ensureObject(this.api, {
      apiVersion: `${rbac}/v1`,
      kind: "Role",
      metadata,
      rules,
    });
    await startup.ensureObject(this.api, {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name: serviceAccount },
      subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }],
    });
    const token = await startup.tokenOf(this.api, namespace, serviceAccount);
    const file = labPaths(this.folder).kubeconfig(
      `${namespace}-${serviceAccount}`,
    );
    const access = { ...readKubeconfig(this.kubeconfig), token };
    writeKubeconfig(file, access, namespace);
    return file;
  }

  /** Ends all parts and removes the folder. */
  async stop(): Promise<void> {
    this.api.close();
    await KubevirtLab.remove(this.folder);
  }

  private get state(): LabState {
    const state = readState(this.folder);
    if (state === undefined) {
      throw new Error(`The lab in ${this.folder} has been taken down.`);
    }
    return state;
  }
}

function processesOf(state: LabState | undefined): KnownProcess[] {
  return Object.values(state?.parts ?? {}).map(({ process }) => process);
}

function wasPortTaken(error: unknown): boolean {
  return /address already in use|EADDRINUSE/.test(messageOf(error));
}
