import * as fs from "node:fs";
import * as path from "node:path";

import { stepLine } from "../../toolchain/report";
import { freePorts } from "../freePort";
import { isRunning } from "../processes";
import { KubeApi } from "./api/client";
import { readKubeconfig } from "./api/kubeconfig";
import { type Certificates, makeCertificates } from "./certificates";
import {
  type Binaries,
  commandsOf,
  labPaths,
  type LabPaths,
  partNames,
  type PartName,
  portNames,
  type Ports,
} from "./parts";
import { lastLines, startProcess } from "./processes";
import { readState, writeState } from "./state";
import * as startup from "./startup";

export interface StartingOptions {
  /** An empty folder. */
  readonly folder: string;
  /** Ends the parts with this process. Default false. */
  readonly bound?: boolean;
  readonly log: (line: string) => void;
}

/** The steps from an empty folder to a lab in which machines run. */
export class Starting {
  private readonly paths: LabPaths;

  constructor(
    private readonly options: StartingOptions,
    private readonly binaries: Binaries,
  ) {
    this.paths = labPaths(options.folder);
  }

  async run(): Promise<void> {
    const free = await freePorts(portNames.length);
    const ports = Object.fromEntries(
      portNames.map((name, index) => [name, free[index] ?? 0]),
    ) as unknown as Ports;
    const endpoint = `https://127.0.0.1:${ports.apiserver}`;
    const [certificates, installation] = await this.timed(
      "Certificates and manifests",
      () =>
        Promise.all([
          makeCertificates(path.join(this.options.folder, "certificates")),
          startup.generateInstallation(
            this.binaries["kubevirt-manifests"],
            ports.virtApi,
          ),
        ]),
    );
    const authority = fs.readFileSync(certificates.authority, "utf8");
    startup.writeUsers(this.paths, endpoint, authority);
    startup.writeKubevirtCertificates(installation, this.paths);
    writeState(this.options.folder, {
      endpoint,
      ports,
      kubectl: this.binaries.kubectl,
      isBound: this.options.bound ?? false,
      isReady: false,
      parts: {},
    });
    const access = readKubeconfig(this.paths.kubeconfig("admin"));
    const api = new KubeApi(access);
    const start = (...names: readonly PartName[]) =>
      this.startParts(names, ports, certificates);
    try {
      await this.timed("API server", async () => {
        await start("etcd", "kube-apiserver");
        await startup.until("The API server", async () => {
          this.checkRunning();
          return (await api.get<unknown>("/readyz")) === "ok";
        });
      });
      await start("kube-controller-manager", "kube-scheduler", "kwok");
      await this.timed("Definitions", () =>
        startup.installDefinitions(api, installation),
      );
      await this.timed("Objects", async () => {
        await startup.installObjects(api, installation);
        await startup.writeServiceAccounts(api, access, this.paths);
      });
      await this.timed("KubeVirt's controllers", async () => {
        await start("virt-api", "virt-controller", "snapshot-controller");
        await start("storage", "handler");
        await startup.until("virt-api", async () => {
          this.checkRunning();
          await api.get("/apis/subresources.kubevirt.io/v1/healthz");
          return true;
        });
        for (const webhook of installation.webhooks) {
          await startup.ensureObject(api, webhook);
        }
      });
      await this.timed("Nodes and leader", async () => {
        await startup.waitForNodes(api);
        await startup.until("virt-controller's lead", () =>
          startup.virtControllerLeads(api),
        );
      });
    } finally {
      api.close();
    }
    const state = readState(this.options.folder);
    if (state !== undefined) {
      writeState(this.options.folder, { ...state, isReady: true });
    }
  }

  private async startParts(
    names: readonly PartName[],
    ports: Ports,
    certificates: Certificates,
  ): Promise<void> {
    const commands = commandsOf(this.binaries, ports, certificates, this.paths);
    const { folder, bound = false } = this.options;
    for (const name of names) {
      const command = commands[name];
      const process = await startProcess(folder, name, command, bound);
      const state = readState(folder);
      if (state !== undefined) {
        // At once: whoever is killed now leaves nothing that nobody knows.
        writeState(folder, {
          ...state,
          parts: { ...state.parts, [name]: { ...command, process } },
        });
      }
    }
  }

  /** A part that ended will not come up, however long one waits. */
  private checkRunning(): void {
    const parts = readState(this.options.folder)?.parts ?? {};
    for (const name of partNames) {
      const known = parts[name]?.process;
      if (known !== undefined && !isRunning(known)) {
        throw new startup.EndedError(
          `${name} ended:\n${lastLines(this.options.folder, name)}`,
        );
      }
    }
  }

  private async timed<T>(what: string, body: () => Promise<T>): Promise<T> {
    const began = Date.now();
    const result = await body();
    this.options.log(stepLine(`  ${what}`, "ok", (Date.now() - began) / 1000));
    return result;
  }
}
