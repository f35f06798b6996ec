import { randomBytes, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { ProxmoxOptions } from "../options";
import type { ClusterState, MachineState } from "./model";

/** Id of the template that is there from the beginning. */
export const templateId = 9000;
const gib = 1024 ** 3;

/** The books of a cluster that was just installed, with a template to clone from. */
export function initialState(
  options: ProxmoxOptions,
  folder: string,
): ClusterState {
  const nodes = options.nodes ?? ["pve"];
  const local = path.join(folder, "local");
  for (const content of [
    "snippets",
    "template/iso",
    "template/cache",
    "import",
  ]) {
    fs.mkdirSync(path.join(local, content), { recursive: true });
  }
  const state: ClusterState = {
    id: randomBytes(4).toString("hex"),
    nodes: Object.fromEntries(nodes.map((node) => [node, { online: true }])),
    bridges: {},
    machines: {},
    storages: {
      local: {
        type: "dir",
        path: local,
        content: ["iso", "vztmpl", "snippets", "import"],
      },
      "local-lvm": { type: "lvmthin", content: ["images", "rootdir"] },
    },
    volumes: {},
    pools: Object.fromEntries((options.pools ?? []).map((pool) => [pool, {}])),
    tokens: Object.fromEntries(
      (options.tokens ?? [{ id: "corral@pve!lab" }]).map(
        ({ id, secret, privileges }) => [
          id,
          {
            secret: secret ?? randomUUID(),
            ...(privileges === undefined ? {} : { privileges }),
          },
        ],
      ),
    ),
    tasks: {},
    lastPid: 100_000,
  };
  if (options.template ?? true) {
    addTemplate(state, nodes[0] ?? "pve");
  }
  return state;
}

/** A Debian template as an administrator makes one of a cloud image. */
function addTemplate(state: ClusterState, node: string): void {
  const disk = `local-lvm:base-${templateId}-disk-0`;
  const createdAt = Math.floor(Date.now() / 1000);
  state.volumes[disk] = {
    storage: "local-lvm",
    format: "raw",
    size: 2 * gib,
    vmId: templateId,
    createdAt,
    snapshots: [],
  };
  state.volumes[`local-lvm:vm-${templateId}-cloudinit`] = {
    storage: "local-lvm",
    format: "raw",
    size: 4 * 1024 ** 2,
    vmId: templateId,
    createdAt,
    snapshots: [],
  };
  const template: MachineState = {
    vmId: templateId,
    node,
    config: {
      agent: "1",
      boot: "order=scsi0",
      // Guests of the lab have no internet: an upgrade at the first boot would only fail.
      ciupgrade: "0",
      cores: "1",
      ide2: `local-lvm:vm-${templateId}-cloudinit,media=cdrom`,
      memory: "512",
      name: "debian12",
      net0: "virtio=BC:24:11:00:90:00,bridge=vmbr0",
      ostype: "l26",
      scsi0: `${disk},size=2G`,
      scsihw: "virtio-scsi-pci",
      serial0: "socket",
      smbios1: `uuid=${randomUUID()}`,
      template: "1",
      vmgenid: randomUUID(),
    },
    pending: {},
    pendingDelete: [],
    snapshots: {},
    running: false,
  };
  state.machines[templateId] = template;
}
