import { imagePaths } from "../paths";
import type { HostPaths } from "../paths";

import { call } from "./hostScript";

/** An image on a host, and who needs it. */
export interface ImageUse {
  readonly sha256: string;
  /** What is the same for every attempt of one resource, and no other's. */
  readonly user: string;
}

/** Notes the user, and prints `image there` or `image missing`. */
export function claimScript({ sha256, user }: ImageUse, host: HostPaths) {
  const { folder, users, file, lock } = imagePaths(sha256, host);
  return `
${call("lock", lock, user)}
# Twice, because the last user of another image takes the folder away.
{ ${call("mkdir", "-p", folder, users)} || ${call("mkdir", "-p", folder, users)}; } 2>/dev/null && : >${call(`${users}/${user}`)} || refuse ${call(`${folder} cannot be written`)}
if ${call("test", "-e", file)}; then echo "image there"; else echo "image missing"; fi
`;
}

/**
 * Takes the image from standard input. Each user brings it for itself: a transfer that nobody goes on
 * with, because its connection is gone and the host has not noticed, is in nobody else's way.
 */
export function uploadScript(use: ImageUse, host: HostPaths): string {
  const { partial, transfer } = transferPaths(use, host);
  return `
${call("lock", transfer, use.user)}
${call("dd", `of=${partial}`, "bs=1M", "iflag=fullblock", "conv=sparse", "status=none")} || { ${call("rm", "-f", partial)}; refuse "the image cannot be written; is the disk full?"; }
${keepIfRight(use, host)}`;
}

/** Fetches the image, by the host itself. */
export function fetchScript(
  use: ImageUse,
  url: string,
  timeoutSeconds: number,
  host: HostPaths,
): string {
  const { partial, transfer } = transferPaths(use, host);
  const fetch = [
    ...["curl", "-fsSL", "--connect-timeout", "20", "--retry", "2"],
    ...["--max-time", timeoutSeconds, "-o", partial, url],
  ];
  return `
${call("lock", transfer, use.user)}
said=$(${call(...fetch)} 2>&1) || { ${call("rm", "-f", partial)}; refuse "$said"; }
${keepIfRight(use, host)}`;
}

/**
 * Takes the user off, and the image with the last one. What a machine of the same stamp still starts
 * with stays: its update has failed, or it has not left for another host yet.
 */
export function releaseScript(use: ImageUse, host: HostPaths) {
  const { sha256, user } = use;
  const { folder, users, file, lock } = imagePaths(sha256, host);
  const { partial, transfer } = transferPaths(use, host);
  const [stampId = ""] = user.split("-");
  return `
${call("lock", transfer, user)}
${call("rm", "-f", partial, transfer)}
for record in ${call(host.root)}/machines/*/machine.json; do
  [ "$(owner "$record")" != ${call(stampId)} ] || ! grep -qF ${call(JSON.stringify(file))} "$record" || exit 0
done
${call("lock", lock, user)}
${call("rm", "-f", `${users}/${user}`)}
if rmdir ${call(users)} 2>/dev/null || ! [ -d ${call(users)} ]; then ${call("rm", "-f", file, lock)}; fi
${call("rmdir", folder, host.run)} 2>/dev/null || :
`;
}

/** Takes all users of a stamp off, like {@link releaseScript}; a machine of it is gone by then. */
export function releaseAllScript(stampId: string, host: HostPaths): string {
  const { folder } = imagePaths("", host);
  return `
for use in ${call(folder)}/users-*/${call(stampId)}-*; do
  [ -e "$use" ] || continue
  (
    users=\${use%/*} sha=\${use%/*}; sha=\${sha##*/users-}
    lock ${call(host.run)}"/image-$sha.lock" "\${use##*/}"
    rm -f "$use"
    if rmdir "$users" 2>/dev/null; then rm -f ${call(folder)}"/sha256-$sha" ${call(host.run)}"/image-$sha.lock"; fi
  ) || exit $?
done
${call("rmdir", folder)} 2>/dev/null || :`;
}

/** Prints `image there` or `image missing`. */
export function lookScript({ sha256 }: ImageUse, host: HostPaths): string {
  const { file } = imagePaths(sha256, host);
  return `if ${call("test", "-e", file)}; then echo "image there"; else echo "image missing"; fi`;
}

/** A file on the host that is somebody else's: it only has to be there. */
export function presentScript(path: string): string {
  return `if ${call("test", "-f", path)}; then echo "image there"; else echo "image missing"; fi`;
}

/** What one user has of the image, until it is whole. */
function transferPaths({ sha256, user }: ImageUse, host: HostPaths) {
  const { folder } = imagePaths(sha256, host);
  const name = `${sha256.slice(0, 16)}-${user}`;
  return {
    partial: `${folder}/partial-${name}`,
    transfer: `${host.run}/transfer-${name}.lock`,
  };
}

function keepIfRight(use: ImageUse, host: HostPaths): string {
  const { sha256 } = use;
  const { file } = imagePaths(sha256, host);
  const { partial } = transferPaths(use, host);
  return `
found=$(${call("sha256sum", partial)} | cut -d ' ' -f 1)
if [ "$found" != ${call(sha256)} ]; then
  ${call("rm", "-f", partial)}
  refuse "the content has the SHA-256 $found, must have "${call(sha256)}
fi
${call("chmod", "644", partial)} && ${call("sync", partial)} && ${call("mv", partial, file)} || refuse "the image cannot be kept"
echo "image there"
`;
}
