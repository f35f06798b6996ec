/** What a guest may do with an export. */
export interface Export {
  /** Its path is `/NAME`. */
  readonly name: string;
  /** `refused`: it is there, and no guest may mount it. */
  readonly access: "rw" | "ro" | "refused";
}

export interface GaneshaSettings {
  readonly address: string;
  readonly port: number;
  /** Folder in which the server notes its clients. */
  readonly recovery: string;
  readonly exports: readonly (Export & { readonly folder: string })[];
}

/**
 * The configuration of nfs-ganesha 4 (ganesha-core-config(8), ganesha-export-config(8)): NFSv4 alone,
 * over TCP, without rpcbind, Kerberos and D-Bus.
 */
export function ganeshaConfig(settings: GaneshaSettings): string {
  const { address, port, recovery, exports } = settings;
  return `
NFS_CORE_PARAM {
  Protocols = 4;
  Bind_addr = ${address};
  NFS_Port = ${port};
  Enable_NLM = false;
  Enable_RQUOTA = false;
  fsid_device = true;
}
NFSv4 {
  # No time in which a server that starts anew accepts nothing.
  Graceless = true;
  Lease_Lifetime = 20;
  Minor_Versions = 1, 2;
  RecoveryBackend = fs;
  RecoveryRoot = "${recovery}";
  Only_Numeric_Owners = true;
}
NFS_KRB5 { Active_krb5 = false; }
DIRECTORY_SERVICES { DomainName = "lab"; Idmapping_Active = false; }
LOG { Default_Log_Level = EVENT; }
${exports.map((entry, index) => exportBlock(entry, index + 1)).join("\n")}
`;
}

function exportBlock(
  { name, access, folder }: GaneshaSettings["exports"][number],
  id: number,
): string {
  // Kerberos, which no guest has: an export without access is hidden, as if it were not there.
  const [type, security] =
    access === "refused" ? ["RW", "krb5"] : [access.toUpperCase(), "sys"];
  return `EXPORT {
  Export_Id = ${id};
  Path = "${folder}";
  Pseudo = "/${name}";
  Protocols = 4;
  Transports = TCP;
  Access_Type = ${type};
  SecType = ${security};
  Squash = No_Root_Squash;
  FSAL { Name = VFS; }
}`;
}
