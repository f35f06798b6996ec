import {
  installPackagesScript,
  type PackageManager,
} from "@corral-iac/corral/core/packageInstall";

/** What an NFS client is called by each package manager. */
export const clientPackages: Record<PackageManager, string> = {
  "apt-get": "nfs-common",
  dnf: "nfs-utils",
  zypper: "nfs-client",
  apk: "nfs-utils",
};

/**
 * A script that installs an NFS client.
 *
 * @param waitSeconds longest wait for another run of the package manager.
 */
export function installScript(
  manager: PackageManager,
  waitSeconds: number,
): string {
  const install = installPackagesScript(
    manager,
    [clientPackages[manager]],
    waitSeconds,
  );
  if (manager !== "apk") {
    return install;
  }
  return [
    `( ${install} ) || exit`,
    // OpenRC mounts network file systems at boot only where it is told to.
    "for service in nfsmount netmount; do",
    '  [ ! -x "/etc/init.d/$service" ] || rc-update -q add "$service" default',
    "done",
  ].join("\n");
}

/** A mount that did not come about. */
export interface MountFailure {
  readonly source: string;
  readonly server: string;
  readonly guestPath: string;
  /** What mount wrote to standard error; undefined: it gave no answer in time and was ended. */
  readonly said: string | undefined;
  readonly timeoutSeconds: number;
}

/** How mount.nfs says it, what it means, and what can be done. */
const causes: readonly {
  readonly says: RegExp;
  readonly means: (failure: MountFailure) => string;
}[] = [
  {
    says: /access denied by server|Operation not permitted|Permission denied/i,
    means: ({ server, source }) =>
      `${server} refuses it to this guest. Export the path to the guest's address, and for ro shares ` +
      `give the option ro (on the server: exportfs -v shows what ${source} is exported to)`,
  },
  {
    says: /No such file or directory/i,
    means: ({ server, source }) =>
      `there is no ${source.slice(source.indexOf(":/") + 1)} among what ${server} exports to this guest. ` +
      "Correct hostPath, or export it to the guest's address (on the server: exportfs -v; for NFSv4 " +
      "the path is that below the pseudo root)",
  },
  {
    says: /Failed to resolve server|Name or service not known|Temporary failure in name resolution/i,
    means: ({ server }) =>
      `the guest cannot resolve the name ${server}. Correct server, give its address, or mend the ` +
      "guest's DNS",
  },
  {
    says: /Connection refused/i,
    means: ({ server }) =>
      `no NFS server answers on ${server} (connection refused). Start it, or open port 2049`,
  },
  {
    says: /No route to host|Network is unreachable|Host is unreachable/i,
    means: ({ server }) =>
      `the guest has no route to ${server}. Correct server, or the guest's network`,
  },
  {
    says: /timed out/i,
    means: ({ server }) =>
      `${server} does not answer. Is it up, and is port 2049 open to the guest?`,
  },
  {
    says: /rpc\.statd is not running/i,
    means: () =>
      "the server speaks NFSv3 only and locking needs rpc.statd in the guest. Give the option nolock, " +
      "or start rpc-statd in the guest",
  },
  {
    says: /Protocol not supported|requested NFS version or transport protocol is not supported/i,
    means: ({ server }) =>
      `${server} does not speak this version of NFS or this transport. Change the option vers or proto`,
  },
  {
    says: /incorrect mount option|Invalid argument|bad option|unknown (mount )?option/i,
    means: () =>
      "an option is not known to the guest's NFS client. Correct options (nfs(5) lists them)",
  },
  {
    says: /unknown filesystem type|No such device|fs type nfs4? not supported/i,
    means: () =>
      "the guest's kernel has no NFS client. Install the kernel's extra modules in the guest",
  },
  {
    says: /is busy|already mounted/i,
    means: ({ guestPath }) => `something is at work in ${guestPath}`,
  },
];

/** What mount itself said: services that it started beforehand may have written too. */
function ownWords(said: string): string {
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const own = lines.filter((line) => line.startsWith("mount"));
  return (own.length > 0 ? own : lines).join("; ");
}

/** Why a mount failed, for the user: the cause where it is known, and mount's own words. */
export function explainMountFailure(failure: MountFailure): string {
  const { source, server, guestPath, said, timeoutSeconds } = failure;
  const what = `${source} could not be mounted at ${guestPath}`;
  if (said === undefined) {
    return (
      `${what}: ${server} gave no answer within ${timeoutSeconds} s. Is it up, and is port 2049 open ` +
      "to the guest? (timeoutSeconds)"
    );
  }
  const words = ownWords(said);
  const means = causes.find(({ says }) => says.test(said))?.means(failure);
  return means === undefined
    ? `${what}: ${words || "mount gave no reason"}`
    : `${what}: ${means}. mount says: ${words}`;
}
