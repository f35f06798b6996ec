import * as fs from "node:fs";
import type { Cluster } from "../cluster";
import { cloudInitKey, parseDrive } from "../config/drives";
import { parseProperties } from "../config/propertyString";
import { failure } from "../http/apiError";
import type { MachineState } from "../state/model";
import { fileOfContent, parseVolumeId } from "../storage/volumes";
import type { SeedFiles } from "../../seedIso";
import { cloudInitFiles, type CustomFiles } from "./files";

/** What Proxmox writes on the cloud-init drive of a machine; undefined when it has no such drive. */
export function filesOfMachine(
  cluster: Cluster,
  machine: Pick<MachineState, "vmId" | "config">,
): SeedFiles | undefined {
  const { config, vmId } = machine;
  if (cloudInitKey(config) === undefined) {
    return undefined;
  }
  if ((config.citype ?? "nocloud") !== "nocloud") {
    throw failure(
      `the simulator writes cloud-init drives of type nocloud only, not ${config.citype}`,
    );
  }
  return cloudInitFiles(
    config,
    vmId,
    readCustomFiles(cluster, config.cicustom),
    cluster.settings.dns,
  );
}

/** Volume id of the cloud-init drive. */
export function cloudInitVolume(
  config: Readonly<Record<string, string>>,
): string | undefined {
  const key = cloudInitKey(config);
  return key === undefined ? undefined : parseDrive(config[key] ?? "").file;
}

function readCustomFiles(
  cluster: Cluster,
  cicustom: string | undefined,
): CustomFiles {
  return Object.fromEntries(
    [...parseProperties(cicustom ?? "")].map(([kind, volId]) => [
      kind,
      readSnippet(cluster, volId),
    ]),
  );
}

function readSnippet(cluster: Cluster, volId: string): string {
  const id = parseVolumeId(volId);
  const found = id && fileOfContent(cluster.store.storage(id.storage), id.name);
  if (found?.content !== "snippets") {
    throw failure(`${volId} is not in the snippets directory`);
  }
  if (!fs.existsSync(found.file)) {
    throw failure(`volume '${volId}' does not exist`);
  }
  return fs.readFileSync(found.file, "utf8");
}
