import type { Call, Route } from "../http/router";

/** All privileges of Proxmox VE 9 that a path of the simulator knows. */
const PRIVILEGES = [
  ...[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
  ],
  ...[
    "Datastore.Audit",
    "Mapping.Audit",
    "Mapping.Use",
    "Pool.Allocate",
    "Pool.Audit",
  ],
  ...[
    "SDN.Audit",
    "SDN.Use",
    "Sys.Audit",
    "Sys.Modify",
    "VM.Allocate",
    "VM.Audit",
  ],
  ...["VM.Backup", "VM.Clone", "VM.Config.CDROM", "VM.Config.CPU"],
  ...[
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
  ],
  ...[
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.GuestAgent.Audit",
  ],
  ...[
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
  ],
  ...["VM.Migrate", "VM.PowerMgmt", "VM.Snapshot", "VM.Snapshot.Rollback"],
];

export const accessRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/access/permissions",
    parameters: { path: { type: "string" } },
    handle: permissions,
  },
];

/** What the token may do at a path: there, the value says whether it is also so below. */
function permissions(call: Call): Record<string, unknown> {
  const path = call.text("path");
  const granted = PRIVILEGES.filter((one) => call.caller.has(path, one));
  return {
    [path]: Object.fromEntries(granted.map((privilege) => [privilege, 1])),
  };
}
